"""Floor 1. Calls: which connection is open, warm or on demand, renewed in time, retried with patience. Pure.

A call is one connection with a number of its own; it is opened once, closed once, never reused. At most one takes
audio (`open`), and at most one more is being opened (`opening`): a renewal makes the new before it breaks the old.
"""

from dataclasses import dataclass

from antiphon.conversation.effects import CloseLink, Effect, OpenLink
from antiphon.conversation.history import Turn
from antiphon.errors import Problem

_SOON_FIRST_S = 0.25  # while somebody waits
_SOON_MAX_S = 2.0
_IDLE_FIRST_S = 1.0  # while nobody waits
_IDLE_MAX_S = 60.0
_REFUSED_S = 60.0  # a refusal passes only when the owner mends something
_PROVEN_S = 60.0  # a call that lasted this long ends the row of failures; one that dies at once is one more of them


@dataclass(frozen=True, slots=True)
class LinkPlan:
    """One link of the owner's list, as far as choosing and waiting go."""

    name: str
    """As the log, the status and `OpenLink` name it."""
    warm: bool
    """A call is held open while asleep."""
    renew_after_s: float
    """A warm call is replaced after this long, at rest."""
    own_turns: bool
    """The end of a turn is ours to judge, and is told by CommitTurn."""
    first_sound_ms: float = 0.0
    """From the end of the turn, how long this link may need before it sounds, if that is more than the manners say."""


@dataclass(frozen=True, slots=True)
class CallPlan:
    """How connections are kept: `warm` holds one open while asleep; else one is opened for each conversation."""

    warm: bool
    renew_after_s: float


class Calls:
    """Owns the call numbers. Every method returns the effects it wants; times are the machine's, in seconds."""

    def __init__(self, plan: CallPlan) -> None:
        self._plan = plan
        self._last = 0
        self._failures = 0  # in a row
        self._failing = False
        self._retry_at: float | None = None
        self._renew_at: float | None = None
        self._opened_at = 0.0
        self._outdated = False  # the call being opened was told a conversation that is forgotten
        self.open: int | None = None
        self.opening: int | None = None
        self.wanted = False
        """A turn waits for a call."""

    @property
    def warm(self) -> bool:
        """A call is held open while asleep."""
        return self._plan.warm

    @property
    def failing(self) -> bool:
        """The last attempt failed, and no call is open."""
        return self._failing and self.open is None

    def need(self, history: tuple[Turn, ...]) -> list[Effect]:
        """A turn needs a call now, whatever failed before."""
        self.wanted = self.open is None
        if self.open is not None or self.opening is not None:
            return []
        self._failures, self._failing = 0, False
        return self._dial(history)

    def start(self, now: float) -> None:
        """The appliance is up: a warm call is opened at the next tick."""
        if self._plan.warm:
            self._retry_at = now

    def opened(self, call: int, now: float, *, at_rest: bool) -> list[Effect]:
        """`call` is open, and the one it renews is closed; unless a turn has begun on that one meanwhile."""
        if call != self.opening:
            return []
        if self.open is not None and not at_rest:
            self.opening, self._renew_at = None, now
            return [CloseLink(call)]
        effects: list[Effect] = [] if self.open is None else [CloseLink(self.open)]
        self.open, self.opening = call, None
        self.wanted = False
        self._failing = False
        self._opened_at = now
        self._retry_at = None
        self._renew_at = now if self._outdated else now + self._plan.renew_after_s
        return effects

    def closed(self, call: int, problem: Problem | None, now: float) -> bool:
        """`call` is over; True when it was the one in use, or the one that is waited for."""
        if call not in (self.open, self.opening):
            return False
        in_use = call == self.open or self.open is None
        if call == self.open:
            self.open = None
            if now - self._opened_at >= _PROVEN_S:
                self._failures = 0
        else:
            self.opening = None
        self._failures += 1  # nobody here asked for it
        self._failing = True
        if self.open is None:
            self._retry_at = now + self._patience_s(problem)
        else:  # a renewal failed: the old call still serves
            self._renew_at = now + _IDLE_MAX_S
        return in_use

    def hang_up(self, now: float) -> list[Effect]:
        """End every call; a warm one is opened anew when the machine rests."""
        effects: list[Effect] = [CloseLink(call) for call in (self.open, self.opening) if call is not None]
        self.open = self.opening = None
        self.wanted = False
        self._renew_at = None
        self._retry_at = now if self._plan.warm else None
        return effects

    def renew(self, now: float) -> None:
        """Open a new call in place of the one that is open, or being opened, at the next tick at rest."""
        self._outdated = self.opening is not None
        if self.open is not None:
            self._renew_at = now

    def deadline(self, *, at_rest: bool) -> float | None:
        """When `tick` has something to do."""
        times = []
        if self._retry_at is not None and self._may_retry(at_rest=at_rest):
            times.append(self._retry_at)
        if self._renew_at is not None and at_rest and self.open is not None and self.opening is None:
            times.append(self._renew_at)
        return min(times, default=None)

    def tick(self, now: float, history: tuple[Turn, ...], *, at_rest: bool) -> list[Effect]:
        """Open what is due: a retry, a warm call, a renewal."""
        due = self.deadline(at_rest=at_rest)
        if due is None or now < due:
            return []
        self._retry_at = self._renew_at = None
        return self._dial(history)

    def _dial(self, history: tuple[Turn, ...]) -> list[Effect]:
        self._last += 1
        self.opening = self._last
        self._outdated = False
        self._retry_at = None
        return [OpenLink(self._last, history)]

    def _may_retry(self, *, at_rest: bool) -> bool:
        return self.open is None and self.opening is None and (self.wanted or (self._plan.warm and at_rest))

    def _patience_s(self, problem: Problem | None) -> float:
        doublings = min(max(0, self._failures - 1), 10)  # bounded: a float overflows after a thousand
        if self.wanted:
            return min(_SOON_FIRST_S * 2.0**doublings, _SOON_MAX_S)
        if problem is not None and not problem.may_pass:
            return _REFUSED_S
        return min(_IDLE_FIRST_S * 2.0**doublings, _IDLE_MAX_S)
