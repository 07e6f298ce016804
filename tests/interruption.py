"""One turn of the unmodified daemon, interrupted at a place. What is right then, interruption_judge.py says.

Somebody says the wake word and a question, and is answered; so many milliseconds after the end of the wake word
somebody presses talk and asks another question, says the wake word and another question, or tells the appliance to stop
(SIGUSR2). Who interrupts the question itself breaks it off there.
"""

import os
import signal
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeAlias

import numpy as np

from antiphon.pcm import Samples, frames_in
from antiphon.simulator.room import LEAD_S, Room
from antiphon.simulator.speech import EDGE_MS, synthesise
from antiphon.staging import Actor, Line, Spoken, Stage

How: TypeAlias = Literal["button", "word", "command"]

PROGRAM = (str(Path(__file__).parent / "appliance" / "pins.py"),)
"""The daemon on gpiozero's mock pins, at which we press."""
ENVIRON = {"GPIOZERO_PIN_FACTORY": "mock"}
TALK = 17
SETTINGS = (
    f"buttons.talk={TALK}",
    "speaker.chimes=false",  # one would sound just when a reply is cut
    "conversation.follow_up_ms=1500",
    "conversation.nothing_said_ms=3000",
)
REPLIES = (
    "It is a quarter past ten in the morning, and the sun is shining.",
    "Today is Monday, the first of the month, and it will be warm.",
    "The moon is far away, and light takes a second to get there.",
    "Mix two eggs with flour and milk, and let it rest for a while.",
    "Play it again, said the man at the bar, and smiled at her.",
)
"""About three seconds each; none of them is digitally silent for half a millisecond."""
SERVICE = ("--switch", "timing.speed=1.5", *(word for text in REPLIES for word in ("--reply", text)))
"""A reply is still being sent for two thirds of the time in which it sounds."""
STATES = ("asleep", "opening", "listening", "thinking", "speaking", "doubting", "lingering", "sorry", "deaf")

_WAKE, _QUESTION, _OTHER = "Hey Jarvis.", "What time is it?", "And what day is it today?"
_PAUSE_MS = 400.0
_PRESS_MS = 100.0
_BREAK_OFF_MS = 10.0
_DETECTED_S = 1.5  # a wake word, or the beginning of a turn, is noticed within this after the last word
_OVER_S = 25.0
_LOOK_S = 0.05
_STILL_S = 0.6  # after everything, nothing more comes
_APART_S = 2.3  # the past that the ear keeps, and the time in which no second wake word is heard, are 2 s


class DisturbedError(Exception):
    """The card's buffer ran over, or dry, or a reply's did: this machine was too busy, and the turn proves nothing."""


@dataclass(slots=True)
class Interruption:
    """What was done, and when; moments are time.monotonic(), frames the microphone's, lines the daemon's."""

    how: How
    after_ms: float
    voice: str
    asked: Spoken
    """The wake word and the question, as far as it came."""
    words: Spoken | None
    """What was said with the interruption."""
    at_frame: int
    at_s: float
    """When it was done: the button went down, the signal was sent, the second wake word began."""
    lines_from: int
    """The first line about this turn."""
    lines_at: int = 0
    """The first one after it was done."""
    lines_to: int = 0
    ends_s: float = 0.0

    def __str__(self) -> str:
        """For a table of what went wrong."""
        return f"{self.how} at {self.after_ms:g} ms ({self.voice})"


def interrupt(stage: Stage, how: How, after_ms: float, voice: str = "slt") -> Interruption:
    """Play it, so long after the end of the wake word; the daemon sleeps before and after. Raises DisturbedError."""
    room, daemon = stage.room, stage.daemon
    assert room is not None
    troubles = room.overflows + room.underflows
    turn = _spoken(room, how, after_ms, voice, len(daemon.lines))
    time.sleep(max(0.0, turn.at_s - time.monotonic()))
    turn.lines_at = len(daemon.lines)
    if how == "button":
        turn.at_s = time.monotonic()
        daemon.tell(f"{TALK} down")
        release = threading.Timer(_PRESS_MS / 1000, daemon.tell, (f"{TALK} up",))
        release.start()
        release.join()
    elif how == "command":
        turn.at_s = time.monotonic()
        os.kill(daemon.pid, signal.SIGUSR2)
    _let_it_end(daemon, turn)
    turn.lines_to, turn.ends_s = len(daemon.lines), time.monotonic()
    if room.overflows + room.underflows != troubles:
        raise DisturbedError(f"{turn}: {room.overflows} overflows and {room.underflows} underflows so far")
    if daemon.said("lost", turn.lines_from):
        raise DisturbedError(f"{turn}: the reply came too late, or something of what was heard")
    return turn


def state_after(lines: Sequence[Line]) -> str:
    """What the daemon was doing after it had said that."""
    return next((str(line["what"]) for line in reversed(lines) if line["what"] in STATES), "asleep")


def _spoken(room: Room, how: How, after_ms: float, voice: str, lines_from: int) -> Interruption:
    """Put all that will be said into the room."""
    rate_hz, edge = room.mic.rate_hz, frames_in(EDGE_MS, room.mic.rate_hz)
    wake, question, other = (synthesise(text, voice, rate_hz) for text in (_WAKE, _QUESTION, _OTHER))
    pause = np.zeros(frames_in(_PAUSE_MS - 2 * EDGE_MS, rate_hz), np.int16)
    at = len(wake) - edge + frames_in(after_ms, rate_hz)
    said = _broken_off(np.concatenate([wake, pause, question]), at, rate_hz)
    first = room.say(said, time.monotonic() + LEAD_S)
    asked, words = _placed(room, _QUESTION, voice, first, said), None
    if how != "command":
        instead = other if how == "button" else np.concatenate([wake, pause, other])
        begins = first + at + (frames_in(_PRESS_MS, rate_hz) if how == "button" else 0)
        room.mic.mix(instead, begins)
        words = _placed(room, _OTHER, voice, begins, instead)
    at_frame = first + at
    return Interruption(how, after_ms, voice, asked, words, at_frame, room.mic.time_of(at_frame), lines_from)


def _broken_off(said: Samples, at: int, rate_hz: int) -> Samples:
    """As far as frame `at`, without a click."""
    kept = said[:at].astype(np.float64)
    if at < len(said):
        fade = min(frames_in(_BREAK_OFF_MS, rate_hz), at)
        kept[at - fade :] *= np.linspace(1, 0, fade)
    return kept.astype(np.int16)


def _placed(room: Room, text: str, voice: str, start: int, said: Samples) -> Spoken:
    edge = frames_in(EDGE_MS, room.mic.rate_hz)
    first, last = start + edge, start + len(said) - edge - 1
    return Spoken(text, voice, first, last, room.mic.time_of(first), room.mic.time_of(last))


def _let_it_end(daemon: Actor, turn: Interruption) -> None:
    """Until the daemon sleeps, whatever has come of it, and what comes next is sure to have nothing to do with it."""
    said_s = (turn.words or turn.asked).ends_s
    time.sleep(max(0.0, said_s + _DETECTED_S - time.monotonic()))
    limit_s = time.monotonic() + _OVER_S
    while state_after(daemon.lines[turn.lines_from :]) != "asleep" and time.monotonic() < limit_s:
        time.sleep(_LOOK_S)
    quiet_s = max(time.monotonic() + _STILL_S, said_s + _APART_S)
    time.sleep(max(0.0, quiet_s - time.monotonic()))
