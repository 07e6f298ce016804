"""Floor 4. The ear: the thread that owns the microphone, hears wake words, and lets speech out when told to.

It posts events and decides nothing. Whatever it is asked for is put into its queue, so the loop never waits for it.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from queue import Empty, SimpleQueue
from threading import Event as Flag
from typing import TypeAlias

from antiphon.audio.continuity import Continuity, Losses
from antiphon.audio.endpoint import Endpointer
from antiphon.audio.level import SILENCE_DB, level_db
from antiphon.audio.trigger import Trigger
from antiphon.conversation.events import EarClosed, EarOpened
from antiphon.errors import DeviceError, Problem
from antiphon.pcm import first_channel, samples_of
from antiphon.ports import Block, Microphone, Post, StreamFormat, VoiceDetector, WakeEngine
from antiphon.runtime.hearing import Hearing
from antiphon.runtime.thread import OwnerThread

IDLE_S = 1.0
"""While the microphone is closed, life is shown this often."""


@dataclass(frozen=True, slots=True)
class EarPlan:
    """The ear's limits, in milliseconds."""

    preroll_ms: float
    """How much of the past is kept, so that no word is lost."""
    stall_ms: float = 1000.0
    """Without a block for this long the microphone is taken for dead."""


@dataclass(frozen=True, slots=True)
class _Arrival:
    """A block, and which opening of the microphone it came from."""

    opening: int
    block: Block | None


_Item: TypeAlias = _Arrival | Callable[[], None]


class Ear:
    """Thread "ear". All public methods return at once and may be called from any thread; `stop` alone waits."""

    def __init__(
        self,
        microphone: Microphone,
        engine: WakeEngine | None,
        detector: VoiceDetector,
        trigger: Trigger | None,
        endpoint: Endpointer | None,
        post: Post,
        plan: EarPlan,
    ) -> None:
        """`engine` and `trigger` go together; `endpoint` when this side may have to judge the end of a turn."""
        self._microphone, self._post, self._plan = microphone, post, plan
        self._make_hearing = partial(
            Hearing,
            engine=engine,
            detector=detector,
            trigger=trigger,
            endpoint=endpoint,
            preroll_ms=self._plan.preroll_ms,
        )
        self._inbox: SimpleQueue[_Item] = SimpleQueue()
        self._thread = OwnerThread("ear", self._run, lambda: self._inbox.put(_nothing))
        self._hearing: Hearing | None = None
        self._continuity = Continuity(1)
        self._opening = 0
        self._patience = 0
        self.format: StreamFormat | None = None
        """What the open microphone is; None while it is closed."""
        self.progress = 0
        """Grows with every block handled, and while closed with time: for the watchdog."""
        self.level_db = SILENCE_DB
        """Of the last block."""

    @property
    def losses(self) -> Losses:
        """What the sound card has lost since the microphone was opened."""
        return self._continuity.losses

    # ── what it is asked for ─────────────────────────────────────────────────────────────────────

    def start(self) -> None:
        """Begin, with the microphone closed."""
        self._thread.start()

    def stop(self, timeout_s: float) -> None:
        """Close the microphone and end; raises ZombieThread when the sound system hangs."""
        self._thread.stop(timeout_s)

    def open(self) -> None:
        """Open the microphone → EarOpened, or EarClosed with the problem."""
        self._inbox.put(self._open)

    def close(self) -> None:
        """Close it and zero what was kept → EarClosed."""
        self._inbox.put(self._close)

    def stream(self, preroll_ms: float = 0.0) -> None:
        """Let every sample out from here on → Captured, Endpointed; and first, at once, the last `preroll_ms`."""
        self._inbox.put(partial(self._stream, preroll_ms))

    def rest(self) -> None:
        """Only wake words from here on → Woke."""
        self._inbox.put(self._rest)

    # ── its thread ───────────────────────────────────────────────────────────────────────────────

    def _run(self, stopping: Flag) -> None:
        while not stopping.is_set():
            self._turn()
        self._release()

    def _turn(self) -> None:
        """Handle the next thing, or notice that there was none."""
        try:
            item = self._inbox.get(timeout=self._plan.stall_ms / 2000 if self._hearing else IDLE_S)
        except Empty:
            self._waited()
            return
        if isinstance(item, _Arrival):
            self._arrived(item)
        else:
            item()

    def _waited(self) -> None:
        if self._hearing is None:
            self.progress += 1
            return
        # Two waits, not one: a process that was itself stopped for a while wakes to a wait that is over.
        self._patience += 1
        if self._patience >= 2:
            self._fail(f"it has given no sound for {self._plan.stall_ms:g} ms")

    def _arrived(self, arrival: _Arrival) -> None:
        if arrival.opening != self._opening or self._hearing is None:
            return  # a closed microphone's: nobody may hear it
        if arrival.block is None:
            self._fail("its stream has ended by itself")
            return
        self._patience = 0
        self._hear(self._hearing, arrival.block)
        self.progress += 1

    def _hear(self, hearing: Hearing, block: Block) -> None:
        assert self.format is not None
        samples = first_channel(samples_of(block.pcm), self.format.channels)
        self.level_db = level_db(samples)
        for piece in self._continuity.admit(samples, block.device_s, block.arrived_s, overflowed=block.overflowed):
            for event in hearing.hear(piece):
                self._post(event)

    def _open(self) -> None:
        if self._hearing is None:
            self._opening += 1
            try:
                self.format = self._microphone.open(partial(self._deliver, self._opening))
            except DeviceError as error:
                self._post(EarClosed(error.problem()))
                return
            self._hearing = self._make_hearing(self.format.rate_hz)
            self._continuity = Continuity(self.format.rate_hz)
            self._patience = 0
        self._post(EarOpened())

    def _deliver(self, opening: int, block: Block | None) -> None:
        """On the driver's thread: only queues."""
        self._inbox.put(_Arrival(opening, block))

    def _close(self) -> None:
        self._release()
        self._post(EarClosed())

    def _release(self) -> None:
        """No sound reaches us any more, and nothing heard is kept."""
        self._opening += 1
        if self._hearing is not None:
            self._microphone.close()
            self._hearing.forget()
        self._hearing = self.format = None
        self.level_db = SILENCE_DB

    def _fail(self, wrong: str) -> None:
        assert self.format is not None
        device = self.format.device
        self._release()
        remedy = "Check its cable and the sound server; `antiphon doctor` tells more"
        self._post(EarClosed(Problem("device", f"the microphone {device!r}: {wrong}. {remedy}")))

    def _stream(self, preroll_ms: float) -> None:
        if self._hearing is not None:
            for event in self._hearing.stream(preroll_ms):
                self._post(event)

    def _rest(self) -> None:
        if self._hearing is not None:
            self._hearing.rest()


def _nothing() -> None:
    """Wakes the thread to see that it should stop."""
