"""What is to happen, in order of time, and what is ready to be sent. Pure: it is told the time."""

import heapq
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, TypeAlias

Json: TypeAlias = dict[str, Any]


@dataclass(order=True, slots=True)
class Due:
    """One act, due at `at_s`; `tag` says what it belongs to, `what` what it is."""

    at_s: float
    order: int
    act: Callable[[float], None] = field(compare=False)
    tag: str = field(compare=False, default="")
    what: str = field(compare=False, default="")


@dataclass(frozen=True, slots=True)
class End:
    """The connection ends here: with a close frame of `code`, or without one."""

    code: int | None
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Ping:
    """Send a WebSocket ping; `missed(now)` when `wait_s` pass without its pong."""

    wait_s: float
    missed: Callable[[float], None]


Said: TypeAlias = Json | End | Ping


class Agenda:
    """The acts to come and the events that are ready."""

    def __init__(self) -> None:
        self._acts: list[Due] = []
        self._order = 0
        self._outbox: list[Said] = []

    @property
    def deadline(self) -> float | None:
        """When the next act is due."""
        return self._acts[0].at_s if self._acts else None

    def at(self, at_s: float, act: Callable[[float], None], *, tag: str = "", what: str = "") -> None:
        """Do `act(now)` at `at_s`; acts of the same time keep the order they were given in."""
        self._order += 1
        heapq.heappush(self._acts, Due(at_s, self._order, act, tag, what))

    def withdraw(self, tag: str) -> list[Due]:
        """Forget the acts with this tag; what they were, in order."""
        gone = sorted(due for due in self._acts if due.tag == tag)
        self._acts = [due for due in self._acts if due.tag != tag]
        heapq.heapify(self._acts)
        return gone

    def run(self, now: float) -> None:
        """Do what is due."""
        while self._acts and self._acts[0].at_s <= now:
            heapq.heappop(self._acts).act(now)

    def say(self, event: Said) -> None:
        """Make `event` ready to be sent."""
        self._outbox.append(event)

    def take(self) -> list[Said]:
        """What is ready, in order; it is given once."""
        ready, self._outbox = self._outbox, []
        return ready
