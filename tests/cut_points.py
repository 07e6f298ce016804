"""The places at which a turn is cut, and the taking of many turns side by side."""

import asyncio
import random
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

from cut_turn import Outcome, Told, follow_up, take, verdict
from wire_cutter import ACTS, WAYS, Afterwards, Cut, Way

AT_A_TIME = 16
AFTERWARDS: tuple[Afterwards, ...] = ("refused", "recovers")
BYTES: dict[Way, int] = {"down": 19_000, "up": 65_000}
"""Of a turn, at least: there is more upwards when the turn's end is noticed late."""

_FIRST_BYTES = 1500
_SHOWN = 3


@dataclass(frozen=True, slots=True)
class Case:
    """One turn: `warm` when the cloud's call is open before the wake word, or has failed to open."""

    cut: Cut
    warm: bool = True
    follow_up: bool = False
    """It is the follow-up that is cut, and the turn before it is not."""


@dataclass
class Tally:
    """What came of many turns."""

    tried: int = 0
    struck: int = 0
    untold: int = 0
    """Follow-ups that never came, as a slow machine had given up the cloud in the turn before."""
    outcomes: Counter[Outcome] = field(default_factory=Counter)
    """Of the turns that were cut."""
    failures: list[str] = field(default_factory=list)

    def add(self, case: Case, told: Told | None) -> None:
        """One more turn."""
        if told is None:
            self.untold += 1
            return
        self.tried += 1
        self.struck += told.struck
        try:
            outcome = verdict(told)
        except AssertionError as wrong:
            self.failures.append("\n    ".join((f"{wrong}: {case}", *told.notes)))
        else:
            self.outcomes[outcome] += told.struck

    def __str__(self) -> str:
        """One line, and the first turns that went wrong."""
        counts = ", ".join(f"{count} {outcome}" for outcome, count in sorted(self.outcomes.items()))
        line = f"{self.tried} turns, {self.struck} cut: {counts}; {len(self.failures)} went wrong"
        return "\n".join((line, *self.failures[:_SHOWN]))


def try_all(cases: Sequence[Case], at_a_time: int = AT_A_TIME) -> Tally:
    """Take a turn for each case, several at a time on one event loop."""
    tally, waiting = Tally(), iter(enumerate(cases))

    async def take_turns() -> None:
        for seed, case in waiting:
            if case.follow_up:
                tally.add(case, await follow_up(case.cut, seed=seed))
            else:
                tally.add(case, await take(case.cut, warm=case.warm, seed=seed))

    async def all_of_them() -> None:
        async with asyncio.TaskGroup() as group:
            for _ in range(at_a_time):
                group.create_task(take_turns())

    asyncio.run(all_of_them())
    return tally


def at_events(
    way: Way, events: Sequence[int], afterwards: Afterwards, seed: int, *, follow_up: bool = False
) -> Iterator[Case]:
    """Around each of these events, in every way a connection can fail; of a follow-up only before each."""
    rng = random.Random(seed)
    for event in events:
        for act in ACTS:
            cut = Cut(act, way, event=event, afterwards=afterwards, flip=rng.randrange(1, 256), at=rng.random())
            yield Case(cut, follow_up=follow_up)
            if act != "corrupt" and not follow_up:
                yield Case(replace(cut, after=True), follow_up=follow_up)


def at_bytes(count: int, seed: int) -> Iterator[Case]:
    """At places drawn from all bytes of a turn, each way; every third in its upgrade and settings, or near them."""
    rng = random.Random(seed)
    for number in range(count):
        way = rng.choice(WAYS)
        byte = rng.randrange(_FIRST_BYTES if number % 3 == 0 else BYTES[way])
        afterwards = rng.choice((*AFTERWARDS, "stalls"))
        cut = Cut(rng.choice(ACTS), way, byte=byte, afterwards=afterwards, flip=rng.randrange(1, 256))
        yield Case(cut, warm=rng.random() < 0.7)
