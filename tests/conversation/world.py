"""A whole world in virtual time: somebody who speaks, the mind, and links that are well or fail; thousands of turns.

One `World` runs many turns of one arrangement of links and keeps score; `judge.py` says what is right. Nothing in it is
unfair: every event could come of a real ear, mouth or link. What no scene thought of is found here; the walk in walk.py
is its opposite, a world that may answer anything, and asks only that the mind keeps its head.
"""

import heapq
from collections import Counter, deque
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from itertools import count
from random import Random
from typing import Literal

from antiphon.calls import Calls, LinkPlan
from antiphon.conversation import effects as fx
from antiphon.conversation import events as ev
from antiphon.conversation.machine import Machine
from antiphon.conversation.manners import Manners
from antiphon.conversation.states import State
from antiphon.gestures import Gestures
from conversation.judge import IN_TURN, Judge, Turn
from conversation.person import Person
from conversation.room import Ear, Mouth, Room
from conversation.services import Call, Service

BRISK = Manners(
    opening_ms=6000,
    nothing_said_ms=3000,
    max_turn_ms=20_000,
    thinking_ms=5000,
    answer_ms=2500,
    switch_ms=600,
    link_silence_ms=600,
    reply_gap_ms=2000,
    follow_up_ms=4000,
    sorry_ms=1000,
    hang_ms=1500,
)
"""Shorter than the real ones, in about the same proportions: time costs."""

_MOST_TICKS = 20  # at one moment


def _cloud(*, warm: bool = True, renew_after_s: float = 1500.0, own: bool = False) -> LinkPlan:
    return LinkPlan("cloud", warm, renew_after_s, own)


def _lan(number: int = 1, renew_after_s: float = 1500.0) -> LinkPlan:
    return LinkPlan(f"lan-{number}", False, renew_after_s, True, tried=True, first_sound_ms=3000.0)


ARRANGEMENTS: Mapping[str, list[LinkPlan]] = {
    "cloud": [_cloud()],
    "cloud, LAN": [_cloud(), _lan()],
    "cloud, two LANs": [_cloud(), _lan(1), _lan(2)],
    "LAN, cloud": [_lan(), _cloud()],
    "LAN": [_lan()],
    "two LANs": [_lan(1), _lan(2)],
    "cloud on demand": [_cloud(warm=False)],
    "cloud on demand, LAN": [_cloud(warm=False), _lan()],
    "LAN, cloud on demand": [_lan(), _cloud(warm=False)],
    "own cloud": [_cloud(own=True)],
    "own cloud, LAN": [_cloud(own=True), _lan()],
    "renewed cloud": [_cloud(renew_after_s=12.0)],
    "renewed cloud, LAN": [_cloud(renew_after_s=12.0), _lan(renew_after_s=20.0)],
    "LAN, renewed cloud": [_lan(renew_after_s=20.0), _cloud(renew_after_s=12.0)],
}


@dataclass(frozen=True, slots=True)
class Climate:
    """How often things go wrong, from 0 to 1."""

    faults: float = 0.3
    """Of a link, in a turn."""
    disturbances: float = 0.0
    """Of a turn: interrupted, muted, given up, or the wake word said again in the middle."""


@dataclass
class Tally:
    """What came of many worlds."""

    turns: int = 0
    score: Counter[str] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        scores = ", ".join(f"{count} {what}" for what, count in sorted(self.score.items()))
        return "\n    ".join((f"{self.turns} turns: {scores}; {len(self.wrong)} went wrong", *self.wrong[:3]))


def live(arrangement: str, climate: Climate, seeds: Iterable[int], turns: int) -> Tally:
    """A world for each seed, `turns` turns long; a world in which a rule is broken ends there."""
    tally = Tally()
    for seed in seeds:
        world = World(seed, ARRANGEMENTS[arrangement], climate)
        try:
            world.run(turns)
        except AssertionError as broken:
            world.judge.wrong.append(f"{broken}: {world.person.turn}")
        tally.turns += world.person.turns
        tally.score += world.score
        tally.wrong += [f"{arrangement}, seed {seed}, {climate}: {one}" for one in world.judge.wrong[:1]]
    return tally


class World:
    """`run(turns)`; then `judge.wrong` tells what was broken, and `score` what happened how often."""

    def __init__(
        self, seed: int, plans: list[LinkPlan], climate: Climate, tell: Callable[[str], None] | None = None
    ) -> None:
        """`tell` is told every event and effect, a line each."""
        self.now = 100.0
        self.chance = Random(seed)
        self._agenda: list[tuple[float, int, Callable[[], None]]] = []
        self._order = count()
        self._inbox: deque[ev.Event] = deque()
        self._ticks = 0
        self.score: Counter[str] = Counter()
        self.manners = BRISK
        self.machine = Machine(BRISK, Calls(plans, BRISK.switch_ms / 1000), Gestures(double_ms=350, hold_ms=800))
        self.judge = Judge(plans, BRISK)
        self.room = Room(self)
        self.ear = Ear(self, self.room, self.chance.choice((80, 160)))
        self.services = {plan.name: Service(plan, self, self.room) for plan in plans}
        self.mouth = Mouth(self, self._on_sound)
        self.person = Person(self, climate.faults, climate.disturbances)
        self._tell = tell
        self._seen: dict[int, _Seen] = {}
        self.muted_at = 0
        self.happen(ev.Started())

    def run(self, turns: int) -> None:
        """Until so many turns are over, or a rule is broken."""
        while self.person.turns < turns and not self.judge.wrong:
            self._step()
        live = {call.number for one in self.services.values() for call in one.calls.values() if call.state != "closing"}
        kept = {self.machine._calls.open, self.machine._calls.opening}
        self.judge.rule(live <= kept, f"calls {live} are open, and {kept} are known", None)

    # ── time ─────────────────────────────────────────────────────────────────────────────────────

    def after(self, seconds: float, do: Callable[[], None]) -> None:
        """Do it so much later."""
        heapq.heappush(self._agenda, (self.now + seconds, next(self._order), do))

    def happen(self, event: ev.Event) -> None:
        """Post an event: the mind decides about one at a time."""
        self._inbox.append(event)

    def _step(self) -> None:
        """The next thing that is due: what has happened, the mind's deadline, or what the world has planned."""
        deadline = self.machine.deadline
        if self._inbox:
            self._decide(self._inbox.popleft())
        elif deadline is not None and (not self._agenda or deadline <= self._agenda[0][0]):
            self._ticks = self._ticks + 1 if deadline <= self.now else 0
            assert self._ticks < _MOST_TICKS, "a deadline that stays past, however often it is told"
            self.now = max(self.now, deadline)
            self._decide(ev.Ticked())
        else:
            at, _, do = heapq.heappop(self._agenda)
            self.now = max(self.now, at)
            do()

    # ── the mind ─────────────────────────────────────────────────────────────────────────────────

    @property
    def state(self) -> State:
        return self.machine.state

    @property
    def in_use(self) -> str | None:
        """The link whose call is open, as the mind knows."""
        return next((one.link for one in self._seen.values() if one.how == "open"), None)

    @property
    def cloud_hears(self) -> bool:
        """Who would be asked next finds the turns himself."""
        first = next(iter(self.services))
        return not self.services[self.in_use or first].plan.own_turns

    def _decide(self, event: ev.Event) -> None:
        self._learn(event)
        effects = self.machine.handle(event, self.now)
        if self._tell is not None:
            self._write(event, effects)
        for effect in effects:
            self._obey(effect)
        self.person.look()
        if self.person.turn is not None and self.state in IN_TURN:
            self._look(self.person.turn)

    def _write(self, event: ev.Event, effects: list[fx.Effect]) -> None:
        assert self._tell is not None
        wants = [_short(one) for one in effects if not isinstance(one, fx.Note | fx.CheckLink | fx.SendAudio)]
        sent = [one for one in effects if isinstance(one, fx.SendAudio)]
        if wants or not isinstance(event, ev.Captured | ev.Ticked | ev.LinkAlive):
            wants += [f"SendAudio({one.call}, {len(one.pcm) // 960} grains)" for one in sent]
            self._tell(f"{self.now:9.3f} {_short(event):44} {self.state.name:9} {', '.join(wants)}")

    def _look(self, turn: Turn) -> None:
        turn.sick |= {name for name, one in self.services.items() if one.sick}
        opening = next(((one.link, number) for number, one in self._seen.items() if one.how == "opening"), None)
        dead = next((number for number, one in self._seen.items() if one.how == "open" and self._is_dead(one)), None)
        self.judge.look(turn, self.state, opening, dead, self.now)
        ours = any(one.how == "open" and self.services[one.link].plan.own_turns for one in self._seen.values())
        ended = self.ear.heard_ended >= max(turn.end, self.ear.heard_began)
        self.judge.ended(turn, self.now, unasked=ours and ended and self.state is State.LISTENING)

    def _is_dead(self, one: "_Seen") -> bool:
        """Half dead, and its reply, if any, has not come whole; a link to the LAN has limits of its own."""
        whole = one.call.replies > 0 and one.call.replying is None
        return one.call.hung_s is not None and not whole and not self.services[one.link].plan.tried

    def _learn(self, event: ev.Event) -> None:
        """What the mind is told of its calls, is known here too."""
        match event:
            case ev.LinkOpened(number) if number in self._seen:
                one = self._seen[number]
                if one.how == "opening":
                    one.how = "spare" if self.in_use else "open"
                self.judge.opened(one.link)
            case ev.LinkClosed(number) if number in self._seen:
                one = self._seen.pop(number)
                serves = any(other.link == one.link for other in self._seen.values())
                self.judge.failed(one.link, one.call, self.state, self.now, serves=serves)
            case _:
                pass

    def _obey(self, effect: fx.Effect) -> None:
        match effect:
            case fx.OpenEar():
                self.ear.open()
            case fx.CloseEar():
                self.ear.close()
            case fx.StreamEar(preroll_ms):
                self.ear.stream(preroll_ms)
            case fx.RestEar():
                self.ear.rest()
            case fx.Chime("sorry"):
                self.person.hear_sorry()
            case fx.Play(reply, pcm):
                self.mouth.play(reply, pcm)
            case fx.EndPlay(reply):
                self.mouth.end(reply)
            case fx.Hush(reply):
                self.mouth.hush(reply)
            case fx.Withdraw(reply):
                self.score["withdrawn"] += 1
                self.mouth.withdraw(reply)
            case fx.OpenLink(number, link, trial=trial):
                self._seen[number] = _Seen(link, self.services[link].open(number), "trial" if trial else "opening")
            case fx.CloseLink(number):
                self._close(number)
            case fx.Chime() | fx.Note():
                pass
            case _:
                self._ask(effect)

    def _close(self, number: int) -> None:
        assert number in self._seen, f"call {number} is closed twice"
        one = self._seen.pop(number)
        self.services[one.link].close(one.call)
        if (one.how == "open" and self.state in IN_TURN) or (one.how == "opening" and self.state is State.OPENING):
            self.score["given up"] += 1
            self.judge.given_up(one.link, self.person.turn)
        for other in self._seen.values():
            if one.how == "open" and other.how == "spare":
                other.how = "open"

    def _ask(self, effect: fx.Effect) -> None:
        """What only an open call can be asked."""
        assert isinstance(effect, fx.SendAudio | fx.CommitTurn | fx.CancelReply | fx.CheckLink)
        one = self._seen.get(effect.call)
        assert one is not None, f"{type(effect).__name__} to call {effect.call}, which is not open"
        assert one.how == "open", f"{type(effect).__name__} to call {effect.call}, which is {one.how}"
        service = self.services[one.link]
        match effect:
            case fx.SendAudio(_, pcm):
                grains = self.room.grains(pcm)
                assert min((at for at in grains if at), default=self.muted_at) >= self.muted_at, "heard before the mute"
                service.hear(one.call, grains)
            case fx.CommitTurn():
                service.commit(one.call)
            case fx.CancelReply(_, reply):
                service.cancel(one.call, reply)
            case fx.CheckLink():
                service.check(one.call)

    def _on_sound(self, reply: str) -> None:
        said = next(one.said[reply] for one in self.services.values() if reply in one.said)
        self.score[f"heard from {said.link}"] += 1
        self.person.hear(said)

    def forget(self, first: int) -> None:
        """What was heard before this grain is of no interest any more."""
        for one in self._seen.values():
            one.call.forget(first)


@dataclass(eq=False)
class _Seen:
    """A call, as the mind knows it."""

    link: str
    call: Call
    how: Literal["opening", "trial", "open", "spare"]


def _short(one: object) -> str:
    fields = [getattr(one, name) for name in one.__slots__]  # type: ignore[attr-defined]
    shown = [f"{len(value)} bytes" if isinstance(value, bytes) else repr(value) for value in fields if value != ()]
    return f"{type(one).__name__}({', '.join(shown)})"
