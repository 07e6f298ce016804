"""What a request is to the model, and what it dies of."""

import numpy as np
import pytest

from antiphon.simulator.voxserve.fields import Asked
from antiphon.simulator.voxserve.form import Upload
from antiphon.simulator.voxserve.prompt import prompt_of
from simulator.voxserve.bench import tone, wav


def speech(samples):
    return prompt_of(Asked(text="ignored", audio=Upload("a", wav(samples))))


def test_speech_is_heard_and_the_text_ignored():
    prompt = speech(tone(1.5))
    assert prompt.doom == ""
    assert prompt.answer == "This is the local server. I heard one point five seconds."
    assert len(prompt.sound.samples) == 24_000


def test_no_frames_are_an_empty_turn():
    assert speech(tone(0)).answer == "This is the local server. I heard nothing."


def test_text_is_a_turn():
    assert prompt_of(Asked(text="Hi.")).answer.endswith("You wrote: Hi.")


@pytest.mark.parametrize(("seconds", "dies"), [(60, False), (79, False), (80, True)])
def test_more_than_79_seconds_kill(seconds, dies):
    prompt = speech(np.zeros(seconds * 16_000, np.int16))
    assert bool(prompt.doom) is dies
    assert len(prompt.sound.samples) == seconds * 16_000


@pytest.mark.parametrize(
    ("asked", "why"),
    [
        (Asked(audio=Upload("a", b"")), "the file is empty"),
        (Asked(text="word " * 1000), "tokens is more than 1017"),
        (Asked(extras=("language",)), "knows no language"),
    ],
)
def test_what_it_dies_of(asked, why):
    assert why in prompt_of(asked).doom
