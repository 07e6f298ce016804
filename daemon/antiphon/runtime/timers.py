"""Floor 4. Timers that run out without a network, and after a restart. It posts that one is due; the mind rings.

By which clock, and why:

- While the machine runs, by the time since it was booted (CLOCK_BOOTTIME): it counts a suspend too, goes on when only
  this program begins anew, and nobody sets it. A wall clock that jumps moves no timer.
- After a boot, by the wall clock, as nothing else knows how long the power was off; but only when it can be believed.
  A board without a battery-backed clock wakes up in 1970, or at the moment of its last shutdown, and learns the time
  later, from the network. So for the first minutes it counts only when systemd-timesyncd says that it has set it; and
  it never counts when it says a time before the timers were written down.
- Until it can be believed, a timer runs as if no time had passed while the power was off. So it may ring late, by that
  long, but it is neither lost, nor does it ring because a clock is wrong.
"""

import asyncio
import json
import os
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from antiphon.conversation.events import TimerDue
from antiphon.ports import Log, Post, RunningTimer
from antiphon.runtime.kept import kept_path
from antiphon.runtime.wall import FIRST_YEAR

NAME = "timers.json"
MOST = 50
DAY_S = 86_400
FORGOTTEN_S = 3600.0
"""A timer that ran out longer ago than that is of no use to anybody."""
SETTLING_S = 180.0
"""After a boot the clock gets so long to be set by the network; then it is believed as it is."""
SET = Path("/run/systemd/timesync/synchronized")
"""There once systemd-timesyncd has set the clock (systemd-timesyncd.service(8))."""
_LOOK_S = 5.0
"""So often is looked: a suspend ends without a word, and a clock is set without one."""
_LAST_S = 2.0
_MOVED_S = 2.0
"""A wall clock that has moved by so much since the timers were written down: they are written anew."""
_MOST_BYTES = 65_536
_FIRST_S = (FIRST_YEAR - 1970) * 365.2425 * DAY_S


def timers_path(environment: Mapping[str, str]) -> Path | None:
    """The file: beside the volume's; or none."""
    beside = kept_path(environment)
    return None if beside is None else beside.with_name(NAME)


@dataclass(frozen=True, slots=True)
class Moment:
    """Now, by every clock there is."""

    boot: str
    """Which boot of the machine this is."""
    boot_s: float
    """Seconds since then, those of a suspend included."""
    wall_s: float
    """Seconds since 1970, as the wall clock has it."""
    is_set: bool
    """The wall clock was set by a time server since the boot, as far as is known."""

    @property
    def believed_s(self) -> float | None:
        """The wall clock, where it can be believed."""
        settled = self.is_set or self.boot_s >= SETTLING_S
        return self.wall_s if settled and self.wall_s >= _FIRST_S else None


def read_clocks() -> Moment:
    """The clocks of this machine."""
    boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    boot_s, wall_s = time.clock_gettime(time.CLOCK_BOOTTIME), time.clock_gettime(time.CLOCK_REALTIME)
    return Moment(boot, boot_s, wall_s, SET.exists())


@dataclass(frozen=True, slots=True)
class Timer:
    """One timer, as it was written down last."""

    timer: int
    label: str
    boot: str
    """In which boot;"""
    due_boot_s: float
    """when it is due in that boot's seconds;"""
    left_s: float
    """how long it had to run then;"""
    due_wall_s: float | None
    """and when it is due by the wall clock, where that was believed."""
    written_wall_s: float

    def left(self, now: Moment) -> float:
        """How long it still has to run; below 0 how long ago it ran out."""
        if now.boot == self.boot:
            return self.due_boot_s - now.boot_s
        at_most_s = self.left_s - now.boot_s  # the machine has been up for so long, whatever was before
        wall_s = now.believed_s
        if wall_s is None or self.due_wall_s is None or wall_s < self.written_wall_s:
            return at_most_s
        return min(self.due_wall_s - wall_s, at_most_s)

    def written(self, now: Moment) -> "Timer":
        """The same as it is to be written down now. One of another boot joins this one when the clock is believed."""
        wall_s, left_s = now.believed_s, self.left(now)
        if now.boot != self.boot and wall_s is None:
            return self
        due_wall_s = None if wall_s is None else wall_s + left_s
        return Timer(self.timer, self.label, now.boot, now.boot_s + left_s, left_s, due_wall_s, now.wall_s)

    def is_stale(self, now: Moment) -> bool:
        """Whether what is written down of it is not how it is."""
        if now.boot != self.boot:
            return now.believed_s is not None
        if now.believed_s is None:
            return False
        due_wall_s = now.believed_s + self.left(now)
        return self.due_wall_s is None or abs(due_wall_s - self.due_wall_s) > _MOVED_S


class TimerFile:
    """Where timers are kept. A disk that is full or damaged costs no more than that: it is said once."""

    def __init__(self, path: Path | None, log: Log) -> None:
        """Nothing is touched yet; without a path nothing is kept."""
        self._path, self._log = path, log
        self._failing = False

    def load(self) -> tuple[int, list[Timer]]:
        """The number of the next timer, and those that were kept."""
        if self._path is None:
            return 1, []
        try:
            with self._path.open("rb") as file:
                return _read(json.loads(file.read(_MOST_BYTES)))
        except FileNotFoundError:
            pass
        except OSError as error:
            self._warn(f"cannot be read ({error.strerror})")
        except (ValueError, KeyError, TypeError, RecursionError, OverflowError):
            self._warn("does not hold what was written there", "the timers of before are lost")
        return 1, []

    def save(self, following: int, timers: Sequence[Timer]) -> bool:
        """Keep them: all of the new file is there, or the old one, whenever the power fails. False: try again."""
        if self._path is None:
            return True
        fresh = self._path.with_name(f".{self._path.name}.new")
        rows = [{name: getattr(timer, name) for name in Timer.__dataclass_fields__} for timer in timers]
        try:
            self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as file:
                file.write(json.dumps({"next": following, "timers": rows}) + "\n")
                file.flush()
                os.fsync(file.fileno())
            fresh.replace(self._path)
        except OSError as error:
            self._warn(f"cannot be written ({error.strerror})")
            return False
        self._failing = False
        return True

    def _warn(self, wrong: str, so: str = "timers do not outlive a restart until that is mended") -> None:
        if not self._failing:
            self._failing = True
            self._log.write("warning", "not-kept", sentence=f"{self._path} {wrong}: {so}")


def _read(state: Any) -> tuple[int, list[Timer]]:
    """Raises ValueError, KeyError, TypeError."""
    timers = [Timer(**{name: row[name] for name in Timer.__dataclass_fields__}) for row in state["timers"]][:MOST]
    for one in timers:
        numbers = [one.due_boot_s, one.left_s, one.written_wall_s, 0 if one.due_wall_s is None else one.due_wall_s]
        if not all(type(number) in (int, float) and abs(number) < 1e12 for number in numbers):
            raise ValueError("no times")
        if type(one.timer) is not int or not isinstance(one.label, str) or not isinstance(one.boot, str):
            raise ValueError("no timer")
        if one.left_s > DAY_S:
            raise ValueError("longer than a day")
    following = max([int(state["next"]), *(one.timer + 1 for one in timers)])
    return following, timers


class TimerKeeper:
    """ports.Timers. All on the loop's thread; the file is written on one of its own."""

    def __init__(self, path: Path | None, log: Log, clock: Callable[[], Moment] = read_clocks) -> None:
        """What was kept at `path` is read, and rings once it runs."""
        self._log, self._clock = log, clock
        self._file = TimerFile(path, log)
        self._next, kept = self._file.load()
        self._timers = {one.timer: one for one in kept}
        self._dirty = False
        self._changed = asyncio.Event()
        self._writing: list[Future[bool]] = []

    def set(self, seconds: float, label: str) -> RunningTimer | str:
        """ports.Timers."""
        if not 1 <= seconds <= DAY_S:
            return "a timer runs for a second at least, and for 24 hours at most"
        if len(self._timers) >= MOST:
            return f"there are {MOST} timers already: cancel one first"
        now, number = self._clock(), self._next
        fresh = Timer(number, label, now.boot, now.boot_s + seconds, seconds, None, now.wall_s).written(now)
        self._next += 1
        self._timers[number] = fresh
        self._touch()
        return RunningTimer(number, label, seconds)

    def list(self) -> list[RunningTimer]:
        """ports.Timers."""
        now = self._clock()
        running = [RunningTimer(one.timer, one.label, one.left(now)) for one in self._timers.values()]
        return sorted(running, key=lambda one: one.left_s)

    def cancel(self, timer: int) -> bool:
        """ports.Timers."""
        if self._timers.pop(timer, None) is None:
            return False
        self._touch()
        return True

    async def run(self, post: Post) -> None:
        """Post TimerDue for each that runs out, until it is cancelled; what changes is written down."""
        writer = ThreadPoolExecutor(1, thread_name_prefix="timers")
        try:
            while True:
                self._changed.clear()
                wait_s = self.look(post)
                if self._dirty and all(one.done() for one in self._writing):
                    self._write(writer)
                with suppress(TimeoutError):
                    async with asyncio.timeout(wait_s):
                        await self._changed.wait()
        finally:
            writer.shutdown(wait=False)
            hangs = wait(self._writing, _LAST_S).not_done  # such a disk is left to itself
            if not hangs and (self._dirty or not all(one.result() for one in self._writing)):
                self._file.save(*self._state())

    def look(self, post: Post) -> float | None:
        """Post what is due now; how long to wait before the next look, None for ever."""
        now = self._clock()
        for one in list(self._timers.values()):
            late_s = -one.left(now)
            if late_s >= 0:
                del self._timers[one.timer]
                self._dirty = True
                if late_s > FORGOTTEN_S:
                    self._log.write("warning", "timer-missed", timer=one.timer, late_s=round(late_s))
                else:
                    post(TimerDue(one.timer, one.label, late_s))
            elif one.is_stale(now):
                self._timers[one.timer] = one.written(now)
                self._dirty = True
        lefts = [one.left(now) for one in self._timers.values()]
        return max(0.001, min(*lefts, _LOOK_S)) if lefts else None

    def _write(self, writer: ThreadPoolExecutor) -> None:
        """On its thread, as a card may take seconds, and what is due meanwhile is to ring."""
        self._dirty = False
        writing = writer.submit(self._file.save, *self._state())
        self._writing = [writing]
        asyncio.wrap_future(writing).add_done_callback(self._written)

    def _written(self, writing: "asyncio.Future[bool]") -> None:
        if writing.cancelled():
            return
        if not writing.result():
            self._dirty = True
            asyncio.get_running_loop().call_later(_LOOK_S, self._changed.set)  # it may have been mended then
        elif self._dirty:
            self._changed.set()

    def _state(self) -> tuple[int, Sequence[Timer]]:
        now = self._clock()
        return self._next, [one.written(now) for one in self._timers.values()]

    def _touch(self) -> None:
        self._dirty = True
        self._changed.set()
