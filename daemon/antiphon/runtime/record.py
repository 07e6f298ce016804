"""Floor 4. The record: what the appliance has gone through, counted from the lines of its own log, for the status.

It is a Log that passes every line on, and a Watcher, so that a line is written in the midst of what is true then.
Of what was said it knows as much as the log does: nothing.
"""

import time
from collections import Counter, OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from threading import Lock

from antiphon.ports import LogLevel
from antiphon.runtime.log import LONGEST_FIELD, LevelledLog
from antiphon.snapshot import Snapshot

MOST_TROUBLES = 10
COUNTED: dict[str, tuple[str, ...]] = {
    "wakes": ("woke",),
    "turns": ("turn-over",),
    "replies": ("sounded",),
    "interruptions": ("hushed",),
    "calls_opened": ("link-opened",),
    "calls_lost": ("link-closed", "link-given-up", "link-slow"),
}
"""What is counted, and the lines that tell of it."""
LOSSES = ("overflows", "silent_losses", "lost_frames", "underflows", "underruns", "own_words")
"""What the lines "lost" tell of ear and mouth."""
_IN_A_CALL = ("listening", "thinking")
_WORDS = ("sentence", "why", "error", "said")


@dataclass(frozen=True, slots=True)
class Trouble:
    """A warning or an error of the log, and how often it was told."""

    level: LogLevel
    what: str
    words: str
    """Its sentence, or else its figures when it was told last."""
    times: int
    last_s: float
    """When it was told last, in monotonic seconds."""
    at: str
    """The same by the wall clock: ISO 8601, UTC."""


class Record:
    """ports.Log and ports.Watcher; lines come from any thread."""

    def __init__(self, log: LevelledLog, clock: Callable[[], float] = time.monotonic) -> None:
        """Lines go on to `log`."""
        self._log = log
        self._clock = clock
        self._lock = Lock()
        self._told: Counter[str] = Counter()
        self._lost: Counter[str] = Counter()
        self._troubles: OrderedDict[tuple[str, str], Trouble] = OrderedDict()
        self._ear_is_lost = False
        self.began_s = clock()
        """When it began, in monotonic seconds."""
        self.snapshot: Snapshot | None = None
        """What was seen last; None before the mind has decided about anything."""
        log.standing = {"state": "starting"}

    def see(self, snapshot: Snapshot) -> None:
        """ports.Watcher."""
        self.snapshot = snapshot
        call = {"call": snapshot.call} if snapshot.call else {}
        self._log.standing = {"state": snapshot.state.value, "link": snapshot.via, **call}

    def write(self, level: LogLevel, what: str, **fields: str | float) -> None:
        """ports.Log."""
        with self._lock:
            self._count(level, what, fields)
            if level in ("warning", "error"):
                self._remember(level, what, fields)
        self._log.write(level, what, **fields)

    @property
    def counters(self) -> dict[str, int]:
        """How often what has happened since the program began; each only grows."""
        with self._lock:
            counted = {name: sum(self._told[line] for line in lines) for name, lines in COUNTED.items()}
            others = {name: self._told[name] for name in ("handed_over", "device_failures", "sound_restarts")}
            lost = {name: self._lost[name] for name in LOSSES}
        return counted | others | lost | {"log_lines_dropped": self._log.dropped}

    @property
    def troubles(self) -> list[Trouble]:
        """The last ten different ones, the newest first."""
        with self._lock:
            return list(reversed(self._troubles.values()))

    def _count(self, level: LogLevel, what: str, fields: Mapping[str, str | float]) -> None:
        self._told[what] += 1
        match what:
            case "opening":  # a turn's call is lost, and another gets what was said
                self._told["handed_over"] += fields.get("after") in _IN_A_CALL
            case "problem":
                self._told["device_failures"] += fields.get("fault") == "device" and level != "debug"
            case "ear-closed":
                self._ear_is_lost = self._log.standing.get("state") != "deaf"  # where it was not asked for
            case "ear-opened":
                self._told["sound_restarts"] += self._ear_is_lost
                self._ear_is_lost = False
            case "mouth-opened":
                self._told["sound_restarts"] += 1
            case "lost":  # what ear and mouth lost since the last such line
                self._lost.update({name: int(count) for name, count in fields.items() if not isinstance(count, str)})

    def _remember(self, level: LogLevel, what: str, fields: Mapping[str, str | float]) -> None:
        sentence = next((str(fields[name])[:LONGEST_FIELD] for name in _WORDS if name in fields), "")
        before = self._troubles.pop((what, sentence), None)
        words = sentence or ", ".join(f"{name.replace('_', ' ')} {value}" for name, value in fields.items())
        at = datetime.now(UTC).isoformat(timespec="seconds")
        times = 1 if before is None else before.times + 1
        self._troubles[what, sentence] = Trouble(level, what, words[:LONGEST_FIELD], times, self._clock(), at)
        if len(self._troubles) > MOST_TROUBLES:
            self._troubles.popitem(last=False)
