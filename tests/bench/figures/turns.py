"""A hundred turns through the unmodified daemon, and whether any of the user's speech was lost: to the sample.

Four rooms with a daemon and a service each, one for each voice of flite; each person says the wake word and a question
25 times, in one breath or after a pause of 0.3 to 1.5 s, chimes on. The service answers 0.9 s after the end of a turn,
as the live one does: of one that answers at once (`--quick`) a reply would sound before a user who goes on after a
pause is noticed, and the rest of that turn is then not listened to.

`turns.not_heard` are those whose wake word was not detected, which is the model's and the voice's doing: awb's scores
swing from 0.4 to 1 with where the word lies in the engine's 80 ms. `turns.not_answered` are those that were heard and
whose reply was not. Nothing is tried again.

What the service received is compared with what the microphone was given to hear, by the numbered chirp code that lies
60 dB below full scale under all of it: from the first sample of the wake word to the last of the question, frames left
out, put in, changed, or missing at either end count, in every turn whose wake word was heard.
"""

import time
from collections.abc import Iterable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field

import numpy as np

from antiphon.pcm import LINK_RATE_HZ, Samples
from antiphon.simulator.room import Room
from antiphon.simulator.speech import FLITE_VOICES
from antiphon.staging import Spoken, Stage, StageError
from bench.figure import Plan, Row, counted, figure

PAUSES_MS = (None, 300.0, 600.0, 900.0, 1500.0)
QUESTIONS = (
    "What time is it?",
    "Will it rain tomorrow?",
    "Turn on the light in the kitchen.",
    "How far away is the moon?",
    "Play some music.",
)
_TURN_S = 12.0
_BEGINNINGS = ("first_append", "append_resumed")  # lines of the service: something is sent again
_SETTINGS = ("conversation.follow_up_ms=0", "conversation.nothing_said_ms=3000", "speaker.chimes=true")
_SERVICE = ("--reply", "Yes.")


@dataclass(slots=True)
class _Count:
    turns: int = 0
    heard: int = 0
    lost_frames: int = 0
    troubles: list[str] = field(default_factory=list)
    """A sentence for each turn with which something is wrong."""
    not_answered: int = 0


@dataclass(slots=True)
class _Turn:
    spoken: Spoken
    pause_ms: float | None
    woke: bool
    answered: bool


@figure
def turns(_: Plan) -> Iterable[Row]:
    """Over all voices, questions and pauses."""
    count = _Count()
    with ExitStack() as stack:
        stages = [
            stack.enter_context(Stage(room=Room(), settings=_SETTINGS, simulate=_SERVICE, code_s=600))
            for _ in FLITE_VOICES
        ]
        told: list[list[_Turn]] = [[] for _ in stages]
        for question in QUESTIONS:
            for pause_ms in PAUSES_MS:
                for turn, one in zip(told, _together(stages, question, pause_ms), strict=True):
                    turn.append(one)
        for stage, its in zip(stages, told, strict=True):
            _judge(stage, its, count)
    for text in count.troubles:
        print(f"  {text}")
    not_heard = count.turns - count.heard
    yield counted("turns.not_heard", f"of {count.turns}", not_heard, count.turns)
    yield counted("turns.not_answered", f"of {count.heard}", count.not_answered, count.heard, reach=0)
    yield counted("turns.lost", "samples", count.lost_frames, count.heard, reach=0)


def _together(stages: Sequence[Stage], question: str, pause_ms: float | None) -> list[_Turn]:
    """One turn in every room at the same time; returns when all are over."""
    starts = [len(stage.daemon.lines) for stage in stages]
    spoken = [
        stage.speak("Hey Jarvis", question, voice, pause_ms) for stage, voice in zip(stages, FLITE_VOICES, strict=True)
    ]
    return [_outcome(stage, one, pause_ms, start) for stage, one, start in zip(stages, spoken, starts, strict=True)]


def _outcome(stage: Stage, spoken: Spoken, pause_ms: float | None, start: int) -> _Turn:
    """Wait for the reply to be heard, and for sleep; or until it is plain that they do not come."""
    answered = True
    try:
        stage.daemon.wait_for("heard", after=start, timeout_s=_TURN_S)
    except StageError:
        answered = False
    woke = bool(stage.daemon.said("woke", after=start))
    if woke:
        stage.daemon.wait_for("asleep", after=start, timeout_s=_TURN_S)
    time.sleep(max(0.0, spoken.ends_s - time.monotonic()))  # answered or not, nobody speaks before this is said
    return _Turn(spoken, pause_ms, woke, answered)


def _judge(stage: Stage, turns: Sequence[_Turn], count: _Count) -> None:
    """Enter the turns of one stage, all of which are over."""
    stage.end_daemon()
    for turn, received in zip(turns, _received(stage, [turn.spoken for turn in turns]), strict=True):
        count.turns += 1
        said = f"{turn.spoken.voice}, {turn.spoken.text!r}, {_pause(turn.pause_ms)}"
        if not turn.woke:
            count.troubles.append(f"{said}: wake word not heard")
            continue
        count.heard += 1
        if not turn.answered:
            count.not_answered += 1
            count.troubles.append(f"{said}: not answered")
        count.lost_frames += (lost := _lost_frames(stage, turn.spoken, received))
        if lost:
            count.troubles.append(f"{said}: {lost} samples did not arrive as they were said")


def _received(stage: Stage, spoken: Sequence[Spoken]) -> list[Samples]:
    """What the service received of each turn: whatever was sent from its first word on, before the next turn's."""
    assert stage.service is not None
    pieces: list[list[Samples]] = [[] for _ in spoken]
    for session in range(len(stage.service.said("upgrade"))):
        begun = [line for line in stage.service.lines if line["what"] in _BEGINNINGS and line["session"] == session]
        for line, samples in zip(begun, stage.received(session), strict=True):
            whose = [number for number, one in enumerate(spoken) if one.begins_s <= float(line["t"])]
            if whose:
                pieces[whose[-1]].append(samples)
    return [np.concatenate(some) if some else np.zeros(0, np.int16) for some in pieces]


def _lost_frames(stage: Stage, spoken: Spoken, received: Samples) -> int:
    """Frames of the microphone's timeline that did not arrive as they were said, whatever became of them."""
    everything = spoken.last_frame + 1 - spoken.first_frame
    if len(received) < LINK_RATE_HZ // 2:
        return everything
    found = stage.verdict(spoken, received)
    if not found.pieces:
        return everything
    ends = max(0, found.first_frame - spoken.first_frame) + max(0, spoken.last_frame - found.last_frame)
    return found.lost_frames + found.inserted_frames + found.damaged_frames + ends


def _pause(pause_ms: float | None) -> str:
    return "in one breath" if pause_ms is None else f"after {pause_ms:g} ms"
