"""A snapshot is a value: who shows it can tell whether anything has changed."""

import pytest

from antiphon.conversation.states import State
from antiphon.snapshot import Snapshot


def test_equal_moments_are_equal_and_others_are_not():
    moment = Snapshot(State.ASLEEP, 1.0, "open", deaf=False)
    assert moment == Snapshot(State.ASLEEP, 1.0, "open", deaf=False, problem="")
    for other in (
        Snapshot(State.DEAF, 1.0, "open", deaf=False),
        Snapshot(State.ASLEEP, 2.0, "open", deaf=False),
        Snapshot(State.ASLEEP, 1.0, "failing", deaf=False),
        Snapshot(State.ASLEEP, 1.0, "open", deaf=True),
        Snapshot(State.ASLEEP, 1.0, "open", deaf=False, via="generate nas:8000"),
        Snapshot(State.ASLEEP, 1.0, "open", deaf=False, fallback=True),
        Snapshot(State.ASLEEP, 1.0, "open", deaf=False, volume=40),
        Snapshot(State.ASLEEP, 1.0, "open", deaf=False, volume_shown=True),
        Snapshot(State.ASLEEP, 1.0, "open", deaf=False, switched_off=True),
        Snapshot(State.ASLEEP, 1.0, "open", deaf=False, call=1),
        Snapshot(State.ASLEEP, 1.0, "open", deaf=False, problem="The network is gone"),
        Snapshot(State.ASLEEP, 1.0, "open", deaf=False, ringing="tea"),
    ):
        assert moment != other


def test_it_does_not_change_under_who_looks_at_it():
    with pytest.raises(AttributeError):
        Snapshot(State.ASLEEP, 1.0, "open", deaf=False).deaf = True
