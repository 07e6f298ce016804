"""The microphone hears the speaker: the device does not take itself for somebody, and hears who speaks over it.

All is found in what sounded in the room, on the card's clock.
"""

import numpy as np
import pytest

from antiphon.pcm import LINK_RATE_HZ, frames_in
from antiphon.simulator.acoustics import Acoustics, active_level_db, room_response
from antiphon.simulator.room import wait_for_frame
from antiphon.simulator.speech import synthesise
from appliance.scenery import (
    PATIENCE_S,
    QUESTION,
    REPLY,
    WAKE,
    ends_well,
    places_of,
    played,
    sent,
    sound_of,
    staged,
    story,
    take_turn,
)

pytestmark = pytest.mark.appliance

TALE = (
    "It is a quarter past ten in the morning, and the sun is shining on the hills, on the harbour and on the sea, "
    "as it will until the evening. Then the wind turns to the west, and some rain may come in, but not before midnight."
)
"""Twelve seconds of it."""
KITCHEN = Acoustics(room_response(16_000, 200.0))
ELSEWHERE = Acoustics(room_response(16_000, 200.0, seed=2), delay_ms=80.0)
"""The microphone was moved, and a sound server began to hold the sound back."""
CANCELS = "echo.cancel=software"
FADE_MS = 8.0
LOUD_DB = -20.0  # a little louder than the echo


def heard_over(*settings, replies=(TALE, *[REPLY] * 9), acoustics=KITCHEN, **more):
    return staged(*settings, replies=replies, acoustics=acoustics, **more)


def ask(stage):
    """A question; the line in which its answer begins to sound."""
    after = len(stage.daemon.lines)
    stage.speak(WAKE, QUESTION, level_db=LOUD_DB)
    return stage.daemon.wait_for("sounded", after, PATIENCE_S)


def let_sound(stage, sounded, seconds):
    """Until the card has played so much of the reply."""
    wait_for_frame(stage.room.spk, stage.room.spk.frame_at(sounded["t"] + seconds), PATIENCE_S)


def cut_at(reply, sound):
    """How many frames of `reply` sounded from its first one on, as they were sent, and where in `sound` it began."""
    [began] = places_of(reply[: frames_in(300, LINK_RATE_HZ)], sound)
    there = sound[began : began + len(reply)].astype(int)
    different = np.flatnonzero(np.abs(there - reply[: len(there)]) > 1)
    return (int(different[0]) if len(different) else len(there)), began


def pieces_of(reply, sound):
    """In how many pieces all of `reply` sounded: each goes on where the one before began to fade, none is missing."""
    fade, mark = frames_in(FADE_MS, LINK_RATE_HZ) + 2, frames_in(60, LINK_RATE_HZ)
    at, place, pieces = 0, 0, 0
    while at < len(reply) - fade:
        first = at + fade * (pieces > 0)
        place = next(there for there in places_of(reply[first : first + mark], sound) if there >= place)
        there = sound[place : place + len(reply) - first].astype(int)
        different = np.flatnonzero(np.abs(there - reply[first : first + len(there)]) > 1)
        at, pieces = first + (int(different[0]) if len(different) else len(there)), pieces + 1
        place += at - first
    return pieces


def cough(rate_hz):
    """No voice: noise that comes at once and goes within a quarter of a second."""
    frames = frames_in(240, rate_hz)
    burst = np.random.default_rng(3).standard_normal(frames) * np.exp(-4 * np.arange(frames) / frames)
    return np.rint(burst / np.abs(burst).max() * 20_000).astype(np.int16)


def loudest_db(samples, rate_hz, piece_ms=20):
    """The level of the loudest piece, in dBFS."""
    piece = frames_in(piece_ms, rate_hz)
    whole = samples[: len(samples) // piece * piece].reshape(-1, piece).astype(float) / 32_768
    return 10 * np.log10(np.mean(whole**2, axis=1).max())


def test_it_does_not_take_itself_for_somebody():
    """Not while it speaks, and not in the follow-up window after it."""
    with heard_over(CANCELS, "conversation.follow_up_ms=1500") as stage:
        first = len(stage.daemon.lines)
        turn = take_turn(stage)
        after = story(stage, first)
        assert ends_well(stage)
        echo = stage.room.echo(turn.spoken.last_frame, stage.room.mic.stretch[1])
        told = after[after.index("sounded") + 1 :]
        assert set(told) <= {"doubting", "speaking", "heard", "lingering", "asleep"}, "it may have held its breath"
        assert told[-3:] == ["heard", "lingering", "asleep"]
        assert pieces_of(sound_of(TALE), played(stage)) <= 3
        [turn_over] = stage.service.said("turn")
        listened = sent(stage, 0)[turn_over["first_frame"] + turn_over["frames"] :]
        assert len(listened) > len(sound_of(TALE))
        assert loudest_db(listened, LINK_RATE_HZ) < loudest_db(echo, 16_000) - 15, "it listened, but not to itself"


def test_a_voice_interrupts_it():
    with heard_over(CANCELS) as stage:
        sounded = ask(stage)
        let_sound(stage, sounded, 3)
        after = len(stage.daemon.lines)
        spoken = stage.room.mic.time_of(
            stage.room.say(synthesise("Turn on the light in the kitchen.", "rms", 16_000), level_db=LOUD_DB)
        )
        stage.daemon.wait_for("spoken-over", after, PATIENCE_S)
        [hushed] = [stage.daemon.wait_for("hushed", after, PATIENCE_S)]
        stage.daemon.wait_for("heard", after, PATIENCE_S)
        stage.daemon.wait_for("asleep", after, PATIENCE_S)
        assert ends_well(stage)
        assert "woke" not in story(stage, after)

        reply, sound = sound_of(TALE), played(stage)
        cut, began = cut_at(reply, sound)
        onset = stage.room.spk.frame_at(spoken)
        assert began < onset < began + cut < began + len(reply), "it was cut, and not before anybody spoke"
        heard = frames_in(hushed["heard_ms"], LINK_RATE_HZ)
        assert abs(heard - cut) <= frames_in(20 + FADE_MS, LINK_RATE_HZ)
        assert len(places_of(sound_of(REPLY), sound)) == 1, "what he said was answered"
        [truncated] = stage.service.said("truncated")
        assert abs(truncated["heard_ms"] - hushed["heard_ms"]) <= 1


def test_a_cough_costs_nothing_of_the_reply():
    with heard_over(CANCELS, "realtime.turn_detection=own") as stage:  # the simulated service takes all for speech
        sounded = ask(stage)
        let_sound(stage, sounded, 3)
        after = len(stage.daemon.lines)
        stage.room.say(cough(16_000), level_db=LOUD_DB + 6)
        stage.daemon.wait_for("doubting", after, PATIENCE_S)
        stage.daemon.wait_for("speaking", after, PATIENCE_S, why="nothing")
        heard = stage.daemon.wait_for("heard", after, PATIENCE_S)
        assert ends_well(stage)

        assert 2 <= pieces_of(sound_of(TALE), played(stage)) <= 4, "it was held, and nothing of it is missing"
        assert abs(heard["heard_ms"] - heard["length_ms"]) <= 1
        assert not stage.service.said("cancelled")


def test_the_wake_word_is_heard_through_a_reply():
    """6 dB below it, where no voice alone may interrupt."""
    with heard_over(CANCELS, "echo.barge_in=false") as stage:
        sounded = ask(stage)
        let_sound(stage, sounded, 4)
        after = len(stage.daemon.lines)
        echo_db = active_level_db(stage.room.echo(stage.room.mic.frame_at(sounded["t"]), stage.room.mic.stretch[1]))
        stage.speak(WAKE, QUESTION, "rms", level_db=echo_db - 6)
        woke = stage.daemon.wait_for("woke", after, PATIENCE_S)
        stage.daemon.wait_for("heard", after, PATIENCE_S)
        assert ends_well(stage)
        assert story(stage, after)[0] == "woke"
        cut, began = cut_at(sound_of(TALE), played(stage))
        assert stage.room.spk.frame_at(woke["detected_at"]) < began + cut < began + len(sound_of(TALE))
        assert len(places_of(sound_of(REPLY), played(stage))) == 1


def test_when_its_sound_is_not_taken_out_it_says_so_and_does_not_listen_until_it_is():
    with heard_over(CANCELS) as stage:
        sounded = ask(stage)
        let_sound(stage, sounded, 3)
        after = len(stage.daemon.lines)
        moved = stage.room.acoustics(ELSEWHERE)
        alarm = stage.daemon.wait_for("echo", after, PATIENCE_S, cancelled="false")
        better = stage.daemon.wait_for("echo", after, PATIENCE_S, cancelled="true")
        heard = stage.daemon.wait_for("heard", after, PATIENCE_S)
        assert ends_well(stage)
        assert stage.room.mic.time_of(moved) < alarm["t"] < better["t"] < heard["t"]
        [again] = [line for line in stage.service.said("append_resumed") if line["t"] > alarm["t"]]
        assert again["t"] > better["t"], "meanwhile nothing was sent"


def test_without_cancelling_nothing_is_sent_while_it_speaks_nor_while_the_room_still_does():
    """A bathroom: what was said is heard there for another 300 ms."""
    bathroom = Acoustics(room_response(16_000, 300.0, direct_db=-3.0), gain_db=0.0)
    settings = ("echo.cancel=none", "echo.decay_ms=350", "conversation.follow_up_ms=1500")
    with heard_over(*settings, replies=("It is a quarter past ten.",), acoustics=bathroom) as stage:
        first = len(stage.daemon.lines)
        take_turn(stage)
        after = story(stage, first)
        assert ends_well(stage)
        assert after[after.index("sounded") :] == ["sounded", "heard", "lingering", "asleep"]
        sounded, heard = stage.daemon.said("sounded")[0]["t"], stage.daemon.said("heard")[0]["t"]
        [again] = [line for line in stage.service.said("append_resumed") if line["t"] > sounded]
        assert again["t"] > heard
        follow_up = sent(stage, 0, sounded)
        assert len(follow_up) > LINK_RATE_HZ // 2
        assert loudest_db(follow_up, LINK_RATE_HZ) < -50, "only the quiet of the room"
        tail = stage.room.echo(stage.room.mic.frame_at(heard), stage.room.mic.frame_at(heard + 0.2))
        assert loudest_db(tail, 16_000) > -45, "which was not quiet at once"
