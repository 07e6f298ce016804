"""Floor 5. `antiphon listen`: what the wake word engine makes of the microphone, live, to choose a threshold by.

It hears as the ear does (same engine, same trigger) and counts time in samples; it neither streams nor answers.
"""

import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from queue import Empty, SimpleQueue
from typing import IO, Any

import numpy as np

from antiphon.app import make_sound_card, open_wake_words
from antiphon.audio.level import level_db
from antiphon.audio.resample import Resampler
from antiphon.audio.trigger import Trigger
from antiphon.errors import DeviceError, SettingsError
from antiphon.pcm import WAKE_RATE_HZ, Samples, first_channel, samples_of
from antiphon.ports import Block, Microphone, WakeEngine
from antiphon.settings import Settings

STALL_S = 2.0
"""Without a block for this long the microphone is taken for dead."""
BAR = 40
QUIETEST_DB = -80.0


@dataclass(frozen=True, slots=True)
class Heard:
    """What one block of sound came to. Times are seconds of sound since the start."""

    t_s: float
    level_db: float
    scores: dict[str, float]
    """The highest of the block for each word; empty when no step of the engine was completed."""
    detected: tuple[str, float] | None
    """The word that fires the trigger, and its score."""


def run_listen(settings: Settings, *, seconds: float | None, as_json: bool) -> int:
    """Show scores until Ctrl-C, or until `seconds` of sound were heard; 0. Raises DeviceError, ModelError."""
    engine, trigger = open_wake_words(settings)
    if engine is None or trigger is None:
        raise SettingsError("wake.words is empty, so there is nothing to listen for; name a word there, or use --set")
    microphone, _ = make_sound_card(settings)
    drawn = not as_json and sys.stdout.isatty()
    try:
        with screen(trigger, sys.stdout) if drawn else lines(_print, as_json=as_json) as show:
            listen_to(microphone, engine, trigger, show, seconds)
    except KeyboardInterrupt:  # this is how one stops it
        pass
    return 0


def listen_to(
    microphone: Microphone,
    engine: WakeEngine,
    trigger: Trigger,
    show: Callable[[Heard], None],
    seconds: float | None = None,
) -> None:
    """Show what is heard, block by block. Raises DeviceError when the microphone cannot be used, or ends."""
    blocks: SimpleQueue[Block | None] = SimpleQueue()
    stream = microphone.open(blocks.put)
    try:
        to_wake = Resampler(stream.rate_hz, WAKE_RATE_HZ)
        frames = 0
        while seconds is None or frames < seconds * stream.rate_hz:
            samples = first_channel(samples_of(_next(blocks, stream.device).pcm), stream.channels)
            frames += len(samples)
            show(_judged(engine, trigger, samples, to_wake.take(samples), frames / stream.rate_hz))
    finally:
        microphone.close()


def _next(blocks: "SimpleQueue[Block | None]", device: str) -> Block:
    try:
        block = blocks.get(timeout=STALL_S)
    except Empty:
        block = None
    if block is None:
        remedy = "Check its cable and the sound server; `antiphon doctor` tells more"
        raise DeviceError(f"the microphone {device!r}", "it gives no more sound", remedy)
    return block


def _judged(engine: WakeEngine, trigger: Trigger, samples: Samples, wake_samples: Samples, t_s: float) -> Heard:
    rows = engine.hear(wake_samples)
    detection = trigger.hear(rows, len(wake_samples))
    scores = {word: max(row[at] for row in rows) for at, word in enumerate(engine.words)} if rows else {}
    return Heard(t_s, level_db(samples), scores, (detection.word, detection.score) if detection else None)


# ── in lines ─────────────────────────────────────────────────────────────────────────────────────


@contextmanager
def lines(put: Callable[[str], None], *, as_json: bool) -> Iterator[Callable[[Heard], None]]:
    """A line for each detection, and one for each second with the highest scores and the mean level in it."""
    form = json.dumps if as_json else _as_text
    yield _Seconds(lambda line: put(form(line))).show


def _print(line: str) -> None:
    print(line, flush=True)


class _Seconds:
    """Gathers what is heard into seconds."""

    def __init__(self, put: Callable[[dict[str, Any]], None]) -> None:
        self._put = put
        self._second = 0
        self._powers: list[float] = []
        self._scores: dict[str, float] = {}

    def show(self, heard: Heard) -> None:
        if heard.detected is not None:
            word, score = heard.detected
            self._put({"what": "detected", "t": round(heard.t_s, 2), "word": word, "score": round(score, 3)})
        self._powers.append(10 ** (heard.level_db / 10))
        for word, score in heard.scores.items():
            self._scores[word] = max(score, self._scores.get(word, 0.0))
        if int(heard.t_s) > self._second:
            self._end_second(int(heard.t_s))

    def _end_second(self, second: int) -> None:
        level = round(10 * float(np.log10(np.mean(self._powers))), 1)
        scores = {word: round(score, 3) for word, score in self._scores.items()}
        self._put({"what": "second", "t": second, "level_db": level, "scores": scores})
        self._second, self._powers, self._scores = second, [], {}


def _as_text(line: dict[str, Any]) -> str:
    if line["what"] == "detected":
        return f"{line['t']:7.2f} s  heard {line['word']}, score {line['score']:.2f}"
    scores = "  ".join(f"{word} {score:.2f}" for word, score in line["scores"].items())
    return f"{line['t']:4} s     {line['level_db']:5.0f} dB   {scores}"


# ── on a terminal ────────────────────────────────────────────────────────────────────────────────


@contextmanager
def screen(trigger: Trigger, terminal: IO[str]) -> Iterator[Callable[[Heard], None]]:
    """A bar for the level and one for each word, with a stroke at its threshold. The last picture stays."""
    from rich.console import Console
    from rich.live import Live
    from rich.text import Text

    picture = _Picture(trigger)
    with Live(console=Console(file=terminal), auto_refresh=False) as live:
        yield lambda heard: live.update(Text(picture.of(heard)), refresh=True)


class _Picture:
    """The bars as text; those of the words fall slowly, to be seen."""

    def __init__(self, trigger: Trigger) -> None:
        self._thresholds = {word.name: word.threshold for word in trigger.words}
        self._shown = dict.fromkeys(self._thresholds, 0.0)
        self._last = "nothing yet; Ctrl-C ends"

    def of(self, heard: Heard) -> str:
        for word, score in self._shown.items():
            self._shown[word] = max(heard.scores.get(word, 0.0), 0.9 * score)
        if heard.detected is not None:
            self._last = f"heard {heard.detected[0]}, score {heard.detected[1]:.2f}, at {heard.t_s:.1f} s"
        width = max(len("level"), *map(len, self._shown))
        level = min(1.0, max(0.0, 1 - heard.level_db / QUIETEST_DB))
        rows = [f"{'level':{width}} {bar(level)} {heard.level_db:4.0f} dB"]
        for word, score in self._shown.items():
            rows.append(f"{word:{width}} {bar(score, self._thresholds[word])} {score:.2f}")
        return "\n".join([*rows, self._last])


def bar(value: float, mark: float | None = None) -> str:
    """`value`, 0 to 1, as BAR characters, with a stroke at `mark`."""
    full = round(value * BAR)
    cells = ["█"] * full + ["·"] * (BAR - full)
    if mark is not None:
        cells[min(BAR - 1, round(mark * BAR))] = "│"
    return "".join(cells)
