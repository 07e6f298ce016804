"""A text that is to be said: from the control socket, by the speech service, to the room."""

import numpy as np
import pytest

from antiphon.controlling import ask
from antiphon.simulator.speech import synthesise
from appliance.scenery import staged, take_turn

pytestmark = pytest.mark.appliance

TEXT = "The washing machine has finished."
NO_CHIMES = "speaker.chimes=false"
ALL_AT_ONCE = ("speaker.jitter_ms=2000", "speaker.jitter_max_ms=2000")
"""It begins when all of it has come: on a busy machine too it is heard without a gap."""


def say(stage, text):
    return ask([stage.control], {"do": "say", "text": text})


def heard(stage):
    """What the room has heard up to now, from its first sound to its last."""
    samples = stage.room.spk.read(0, stage.room.spk.now_frame())
    sounding = np.flatnonzero(samples)
    return samples[sounding[0] : sounding[-1] + 1] if len(sounding) else samples[:0]


def assert_said(stage, text):
    spoken = np.trim_zeros(synthesise(text, "slt", 24_000))  # the voice of speech.voice, as the simulator has it
    assert np.array_equal(heard(stage), spoken)


def test_the_room_hears_the_text_to_its_end_before_who_asked_is_told():
    with staged(NO_CHIMES, *ALL_AT_ONCE) as stage:
        assert say(stage, TEXT) == {"ok": True}
        assert_said(stage, TEXT)
        assert [line["status"] for line in stage.service.said("speech")] == [200]
        take_turn(stage)  # and all else works as before


def test_why_nothing_was_said_is_told_in_words():
    with staged(NO_CHIMES, simulate=("--fault", "speech-status=451")) as stage:
        refusal = say(stage, TEXT)
        assert not refusal["ok"]
        assert "for its content rules (451)" in refusal["why"]
        assert len(heard(stage)) == 0
        take_turn(stage)


def test_without_a_key_nothing_can_speak():
    with staged(NO_CHIMES, "links=[generate]", simulate=None, lan=("--quick",)) as stage:
        refusal = say(stage, TEXT)
        assert not refusal["ok"]
        assert "Nothing here can speak" in refusal["why"]
