"""From the first sound of somebody's voice to silence at the card, in the middle of a reply; no wake word is said.

The unmodified daemon with both cancellers (`echo.cancel: software`), in a room in which its microphone hears its
speaker. Each voice of flite says something at a random moment of a long reply, as loud at the microphone as the reply's
echo or 6 dB below it (active levels). From the voice's first audible frame to the last frame that sounds before the
reply is held, in what the speaker played, on the room's clock. The replies have no pauses of their own.

`decided` is until the daemon knows that it is a turn: when its log says so. `again` are the replies that were held,
went on as if it had been nothing, and gave way a little later; `in_vain` those that never did.
"""

import random
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import product

import numpy as np

from antiphon.pcm import frames_in
from antiphon.simulator.acoustics import Acoustics, active_level_db, room_response
from antiphon.simulator.room import Room, wait_for_frame
from antiphon.simulator.speech import EDGE_MS, FLITE_VOICES, synthesise
from antiphon.staging import Line, Stage, StageError
from bench.figure import Plan, Row, counted, figure, measured
from bench.figures.heard_error import REPLIES

LEVELS_DB = {"0_db": 0.0, "-6_db": -6.0}
SENTENCES = (
    "Stop, please be quiet now.",
    "What about tomorrow?",
    "No, wait a moment.",
    "Turn on the light in the kitchen.",
    "That is enough, thank you.",
)
ROOM = Acoustics(room_response(16_000, 200.0))
_PAUSE_MS = 60.0
_BETWEEN_S = (2.0, 5.0)  # after the reply's first sound somebody begins
_PATIENCE_S = 4.0  # after his last word
_SETTINGS = (
    "echo.cancel=software",
    "conversation.follow_up_ms=0",
    "conversation.max_follow_ups=1000",
    "speaker.chimes=false",
)


@dataclass(frozen=True, slots=True)
class _Trial:
    level: str
    silent_ms: float | None
    """None: not within a second after his last word."""
    decided_ms: float | None
    resumed: int


@figure
def voice_barge_in(plan: Plan) -> Iterable[Row]:
    """At each level; and how often it took another word."""
    trials = list(_trials(8 if plan.alone else 4))
    for level in LEVELS_DB:
        these = [trial for trial in trials if trial.level == level]
        silent = [trial.silent_ms for trial in these if trial.silent_ms is not None]
        decided = [trial.decided_ms for trial in these if trial.decided_ms is not None]
        yield measured(f"voice_barge_in.{level}", "ms", silent, reach=350)
        yield measured(f"voice_barge_in.{level}.decided", "ms", decided)
        again = sum(trial.resumed > 0 and trial.decided_ms is not None for trial in these)
        yield counted(f"voice_barge_in.{level}.again", f"of {len(these)}", again, len(these))
        yield counted(f"voice_barge_in.{level}.in_vain", f"of {len(these)}", len(these) - len(decided), len(these))


def _trials(each: int) -> Iterator[_Trial]:
    """Whoever interrupts is answered by a reply, and that is interrupted next."""
    simulate = ["--switch", "timing.first_audio_ms=200"]
    for text in REPLIES:
        simulate += ["--reply", f"{text}, and so on and so forth, until {text}"]
    chance = random.Random(1)
    scenes = list(product(LEVELS_DB, FLITE_VOICES, range(each)))
    chance.shuffle(scenes)
    with Stage(room=Room(), acoustics=ROOM, settings=_SETTINGS, simulate=simulate, code_s=1200) as stage:
        sounded = _ask(stage)
        echo_db = _echo_level_db(stage, sounded)
        for number, (level, voice, _) in enumerate(scenes):
            text = SENTENCES[number % len(SENTENCES)]
            trial, following = _trial(stage, sounded, level, echo_db, synthesise(text, voice, 16_000), chance)
            yield trial
            sounded = following or _ask(stage)


def _ask(stage: Stage) -> Line:
    after = len(stage.daemon.lines)
    stage.speak("Hey Jarvis", "Tell me something.", level_db=-20.0)
    return stage.daemon.wait_for("sounded", after)


def _echo_level_db(stage: Stage, sounded: Line) -> float:
    assert stage.room is not None
    first = stage.room.mic.frame_at(float(sounded["t"]))
    wait_for_frame(stage.room.mic, first + 2 * 16_000)
    return active_level_db(stage.room.echo(first, first + 2 * 16_000))


def _trial(
    stage: Stage, sounded: Line, level: str, echo_db: float, speech: np.ndarray, chance: random.Random
) -> tuple[_Trial, Line | None]:
    """One interruption; and the line of the reply to it, which sounds by then. None: nothing sounds."""
    room, daemon = stage.room, stage.daemon
    assert room is not None
    after = daemon.lines.index(sounded) + 1
    at_s = max(float(sounded["t"]) + chance.uniform(*_BETWEEN_S), room.mic.time_of(room.mic.now_frame()) + 0.3)
    first = room.say(speech, at_s, level_db=echo_db + LEVELS_DB[level])
    onset_s = room.mic.time_of(first + frames_in(EDGE_MS, 16_000))
    ends_s = room.mic.time_of(first + len(speech))
    wait_for_frame(room.spk, room.spk.frame_at(ends_s + 1.0))
    silent_s = _silent_s(room, onset_s, ends_s + 1.0)
    decided_s = None
    try:
        left_s = max(0.0, ends_s + _PATIENCE_S - time.monotonic())
        decided_s = float(daemon.wait_for("spoken-over", after, left_s)["t"])
    except StageError:
        pass  # in vain: the reply goes on to its end
    resumed = [line for line in daemon.said("speaking", after) if line.get("after") == "doubting"]
    trial = _Trial(
        level,
        None if silent_s is None else 1000 * (silent_s - onset_s),
        None if decided_s is None else 1000 * (decided_s - onset_s),
        sum(float(line["t"]) < (decided_s or ends_s) for line in resumed),
    )
    end = daemon.wait_until(lambda line: line["what"] in ("sounded", "asleep"), after, 60)
    return trial, end if end["what"] == "sounded" else None


def _silent_s(room: Room, since_s: float, until_s: float) -> float | None:
    """When the card first fell silent, for longer than a reply's own pauses."""
    first = room.spk.frame_at(since_s)
    sound = room.heard(first, room.spk.frame_at(until_s))
    pause = frames_in(_PAUSE_MS, room.spk.rate_hz)
    edges = np.flatnonzero(np.diff(np.concatenate(([1], sound != 0, [1]))))
    for begin, end in zip(edges[::2], edges[1::2], strict=True):
        if end - begin >= pause:
            return room.spk.time_of(first + int(begin))
    return None
