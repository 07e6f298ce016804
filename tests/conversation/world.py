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
from antiphon.conversation.overlap import Duplex
from antiphon.conversation.states import State
from antiphon.gestures import Gestures
from conversation.elsewhere import Elsewhere
from conversation.judge import IN_TURN, SOUNDING, Judge, Turn
from conversation.person import Person
from conversation.room import DECAY_S, GRAIN_MS, Ear, Mouth, Room
from conversation.services import Call, Said, Service

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

_TOOL_LIMIT_MS = 1500.0
_TOOL_S = (0.0, 1.2)
_MOST_TICKS = 20  # at one moment
_TALK_AGAIN = ("start_over", "start_over", "start_over", "give_up")
_GOOD_S, _BAD_S = (5.0, 60.0), (0.5, 15.0)  # how long our own sound is taken out of what the ear hears, and is not
_LONG_PIECES_MS = (20, 100, 400, 900)


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
    """Of a turn: interrupted, muted, begun anew, given up, or the wake word said again in the middle."""
    overlaps: float = 0.0
    """Of a reply: spoken or coughed over, or interrupted by wake word or button."""
    full: bool = False
    """The board takes its own sound out of what it hears; now and then it fails to."""
    tools: float = 0.0
    """How often a reply calls tools, and is not the answer yet."""
    orders: bool = False
    """Somebody elsewhere has texts said and turns the volume; and mutes are often the switch's, or orders."""


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
        self.manners = BRISK.model_copy(update={"talk_again": self.chance.choice(_TALK_AGAIN)})
        calls, gestures = Calls(plans, BRISK.switch_ms / 1000), Gestures(double_ms=350, hold_ms=800)
        duplex = Duplex(full=climate.full, decay_ms=1000 * DECAY_S)
        self.machine = Machine(self.manners, calls, gestures, duplex, announces=True, tool_limit_ms=_TOOL_LIMIT_MS)
        self.judge = Judge(plans, BRISK)
        self.room = Room(self)
        self.ear = Ear(self, self.room, self.chance.choice((80, 160)), full=climate.full)
        self.services = {plan.name: Service(plan, self, self.room) for plan in plans}
        self.mouth = Mouth(self, self._on_sound, self._on_end)
        self.ear.we_sound = self.mouth.sounds
        self.person = Person(self, climate)
        self.elsewhere = Elsewhere(self, climate.faults)
        if climate.orders:
            self.elsewhere.begin()
        if climate.full:
            self.after(self.chance.uniform(*_GOOD_S), self._spoil_echo)
            for service in self.services.values():
                service.pieces_ms = _LONG_PIECES_MS
        for service in self.services.values():
            service.tools = climate.tools
        self._running: set[int] = set()  # tools
        self._ran: dict[int, int] = {}  # grains of speech that have run a tool, and on which call
        self._tell = tell
        self._seen: dict[int, _Seen] = {}
        self.nothing_before = 0
        """Grains that must not be sent any more: from before a mute, or of a question that was begun anew."""
        self.hears_us_at = 0.0
        """When the mind learned last that a service hears somebody."""
        self._by_hand = self._theirs = False
        self.happen(ev.Started())

    def run(self, turns: int) -> None:
        """Until so many turns are over, or a rule is broken."""
        while self.person.turns < turns and not self.judge.wrong:
            self._step()
        self.elsewhere.end()
        while self.elsewhere.waiting and not self.judge.wrong:
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
    def announces(self) -> bool:
        """What sounds is an announcement; at least it did as the mind was last told something."""
        return self.state is State.SPEAKING and self.machine._announces

    @property
    def meets(self) -> State:
        """The state in which it meets a turn: an announcement out of sleep is no conversation."""
        return State.ASLEEP if self.machine._at_rest and self.announces else self.state

    @property
    def in_use(self) -> str | None:
        """The link whose call is open, as the mind knows."""
        return next((one.link for one in self._seen.values() if one.how == "open"), None)

    @property
    def cloud_hears(self) -> bool:
        """Who would be asked next finds the turns himself."""
        first = next(iter(self.services))
        return not self.services[self.in_use or first].plan.own_turns

    @property
    def hears_over(self) -> bool:
        """Somebody who speaks over a reply is heard."""
        return self.state in SOUNDING and self.ear.streams and self.ear.cancelled

    def _spoil_echo(self) -> None:
        self.ear.cancelled = not self.ear.cancelled
        self.happen(ev.EchoJudged(self.ear.cancelled, 20.0 if self.ear.cancelled else 2.0, 10.0, 15.0))
        self.after(self.chance.uniform(*(_GOOD_S if self.ear.cancelled else _BAD_S)), self._spoil_echo)

    def _decide(self, event: ev.Event) -> None:
        self._learn(event)
        self._by_hand = isinstance(event, ev.ButtonMoved | ev.Commanded | ev.SwitchMoved)
        effects = self.machine.handle(event, self.now)
        if self._tell is not None:
            self._write(event, effects)
        self._theirs = any(isinstance(effect, fx.Answer) and effect.problem for effect in effects)
        for effect in effects:
            self._obey(effect)
        if isinstance(event, ev.EchoJudged) and not event.cancelled:
            self.person.go_unheard()
        self.judge.rule(self.mouth.held == (self.state is State.DOUBTING), "a reply is held", self.person.turn)
        self.person.look()
        self.elsewhere.look()
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
                if one.how == "trial" and self.person.turn is not None:
                    self.person.turn.known[one.link] = "either"
                self.judge.opened(one.link)
            case ev.LinkClosed(number) if number in self._seen:
                one = self._seen.pop(number)
                serves = any(other.link == one.link for other in self._seen.values())
                state = State.LINGERING if self.announces else self.state  # nobody's turn
                self.judge.failed(one.link, one.call, state, self.now, serves=serves)
            case ev.SpeechStarted(number) if number in self._seen and self._seen[number].how == "open":
                self.hears_us_at = self.now
            case _:
                pass

    def _obey(self, effect: fx.Effect) -> None:
        match effect:
            case fx.OpenEar():
                self.ear.open()
            case fx.CloseEar():
                self.ear.close()
            case fx.StreamEar(preroll_ms, after_s):
                self.ear.stream(preroll_ms, after_s)
            case fx.RestEar():
                self.ear.rest()
            case fx.Chime("sorry") if self._theirs:
                self.person.is_cut_short()
            case fx.Chime("sorry"):
                self.person.hear_sorry()
            case fx.Play(reply, pcm):
                self.mouth.play(reply, pcm)
            case fx.EndPlay(reply):
                self.mouth.end(reply)
            case fx.Hush(reply):
                self.mouth.hush(reply)
            case fx.Duck(reply):
                self.score["held"] += 1
                self.mouth.duck(reply)
            case fx.Resume(reply):
                self.score["resumed"] += 1
                self.mouth.resume(reply)
            case fx.Withdraw(reply):
                self.score["withdrawn"] += 1
                self.mouth.withdraw(reply)
            case fx.RunTool(run):
                self._run_tool(run)
            case fx.DropTool(run):
                assert run in self._running, f"tool {run} is dropped, and does not run"
                self._running.remove(run)
            case fx.OpenLink(number, link, trial=trial):
                self._seen[number] = _Seen(link, self.services[link].open(number), "trial" if trial else "opening")
            case fx.CloseLink(number):
                self._close(number)
            case fx.Chime() | fx.Note():
                pass
            case _:
                if not self.elsewhere.obey(effect):
                    self._ask(effect)

    def _run_tool(self, run: int) -> None:
        """It answers within its limit; what it was asked for must not have run another on another call."""
        self._running.add(run)
        self.score["tools"] += 1
        turn = self.person.turn
        (call,) = (one.call for one in self._seen.values() if one.how == "open")
        if turn is not None:
            turn.ran = True
            for at in filter(lambda at: turn.first <= at < turn.end, call.heard):
                other = self._ran.setdefault(at, call.number)
                assert other == call.number, f"grain {at} runs tools on calls {other} and {call.number}"

        def answer() -> None:
            if run in self._running:
                self._running.remove(run)
                self.happen(ev.ToolAnswered(run, "done"))

        self.after(self.chance.uniform(*_TOOL_S), answer)

    def _close(self, number: int) -> None:
        assert number in self._seen, f"call {number} is closed twice"
        one = self._seen.pop(number)
        self.services[one.link].close(one.call)
        needed = (one.how == "open" and self.state in IN_TURN and not self.announces) or (
            one.how == "opening" and self.state is State.OPENING
        )
        if needed and not self._by_hand:
            self.score["given up"] += 1
            self.judge.given_up(one.link, self.person.turn)
        for other in self._seen.values():
            if one.how == "open" and other.how == "spare":
                other.how = "open"

    def _ask(self, effect: fx.Effect) -> None:
        """What only an open call can be asked."""
        asked = fx.SendAudio | fx.CommitTurn | fx.CancelReply | fx.GiveToolOutputs | fx.CheckLink
        assert isinstance(effect, asked)
        one = self._seen.get(effect.call)
        assert one is not None, f"{type(effect).__name__} to call {effect.call}, which is not open"
        assert one.how == "open", f"{type(effect).__name__} to call {effect.call}, which is {one.how}"
        service = self.services[one.link]
        match effect:
            case fx.SendAudio(_, pcm):
                grains = self.room.grains(pcm)
                first = min(filter(None, grains), default=self.nothing_before)
                assert first >= self.nothing_before, f"grain {first} was muted, or begun anew"
                service.hear(one.call, grains)
            case fx.CommitTurn():
                service.commit(one.call)
            case fx.CancelReply(_, reply):
                service.cancel(one.call, reply)
            case fx.GiveToolOutputs(_, outputs, respond):
                service.be_told(one.call, outputs, respond=respond)
            case fx.CheckLink():
                service.check(one.call)

    def _said(self, reply: str) -> Said:
        return next(one.said[reply] for one in self.services.values() if reply in one.said)

    def _on_end(self, reply: str, heard_ms: float) -> None:
        if reply.startswith("say-"):
            self.elsewhere.finished(reply, heard_ms)
            return
        said = self._said(reply)
        said.finished = heard_ms > said.ms - 1
        self.judge.rule(
            said.finished or not said.whole, f"{heard_ms:.0f} of {said.ms:.0f} ms are heard", self.person.turn
        )

    def _on_sound(self, reply: str) -> None:
        if reply.startswith("say-"):
            rests = self.state in (State.ASLEEP, State.DEAF, State.LINGERING)
            self.judge.rule(rests, f"{reply} is heard while {self.state.name}", self.person.turn)
            self.person.is_cut_short()
            return
        said = self._said(reply)
        self.score[f"heard from {said.link}"] += 1
        self.person.hear(said)

    def begin_anew(self) -> None:
        """What is being said, up to here, must not be answered; what is in the ear's block is on its way."""
        self.nothing_before = self.room.here - round(self.ear.block_s * 1000 / GRAIN_MS)
        for one in self._seen.values():
            one.call.spoiled = one.call.spoiled or bool(one.call.heard)

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
