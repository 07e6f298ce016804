"""Floor 4. The status: all that may be known of the running appliance, as one tree of plain values, for JSON.

Never a secret, and of what was said only the names of timers. docs/control.md has every field.
"""

import math
import os
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from antiphon import __version__
from antiphon.ports import Notifier, Timers
from antiphon.runtime.ear import Ear
from antiphon.runtime.echo_path import EchoPath
from antiphon.runtime.mouth import Mouth
from antiphon.runtime.record import Record, Trouble

Tree: TypeAlias = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Facts:
    """What the settings have made of this appliance."""

    board: str
    wake_words: Sequence[str]
    cancel: str
    """How its own sound is taken out of what it hears: echo.cancel."""


class Status:
    """Reads everybody's figures when it is asked; from the loop's thread."""

    def __init__(
        self,
        facts: Facts,
        record: Record,
        ear: Ear,
        mouth: Mouth,
        echo: EchoPath | None,
        notifier: Notifier,
        clock: Callable[[], float] = time.monotonic,
        timers: Timers | None = None,
    ) -> None:
        self._facts, self._record, self._clock = facts, record, clock
        self._ear, self._mouth, self._echo, self._notifier = ear, mouth, echo, notifier
        self._timers = timers

    def __call__(self) -> Tree:
        """All of it, now."""
        seen, now_s, began_s = self._record.snapshot, self._clock(), self._record.began_s
        return {
            "version": __version__,
            "pid": os.getpid(),
            "uptime_s": round(now_s - began_s, 1),
            "state": "starting" if seen is None else seen.state.value,
            "since_s": round(now_s - max(began_s, 0.0 if seen is None else seen.since_s), 1),
            "problem": "" if seen is None else seen.problem,
            "ringing": "" if seen is None else seen.ringing,
            "link": self._link(),
            "microphone": self._microphone(),
            "speaker": self._speaker(),
            "echo": self._echo_judged(),
            "timers": self._running(),
            "wake_words": list(self._facts.wake_words),
            "board": self._facts.board,
            "watchdog": {"limit_s": self._notifier.watchdog_s, "fed": self._notifier.fed},
            "counters": self._record.counters,
            "troubles": [_told(trouble, now_s) for trouble in self._record.troubles],
        }

    def _link(self) -> Tree:
        seen = self._record.snapshot
        if seen is None:
            return {"name": "", "health": "none", "fallback": False, "call": None}
        return {"name": seen.via, "health": seen.link, "fallback": seen.fallback, "call": seen.call or None}

    def _microphone(self) -> Tree:
        """Levels are null while it is closed: nothing is heard then, and nothing was kept."""
        seen, stream = self._record.snapshot, self._ear.format
        told = {
            "muted": seen is not None and seen.state.value == "deaf",
            "switched_off": seen is not None and seen.switched_off,
            "open": stream is not None,
        }
        if stream is None:
            return told | {"device": None, "rate_hz": None, "level_db": None, "loudest_db": None}
        level_db, loudest_db = round(self._ear.level_db, 1), round(self._ear.loudest.level_db, 1)
        return told | {
            "device": stream.device,
            "rate_hz": stream.rate_hz,
            "level_db": level_db,
            "loudest_db": loudest_db,
        }

    def _speaker(self) -> Tree:
        seen, stream = self._record.snapshot, self._mouth.format
        return {
            "usable": seen is None or not seen.voiceless,
            "open": stream is not None,
            "device": None if stream is None else stream.device,
            "volume": None if seen is None else seen.volume,
        }

    def _running(self) -> list[Tree]:
        """Those that run, the next first, and what they are for: the owner's own words are shown to him."""
        running = [] if self._timers is None else self._timers.list()
        return [{"timer": one.timer, "label": one.label, "left_s": round(max(0.0, one.left_s), 1)} for one in running]

    def _echo_judged(self) -> Tree:
        """Figures are null before anything of it was measured."""
        seen = self._record.snapshot
        judged = None if self._echo is None else self._echo.judged
        told: Tree = {"cancel": self._facts.cancel, "half_duplex": seen is not None and seen.half_duplex}
        if judged is None or (judged.cancelled and not judged.delay_ms):
            return told | {"erle_db": None, "delay_ms": None, "drift_ppm": None}
        figures = {"erle_db": judged.erle_db, "delay_ms": judged.delay_ms, "drift_ppm": judged.drift_ppm}
        return told | {name: round(value, 1) if math.isfinite(value) else None for name, value in figures.items()}


def _told(trouble: Trouble, now_s: float) -> Tree:
    return {
        "at": trouble.at,
        "ago_s": round(now_s - trouble.last_s, 1),
        "times": trouble.times,
        "level": trouble.level,
        "what": trouble.what,
        "words": trouble.words,
    }
