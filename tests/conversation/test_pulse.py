"""The pulse: three questions without an answer, and the call is dead."""

import pytest

from antiphon.conversation.pulse import Pulse


def run(pulse, *, until, answered=lambda asked: False):
    """Each thing that is due, with its time; `answered` says which questions are."""
    told = []
    while pulse.deadline is not None and pulse.deadline <= until:
        now = pulse.deadline
        due = pulse.tick(now)
        told.append((round(now, 3), due))
        if due == "dead":
            break
        if answered(len(told)):
            pulse.alive(1)
    return told


def test_without_a_call_nothing_is_due():
    pulse = Pulse(1.2)
    assert pulse.deadline is None
    assert pulse.tick(99.0) is None


def test_a_silent_call_is_asked_three_times_and_is_dead_at_the_limit():
    pulse = Pulse(1.2)
    pulse.watch(1, 10.0)
    assert run(pulse, until=99.0) == [(10.3, "ask"), (10.6, "ask"), (10.9, "ask"), (11.2, "dead")]


def test_a_call_that_answers_lives():
    pulse = Pulse(1.2)
    pulse.watch(1, 0.0)
    assert {due for _, due in run(pulse, until=60.0, answered=lambda asked: True)} == {"ask"}


@pytest.mark.parametrize("last", [1, 5, 9])
def test_from_its_death_on_it_takes_no_longer_than_the_limit(last):
    """The answer to question `last` is the last one: it dies some time before the next."""
    pulse = Pulse(1.2)
    pulse.watch(1, 0.0)
    told = run(pulse, until=60.0, answered=lambda asked: asked <= last)
    assert told[-1][1] == "dead"
    assert told[-1][0] - told[last - 1][0] == pytest.approx(1.2)


def test_the_life_of_another_call_is_none_of_this_one():
    pulse = Pulse(1.2)
    pulse.watch(2, 0.0)
    assert run(pulse, until=60.0, answered=lambda asked: True)[-1][1] == "dead"


def test_another_call_begins_anew_and_the_same_goes_on():
    pulse = Pulse(1.2)
    pulse.watch(1, 0.0)
    assert [pulse.tick(at) for at in (0.3, 0.6, 0.9)] == ["ask"] * 3
    pulse.watch(1, 1.0)
    assert pulse.deadline == pytest.approx(1.2)
    pulse.watch(2, 1.0)
    assert pulse.deadline == pytest.approx(1.3)
    pulse.watch(None, 1.1)
    assert pulse.deadline is None


def test_one_question_is_not_enough_however_late_it_is():
    pulse = Pulse(1.2)
    pulse.watch(1, 0.0)
    assert pulse.tick(500.0) == "ask"
    assert pulse.deadline == pytest.approx(500.3)
