"""The model process as data: eight slots in the order of arrival, what is made when, and what it dies of. Pure.

`now` is an argument, in monotonic seconds. Nobody can cancel: what was asked for is made to its end.
"""

from collections import deque
from dataclasses import dataclass, field
from typing import TypeAlias

from antiphon.simulator.voxserve.windows import TOKENS_PER_S, Window

BACKLOG = 272
"""How many messages are taken in for a model process that reads none: 256 by the socket, 16 by the queue before it."""


class FullError(Exception):
    """No message is taken any more: status 429."""


@dataclass(frozen=True, slots=True)
class Job:
    """One request, on its way to the model."""

    number: int
    windows: tuple[Window, ...] = ()
    doom: str = ""
    """Why the model process dies when it takes this up, or ""."""
    file_gone_s: float | None = None
    """When its upload is deleted: taken up later than that, it kills too."""
    late_s: float = 0.0
    """So much later than it could be, its first window is made."""
    speed: float | None = None
    """How many times faster than real time it is made, if not as fast as all; 0 is at once."""


@dataclass(frozen=True, slots=True)
class Made:
    """Window `index` of a request is there; `last` ends the request. A request without sound is one with pcm b""."""

    number: int
    pcm: bytes
    last: bool
    at_s: float


@dataclass(frozen=True, slots=True)
class Died:
    """The model process died of a request."""

    number: int
    why: str
    at_s: float


Happening: TypeAlias = Made | Died


@dataclass(slots=True)
class _Running:
    job: Job
    due: deque[tuple[float, Window]] = field(default_factory=deque)


class Batch:
    """The slots, and who waits for one."""

    def __init__(self, slots: int, prefill_s: float, speed: float, ready_s: float = 0.0) -> None:
        """`speed` is how many times faster than real time sound is made, 0 at once; nothing is before `ready_s`."""
        self._slots = slots
        self._prefill_s = prefill_s
        self._speed = speed
        self._ready_s = ready_s
        self._waiting: deque[tuple[float, Job]] = deque()
        self._running: list[_Running] = []
        self._prefill_free_s = ready_s
        self._freed_s = ready_s
        self._unread = 0
        self.dead = False

    def add(self, job: Job, now: float) -> None:
        """`job` has been asked for. Raises FullError."""
        self.take_in(now)
        if not self.dead:
            self._waiting.append((now, job))

    def take_in(self, now: float) -> None:
        """A message has come that the model process would drop. Raises FullError."""
        if not self.dead and now >= self._ready_s:
            self._unread = 0
            return
        if self._unread >= BACKLOG:
            raise FullError
        self._unread += 1

    def die(self) -> None:
        """The process ends; all that waits or runs is gone."""
        self.dead = True
        self._waiting.clear()
        self._running.clear()

    @property
    def running(self) -> int:
        """How many slots are held."""
        return len(self._running)

    @property
    def deadline(self) -> float | None:
        """When something happens next."""
        return min((moment for moment in (self._next_start(), self._next_window()) if moment is not None), default=None)

    def advance(self, now: float) -> list[Happening]:
        """All that has happened by `now`, in the order of time."""
        happened: list[Happening] = []
        while (due := self.deadline) is not None and due <= now:
            start = self._next_start()
            if start is not None and start <= due:
                happened += self._start(start)
            else:
                happened.append(self._make())
        return happened

    def _next_start(self) -> float | None:
        """When the first who waits gets a slot; it is known only while one is free."""
        if not self._waiting or len(self._running) >= self._slots:
            return None
        return max(self._waiting[0][0], self._ready_s, self._freed_s)

    def _next_window(self) -> float | None:
        return min((running.due[0][0] for running in self._running), default=None)

    def _start(self, now: float) -> list[Happening]:
        job = self._waiting.popleft()[1]
        why = job.doom
        if not why and job.file_gone_s is not None and now > job.file_gone_s:
            why = "its upload was deleted before it was taken up"
        if why:
            self.die()
            return [Died(job.number, why, now)]
        begun = max(now, self._prefill_free_s) + self._prefill_s  # one prefill at a time
        self._prefill_free_s = begun
        speed = self._speed if job.speed is None else job.speed
        pace_s = 1 / (TOKENS_PER_S * speed) if speed else 0.0
        begun += job.late_s
        windows = job.windows or (Window(b"", 0),)
        self._running.append(_Running(job, deque((begun + window.tokens * pace_s, window) for window in windows)))
        return []

    def _make(self) -> Made:
        running = min(self._running, key=lambda one: one.due[0][0])  # of several the first to come
        at_s, window = running.due.popleft()
        if not running.due:
            self._running.remove(running)
            self._freed_s = at_s
        return Made(running.job.number, window.pcm, not running.due, at_s)
