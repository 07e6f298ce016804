"""Floor 4. The ear: the thread that owns the microphone, hears wake words, and lets speech out when told to.

It posts events and decides nothing. Whatever it is asked for is put into its queue, so the loop never waits for it.
What it heard it forgets when it closes: the buffers are overwritten here, and what was freed on the way by memory.py.
"""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from queue import Empty, SimpleQueue
from threading import Event as Flag
from typing import TypeAlias

from antiphon.audio.continuity import Continuity, Losses, Pace
from antiphon.audio.endpoint import Endpointer
from antiphon.audio.level import SILENCE_DB, Loudest, level_db
from antiphon.audio.trigger import Trigger
from antiphon.conversation.events import EarClosed, EarOpened
from antiphon.errors import DeviceError, Problem
from antiphon.pcm import Samples, first_channel, ms_of, samples_of
from antiphon.ports import Block, Microphone, Post, StreamFormat, VoiceDetector, WakeEngine
from antiphon.runtime.echo import Echo
from antiphon.runtime.hearing import Hearing
from antiphon.runtime.memory import sweep, wipe_what_is_freed
from antiphon.runtime.thread import OwnerThread

IDLE_S = 1.0
"""While the microphone is closed, life is shown this often."""


@dataclass(frozen=True, slots=True)
class EarPlan:
    """The ear's limits, in milliseconds."""

    preroll_ms: float
    """How much of the past is kept, so that no word is lost."""
    stall_ms: float = 450.0
    """Without a block for this long the microphone is taken for dead; or when it is so far behind for a while."""


_Blocks: TypeAlias = deque[Block | None]
"""What one opening of the microphone has delivered and nobody has heard yet."""
_Item: TypeAlias = _Blocks | Callable[[], None]
"""In the queue there is one mention of a `_Blocks` for each block in it, so that all can be dropped at once."""


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
        echo: Echo | None = None,
    ) -> None:
        """`engine` and `trigger` go together; `endpoint` when this side may have to judge the end of a turn; `echo`
        when our own sound can be told from others'.
        """
        self._microphone, self._post, self._plan = microphone, post, plan
        self._make_hearing = partial(
            Hearing,
            engine=engine,
            detector=detector,
            trigger=trigger,
            endpoint=endpoint,
            preroll_ms=self._plan.preroll_ms,
            echo=echo,
        )
        self._inbox: SimpleQueue[_Item] = SimpleQueue()
        self._thread = OwnerThread("ear", self._run, lambda: self._inbox.put(_nothing))
        self._hearing: Hearing | None = None
        self._continuity = Continuity(1)
        self._pace = Pace(1, plan.stall_ms)
        self._blocks: _Blocks = deque()
        self._patience = 0
        self.format: StreamFormat | None = None
        """What the open microphone is; None while it is closed."""
        self.progress = 0
        """Grows with every block handled, and while closed with time: for the watchdog."""
        self.level_db = SILENCE_DB
        """Of the last block."""
        self.loudest = Loudest()
        """Of the last seconds."""
        self.own_words = 0
        """How often our own speaker said a wake word, and it was passed over."""

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

    def stream(self, preroll_ms: float = 0.0, after_s: float | None = None) -> None:
        """Let every sample out from here on → Captured, Endpointed; and first, at once, the last `preroll_ms`.

        What was at the microphone before `after_s` (time.monotonic; it may be yet to come) is neither sent nor judged,
        unless a wake word is heard or `rest` is told until then.
        """
        self._inbox.put(partial(self._stream, preroll_ms, after_s))

    def rest(self) -> None:
        """Only wake words from here on → Woke."""
        self._inbox.put(self._rest)

    # ── its thread ───────────────────────────────────────────────────────────────────────────────

    def _run(self, stopping: Flag) -> None:
        wipe_what_is_freed()
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
        if not isinstance(item, deque):
            item()
        elif wrong := self._arrived(item):
            self._fail(wrong)

    def _waited(self) -> None:
        if self._hearing is None:
            self.progress += 1
            return
        # Two waits, not one: a process that was itself stopped for a while wakes to a wait that is over.
        self._patience += 1
        if self._patience >= 2:
            self._fail(f"it has given no sound for {self._plan.stall_ms:g} ms")

    def _arrived(self, blocks: _Blocks) -> str | None:
        """Hear the next block; what is wrong with the stream, if anything is."""
        if blocks is not self._blocks or self._hearing is None or self.format is None:
            return None  # a closed microphone's: nobody may hear it
        block = blocks.popleft()
        if block is None:
            return "its stream has ended by itself"
        self._patience = 0
        self.progress += 1
        samples = first_channel(samples_of(block.pcm), self.format.channels)
        self.level_db = level_db(samples)
        self.loudest.hear(self.level_db, ms_of(len(samples), self.format.rate_hz))
        if self._hear(self._hearing, samples, block, self.format.rate_hz):
            return None
        return f"its sound comes too slowly, and is {self._plan.stall_ms:g} ms behind time"

    def _hear(self, hearing: Hearing, samples: Samples, block: Block, rate_hz: int) -> bool:
        """Whether it came in time."""
        losses = self.losses
        lost = losses.lost_frames
        pieces = self._continuity.admit(samples, block.device_s, block.arrived_s, overflowed=block.overflowed)
        # The last piece is this block; before it come those that were held back, and silence for what was lost.
        began_s = block.arrived_s - len(samples) / rate_hz if block.captured_s is None else block.captured_s
        at_s = began_s + (len(samples) - sum(map(len, pieces))) / rate_hz
        for piece in pieces:
            for event in hearing.hear(piece, at_s):
                self._post(event)
            at_s += len(piece) / rate_hz
        self.own_words = hearing.own_words
        if block.overflowed or losses.lost_frames != lost:
            self._pace.restart()
            return True
        return self._pace.keeps_up(len(samples), block.arrived_s)

    def _open(self) -> None:
        if self._hearing is not None:
            self._post(EarOpened())
            return
        blocks: _Blocks = deque()
        try:
            self.format = self._microphone.open(partial(self._deliver, blocks))
        except DeviceError as error:
            self._post(EarClosed(error.problem(), hung=self._microphone.hung))
            return
        self._blocks = blocks
        hearing = self._hearing = self._make_hearing(self.format.rate_hz)
        self._continuity = Continuity(self.format.rate_hz)
        self._pace = Pace(self.format.rate_hz, self._plan.stall_ms)
        self._patience = 0
        self._post(EarOpened())
        for event in hearing.begin():
            self._post(event)

    def _deliver(self, blocks: _Blocks, block: Block | None) -> None:
        """On the driver's thread: only queues."""
        blocks.append(block)
        self._inbox.put(blocks)

    def _close(self) -> None:
        self._release()
        self._post(EarClosed(hung=self._microphone.hung))

    def _release(self) -> None:
        """No sound reaches us any more, and nothing heard is kept: that first, as a driver may take its time."""
        blocks, self._blocks = self._blocks, deque()
        hearing, self._hearing, self.format = self._hearing, None, None
        self.level_db = SILENCE_DB
        self.loudest.forget()
        if hearing is None:
            return
        hearing.forget()
        self._continuity.forget()
        blocks.clear()
        del hearing
        sweep()
        self._microphone.close()
        blocks.clear()  # what it has still delivered
        sweep()

    def _fail(self, wrong: str) -> None:
        assert self.format is not None
        device = self.format.device
        self._release()
        remedy = "Check its cable and the sound server; `antiphon doctor` tells more"
        problem = Problem("device", f"the microphone {device!r}: {wrong}. {remedy}")
        self._post(EarClosed(problem, hung=self._microphone.hung))

    def _stream(self, preroll_ms: float, after_s: float | None) -> None:
        if self._hearing is not None:
            for event in self._hearing.stream(preroll_ms, after_s):
                self._post(event)

    def _rest(self) -> None:
        if self._hearing is not None:
            self._hearing.rest()


def _nothing() -> None:
    """Wakes the thread to see that it should stop."""
