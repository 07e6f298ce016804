"""Floor 4. The echo path: what the speaker plays, known to the ear, and taken out of what it hears.

Here is where the threads meet, and what outlives a capture stream: what is known of the clocks, the cancellers, and the
last verdict.
The work is in runtime/echo_stream.py.
"""

from collections import deque
from collections.abc import Sequence

from antiphon.audio.clock import UNKNOWN
from antiphon.audio.far_end import ADVANCE_S
from antiphon.audio.marks import Mark
from antiphon.conversation.events import EchoJudged, Event, NearEnd
from antiphon.errors import Problem
from antiphon.pcm import Samples
from antiphon.runtime.cancellers import SpareCanceller
from antiphon.runtime.echo import Cleaned
from antiphon.runtime.echo_stream import EchoPlan, EchoStream

RATES_HZ = (16_000, 32_000, 48_000)
"""What cancellers and judges work at."""
MOST_QUEUED = 512
"""Periods that wait for the ear; of more, as while it is closed, the oldest are dropped."""


class EchoPath:
    """runtime.echo.Echo. The driver's thread calls `played`; the ear's thread calls all the rest."""

    def __init__(self, plan: EchoPlan) -> None:
        """Nothing is looked for before a capture stream begins, and none made before something plays."""
        self._plan = plan
        self._queue: deque[tuple[Samples, int, float]] = deque(maxlen=MOST_QUEUED)
        self._stream: EchoStream | None = None
        self._ear, self._apart = UNKNOWN, UNKNOWN  # how the clocks run, over all streams
        self._cancellers: tuple[SpareCanceller, SpareCanceller] | None = None
        self._rate_hz = 0  # theirs
        self._told: tuple[bool, Problem | None] = True, None  # the verdict that was told last, and why
        self.judged: EchoJudged | None = None
        """What is measured now, for whoever asks, on any thread; None before a microphone's sound was judged."""

    @property
    def sounding(self) -> bool:
        """See runtime.echo.Echo."""
        return self._stream is not None and self._stream.sounding

    def played(self, samples: Samples, rate_hz: int, heard_at_s: float) -> None:
        """See runtime.echo.Echo: every period, silent ones too; nobody may change `samples` afterwards."""
        self._queue.append((samples, rate_hz, heard_at_s))

    def begin(self, rate_hz: int) -> list[Event]:
        """See runtime.echo.Echo. → EchoJudged, with the problem, where it is new that nothing can be cancelled."""
        self.forget()
        if self._stream is not None:
            self._ear, self._apart = (drift.aged() for drift in self._stream.drifts)
        self._stream = None
        if rate_hz in RATES_HZ:
            self._stream = EchoStream(rate_hz, self._plan, self._ear, self._apart, self._kept(rate_hz))
            return self._verdict(self._stream)
        wrong = f"the microphone runs at {rate_hz} Hz, where its echo cannot be cancelled or judged"
        remedy = "Set microphone.rate_hz to 16000, 32000 or 48000; until then it hears nothing while the speaker plays"
        problem = Problem("device", f"{wrong}. {remedy}")
        self.judged = EchoJudged(False, 0.0, 0.0, 0.0, problem)
        return [self.judged] if self._is_new(cancelled=False, problem=problem) else []

    def clean(self, samples: Samples, captured_s: float) -> Cleaned:
        """See runtime.echo.Echo; 10 ms less a sample are held back, and none where nothing can be cancelled."""
        stream = self._stream
        while self._queue:
            period = self._queue.popleft()
            if stream is not None:
                stream.played(*period)
        return Cleaned(samples, samples) if stream is None else stream.clean(samples, captured_s)

    def judge(self, marks: Sequence[Mark]) -> list[Event]:
        """See runtime.echo.Echo. To be called after each `clean`, without marks too."""
        if self._stream is None:
            return []
        return [*map(NearEnd, self._stream.edges(marks)), *self._verdict(self._stream)]

    def own_word(self, word: str) -> bool:  # noqa: ARG002 - the protocol has it
        """See runtime.echo.Echo."""
        return self._stream is not None and self._stream.own_word

    def forget(self) -> None:
        """See runtime.echo.Echo; what is known of the clocks and the room is no sound, and kept."""
        self._queue.clear()
        if self._stream is not None:
            self._stream.forget()

    def _kept(self, rate_hz: int) -> tuple[SpareCanceller, SpareCanceller] | None:
        """The cancellers: those there are, if they are for this rate."""
        if rate_hz != self._rate_hz:
            self._cancellers, self._rate_hz = self._plan.cancellers_at(rate_hz), rate_hz
        return self._cancellers

    def _verdict(self, stream: EchoStream) -> list[Event]:
        """What is judged now, if it is another than was told last."""
        measured_ms = stream.watch.delay_ms  # beside a far end that is given early; 0 before anything is measured
        delay_ms = measured_ms - 1000 * ADVANCE_S if measured_ms else 0.0
        drift_ppm = stream.drifts[1].ppm
        judged = EchoJudged(stream.cancelled, stream.watch.erle_db, delay_ms, drift_ppm, stream.problem)
        self.judged = judged
        return [judged] if self._is_new(cancelled=judged.cancelled, problem=judged.problem) else []

    def _is_new(self, *, cancelled: bool, problem: Problem | None) -> bool:
        told, self._told = self._told, (cancelled, problem)
        return told != self._told
