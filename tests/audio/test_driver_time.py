"""What a driver says of its time is believed by the call that came soonest."""

import pytest

from antiphon.audio.driver_time import SET_CALLS, DriverTime


def test_how_late_a_call_comes_does_not_matter():
    time, late_s = DriverTime(), [0.0003, 0.021, 0.0002, 0.004, 0.0004] * 20
    apart = [time.apart_s(at * 0.08, 500.0 + at * 0.08 + late_s[at]) for at in range(len(late_s))]
    assert apart[0] == pytest.approx(500.0003)
    assert apart[2:] == pytest.approx([500.0002] * len(apart[2:]), abs=5e-6)


def test_a_clock_that_is_set_forward_is_followed_at_once():
    time = DriverTime()
    time.apart_s(10.0, 500.0)
    assert time.apart_s(11.08, 500.08) == pytest.approx(489.0)


def test_a_clock_that_is_set_back_is_followed_at_once():
    time = DriverTime()
    time.apart_s(10.0, 500.0)
    assert time.apart_s(9.08, 500.08) == pytest.approx(491.0)


def test_a_clock_that_is_set_back_by_little_is_followed_within_some_calls():
    time = DriverTime()
    time.apart_s(10.0, 500.0)
    apart = [time.apart_s(9.95 + at * 0.02, 500.0 + at * 0.02) for at in range(SET_CALLS)]
    assert apart[0] == pytest.approx(490.0, abs=1e-4)
    assert apart[-1] == pytest.approx(490.05, abs=1e-4)


def test_clocks_that_run_apart_are_followed():
    time = DriverTime()
    apart = [time.apart_s(at * 0.08 * (1 - 3e-6), 500.0 + at * 0.08) for at in range(50_000)]
    assert apart[-1] == pytest.approx(500.0 + 50_000 * 0.08 * 3e-6, abs=1e-5)
