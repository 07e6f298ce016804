"""Microphone, speaker or both are pulled and plugged in again, and a sound server is killed and begun anew, many times.

Each kind has a daemon of its own. `idle` is in its sleep: a speaker that is pulled then is missed as somebody says the
wake word. `turn` is in the midst of a turn: as the question begins (`mic`), or while the reply is heard (`spk`, `both`,
`server`). After each cycle of `turn` the next turn must be answered, so that who is deaf or dumb is found out.

A row is from the moment at which the device, or the server, was back to the daemon's own word that the microphone is
open, or that the speaker is or could be. `deaf` counts cycles after which that word did not come, `noticed` is from the
pull to the word that tells of it. Memory and descriptors grow from the first tenth of the cycles to the last. A pulled
card makes the program begin anew, which it does every five seconds at most: the cycles leave it that time.
"""

import random
import sys
import time
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field

import numpy as np

from antiphon.pcm import frames_in
from antiphon.replacing import LEAST_LIFE_S
from antiphon.simulator.room import Room
from antiphon.simulator.speech import synthesise
from antiphon.staging import Stage, StageError
from bench.figure import Plan, Row, counted, figure, measured
from bench.processes import descriptors, resident_mb
from sound_server import RATE_HZ, SoundServer, missing

WAKE, QUESTION, REPLY = "Hey Jarvis", "What time is it?", "It is a quarter past ten in the morning, and all is well."
CYCLES, CYCLES_ALONE = 10, 200
OUT_S = (0.3, 2.0)
"""For how long a cable is out."""
PATIENCE_S = 20.0
AT_A_TIME = 4
SETTINGS = ("conversation.follow_up_ms=0", "conversation.sorry_ms=200", "conversation.nothing_said_ms=1000")
REACH_MS = 2000.0
REACH_MB, REACH_MB_A_CYCLE = 2.0, 0.03
"""Without a new life, ALSA's libraries lose 12 kB each time that PortAudio looks for devices in an outage."""


@dataclass(slots=True)
class _Told:
    """What one kind came to."""

    back_ms: list[float] = field(default_factory=list)
    noticed_ms: list[float] = field(default_factory=list)
    deaf: int = 0
    memory_mb: list[float] = field(default_factory=list)
    descriptors: list[int] = field(default_factory=list)


class _Kind:
    """One way to lose the sound, and a daemon that it happens to."""

    def __init__(self, what: str, when: str) -> None:
        self.name = f"{what}_{when}"
        self.what, self.when = what, when
        self.told = _Told()
        self._chance = random.Random(self.name)

    def run(self, cycles: int) -> _Told:
        """All cycles; a daemon that was left deaf is followed by another."""
        while len(self.told.back_ms) + self.told.deaf < cycles:
            with ExitStack() as stack:
                self._begin(stack)
                self._live(cycles)
        return self.told

    def _begin(self, stack: ExitStack) -> None:
        quick = ["--quick", "--reply", REPLY]
        self.server = stack.enter_context(SoundServer()) if self.what == "server" else None
        self.room = None if self.server else Room()
        environ = self.server.environment() if self.server else {}
        self.stage = stack.enter_context(
            Stage(room=self.room, settings=SETTINGS, simulate=quick, environ=environ, code_s=1)
        )

    def _live(self, cycles: int) -> None:
        while len(self.told.back_ms) + self.told.deaf < cycles:
            try:
                self._cycle()
            except StageError as error:
                self.told.deaf += 1
                print(f"{self.name}: {error}", file=sys.stderr)
                return
            self.told.memory_mb.append(resident_mb(self.stage.daemon.pid))
            self.told.descriptors.append(descriptors(self.stage.daemon.pid))

    def _cycle(self) -> None:
        daemon = self.stage.daemon
        self._let_live()
        after = len(daemon.lines)
        self._get_to_the_moment(after)
        told = len(daemon.lines)
        pulled_s = time.monotonic()
        self._pull()
        if (self.what, self.when) == ("spk", "idle"):
            self._wake(told)
        noticed = daemon.wait_for("problem", told, PATIENCE_S, fault="device")
        if (self.what, self.when) != ("spk", "idle"):
            self.told.noticed_ms.append(1000 * (noticed["t"] - pulled_s))
        time.sleep(self._chance.uniform(*OUT_S))
        back_s = self._plug_in()
        heard_s = float(daemon.wait_until(self._is_back, told, PATIENCE_S)["t"])
        if (self.what, self.when) == ("spk", "idle"):
            daemon.wait_for("asleep", told, PATIENCE_S)
        self.told.back_ms.append(1000 * max(0.0, heard_s - back_s))
        self._prove()

    def _let_live(self) -> None:
        """A life is not so short that the next beginning has to wait; and it hears."""
        daemon = self.stage.daemon
        began_s = float(daemon.said("starting")[-1]["t"])
        time.sleep(max(0.0, began_s + LEAST_LIFE_S + 0.5 - time.monotonic()))
        closed = [at for at, line in enumerate(daemon.lines) if line["what"] in ("ear-closed", "starting")]
        daemon.wait_for("ear-opened", closed[-1], PATIENCE_S)

    def _get_to_the_moment(self, after: int) -> None:
        if self.when == "idle":
            return
        self._wake(after, QUESTION)
        self.stage.daemon.wait_for("listening" if self.what == "mic" else "sounded", after, PATIENCE_S)

    def _wake(self, after: int, *texts: str) -> None:
        """Until it has heard its word: who misses it three times is deaf, who misses it once is not."""
        for patience_s in (PATIENCE_S / 4, PATIENCE_S / 4, PATIENCE_S):
            self._say(f"{WAKE}.", *texts)
            with suppress(StageError):
                self.stage.daemon.wait_for("woke", after, patience_s)
                return
        raise StageError("the wake word is not heard")

    def _is_back(self, line: dict[str, object]) -> bool:
        """Whether it hears, and plays, from this line on."""
        if self.what != "spk":
            return line["what"] == "ear-opened"
        return line["what"] in ("mouth-opened", "ready")  # found again, or not missed by a new life

    def _prove(self) -> None:
        """Where no turn of the next cycle does: the microphone's sound is taken."""
        if self.room is not None and self.what != "spk":
            before = self.room.mic.stretch
            limit_s = time.monotonic() + PATIENCE_S
            while self.room.mic.stretch == before:
                if time.monotonic() > limit_s:
                    raise StageError("nothing is taken from the microphone")
                time.sleep(0.01)

    # ── the world ────────────────────────────────────────────────────────────────────────────────

    def _pull(self) -> None:
        if self.server is not None:
            self.server.kill()
        for end in self._ends():
            end.unplug()

    def _plug_in(self) -> float:
        """When that was."""
        if self.server is not None:
            self.server.start()
            return float(self.server.back_s)
        for end in self._ends():
            end.replug()
        return time.monotonic()

    def _ends(self):
        if self.room is None:
            return []
        return {"mic": [self.room.mic], "spk": [self.room.spk], "both": [self.room.mic, self.room.spk]}[self.what]

    def _say(self, *texts: str) -> None:
        rate_hz = self.room.mic.rate_hz if self.room else RATE_HZ
        pause = np.zeros(frames_in(400, rate_hz), np.int16)
        parts = [part for text in texts for part in (synthesise(text, "slt", rate_hz), pause)]
        speech = np.concatenate(parts)
        if self.server is not None:
            self.server.say(speech)
        else:
            self.room.say(speech)


@figure
def sound_stack(plan: Plan) -> Iterable[Row]:
    """Every way to lose the sound, idle and in a turn."""
    whats = ["mic", "spk", "both"] + ([] if missing() else ["server"])
    kinds = [_Kind(what, when) for when in ("idle", "turn") for what in whats]
    cycles = CYCLES_ALONE if plan.alone else CYCLES
    with ThreadPoolExecutor(AT_A_TIME) as pool:
        for kind, told in zip(kinds, pool.map(lambda one: one.run(cycles), kinds), strict=True):
            yield from _rows(f"sound_stack.{kind.name}", told, cycles)


def _rows(name: str, told: _Told, cycles: int) -> Iterable[Row]:
    if told.back_ms:
        yield measured(name, "ms", told.back_ms, reach=REACH_MS)
    if told.noticed_ms:
        yield measured(f"{name}.noticed", "ms", told.noticed_ms)
    yield counted(f"{name}.deaf", "cycles", told.deaf, cycles, reach=0)
    early = max(1, len(told.memory_mb) // 10)
    growth_mb = min(told.memory_mb[-early:], default=0.0) - max(told.memory_mb[:early], default=0.0)
    yield counted(f"{name}.memory", "MB more", growth_mb, len(told.memory_mb), REACH_MB + REACH_MB_A_CYCLE * cycles)
    more = min(told.descriptors[-early:], default=0) - max(told.descriptors[:early], default=0)
    yield counted(f"{name}.descriptors", "more", more, len(told.descriptors), reach=0)
