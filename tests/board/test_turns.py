"""Conversations on a real card and real lines: what was asked is what arrives, what is answered is what sounds."""

import numpy as np
import pytest

from antiphon.pcm import WAKE_RATE_HZ, frames_in, samples_of
from antiphon.simulator import chirps
from antiphon.simulator.speech import synthesise
from appliance.scenery import places_of, sound_of
from board.appliance import MUTE, TALK
from board.patience import when_busy_again

pytestmark = pytest.mark.board

REPLY = "Yes."
HZ = WAKE_RATE_HZ


def pause(ms):
    return np.zeros(frames_in(ms, HZ), np.int16)


def marked(*parts):
    """A sound with the numbered code under it, so that a missing sample is seen."""
    sound = np.concatenate(parts)
    code = chirps.code(len(sound), HZ, level_db=-60)
    return np.clip(sound.astype(np.int32) + code, -32768, 32767).astype(np.int16)


def question(*, wake):
    words = [synthesise("Hey Jarvis.", "slt", HZ), pause(400)] if wake else []
    return marked(pause(1200), *words, synthesise("What time is it?", "slt", HZ), pause(3000))


def received(appliance):
    """What the service has heard in its newest call that is over, at 24 kHz."""
    import wave

    appliance.machine.get(
        "systemctl stop cloud; cp $(ls -t /var/lib/cloud/session-*.wav | head -n 1) sent.wav; sync sent.wav"
    )
    with wave.open(str(appliance.machine.share / "sent.wav"), "rb") as file:
        return samples_of(file.readframes(file.getnframes())), file.getframerate()


def assert_no_word_is_lost(appliance, asked):
    """From the first word to the last, every sample has reached the service."""
    verdict = chirps.compare(asked, HZ, *received(appliance))
    assert verdict.whole, str(verdict)
    appliance.machine.get("systemctl start cloud")
    return verdict


@when_busy_again
def test_a_turn_by_wake_word(appliance, room, table):
    asked = question(wake=True)
    recording = room.record(10)
    saying = room.say(asked, HZ)
    told = {entry["what"]: entry for entry in appliance.told("asleep", 30, after="speaking")}
    assert saying.end().status == 0
    assert places_of(sound_of(REPLY), recording.end()), "the reply did not sound as it was sent"
    assert told["heard"]["heard_ms"] == told["heard"]["length_ms"]
    verdict = assert_no_word_is_lost(appliance, asked)
    thinking_ms = 1000 * (told["sounded"]["t"] - told["turn-over"]["t"])
    lost = f"{verdict.lost_frames} samples of the question lost"
    words = f"reply as sent, to the sample; {lost}; answered in {thinking_ms:.0f} ms"
    table.add("turn", "by wake word", words, lost=verdict.lost_frames, thinking_ms=thinking_ms)


@when_busy_again
def test_a_turn_by_button(appliance, room, pi, table):
    recording = room.record(10)
    pi.tap(TALK)
    told = appliance.told("listening", 10)
    saying = room.say(question(wake=False), HZ)
    told += appliance.told("asleep", 30, after="speaking")
    assert saying.end().status == 0
    assert "talk" in [entry["what"] for entry in told]
    assert "woke" not in [entry["what"] for entry in told]
    assert places_of(sound_of(REPLY), recording.end()), "the reply did not sound as it was sent"
    table.add("turn", "by button", "a line pulled to ground; reply as it was sent, to the sample")


@when_busy_again
def test_muting_closes_the_card(appliance, pi, table):
    """By the button: the kernel says that nobody has the capture side open."""
    status = "cat /proc/asound/card0/pcm0c/sub0/status"
    assert "RUNNING" in appliance.machine.get(status)
    pi.tap(MUTE)
    appliance.told("deaf", 10)
    assert appliance.machine.get(status) == "closed"
    pi.tap(MUTE)
    appliance.told("asleep", 10)
    assert "RUNNING" in appliance.machine.get(status)
    table.add("turn", "mute, by button", "the kernel's card says: closed")
