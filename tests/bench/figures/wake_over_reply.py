"""Whether "Hey Jarvis" is heard while the device speaks: each voice of flite over another one's reply.

The real echo path and wake word engine, faster than real time in rooms of numbers (closed_room.py): the word is said
as loud as the echo of the reply at the microphone (active levels), 6 and 12 dB below, and in the same room without a
reply (`quiet`, at -6 dB of that echo). It lies at sixteen places between two of the engine's steps, half of them in
each of two rooms. The reply goes on meanwhile: it is not held as it is in earnest, when a voice is heard over it.

A word counts that is heard until 1 s after its end, and is not taken for our own. `missed` is the share of those that
were not, in percent; `refused` how many of them the engine has heard and the guard against our own speech has not let
pass. By its own name also with microWakeWord (`micro`).
"""

from collections.abc import Iterable, Iterator
from itertools import cycle
from typing import NamedTuple

import numpy as np

from antiphon.devices import wake_microwakeword, wake_openwakeword
from antiphon.pcm import Samples, clipped, frames_in
from antiphon.ports import WakeEngine
from antiphon.simulator.acoustics import Acoustics, EchoPath, active_level_db, at_level, room_response
from antiphon.simulator.speech import FLITE_VOICES, synthesise
from bench.closed_room import MIC_HZ, SPK_HZ, ClosedRoom
from bench.figure import Plan, Row, counted, figure
from bench.household import SENTENCES

WORD = "Hey Jarvis"
ALIGNMENTS = 16
"""Of each voice at each level, 80 ms / ALIGNMENTS apart."""
LEVELS_DB: dict[str, float] = {"quiet": -6.0, "0_db": 0.0, "-6_db": -6.0, "-12_db": -12.0}
REACH = {"-6_db": 5.0}
ROOMS = (
    Acoustics(room_response(MIC_HZ, 120.0), 20.0),
    Acoustics(room_response(MIC_HZ, 300.0, seed=2), 40.0, drift_ppm=30),
)
_STEP_MS = 80.0
_FIRST_S, _APART_S = 4.0, 4.0
_HEARD_S = 1.0


class _Score(NamedTuple):
    """Of one voice at one level."""

    said: int
    heard: int
    refused: int


@figure
def wake_over_reply(plan: Plan) -> Iterable[Row]:
    """Level by level, all voices together, then each."""
    yield from _rows("wake_over_reply", wake_openwakeword.open_engine(["hey_jarvis"]))
    if plan.alone:
        yield from _rows("wake_over_reply.micro", wake_microwakeword.open_engine(["hey_jarvis"]))


def _rows(name: str, engine: WakeEngine) -> Iterator[Row]:
    for level in LEVELS_DB:
        scores = {voice: _listen(voice, level, engine) for voice in FLITE_VOICES}
        said = sum(score.said for score in scores.values())
        missed = said - sum(score.heard for score in scores.values())
        yield counted(f"{name}.{level}.missed", "%", 100 * missed / said, said, REACH.get(level))
        refused = sum(score.refused for score in scores.values())
        yield counted(f"{name}.{level}.refused", f"of {said}", refused, said)
        for voice, score in scores.items():
            yield counted(f"{name}.{level}.{voice}", "% missed", 100 * (1 - score.heard / score.said), score.said)


def _listen(voice: str, level: str, engine: WakeEngine) -> _Score:
    parts = [
        _in_one_room(voice, level, engine, acoustics, range(number, ALIGNMENTS, len(ROOMS)))
        for number, acoustics in enumerate(ROOMS)
    ]
    return _Score(*(sum(part) for part in zip(*parts, strict=True)))


def _in_one_room(voice: str, level: str, engine: WakeEngine, acoustics: Acoustics, places: range) -> _Score:
    """The word at each of these places between two steps of the engine, one after the other."""
    engine.forget()
    threshold = engine.default_threshold("hey_jarvis")
    room = ClosedRoom(acoustics, engine=engine, threshold=threshold, noise_db=-65.0, yields=False)
    reply = _reply(FLITE_VOICES[FLITE_VOICES.index(voice) - 1], _FIRST_S + len(places) * _APART_S)
    echo_db = active_level_db(clipped(EchoPath(acoustics, MIC_HZ, SPK_HZ).hear(reply[: 8 * SPK_HZ])), MIC_HZ)
    word = at_level(synthesise(WORD, voice, MIC_HZ), echo_db + LEVELS_DB[level], MIC_HZ)
    if level != "quiet":
        room.reply(reply)
    said_at = [
        frames_in(_FIRST_S * 1000, MIC_HZ)
        + turn * frames_in(_APART_S * 1000, MIC_HZ)
        + frames_in(place * _STEP_MS / ALIGNMENTS, MIC_HZ)
        for turn, place in enumerate(places)
    ]
    for frame in said_at:
        room.say(word, frame)
    room.run(_FIRST_S + len(places) * _APART_S)
    spans = [(frame / MIC_HZ, (frame + len(word)) / MIC_HZ + _HEARD_S) for frame in said_at]
    woke = [at_s for at_s, what in room.told if what == "woke"]
    heard = sum(any(since_s < at_s < until_s for at_s in woke) for since_s, until_s in spans)
    return _Score(len(places), heard, room._hearing.own_words)


def _reply(voice: str, seconds: float) -> Samples:
    said: list[Samples] = []
    for text in cycle(SENTENCES):
        said.append(synthesise(text, voice, SPK_HZ))
        if sum(map(len, said)) >= seconds * SPK_HZ:
            return np.concatenate(said)
    raise AssertionError
