"""Microphone and speaker are pulled, and plugged in again; the sound server dies: it is told, and the next turn hears.

A pulled card hangs PortAudio, and the program begins anew in the same process; a sound server that dies hangs nobody.
"""

from contextlib import contextmanager

import numpy as np
import pytest

from antiphon.pcm import frames_in
from antiphon.simulator.room import wait_for_frame
from antiphon.simulator.speech import synthesise
from antiphon.staging import Stage
from appliance.scenery import (
    LONG_REPLY,
    PATIENCE_S,
    QUESTION,
    REPLY,
    SETTINGS,
    WAKE,
    assert_closes,
    assert_no_word_lost,
    ends_well,
    last_session,
    staged,
    story,
    take_turn,
)
from appliance.test_hands import MUTE, at_the_pins, hold
from sound_server import RATE_HZ, SoundServer, missing

pytestmark = pytest.mark.appliance


def pulled(stage, *ends):
    """The cables are out, and it is told; which line that was."""
    told = len(stage.daemon.lines)
    for end in ends:
        end.unplug()
    stage.daemon.wait_for("problem", told, fault="device")
    return told


def back(stage, told, *ends):
    """The cables are in again, and it hears; a life that began anew is the same process's."""
    for end in ends:
        end.replug()
    at = max([told, *(stage.daemon.lines.index(line) for line in stage.daemon.said("starting", told))])
    stage.daemon.wait_for("ear-opened", at, PATIENCE_S)
    assert {line["pid"] for line in stage.daemon.said("starting")} == {stage.daemon.pid}


def assert_answers(stage):
    """The next turn, to the sample."""
    turn = take_turn(stage)
    assert ends_well(stage)
    assert_no_word_lost(stage, turn, last_session(stage))


# ── cables ───────────────────────────────────────────────────────────────────────────────────────


def test_a_microphone_that_is_pulled_hangs_and_the_program_begins_anew_in_the_same_process():
    with staged() as stage:
        told = pulled(stage, stage.room.mic)
        stage.daemon.wait_for("starting", told)
        assert [line["why"] for line in stage.daemon.said("begin-anew", told)] == ["the sound system hangs"]
        stage.daemon.wait_for("ready", told)
        back(stage, told, stage.room.mic)
        assert_answers(stage)


@pytest.mark.parametrize(("when", "ends"), [("listening", ("mic",)), ("sounded", ("mic", "spk"))])
def test_what_is_pulled_in_a_turn_is_told_and_hears_again(when, ends):
    with staged(replies=(LONG_REPLY,)) as stage:
        cables = [getattr(stage.room, end) for end in ends]
        stage.speak(WAKE, QUESTION)
        stage.daemon.wait_for(when)
        told = pulled(stage, *cables)
        stage.daemon.wait_for("asleep", told, PATIENCE_S)
        back(stage, told if "mic" in ends else 0, *cables)
        assert_answers(stage)


def test_a_muted_device_begins_anew_muted():
    """The speaker is pulled while it plays the chime of muting."""
    with at_the_pins("speaker.chimes=true") as stage:
        hold(stage, MUTE)
        stage.daemon.wait_for("ear-closed")
        stage.daemon.tell(f"{MUTE} up")
        wait_for_frame(stage.room.spk, stage.room.spk.now_frame(), PATIENCE_S)
        told = pulled(stage, stage.room.spk)
        stage.daemon.wait_for("starting", told, PATIENCE_S)
        stage.daemon.wait_for("ready", told)
        stage.room.spk.replug()
        assert_closes(stage.room.mic)
        assert "ear-opened" not in story(stage, told)
        hold(stage, MUTE)
        stage.daemon.wait_for("asleep", told, why="unmuted")
        stage.daemon.tell(f"{MUTE} up")
        assert_answers(stage)


def test_a_speaker_that_is_found_later_is_heard():
    """There was none when the microphone was opened, since when PortAudio looks for no more: the microphone pauses."""
    with staged() as stage:
        stage.room.spk.unplug()
        told = pulled(stage, stage.room.mic)
        stage.room.mic.replug()
        stage.daemon.wait_for("starting", told)
        stage.daemon.wait_for("ear-opened", told)
        stage.room.spk.replug()
        take_turn(stage)  # some tens of milliseconds of its speech were not heard, as the speaker was found
        assert_answers(stage)


# ── the sound server ─────────────────────────────────────────────────────────────────────────────

needs_a_sound_server = pytest.mark.skipif(bool(missing()), reason=f"Debian's packages are missing: {missing()}")


@contextmanager
def on_a_server(reply=REPLY):
    quick = ["--quick", "--reply", reply]
    with (
        SoundServer() as server,
        Stage(settings=SETTINGS, simulate=quick, environ=server.environment()) as stage,
    ):
        yield stage, server


def say(server, *texts):
    """One after the other, and silence after."""
    pause = np.zeros(frames_in(400, RATE_HZ), np.int16)
    server.say(np.concatenate([part for text in texts for part in (synthesise(text, "slt", RATE_HZ), pause)]))


def assert_answers_there(stage, server):
    after = len(stage.daemon.lines)
    say(server, f"{WAKE}.", QUESTION)
    stage.daemon.wait_for("heard", after, PATIENCE_S)
    stage.daemon.wait_for("asleep", after, PATIENCE_S)
    assert ends_well(stage)


@needs_a_sound_server
@pytest.mark.parametrize("when", ["ready", "sounded"])
def test_a_sound_server_that_dies_and_comes_back_is_heard_again(when):
    """Nothing hangs in it: it is the same life that hears."""
    with on_a_server(LONG_REPLY) as (stage, server):
        if when != "ready":
            say(server, f"{WAKE}.", QUESTION)
            stage.daemon.wait_for(when, timeout_s=PATIENCE_S)
        told = len(stage.daemon.lines)
        server.kill()
        stage.daemon.wait_for("problem", told, fault="device")
        stage.daemon.wait_for("asleep", told)
        server.start()
        stage.daemon.wait_for("ear-opened", told)
        assert len(stage.daemon.said("starting")) == 1
        assert_answers_there(stage, server)


@needs_a_sound_server
def test_a_sound_server_that_stands_still_hangs_the_daemon_no_longer_than_itself():
    with on_a_server() as (stage, server):
        told = len(stage.daemon.lines)
        server.stand_still()
        stage.daemon.wait_for("problem", told, fault="device")
        stage.daemon.wait_for("starting", told, PATIENCE_S)
        server.go_on()
        stage.daemon.wait_for("ear-opened", told, PATIENCE_S)
        assert_answers_there(stage, server)
