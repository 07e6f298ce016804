"""Who is not in the room of a world: has texts said there and turns the volume; and the service that speaks them.

Each of his requests must be answered once, and none may be refused while all is well.
"""

from itertools import count
from typing import TYPE_CHECKING

from antiphon.conversation import effects as fx
from antiphon.conversation import events as ev
from antiphon.conversation.announcing import MOST_WAITING
from antiphon.pcm import LINK_RATE_HZ, SAMPLE_BYTES, frames_in
from conversation.services import LOST

if TYPE_CHECKING:
    from conversation.world import World

_PATIENCE_S = 400.0  # conversations come first
_LATENCY_S = 0.02


class Elsewhere:
    """Wants something every now and then, from `begin` to `end`."""

    def __init__(self, world: "World", faults: float) -> None:
        self._world, self._faults = world, faults
        self._asks = count(1)
        self.waiting: dict[int, float] = {}
        """Requests that nobody has answered, and since when they wait."""
        self.excused: set[int] = set()
        """Those that may be refused: their speech is spoiled, or somebody has said stop."""
        self._making: set[int] = set()
        self._lengths_ms: dict[str, float] = {}
        self._wants = True

    def begin(self) -> None:
        self._world.happen(ev.VolumeChanged(50))
        self._world.after(1.0, self._act)

    def end(self) -> None:
        """He wants nothing more."""
        self._wants = False

    def ask(self) -> int:
        """The number of a new request."""
        number = next(self._asks)
        self.waiting[number] = self._world.now
        return number

    def answered(self, ask: int, problem: str) -> None:
        rule = self._world.judge.rule
        rule(ask in self.waiting, f"request {ask} is answered twice", None)
        rule(not problem or ask in self.excused, f"request {ask} is refused: {problem}", None)
        self.waiting.pop(ask, None)

    def look(self) -> None:
        late = [ask for ask, since_s in self.waiting.items() if self._world.now - since_s > _PATIENCE_S]
        self._world.judge.rule(not late, f"requests {late} are not answered in {self._world.state}", None)

    def obey(self, effect: fx.Effect) -> bool:
        """Whether it was for somebody here."""
        match effect:
            case fx.SetVolume(percent):
                self._world.after(_LATENCY_S, lambda: self._world.happen(ev.VolumeChanged(percent)))
            case fx.MakeSpeech(say, text):
                self._make(say, int(text))
            case fx.DropSpeech(say):
                assert say in self._making, f"speech {say} is dropped, and over"
                self._over(say, None)
            case fx.Answer(ask, problem):
                self.answered(ask, problem)
            case _:
                return False
        return True

    def finished(self, reply: str, heard_ms: float) -> None:
        length_ms = self._lengths_ms[reply]
        self._world.judge.rule(abs(heard_ms - length_ms) < 1, f"{heard_ms} of {length_ms} ms of {reply}", None)
        self._world.score["announced"] += 1

    # ── what he wants ────────────────────────────────────────────────────────────────────────────

    def _act(self) -> None:
        if not self._wants:
            return
        world = self._world
        ask = self.ask()
        if len(self.waiting) > MOST_WAITING:
            self.excused.add(ask)
        if world.chance.random() < 0.7:
            world.happen(ev.SayWanted(str(ask), ask))
        else:
            world.happen(ev.VolumeWanted(change=world.chance.choice((-10, 10)), ask=ask))
        world.after(world.chance.choice((0.5, 10.0, 40.0)), self._act)

    # ── the speech service ───────────────────────────────────────────────────────────────────────

    def _make(self, say: int, ask: int) -> None:
        assert not self._making, "two speeches are made at once"
        self._making.add(say)
        chance = self._world.chance
        spoiled = chance.random() < self._faults
        if spoiled:
            self.excused.add(ask)
        self._piece(say, chance.choice((1, 4, 12)), chance.choice(("stalls", "dies")) if spoiled else "")

    def _piece(self, say: int, left: int, fault: str) -> None:
        """After a while; `left` pieces in all."""
        if say not in self._making:
            return
        delay_s = self._world.chance.uniform(0.02, 0.4)
        if fault and self._world.chance.random() < 0.3:
            if fault == "dies":
                self._world.after(delay_s, lambda: self._over(say, LOST))
        elif left:
            self._world.after(delay_s, lambda: self._made(say, left - 1, fault))
        else:
            self._world.after(delay_s, lambda: self._over(say, LOST if fault == "dies" else None))

    def _made(self, say: int, left: int, fault: str) -> None:
        if say in self._making:
            ms = self._world.chance.choice((100, 300, 900))
            name = f"say-{say}"
            self._lengths_ms[name] = self._lengths_ms.get(name, 0.0) + ms
            self._world.happen(ev.SpeechMade(say, bytes(frames_in(ms, LINK_RATE_HZ) * SAMPLE_BYTES)))
            self._piece(say, left, fault)

    def _over(self, say: int, problem: ev.Problem | None) -> None:
        if say in self._making:
            self._making.remove(say)
            self._world.happen(ev.SpeechOver(say, problem))
