"""Muted is muted: of what the microphone heard, nothing is left in the memory of the process."""

import subprocess

import pytest

from antiphon.pcm import frames_in
from antiphon.simulator.room import Room, wait_for_frame
from appliance import canary
from appliance.scenery import LONG_REPLY, QUESTION, WAKE, assert_closes, ends_well, story
from appliance.test_hands import MUTE, TALK, at_the_pins, for_a_while, hold, release

pytestmark = pytest.mark.appliance

LISTENING_MS = 800
MICRO = 'wake.words=[{"engine":"microwakeword","model":"hey_jarvis"}]'
LAN = {"simulate": None, "lan": ["--quick"]}


def may_look():
    """Whether the kernel lets us look into a child's memory, as it does unless it was told not to."""
    with subprocess.Popen(["/bin/cat"], stdin=subprocess.PIPE) as child:
        try:
            canary.copies_in(child.pid)
        except PermissionError:
            return False
    return True


LOOKS = pytest.mark.skipif(not may_look(), reason="the kernel lets nobody look into a process's memory here")


@LOOKS
@pytest.mark.parametrize(
    ("rate_hz", "settings", "services"),
    [
        (48_000, ["microphone.block_ms=20", "realtime.turn_detection=own"], {}),
        (44_100, [MICRO], {}),
        (16_000, ["links=[generate]"], LAN),
    ],
)
def test_nothing_that_was_heard_is_left_in_memory(rate_hz, settings, services):
    """In the midst of a turn: pre-roll, utterance, queues, what the libraries copied, and what any of them let go of.

    Asleep it is found everywhere, so the search does find what is there.
    """
    with at_the_pins(*settings, room=Room(mic_rate_hz=rate_hz), **services) as stage:
        first = stage.room.say(canary.sound(rate_hz, 30.0))
        wait_for_frame(stage.room.mic, first + 2 * rate_hz, timeout_s=60)
        assert sum(copy.samples for copy in canary.copies_in(stage.daemon.pid)) > 8000
        hold(stage, TALK)
        stage.daemon.wait_for("listening")
        release(stage, TALK)
        for_a_while(stage, LISTENING_MS)
        mute(stage)
        assert_nothing_is_left(stage)
        assert ends_well(stage)


@LOOKS
def test_nothing_that_was_heard_over_a_reply_is_left_in_memory():
    """The cancellers have heard it too, and those who judge them."""
    with at_the_pins("echo.cancel=software", replies=(LONG_REPLY,)) as stage:
        stage.speak(WAKE, QUESTION)
        stage.daemon.wait_for("sounded")
        rate_hz = stage.room.mic.rate_hz
        first = stage.room.say(canary.sound(rate_hz, 30.0))
        wait_for_frame(stage.room.mic, first + frames_in(LISTENING_MS, rate_hz), timeout_s=60)
        mute(stage)
        assert_nothing_is_left(stage)
        assert ends_well(stage)


def mute(stage):
    hold(stage, MUTE)
    stage.daemon.wait_for("deaf", why="mute")
    stage.daemon.wait_for("ear-closed")
    stage.daemon.wait_for("call-over")
    assert_closes(stage.room.mic)


def assert_nothing_is_left(stage):
    left = canary.copies_in(stage.daemon.pid)
    assert not left, "\n".join(map(str, left))
    assert story(stage).count("ear-opened") == 1
