"""Liveness: what must move for the watchdog to be fed."""

from dataclasses import replace

import pytest

from antiphon.runtime.liveness import Liveness, Progress

BEFORE = Progress(ear=100, mouth=50, posted=30, handled=30)


def verdict(now: Progress, before: Progress = BEFORE) -> bool:
    liveness = Liveness()
    liveness.advanced(before)
    return liveness.advanced(now)


def test_an_appliance_lives_while_all_of_it_advances():
    assert verdict(replace(BEFORE, ear=101, mouth=51))


@pytest.mark.parametrize("hangs", ["ear", "mouth"])
def test_a_thread_that_hangs_in_a_driver_is_no_life(hangs):
    assert not verdict(replace(BEFORE, **({"ear": 101, "mouth": 51} | {hangs: getattr(BEFORE, hangs)})))


@pytest.mark.parametrize(("handled", "lives"), [(34, False), (35, True), (40, True)])
def test_a_mind_must_have_handled_what_was_waiting_at_the_last_look(handled, lives):
    before = replace(BEFORE, posted=35)
    assert verdict(Progress(ear=101, mouth=51, posted=60, handled=handled), before) is lives


def test_each_look_is_compared_with_the_one_before_it():
    liveness = Liveness()
    looks = [liveness.advanced(replace(BEFORE, ear=step, mouth=step)) for step in (100, 101, 101, 102)]
    assert looks == [True, True, False, True]


def test_what_has_never_moved_is_no_life():
    assert not Liveness().advanced(Progress())
