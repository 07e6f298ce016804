"""Events are immutable values, all in the union, and each is handled by the machine."""

import dataclasses
import inspect
import typing

import pytest

from antiphon.conversation import events
from antiphon.conversation.machine import Machine

EVENTS = typing.get_args(events.Event)
CLASSES = [thing for _, thing in inspect.getmembers(events, inspect.isclass) if thing.__module__ == events.__name__]


def test_every_class_of_the_file_is_an_event_or_part_of_one():
    assert set(EVENTS) == set(CLASSES) - {events.SpeechStyle}
    assert len(EVENTS) == len(set(EVENTS))


@pytest.mark.parametrize("kind", EVENTS, ids=lambda kind: kind.__name__)
def test_an_event_is_a_frozen_fact_that_says_what_it_means(kind):
    assert dataclasses.is_dataclass(kind)
    assert kind.__dataclass_params__.frozen
    assert "__slots__" in vars(kind)
    assert kind.__doc__
    assert not kind.__doc__.startswith(f"{kind.__name__}(")


def test_link_events_are_those_that_carry_a_call():
    with_call = {kind for kind in EVENTS if "call" in {field.name for field in dataclasses.fields(kind)}}
    assert set(typing.get_args(events.LinkEvent)) == with_call


def test_the_machine_handles_every_event():
    handled = set(inspect.getattr_static(Machine, "_on").dispatcher.registry) - {object}
    assert handled == set(EVENTS)
