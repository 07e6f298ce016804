"""Liveness: what must move for the watchdog to be fed."""

from dataclasses import replace

import pytest

from antiphon.runtime.liveness import Liveness, Progress

BEFORE = Progress(ear=100, mouth=50, posted=30, handled=30)


def verdict(now: Progress, before: Progress = BEFORE) -> bool:
    liveness = Liveness()
    liveness.advanced(before)
    return liveness.advanced(now)


def test_an_idle_appliance_lives_by_its_ear():
    assert verdict(replace(BEFORE, ear=101))
    assert not verdict(BEFORE)


def test_an_ear_that_is_closed_on_purpose_may_rest():
    assert verdict(replace(BEFORE, deaf=True))


def test_a_mouth_must_move_only_while_it_plays():
    heard = replace(BEFORE, ear=101, playing=True)
    assert not verdict(heard)
    assert verdict(replace(heard, mouth=51))
    assert verdict(replace(heard, playing=False))


@pytest.mark.parametrize(("handled", "lives"), [(34, False), (35, True), (40, True)])
def test_a_mind_must_have_handled_what_was_waiting_at_the_last_look(handled, lives):
    before = replace(BEFORE, posted=35)
    assert verdict(Progress(ear=101, mouth=50, posted=60, handled=handled), before) is lives


def test_each_look_is_compared_with_the_one_before_it():
    liveness = Liveness()
    looks = [liveness.advanced(replace(BEFORE, ear=ear)) for ear in (100, 101, 101, 102)]
    assert looks == [True, True, False, True]


def test_an_ear_that_has_never_heard_is_no_life():
    assert not Liveness().advanced(Progress())
