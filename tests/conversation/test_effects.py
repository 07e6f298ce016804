"""Effects are immutable wishes, all in the union, and tests may compare them."""

import dataclasses
import inspect
import typing

import pytest

from antiphon.conversation import effects

EFFECTS = typing.get_args(effects.Effect)
CLASSES = [thing for _, thing in inspect.getmembers(effects, inspect.isclass) if thing.__module__ == effects.__name__]


def test_every_class_of_the_file_is_an_effect_or_part_of_one():
    assert set(EFFECTS) == set(CLASSES) - {effects.ToolOutput}


@pytest.mark.parametrize("kind", EFFECTS, ids=lambda kind: kind.__name__)
def test_an_effect_is_a_frozen_wish_that_says_what_it_means(kind):
    assert kind.__dataclass_params__.frozen
    assert dataclasses.is_dataclass(kind)
    assert kind.__doc__
    assert not kind.__doc__.startswith(f"{kind.__name__}(")


def test_effects_compare_by_value():
    assert effects.SendAudio(1, b"ab") == effects.SendAudio(1, b"ab")
    assert effects.SendAudio(1, b"ab") != effects.SendAudio(2, b"ab")
    assert effects.Play("r", b"") != effects.Hush("r")


def test_a_note_is_information_unless_it_says_more():
    assert effects.Note("woke").level == "info"
    assert effects.Note("woke").fields == ()
