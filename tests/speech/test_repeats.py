"""A frame that came before is known, for long and not for ever, whatever came between."""

import pytest

from antiphon.speech.repeats import MEMORY, Repeats


def frame(number):
    return f'{{"event_id": "e{number}", "type": "x"}}'


@pytest.mark.parametrize("spelled", [str, str.encode])
def test_what_came_before_is_known(spelled):
    repeats = Repeats()
    frames = [spelled(frame(number)) for number in (1, 2, 1, 3, 3, 2)]
    assert [repeats.has(one) for one in frames] == [False, False, True, False, True, True]


def test_what_has_no_id_may_be_another():
    repeats = Repeats()
    assert [repeats.has('{"type": "x"}') for _ in range(3)] == [False] * 3


def test_it_does_not_remember_for_ever():
    repeats = Repeats()
    assert not any(repeats.has(frame(number)) for number in range(MEMORY + 1))
    assert repeats.has(frame(1))
    assert not repeats.has(frame(0))
    assert len(repeats._seen) == len(repeats._order) == MEMORY
