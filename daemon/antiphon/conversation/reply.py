"""Replies: the one that is on its way, the one that is being silenced, and those that nobody wants any more."""

from dataclasses import dataclass
from typing import Literal

from antiphon.conversation.effects import CancelReply, Effect, Hush
from antiphon.conversation.history import History
from antiphon.errors import Problem
from antiphon.pcm import bytes_ms

OWED_S = 5.0
"""A service begins its reply within milliseconds; one that comes this late answers something else."""

HUSHED_S = 1.0
"""The mouth tells within 0.1 s what was heard of a reply; one that hangs tells it never."""


@dataclass(slots=True)
class Reply:
    """One reply, from the service's first word of it to the last sample heard."""

    id: str
    call: int
    pushed_ms: float = 0.0
    last_piece_s: float = 0.0
    sounded_s: float | None = None
    status: Literal["running", "completed", "broken", "withdrawn"] = "running"
    """"withdrawn": its call is lost, and the mouth is asked to drop it if nothing of it went to the card."""
    problem: Problem | None = None

    def add(self, pcm: bytes, now: float) -> None:
        """A further piece went to the mouth."""
        self.pushed_ms += bytes_ms(pcm)
        self.last_piece_s = now

    def held(self, seconds: float) -> None:
        """It was silent for so long in its middle, and goes on."""
        if self.sounded_s is not None:
            self.sounded_s += seconds

    def out_by(self, now: float, gap_s: float, grace_s: float) -> float:
        """When the machine should stop waiting: for more, while it runs; for the mouth, from its end (`now`) on."""
        started = now if self.sounded_s is None else self.sounded_s
        played = started + self.pushed_ms / 1000
        if self.status == "running":
            return max(played, self.last_piece_s) + gap_s
        return max(played, now) + grace_s


class Replies:
    """One reply at a time; everything about any other is stale. Effects name calls, so the open one is an argument."""

    def __init__(self, history: History) -> None:
        self._history = history
        self.current: Reply | None = None
        self._hushing: Reply | None = None
        self._hushed_by_s = 0.0
        self._owed = 0
        self._owed_until_s = 0.0

    # ── from the service ─────────────────────────────────────────────────────────────────────────

    def take_up(self, call: int, reply: str, now: float, *, wanted: bool) -> bool:
        """Make this the current reply; False when it answers what is no longer asked, or comes on top of another."""
        owed = self._owed > 0 and now < self._owed_until_s
        self._owed = self._owed - 1 if owed else 0
        if owed or not wanted or self.current is not None:
            return False
        self._history.began(reply)
        self.current = Reply(reply, call, last_piece_s=now)
        return True

    def running(self, call: int, reply: str) -> Reply | None:
        """The current reply, when it is this one and more of it may come."""
        current = self.current
        if current is None or (current.call, current.id) != (call, reply) or current.status != "running":
            return None
        return current

    def owe(self, now: float) -> None:
        """The service will begin a reply that nobody wants any more; it cannot be cancelled before it begins."""
        self._owed += 1
        self._owed_until_s = now + OWED_S

    def paid(self) -> bool:
        """The service says that one reply will not come; True when that one was owed to nobody."""
        was_owed = self._owed > 0
        self._owed = max(0, self._owed - 1)
        return was_owed

    def call_ended(self) -> None:
        """Nothing more is owed."""
        self._owed = 0

    # ── silence ──────────────────────────────────────────────────────────────────────────────────

    @property
    def hushed_by(self) -> float | None:
        """Until then the mouth should have told what was heard of the reply that is being silenced."""
        return None if self._hushing is None else self._hushed_by_s

    def interrupt(self, open_call: int | None, now: float) -> list[Effect]:
        """Silence first; the service is told when the mouth says what was heard (`hushed`)."""
        reply, self.current = self.current, None
        if reply is None:
            return []
        if not reply.pushed_ms:
            return self._cancel(reply, 0.0, open_call)
        self._hushing, self._hushed_by_s = reply, now + HUSHED_S
        return [Hush(reply.id)]

    def hushed(self, reply: str) -> Reply | None:
        """The mouth has silenced `reply`; it, when that is what was waited for."""
        hushing = self._hushing
        if hushing is None or hushing.id != reply:
            return None
        self._hushing = None
        return hushing

    def heard(self, reply: Reply, heard_ms: float, open_call: int | None) -> list[Effect]:
        """So much of an interrupted reply was heard: cut it in memory, here and there."""
        return self._cancel(reply, heard_ms, open_call)

    def settle(self, open_call: int | None) -> list[Effect]:
        """A new turn goes to the service, which must know by now; the mouth has not said what was heard."""
        reply, self._hushing = self._hushing, None
        return [] if reply is None else self._cancel(reply, 0.0, open_call)

    def drop(self, open_call: int | None) -> list[Effect]:
        """Give the current reply up: nobody will ask what was heard of it."""
        reply, self.current = self.current, None
        return [] if reply is None else [Hush(reply.id), *self._cancel(reply, 0.0, open_call)]

    def _cancel(self, reply: Reply, heard_ms: float, open_call: int | None) -> list[Effect]:
        self._history.cut(reply.id, heard_ms, reply.pushed_ms)
        return [CancelReply(reply.call, reply.id, heard_ms)] if reply.call == open_call else []
