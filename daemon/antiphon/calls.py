"""Floor 1. Calls: which link is asked, which connection is open, warm or on demand, retried with patience. Pure.

The owner lists his links in order; the first that works is asked. A *call* is one connection with a number of its own:
opened once, closed once, never reused. At most one takes audio (`open`), and at most one more is being opened
(`opening`): a renewal makes the new before it breaks the old. A link that has failed is *down*: it is asked only when
no other is left, until a trial at rest has shown that it works again; so no turn pays for an outage but the first.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from antiphon.conversation.effects import CloseLink, Effect, Note, OpenLink
from antiphon.conversation.history import Turn
from antiphon.errors import Problem

_SOON_FIRST_S = 0.25  # while somebody waits
_SOON_MAX_S = 2.0
_IDLE_FIRST_S = 1.0  # while nobody waits
_IDLE_MAX_S = 30.0
_REFUSED_S = 60.0  # a refusal passes only when the owner mends something
_PROVEN_S = 60.0  # a call that lasted this long ends the row of failures; one that dies at once is one more of them
_SPOILED_FIRST_S = 5.0  # a link that opens and then spoils turns is trusted again more slowly each time
_SPOILED_MAX_S = 120.0


@dataclass(frozen=True, slots=True)
class LinkPlan:
    """One link of the owner's list, as far as choosing and waiting go."""

    name: str
    """As the log, the status and `OpenLink` name it."""
    warm: bool
    """A call is held open while asleep; else one is opened for each conversation."""
    renew_after_s: float
    """A warm call is replaced after this long, at rest; a link that is tried is tried again."""
    own_turns: bool
    """The end of a turn is ours to judge, and is told by CommitTurn."""
    tried: bool = False
    """Whether it can answer is found out by a trial, at the start and now and then: its door tells nothing of that."""
    first_sound_ms: float = 0.0
    """From the end of the turn, how long this link may need before it sounds, if that is more than the manners say."""


@dataclass(slots=True, eq=False)
class _Link:
    """What is remembered of a link."""

    plan: LinkPlan
    rank: int
    down: bool = False
    refused: bool = False  # for a reason that only the owner can mend
    failures: int = 0  # in a row
    spoiled: int = 0  # turns in a row
    due_at: float | None = None  # at rest: when to open it, to hold the call or as a trial
    asked: int = 0  # in this turn
    missed: int = 0  # of these, how often it did not open


@dataclass(slots=True, eq=False)
class _Call:
    number: int
    link: _Link
    trial: bool
    opened_at: float = 0.0
    renew_at: float = 0.0
    outdated: bool = False  # it was told a conversation that is forgotten


class Calls:
    """Owns the call numbers. Every method returns the effects it wants; times are the machine's, in seconds."""

    def __init__(self, plans: Sequence[LinkPlan], switch_s: float) -> None:
        """`plans` in the owner's order, one at least; `switch_s` is how long one may take to open before the next."""
        self._links = [_Link(plan, rank) for rank, plan in enumerate(plans)]
        self._switch_s = switch_s
        self._last = 0
        self._open: _Call | None = None
        self._opening: _Call | None = None
        self._redial_at: float | None = None
        self._give_up_at: float | None = None
        self.wanted = False
        """A turn waits for a call."""

    # ── what may be known ────────────────────────────────────────────────────────────────────────

    @property
    def open(self) -> int | None:
        """The call that takes audio."""
        return self._open.number if self._open else None

    @property
    def opening(self) -> int | None:
        """The call that is being opened."""
        return self._opening.number if self._opening else None

    @property
    def meant(self) -> int | None:
        """The call that takes audio, or that is being opened to take some."""
        meant = self._open or self._opening
        return None if meant is None or meant.trial else meant.number

    @property
    def link(self) -> LinkPlan:
        """The link that answers; or that would, as far as is known."""
        return self._in_use.plan

    @property
    def fallback(self) -> bool:
        """That is not the first of the owner's list."""
        return self._in_use.rank > 0

    @property
    def has_other(self) -> bool:
        """Another link may be asked in this turn, and nothing is known against it."""
        return any(not one.asked and not one.down for one in self._links if one is not self._current)

    @property
    def has_more(self) -> bool:
        """There is a link that this turn has not tried."""
        return any(not one.asked for one in self._links if one is not self._current)

    @property
    def failing(self) -> bool:
        """No link is known to work, no call is open, and no turn has given us new hope."""
        return self._open is None and not self.wanted and all(one.down for one in self._links)

    @property
    def hopeless(self) -> bool:
        """Every link has refused this turn, for a reason that only the owner can mend."""
        return all(one.asked and one.refused for one in self._links)

    def link_of(self, call: int) -> str:
        """The name of the link of a call that is open or opening; "" of any other."""
        return next((one.link.plan.name for one in (self._open, self._opening) if one and one.number == call), "")

    @property
    def _current(self) -> _Link | None:
        if self._open is not None:
            return self._open.link
        return self._opening.link if self._opening is not None and self.wanted else None

    @property
    def _in_use(self) -> _Link:
        return self._current or min(self._links, key=lambda one: (one.down, one.rank))

    # ── for a turn ───────────────────────────────────────────────────────────────────────────────

    def _next(self) -> _Link:
        """Whom to ask now: nobody twice before all were asked, and nobody again who has refused."""
        return min(self._links, key=lambda one: (bool(one.asked and one.refused), one.asked, one.down, one.rank))

    def begin_turn(self) -> None:
        """Whatever failed in turns before, all may be asked in this one."""
        for link in self._links:
            link.asked = link.missed = 0

    def need(self, now: float, history: tuple[Turn, ...]) -> list[Effect]:
        """A turn needs a call: at once from a link not asked yet, after a pause from one that has failed to open."""
        self.wanted = self._open is None
        if not self.wanted:
            return []
        link = self._next()
        effects: list[Effect] = []
        if self._opening is not None:
            if not self._opening.trial and (link.down or not self._opening.link.down):
                self._watch(self._opening, now)
                return []
            effects += self._drop(self._opening, now)  # a trial serves no turn; one that is down is not waited for
        if link.missed:
            self._redial_at = now + min(_SOON_FIRST_S * 2.0 ** min(link.missed - 1, 10), _SOON_MAX_S)
            return effects
        return effects + self._dial(link, now, history)

    def give_up(self, now: float) -> list[Effect]:
        """The open call serves this turn no more, though nobody has closed it."""
        if self._open is None:
            return []
        call, self._open = self._open, None
        self._failed(call.link, None, now, in_turn=True)
        return [CloseLink(call.number)]

    def answered(self) -> None:
        """The open call's link has answered a turn: what was against it is forgotten."""
        if self._open is not None:
            self._open.link.spoiled = self._open.link.failures = 0

    def rest(self, now: float) -> list[Effect]:
        """The conversation is over: only the warm call of the best link stays. One that is better, but was down, is
        tried again.
        """
        for link in self._links[: self._in_use.rank]:
            if link.due_at is not None and not link.refused and link.spoiled <= 1:
                link.due_at = min(link.due_at, now)
        calls = [one for one in (self._open, self._opening) if one is not None]
        calls = [one for one in calls if not one.link.plan.warm or self._bettered(one.link)]
        self.wanted = False
        return [effect for call in calls for effect in self._drop(call, now)]

    def hang_up(self, now: float) -> list[Effect]:
        """End every call; a warm one is opened anew when the machine rests."""
        calls = [one for one in (self._open, self._opening) if one is not None]
        self.wanted = False
        return [effect for call in calls for effect in self._drop(call, now)]

    # ── what has become of calls ─────────────────────────────────────────────────────────────────

    def start(self, now: float) -> None:
        """The appliance is up: warm calls are opened from the next tick on, and what is to be tried is tried."""
        for link in self._links:
            if link.plan.warm or link.plan.tried:
                link.due_at = now

    def opened(self, call: int, now: float, *, at_rest: bool) -> list[Effect]:
        """`call` is open, and the one it renews or betters is closed; unless a turn has begun on that one meanwhile."""
        new = self._opening
        if new is None or call != new.number:
            return []
        new.link.down, new.link.refused, new.link.missed = False, False, 0
        new.link.due_at = now + new.link.plan.renew_after_s if new.link.plan.tried else None
        old = self._open
        bettered = at_rest and self._bettered(new.link)
        if new.trial or bettered or (old is not None and (not at_rest or new.link.rank > old.link.rank)):
            if old is not None and old.link is new.link:
                old.renew_at = now
            effects = self._drop(new, now)
            if old is not None and at_rest and self._bettered(old.link):
                effects += self._drop(old, now)
            return effects
        effects = [] if old is None else self._drop(old, now)
        self._open, self._opening = new, None
        self.wanted = False
        new.opened_at = now
        new.renew_at = now if new.outdated else now + new.link.plan.renew_after_s
        return effects

    def closed(self, call: int, problem: Problem | None, now: float, *, in_turn: bool) -> bool:
        """`call` is over; True when it was the one in use, or the one that is waited for.

        A call that is lost `in_turn` counts against its link; one that dies of old age at rest does not.
        """
        if self._open is not None and call == self._open.number:
            lost, self._open = self._open, None
            if problem is not None and problem.fault == "blocked":  # it works, and minds what it is told
                return True
            proven = now - lost.opened_at >= _PROVEN_S
            if proven:
                lost.link.failures = 0
            self._failed(lost.link, problem, now, in_turn=in_turn)
            lost.link.down = in_turn or not proven
            return True
        if self._opening is not None and call == self._opening.number:
            lost, self._opening = self._opening, None
            lost.link.missed += self.wanted
            self._failed(lost.link, problem, now, in_turn=False)
            if self._open is not None and self._open.link is lost.link:  # a renewal failed: the old call still serves
                self._open.renew_at = now + _REFUSED_S
                lost.link.down, lost.link.due_at = False, None
            return self._open is None and not lost.trial
        return False

    def renew(self, now: float) -> None:
        """Open a new call in place of the one that is open, or being opened, at the next tick at rest."""
        if self._opening is not None:
            self._opening.outdated = True
        if self._open is not None:
            self._open.renew_at = now

    # ── time ─────────────────────────────────────────────────────────────────────────────────────

    def deadline(self, *, at_rest: bool) -> float | None:
        """When `tick` has something to do."""
        times = [due for link in self._links if at_rest and (due := self._due(link)) is not None]
        if self.wanted and self._opening is not None and self._give_up_at is not None:
            times.append(self._give_up_at)
        if self.wanted and self._opening is None and self._redial_at is not None:
            times.append(self._redial_at)
        return min(times, default=None)

    def tick(self, now: float, history: tuple[Turn, ...], *, at_rest: bool) -> list[Effect]:
        """Do what is due: the next link instead of a slow one, a retry, a warm call, a trial, a renewal."""
        due = self.deadline(at_rest=at_rest)
        if due is None or now < due:
            return []
        if self.wanted and self._opening is not None:
            slow = self._opening
            slow.link.missed += 1
            note = Note("link-slow", (("call", slow.number), ("link", slow.link.plan.name)), "warning")
            effects = self._drop(slow, now)
            self._failed(slow.link, None, now, in_turn=False)
            return [note, *effects, *self.need(now, history)]
        if self.wanted:
            return self._dial(self._next(), now, history)
        link = min((one for one in self._links if self._due(one) is not None), key=lambda one: self._due(one) or 0.0)
        return self._dial(link, now, history)

    def _due(self, link: _Link) -> float | None:
        """When a call on this link is to be opened while nobody waits: a renewal, a warm call, a trial."""
        if self._opening is not None or self.wanted:
            return None
        if self._open is not None and self._open.link is link:
            return self._open.renew_at
        held = link.plan.warm and not link.down
        return None if held and self._bettered(link) else link.due_at

    def _bettered(self, link: _Link) -> bool:
        """A link before it in the owner's order is not known to be down: no call of this one is held at rest."""
        return any(not one.down for one in self._links[: link.rank])

    # ── small things ─────────────────────────────────────────────────────────────────────────────

    def _dial(self, link: _Link, now: float, history: tuple[Turn, ...]) -> list[Effect]:
        self._last += 1
        trial = not self.wanted and not link.plan.warm
        self._opening = _Call(self._last, link, trial)
        link.due_at = self._redial_at = None
        if self.wanted:
            self._watch(self._opening, now)
        return [OpenLink(self._last, link.plan.name, history, trial)]

    def _watch(self, call: _Call, now: float) -> None:
        """A turn waits for this call: not for ever, if another link can be asked."""
        call.link.asked += 1
        self._give_up_at = now + self._switch_s if self.has_other else None

    def _drop(self, call: _Call, now: float) -> list[Effect]:
        """Close a call that we do not want; its link comes to no harm."""
        if call is self._open:
            self._open = None
        else:
            self._opening = None
        wished = call.link.plan.warm or call.link.plan.tried or call.link.down
        if wished and call.link.due_at is None:
            call.link.due_at = now
        return [CloseLink(call.number)]

    def _failed(self, link: _Link, problem: Problem | None, now: float, *, in_turn: bool) -> None:
        """One failure more of this link, and when it is tried again while nobody waits."""
        link.down = True
        link.failures += 1
        link.asked = max(link.asked, 1)
        link.spoiled += in_turn
        link.refused = problem is not None and not problem.may_pass
        if len(self._links) == 1 and not (link.plan.warm or link.plan.tried):
            return  # whoever needs it will find out
        patience_s = _doubled(_IDLE_FIRST_S, link.failures, _IDLE_MAX_S)
        if link.spoiled and len(self._links) > 1:
            patience_s = max(patience_s, _doubled(_SPOILED_FIRST_S, link.spoiled, _SPOILED_MAX_S))
        if link.refused:
            patience_s = _REFUSED_S
        link.due_at = now + patience_s


def _doubled(first_s: float, times: int, most_s: float) -> float:
    return min(first_s * 2.0 ** min(max(0, times - 1), 10), most_s)  # bounded: a float overflows after a thousand
