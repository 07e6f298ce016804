"""When a server may be sent speech, and for how long it may keep silent first."""

import pytest

from antiphon.links.generate.known import Known
from antiphon.links.generate.seats import LONGEST_S, MOST_LEFT


def spoken(took_s=2.0):
    known = Known()
    known.spoke(took_s)
    return known


def test_at_first_nothing_is_known():
    known = Known()
    assert not known.ready(0.0)
    assert not known.full(0.0)


def test_one_that_has_spoken_may_be_sent_speech():
    assert spoken().ready(0.0)


def test_unless_it_is_busy_with_what_nobody_hears():
    known = spoken()
    for _ in range(MOST_LEFT):
        assert known.ready(1.0)
        known.seats.leave(0.0, 1.0, 1.0)
    assert known.full(1.0)
    assert not known.ready(1.0)
    assert known.ready(LONGEST_S + 1)


@pytest.mark.parametrize(("waited_s", "speaks"), [(1.9, True), (2.0, False), (60.0, False)])
def test_only_one_that_had_its_time_is_in_doubt_when_it_is_given_up(waited_s, speaks):
    known = spoken(took_s=2.0)
    known.given_up(waited_s)
    assert known.speaks is speaks


def test_one_that_was_in_doubt_stays_so():
    known = Known()
    known.given_up(0.0)
    assert not known.speaks


@pytest.mark.parametrize(
    ("took_s", "word_ms"), [(0.0, 7500.0), (1.4, 7500.0), (3.75, 7500.0), (5.0, 10_000.0), (10.0, 15_000.0)]
)
def test_a_word_may_take_half_of_a_turn_or_twice_what_it_took_before(took_s, word_ms):
    assert spoken(took_s).word_ms(15_000.0) == word_ms
