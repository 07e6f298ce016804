"""The services of a world in virtual time: a cloud that hears for itself, and servers that are told the end of a turn.

They do what the real ones do, well or in one of the ways in which the real ones fail, and know nothing of the mind.
Sound is numbered in grains of 20 ms (room.py), so what a call has heard is a list of numbers.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random
from typing import Literal, Protocol

from antiphon.calls import LinkPlan
from antiphon.conversation import effects as fx
from antiphon.conversation import events as ev
from antiphon.errors import Problem
from conversation.room import GRAIN_MS, Room

LOST = Problem("lost", "The network is gone")
REFUSED = Problem("refused", "The key is wrong")
WITHHELD = Problem("lost", "The answer was withheld")

Mood = Literal["well", "refuses", "loses", "silent", "slow"]
"""How a service takes new calls."""
Answering = Literal["well", "nothing", "failed", "dies", "stalls", "late", "deaf", "endless"]
"""What becomes of its replies; deaf never hears speech, and endless never its end."""

BEGINS_MS, ENDS_MS = 240, 600
"""Of voice, and of silence after it, in the cloud's ear: a cough is less than it needs."""
JUMPY_MS = 120
_FRAME = 4  # grains, in which it listens
_SLOW_S = (0.8, 2.5)
_SILENT_S = 8.0
_HANGS_S = 20.0
_FIRST_SOUND_S = (0.6, 1.2)  # after that of its own accord no reply overtakes the news that the user goes on
_OWN_LIMIT_S = 2.5  # after which a link to the LAN, that has limits of its own, knows that nothing comes
_LATE_S = 3.0
_MOST_ROUNDS = 4


class Time(Protocol):
    """What a service knows of the world."""

    now: float
    chance: Random

    def after(self, seconds: float, do: Callable[[], None]) -> None: ...
    def happen(self, event: ev.Event) -> None: ...


@dataclass(eq=False)
class Call:
    """One connection."""

    number: int
    state: Literal["opening", "open", "closing", "closed"] = "opening"
    doomed: bool = False
    """It was dialled when the service was not well."""
    opened_s: float = 0.0
    hung_s: float | None = None
    heard: list[int] = field(default_factory=list)
    """The grains that were sent to it, in order; 0 is silence that was made."""
    asked: int = 0
    """How many of them it has been asked about."""
    latest: int = 0
    """Of all grains that were ever sent to it."""
    spoiled: bool = False
    """It holds the beginning of a question that was begun anew."""
    replies: int = 0
    rounds: int = 0
    """How often its last reply goes on from what tools have answered."""
    replying: "Said | None" = None
    told_s: float = 0.0  # its events keep their order
    voice_ms: int = 0
    silence_ms: int = 0
    hears: bool = False

    def forget(self, first: int) -> None:
        """What was heard before this grain is of no interest any more."""
        kept = [one for one in self.heard if one >= first]
        self.asked = max(0, self.asked - len(self.heard) + len(kept))
        self.heard = kept


@dataclass(eq=False)
class Said:
    """One reply, and to what."""

    id: str
    link: str
    call: Call
    heard: list[int]
    ms: float = 0.0
    whole: bool = False
    cancelled: bool = False
    finished: bool = False
    """All of it was heard that ever came."""
    calls: list[str] = field(default_factory=list)
    """The tools that it calls, without a word; the next reply is the answer."""


class Service:
    """One link's other side. `sick` is whether it is now anything but well."""

    def __init__(self, plan: LinkPlan, time: Time, room: Room) -> None:
        self.plan = plan
        self.calls: dict[int, Call] = {}
        self.said: dict[str, Said] = {}
        self.mood: Mood = "well"
        self.answering: Answering = "well"
        self.jumpy = False
        """It takes a cough for speech, and may be slow to say so."""
        self.pieces_ms: tuple[int, ...] = (20, 100, 400)
        self.tools = 0.0
        """How often, from 0 to 1, a reply calls tools."""
        self.untold: set[str] = set()
        """The tools that were called, and whose outputs it has not been given."""
        self._time, self._room = time, room

    @property
    def sick(self) -> bool:
        ill = any(call.hung_s is not None or call.doomed for call in self.calls.values())
        return ill or (self.mood, self.answering) != ("well", "well")

    # ── what the mind's effects ask ──────────────────────────────────────────────────────────────

    def open(self, number: int) -> Call:
        call = self.calls[number] = Call(number, doomed=self.mood != "well")
        dice = self._time.chance
        match self.mood:
            case "well":
                self._time.after(dice.uniform(0.02, 0.3), lambda: self._opened(call))
            case "slow":
                self._time.after(dice.uniform(*_SLOW_S), lambda: self._opened(call))
            case "refuses":
                self._time.after(dice.uniform(0.02, 0.2), lambda: self.end(call, REFUSED))
            case "loses":
                self._time.after(dice.uniform(0.02, 0.2), lambda: self.end(call, LOST))
            case "silent":
                self._time.after(_SILENT_S, lambda: self.end(call, LOST))
        return call

    def close(self, call: Call) -> None:
        if call.state in ("opening", "open"):
            call.state, call.hung_s = "closing", None
            self._time.after(0.01, lambda: self._closed(call))

    def check(self, call: Call) -> None:
        if self.plan.tried:  # it has limits of its own, and nothing is connected between turns
            self._time.happen(ev.LinkAlive(call.number))
        else:
            self._time.after(0.05, lambda: self._deliver(call, ev.LinkAlive(call.number)))

    def hear(self, call: Call, grains: list[int]) -> None:
        for at in filter(None, grains):
            assert at > call.latest, f"grain {at} is sent to call {call.number} after {call.latest}"
            call.latest = at
        call.heard += grains
        if not self.plan.own_turns and self.answering != "deaf":
            for at in range(0, len(grains), _FRAME):
                self._listen(call, grains[at : at + _FRAME])

    def commit(self, call: Call) -> None:
        if call.asked == len(call.heard):
            self._tell(call, 0.0, ev.NothingRecognised(call.number))
        else:
            self._reply(call, 0.0)

    def be_told(self, call: Call, outputs: tuple[fx.ToolOutput, ...], *, respond: bool) -> None:
        """What came of the tools that a reply has called: of each once, and to be answered while none runs."""
        for output in outputs:
            assert output.tool_call in self.untold, f"{output} is given twice, or to another"
            assert output.tool_call.startswith(f"{call.number}-"), f"{output} is given to call {call.number}"
            self.untold.remove(output.tool_call)
        if respond:
            assert call.replying is None or call.hears, f"an answer is asked for while {call.replying} runs"
            if call.replying is None:
                self._reply(call, 0.005, call.rounds + 1)

    def cancel(self, call: Call, reply: str) -> None:
        said = self.said[reply]
        if not said.cancelled and not said.whole:
            said.cancelled = True
            call.replying = None if call.replying is said else call.replying
            self._tell(call, 0.02, ev.ReplyEnded(call.number, reply, "cancelled"))

    # ── what goes wrong ──────────────────────────────────────────────────────────────────────────

    def end(self, call: Call, problem: Problem | None) -> None:
        """The call is over, and not because the mind wished it."""
        if call.state in ("opening", "open"):
            call.state, call.hung_s = "closed", None
            self._time.happen(ev.LinkClosed(call.number, problem))
            self.calls.pop(call.number)

    def hang(self, call: Call) -> None:
        """Half dead: nothing comes of it any more, and nobody hangs up; not soon."""
        if call.state == "open" and call.hung_s is None:
            call.hung_s = self._time.now
            self._time.after(_HANGS_S, lambda: self.end(call, LOST))

    # ── a call ───────────────────────────────────────────────────────────────────────────────────

    def _opened(self, call: Call) -> None:
        if call.state == "opening":
            call.state, call.opened_s, call.doomed = "open", self._time.now, False
            self._time.happen(ev.LinkOpened(call.number))

    def _closed(self, call: Call) -> None:
        call.state = "closed"
        del self.calls[call.number]
        self._time.happen(ev.LinkClosed(call.number))

    def _tell(self, call: Call, after_s: float, event: ev.Event) -> None:
        """Word of a call, after all that it was told before; nothing comes of one that is over or hangs."""
        call.told_s = max(call.told_s, self._time.now + after_s)
        self._time.after(call.told_s - self._time.now, lambda: self._deliver(call, event))

    def _deliver(self, call: Call, event: ev.Event) -> None:
        if call.state == "open" and call.hung_s is None:
            self._time.happen(event)

    def _listen(self, call: Call, frame: list[int]) -> None:
        """Find turns, by the voice in what comes."""
        voice_ms = GRAIN_MS * self._room.voiced(frame)
        if voice_ms:
            call.voice_ms += voice_ms
            call.silence_ms = 0
        else:
            call.silence_ms += GRAIN_MS * len(frame)
            if not call.hears and call.silence_ms > 200:
                call.voice_ms = 0
        if not call.hears and call.voice_ms >= (JUMPY_MS if self.jumpy else BEGINS_MS):
            call.hears = True
            late_s = self._time.chance.uniform(0.02, 0.9 if self.jumpy else 0.1)
            self._tell(call, late_s, ev.SpeechStarted(call.number))
        if call.hears and call.silence_ms >= ENDS_MS and self.answering != "endless":
            call.hears, call.voice_ms = False, 0
            self._tell(call, self._time.chance.uniform(0.02, 0.1), ev.SpeechStopped(call.number))
            self._reply(call, 0.005)

    def _reply(self, call: Call, after_s: float, rounds: int = 0) -> None:
        call.asked = len(call.heard)
        call.replies += 1
        said = Said(f"{call.number}-{call.replies}", self.plan.name, call, call.heard[:])
        self.said[said.id] = call.replying = said
        call.rounds = rounds
        if rounds < _MOST_ROUNDS and self._time.chance.random() < self.tools:
            said.calls = [f"{said.id}-{number}" for number in range(self._time.chance.choice((1, 1, 2)))]
        self._tell(call, after_s, ev.ReplyStarted(call.number, said.id))
        dice = self._time.chance
        pieces = [dice.choice(self.pieces_ms) for _ in range(dice.randint(1, 4))]
        if said.calls:
            pieces = []
        fault = self.answering
        if fault in ("nothing", "failed", "dies", "stalls"):  # after some of it, perhaps none
            pieces = pieces[: 0 if fault == "nothing" else dice.randint(0, len(pieces))]
        first_s = max(dice.uniform(*_FIRST_SOUND_S) + _LATE_S * (fault == "late"), call.told_s - self._time.now)
        self._time.after(first_s, lambda: self._go_on(said, pieces, fault))

    def _go_on(self, said: Said, pieces: list[int], fault: Answering) -> None:
        """The next piece of a reply, or its end."""
        call = said.call
        if said.cancelled or call.state != "open":
            return
        if call.hung_s is not None:
            pieces, fault = [], "stalls"
        if pieces:
            said.ms += pieces[0]
            self._deliver(call, ev.ReplyAudio(call.number, said.id, bytes(48 * pieces[0])))
            self._time.after(self._time.chance.choice((0.01, 0.2)), lambda: self._go_on(said, pieces[1:], fault))
            return
        match fault:
            case "nothing" | "stalls" if self.plan.tried:
                self._time.after(_OWN_LIMIT_S, lambda: self.end(call, LOST))
            case "nothing" | "stalls":
                pass
            case "dies":
                self.end(call, LOST)
            case "failed":
                call.replying = None if call.replying is said else call.replying
                self._deliver(call, ev.ReplyEnded(call.number, said.id, "failed", WITHHELD))
            case _:
                for tool in said.calls:
                    self.untold.add(tool)
                    self._deliver(call, ev.ToolCalled(call.number, said.id, tool, "lamp", "{}"))
                said.whole = True
                call.replying = None if call.replying is said else call.replying
                self._deliver(call, ev.ReplyEnded(call.number, said.id, "completed"))
