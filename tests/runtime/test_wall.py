"""The clock on the wall: local time, daylight saving and time zones, and a clock that was never set."""

import time
from datetime import datetime

import pytest

from antiphon.runtime.wall import local_time, second_of_day

JUNE, JANUARY = 1_782_000_000, 1_768_500_000  # 2026-06-21 00:00:00 and 2026-01-15 18:00:00 UTC


@pytest.fixture
def zone(monkeypatch):
    yield lambda name: monkeypatch.setenv("TZ", name)
    monkeypatch.undo()
    time.tzset()


def at(posix_s):
    return second_of_day(lambda: time.localtime(posix_s))


def test_it_is_local_time_with_its_daylight_saving(zone):
    zone("CET-1CEST,M3.5.0,M10.5.0/3")
    assert at(JUNE) == 2 * 3600
    assert at(JANUARY + 61) == 19 * 3600 + 61


def test_a_new_time_zone_needs_no_new_start(zone):
    zone("UTC0")
    assert at(JUNE) == 0
    zone("JST-9")
    assert at(JUNE) == 9 * 3600


def test_a_clock_that_was_never_set_tells_nothing(zone):
    zone("UTC0")
    assert at(3 * 3600) is None
    assert at(1_700_000_000) is None


def test_the_real_clock_is_asked():
    assert second_of_day() in range(24 * 3600)


def test_the_local_time_has_its_zone_and_is_none_before_the_clock_is_set(zone):
    zone("JST-9")
    moment = local_time(lambda: datetime.fromtimestamp(JUNE).astimezone())
    assert (moment.hour, moment.tzname()) == (9, "JST")
    assert local_time(lambda: datetime.fromtimestamp(3600).astimezone()) is None
    assert local_time().tzinfo is not None
