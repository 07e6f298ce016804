"""The buttons, on the whole appliance: a person at gpiozero's mock pins, all else as it is."""

from contextlib import contextmanager
from pathlib import Path

import pytest

from antiphon.pcm import frames_in
from antiphon.simulator.room import wait_for_frame
from appliance.scenery import (
    LONG_REPLY,
    QUESTION,
    WAKE,
    assert_closes,
    assert_no_word_lost,
    ends_well,
    pass_by,
    places_of,
    played,
    say,
    sent,
    sound_of,
    staged,
    story,
    take_turn,
)

pytestmark = pytest.mark.appliance

TALK, MUTE, SWITCH = 17, 27, 22
PINS = Path(__file__).with_name("pins.py")


@contextmanager
def at_the_pins(*settings, **more):
    buttons = (f"buttons.talk={TALK}", f"buttons.mute={MUTE}", "buttons.hold_ms=10000")
    with staged(*buttons, *settings, program=[str(PINS)], environ={"GPIOZERO_PIN_FACTORY": "mock"}, **more) as stage:
        yield stage


def hold(stage, button):
    stage.daemon.tell(f"{button} down")


def release(stage, button):
    """After a while that no contact bounces for; and another while passes."""
    for_a_while(stage)
    stage.daemon.tell(f"{button} up")
    for_a_while(stage)


def for_a_while(stage, ms=100):
    mic = stage.room.mic
    wait_for_frame(mic, mic.now_frame() + frames_in(ms, mic.rate_hz), timeout_s=60)


def test_a_talk_press_begins_a_turn():
    """No word is lost, though nobody says the wake word; while it listens, a second press gives the turn up."""
    with at_the_pins() as stage:
        hold(stage, TALK)
        stage.daemon.wait_for("talk")
        stage.daemon.wait_for("listening")
        release(stage, TALK)
        spoken = say(stage, QUESTION)
        stage.daemon.wait_for("heard")
        stage.daemon.wait_for("asleep")
        after = len(stage.daemon.lines)
        hold(stage, TALK)
        again = stage.daemon.wait_for("talk", after)
        release(stage, TALK)
        for_a_while(stage, 500)  # longer than a double tap
        hold(stage, TALK)
        stage.daemon.wait_for("asleep", after, why="talk")
        assert ends_well(stage)
        assert "woke" not in story(stage)
        verdict = stage.verdict(spoken, sent(stage, 0, until_s=again["t"]))
        assert verdict.whole, str(verdict)
        assert verdict.first_frame <= spoken.first_frame
        assert verdict.last_frame >= spoken.last_frame


def test_a_press_interrupts_and_a_double_tap_ends():
    with at_the_pins(
        "speaker.block_ms=20", "speaker.chimes=false", "buttons.double_ms=2000", replies=(LONG_REPLY,)
    ) as stage:
        stage.speak(WAKE, QUESTION)
        stage.daemon.wait_for("sounded")
        for_a_while(stage)
        after = len(stage.daemon.lines)
        hold(stage, TALK)
        hushed = stage.daemon.wait_for("hushed", after)
        stage.daemon.wait_for("listening", after)
        release(stage, TALK)
        hold(stage, TALK)
        stage.daemon.wait_for("asleep", after, why="double tap")
        release(stage, TALK)
        assert ends_well(stage)
        assert 0 < hushed["heard_ms"] < hushed["length_ms"]
        sound, rate_hz = played(stage), stage.room.spk.rate_hz
        [began] = places_of(sound_of(LONG_REPLY)[: frames_in(50, rate_hz)], sound)
        silent_from = int(sound.nonzero()[0][-1]) + 1
        assert abs(silent_from - began - frames_in(hushed["heard_ms"], rate_hz)) <= frames_in(20, rate_hz)


def test_mute_closes_the_microphone():
    """Nothing is heard while it is closed; after it is open again the next turn is answered, and nothing older sent."""
    with at_the_pins() as stage:
        assert stage.room.mic.is_open()
        hold(stage, MUTE)
        stage.daemon.wait_for("deaf", why="mute")
        stage.daemon.wait_for("ear-closed")
        assert_closes(stage.room.mic)
        after = len(stage.daemon.lines)
        unheard = say(stage, f"{WAKE}. {QUESTION}")
        stage.daemon.tell(f"{MUTE} up")
        pass_by(unheard)
        assert story(stage, after) == []
        hold(stage, MUTE)
        stage.daemon.wait_for("ear-opened", after)
        stage.daemon.wait_for("asleep", after, why="unmuted")
        assert stage.room.mic.is_open()
        turn = take_turn(stage)
        assert ends_well(stage)
        assert_no_word_lost(stage, turn)
        assert stage.verdict(turn.spoken, sent(stage, 0)).first_frame > unheard.last_frame
        assert_closes(stage.room.mic)


def test_mute_in_the_midst_of_a_turn():
    """Half a turn is nobody's: the call that holds it is ended, and nothing of it is answered."""
    with at_the_pins() as stage:
        spoken = stage.speak(WAKE, "What time is it in the city of Kuala Lumpur, and what is the weather like?")
        stage.daemon.wait_for("woke")
        hold(stage, MUTE)
        stage.daemon.wait_for("deaf")
        stage.daemon.wait_for("ear-closed")
        assert_closes(stage.room.mic)
        stage.daemon.tell(f"{MUTE} up")
        pass_by(spoken)
        after = len(stage.daemon.lines)
        hold(stage, MUTE)
        stage.daemon.wait_for("ear-opened", after)
        turn = take_turn(stage)
        assert ends_well(stage)
        assert len(stage.daemon.said("sounded")) == 1
        assert_no_word_lost(stage, turn, session=1)


def test_the_switch_keeps_the_microphone_closed_whatever_else_is_wanted():
    """It says muted as the appliance starts, so nothing was ever heard; no button opens it, and the switch does.

    Pushed back in the midst of a turn, it ends that turn.
    """
    with at_the_pins(f"buttons.mute_switch={SWITCH}", "buttons.mute_switch_closed=unmuted") as stage:
        stage.daemon.wait_for("switch", muted="true")
        assert stage.room.mic.starts == 0
        for button in (TALK, MUTE):
            hold(stage, button)
            pass_by(say(stage, WAKE))
            stage.daemon.tell(f"{button} up")
        pass_by(say(stage, WAKE))
        assert stage.room.mic.starts == 0
        after = len(stage.daemon.lines)
        stage.daemon.tell(f"{SWITCH} down")
        stage.daemon.wait_for("switch", after, muted="false")
        stage.daemon.wait_for("ear-opened", after)
        turn = take_turn(stage)
        after = len(stage.daemon.lines)
        stage.speak(WAKE, QUESTION)
        stage.daemon.wait_for("woke", after)
        stage.daemon.tell(f"{SWITCH} up")
        stage.daemon.wait_for("deaf", after, why="switch")
        stage.daemon.wait_for("ear-closed", after)
        assert_closes(stage.room.mic)
        assert ends_well(stage)
        assert_no_word_lost(stage, turn)
