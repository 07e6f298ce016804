"""The control socket on the whole appliance: `antiphon status` and its orders, each a process of its own."""

import json

import pytest

from appliance.scenery import (
    LONG_REPLY,
    QUESTION,
    WAKE,
    assert_closes,
    assert_no_word_lost,
    ends_well,
    say,
    sent,
    staged,
    story,
    take_turn,
)
from verbs import ALONE, antiphon

pytestmark = pytest.mark.appliance


def order(stage, *words):
    """What the verb said, and how it ended."""
    done = antiphon(*words, *ALONE, "--socket", stage.control)
    return done.returncode, done.stdout + done.stderr


def status(stage):
    ended, told = order(stage, "status", "--json")
    assert ended == 0, told
    return json.loads(told)


def test_listen_now_begins_a_turn_and_the_status_follows():
    with staged() as stage:
        asleep = status(stage)
        assert (asleep["state"], asleep["pid"]) == ("asleep", stage.daemon.pid)
        assert asleep["link"] == {"name": "realtime", "health": "open", "fallback": False, "call": 1}
        assert asleep["microphone"]["open"]
        assert -96 <= asleep["microphone"]["level_db"] <= asleep["microphone"]["loudest_db"] < -40
        assert asleep["wake_words"] == ["hey_jarvis"]
        assert asleep["counters"]["turns"] == 0
        assert order(stage, "listen-now") == (0, "")
        listening = stage.daemon.wait_for("listening")
        spoken = say(stage, QUESTION)
        stage.daemon.wait_for("heard")
        stage.daemon.wait_for("asleep")
        ended, told = order(stage, "status")
        assert ended == 0
        assert "wakes 0, turns 1, replies 1, interruptions 0, calls opened 1" in told
        assert ends_well(stage)
        assert "woke" not in story(stage)
        assert listening["during"] == {"state": "listening", "link": "realtime", "call": 1}
        verdict = stage.verdict(spoken, sent(stage, 0))
        assert verdict.whole, str(verdict)
        assert verdict.first_frame <= spoken.first_frame
        assert not stage.control.exists()


def test_mute_and_unmute_close_and_open_the_microphone():
    with staged() as stage:
        assert order(stage, "mute") == (0, "")
        stage.daemon.wait_for("deaf")
        assert_closes(stage.room.mic)
        muted = status(stage)
        assert muted["state"] == "deaf"
        assert muted["microphone"]["muted"]
        assert not muted["microphone"]["open"]
        assert muted["microphone"]["level_db"] is muted["microphone"]["loudest_db"] is None
        ended, told = order(stage, "listen-now")
        assert ended == 1
        assert told.startswith("antiphon: ")
        assert order(stage, "unmute") == (0, "")
        assert status(stage)["microphone"]["open"]
        turn = take_turn(stage)
        assert ends_well(stage)
        assert_no_word_lost(stage, turn)


def test_stop_ends_a_reply():
    with staged(replies=(" ".join([LONG_REPLY] * 4),)) as stage:  # a process needs its time to begin
        stage.speak(WAKE, QUESTION)
        stage.daemon.wait_for("sounded")
        speaking = status(stage)
        assert speaking["state"] == "speaking"
        assert speaking["speaker"]["open"]
        assert (speaking["counters"]["wakes"], speaking["counters"]["replies"]) == (1, 1)
        after = len(stage.daemon.lines)
        assert order(stage, "stop") == (0, "")
        hushed = stage.daemon.wait_for("hushed", after)
        stage.daemon.wait_for("asleep", after, why="told to")
        assert 0 < hushed["heard_ms"] < hushed["length_ms"]
        assert status(stage)["counters"]["interruptions"] == 1
        assert ends_well(stage)


def test_the_volume_is_told_and_changed():
    with staged("speaker.volume=60", environ={"XDG_STATE_HOME": "", "STATE_DIRECTORY": ""}) as stage:  # none is kept
        stage.daemon.wait_for("volume", percent=60)
        assert order(stage, "volume") == (0, "volume 60\n")
        assert order(stage, "volume", "-10") == (0, "volume 50\n")
        assert order(stage, "volume", "70") == (0, "volume 70\n")
        assert status(stage)["speaker"]["volume"] == 70
        assert ends_well(stage)


def test_a_daemon_that_was_killed_leaves_the_next_one_its_place():
    with staged() as stage:
        stage.daemon.kill()
        stage.daemon.end()
        assert stage.control.exists()
        ended, told = order(stage, "status")
        assert ended == 2
        assert told.startswith("antiphon: the daemon does not run: ")
        stage.start_daemon(stage._stack)
        assert status(stage)["pid"] == stage.daemon.pid
        assert not stage.daemon.said("no-control")
        assert ends_well(stage)


def test_a_program_that_begins_anew_can_be_asked_again():
    """In the same process, as only that frees a sound system that hangs."""
    with staged() as stage:
        before = status(stage)
        stage.room.mic.unplug()
        anew = stage.daemon.wait_for("beginning-anew")
        stage.room.mic.replug()
        after = stage.daemon.lines.index(anew)
        stage.daemon.wait_for("ready", after)
        again = status(stage)
        assert again["pid"] == before["pid"]
        assert again["counters"]["device_failures"] == 0, "counted from the beginning"
        assert ends_well(stage)
        assert not stage.control.exists()
