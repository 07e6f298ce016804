"""Floor 4. One capture stream, and what the speaker plays taken out of it: samples in, as many out, twice.

It joins the far end (audio/far_end.py), the cancellers (ports.py), and those who judge them (audio/echo_watch.py,
audio/near_end.py). While nothing plays it passes sound on. Where a canceller is missing, the rest goes on without it.
"""

import math
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from antiphon.audio.clock import Drift, StreamClock
from antiphon.audio.echo_watch import EchoWatch
from antiphon.audio.far_end import ADVANCE_S, FarEnd
from antiphon.audio.framing import Delay, Framing
from antiphon.audio.marks import MARK_MS, Mark
from antiphon.audio.near_end import FOREIGN_MARKS, WORD_MARKS, Edge, NearEnd, taken_out
from antiphon.errors import Problem
from antiphon.pcm import Samples, frames_in
from antiphon.runtime.cancellers import CancellerMaker, SpareCanceller
from antiphon.runtime.echo import Cleaned

FRAME_MS = 10
FLUSH_MS = 270.0
"""Cancellers run on for so long after the last sound, decay or not: until it has left their filters of 250 ms."""

ROOM_LOSS_DB = 10.0
"""From what we play to a microphone that cancels nothing the room loses so much; one that does is to do better."""
OWN_WORD_MS = 500.0
"""So long after its last sound a word is heard at the latest, ..."""
LEAST_WORD_MS = 500.0
"""... and not before so much of it has sounded."""
EARLIER_MARKS = 15
"""Whoever spoke before us may have begun his word 300 ms earlier still: half covered by us, it is heard late."""
VOICES_BEFORE = 3
"""60 ms of voice before us are somebody's: a word may begin softly, and we cover the rest of it."""

LEAST_LESSON_MS = 1000
"""A linear canceller that knows nothing yet learns nothing good from less sound: from a chime, say, as somebody goes on
speaking. What it made of that is forgotten; else it takes the whole next reply to get over it.
"""

LINEAR_SHARE = 0.4
"""Of what is to be taken out at the least, the linear canceller must take out this part: else no wake word is heard,
and our own voice is taken for somebody's.
"""


@dataclass(frozen=True, slots=True)
class EchoPlan:
    """The limits of an echo path, and its cancellers: none where the microphone cancels by itself."""

    least_erle_db: float
    decay_ms: float
    cancellers: tuple[CancellerMaker, CancellerMaker] | None = None
    """For the link and the voice detector; and for the wake words: that one is linear, and never late."""
    late_frames: Mapping[int, int] = field(default_factory=dict)
    """How much later a sample comes out of the first than it went in, at each rate: so long all is held back."""

    def cancellers_at(self, rate_hz: int) -> tuple[SpareCanceller, SpareCanceller] | None:
        """The two, looked for; for as many capture streams as run at this rate."""
        if self.cancellers is None:
            return None
        link, wake = self.cancellers
        return SpareCanceller(link, rate_hz), SpareCanceller(wake, rate_hz)


class _Frame(NamedTuple):
    """What is known of 10 ms."""

    active: bool
    """Something plays, or did not long ago: its echo may be heard."""
    told: bool
    """The mouth says that it plays."""
    sounds: bool
    """The far end has sound here."""
    last: bool
    """The next one is not active, if nothing plays in it."""


class EchoStream:
    """Owned by the ear's thread. All of it is to be given the stream's samples in order, from its first one on."""

    def __init__(
        self,
        rate_hz: int,
        plan: EchoPlan,
        ear: Drift,
        apart: Drift,
        cancellers: tuple[SpareCanceller, SpareCanceller] | None,
    ) -> None:
        """At 16, 32 or 48 kHz. `ear`, `apart`: what is known of the microphone's clock, and of the speaker's to it;
        `cancellers`: those of `plan`, at this rate.
        """
        self._rate_hz, self._plan = rate_hz, plan
        self._frame = frames_in(FRAME_MS, rate_hz)
        late = plan.late_frames.get(rate_hz, 0) if plan.cancellers else 0
        self._framing = Framing(self._frame, 2, skip=late)
        self._heard_late, self._wake_late = Delay(late), Delay(late)
        self._clock = StreamClock(rate_hz, ear)
        self._far = FarEnd(self._clock, apart)
        self._spans: deque[tuple[float, float]] = deque(maxlen=64)  # when the mouth says that it plays
        self._came = self._worked = 0  # samples that came in; of them, those that went through
        self._decay = round(plan.decay_ms / FRAME_MS)
        self._hold = round(max(plan.decay_ms, FLUSH_MS) / FRAME_MS)
        self._silent = self._hold  # frames since something played, up to that
        self._quiet = math.inf  # the same without end
        self._since = 0  # frames since it began to play, with pauses shorter than that
        self._run_frames = 0  # for so long something was cancelled or watched
        self._lesson_frames = 0  # of our own sound, that the linear canceller has heard
        self._cancellers = cancellers
        self._near_end = NearEnd(rate_hz)
        self._edges: list[Edge] = []
        self._speech: deque[bool] = deque(maxlen=2 * WORD_MARKS)  # what the last marks said
        self._marked = 0  # how many there were, from the stream's beginning on
        hardware = cancellers is None
        self.watch = EchoWatch(rate_hz, plan.least_erle_db + ROOM_LOSS_DB * hardware, hardware=hardware)
        self._linear_watch = EchoWatch(rate_hz, LINEAR_SHARE * plan.least_erle_db)

    @property
    def sounding(self) -> bool:
        """See runtime.echo.Echo."""
        return self._silent <= self._decay and self._silent < self._hold

    @property
    def own_word(self) -> bool:
        """A wake word that is heard now was ours: something plays, or did until just now, and nobody else spoke for as
        long as a word takes: not while we sounded, nor before. Without the linear canceller nothing is known.
        """
        if self._cancellers is not None and self._cancellers[1].problem is not None:
            return False
        if self._since * FRAME_MS < LEAST_WORD_MS or self._quiet >= OWN_WORD_MS / FRAME_MS:
            return False
        marks = min(self._since * FRAME_MS // MARK_MS, WORD_MARKS)
        before = self._voices_before(WORD_MARKS + EARLIER_MARKS - marks) if marks < WORD_MARKS else 0
        return self._near_end.foreign(marks) < FOREIGN_MARKS and before < VOICES_BEFORE

    @property
    def problem(self) -> Problem | None:
        """Why a canceller is missing that is wanted, or why both are."""
        problems = [one.problem.sentence for one in self._cancellers or () if one.problem is not None]
        return Problem("device", ". ".join(problems)) if problems else None

    @property
    def cancelled(self) -> bool:
        """The verdict."""
        return self.watch.cancelled and self._linear_watch.cancelled and self.problem is None

    @property
    def drifts(self) -> tuple[Drift, Drift]:
        """How fast the microphone's clock runs, and how much faster than it the speaker's."""
        return self._clock.drift, self._far.apart

    def played(self, samples: Samples, rate_hz: int, heard_at_s: float) -> None:
        """See runtime.echo.Echo."""
        self._far.played(samples, rate_hz, heard_at_s)
        if samples.any():
            self._spans.append((heard_at_s, heard_at_s + len(samples) / rate_hz))

    def clean(self, samples: Samples, captured_s: float) -> Cleaned:
        """See runtime.echo.Echo."""
        self._clock.told(self._came, captured_s)
        self._came += len(samples)
        near = self._framing.put(samples)
        rows = np.stack((self._heard_late.take(near), near))
        if len(near):
            self._work(near, rows)
        rows[1] = self._wake_late.take(rows[1])
        heard, wake = self._framing.give(rows)
        return Cleaned(heard, heard if np.array_equal(heard, wake) else wake)

    def edges(self, marks: Sequence[Mark]) -> list[Edge]:
        """Who was found to speak over us in what was cleaned last; `marks` are those of its `heard`, each once."""
        self._speech.extend(mark.speech for mark in marks)
        self._marked += len(marks)
        self._note(self._near_end.mark(marks))
        edges, self._edges = self._edges, []
        return edges

    def forget(self) -> None:
        """Overwrite all that was heard and played; clocks, verdict and figures stay."""
        for held in (self._framing, self._heard_late, self._wake_late):
            held.zero()
        self._far.forget()
        self._spans.clear()
        self._near_end.forget()
        self.watch.forget()
        self._linear_watch.forget()
        self._edges.clear()
        self._speech.clear()
        self._silent, self._quiet, self._run_frames = self._hold, math.inf, 0
        self._lesson_frames = 0
        for canceller in self._cancellers or ():
            canceller.forget()

    def _voices_before(self, marks: int) -> int:
        """In how many of the `marks` before we began to sound somebody spoke, or may have: nothing is known of them."""
        began = (self._worked // self._frame - self._since) * FRAME_MS // MARK_MS
        first = self._marked - len(self._speech)
        known = range(max(first, began - marks), min(began, self._marked))
        return marks - len(known) + sum(self._speech[number - first] for number in known)

    # ── whole frames ─────────────────────────────────────────────────────────────────────────────

    def _work(self, near: Samples, rows: NDArray[np.int16]) -> None:
        """Take what plays out of both `rows`, which are `near`."""
        far = self._far.take(len(near))
        if self._silent == self._hold and not (self._spans or self._near_end.open or far.any()):
            self._worked += len(near)
            self._quiet += len(near) / self._frame
            return
        at = 0
        for what, run in groupby(self._frames(far)):
            part = slice(at, at + self._frame * len(list(run)))
            at = part.stop
            if what.active:
                self._listen_over(near[part], far[part], rows[:, part], what)
            elif self._near_end.open:
                self._note(self._near_end.hear(near[part], far[part], playing=False))

    def _frames(self, far: Samples) -> list[_Frame]:
        sounds: list[bool] = np.any(far.reshape(-1, self._frame), axis=1).tolist()
        begin_s = self._clock.time_of(self._worked) + ADVANCE_S
        self._worked += len(far)
        while self._spans and self._spans[0][1] < begin_s:
            self._spans.popleft()
        frames = []
        for number, sound in enumerate(sounds):
            at_s = begin_s + (number + 0.5) * FRAME_MS / 1000
            told = any(since_s <= at_s < until_s for since_s, until_s in self._spans)
            begins = (sound or told) and self._silent == self._hold
            self._since = 0 if begins else self._since + 1
            self._quiet = 0 if sound or told else self._quiet + 1
            self._silent = int(min(self._quiet, self._hold))
            frames.append(_Frame(self._silent < self._hold, told, sound, self._silent == self._hold - 1))
        return frames

    def _listen_over(self, near: Samples, far: Samples, rows: NDArray[np.int16], what: _Frame) -> None:
        """Frames that hold our own sound, or may: cancel it, and see how well, and who else speaks."""
        if not self._run_frames:
            self._edges.clear()  # nobody asked, so they are of a sound before this one
        if self._cancellers is None:
            self.watch.hear(near, far, near, playing=what.told)
            self._note(self._near_end.hear(near, far, playing=what.told or what.sounds))
        else:
            heard, wake = (canceller.cancel(near, far) for canceller in self._cancellers)
            if heard is not None:
                self.watch.hear(near, far, heard, playing=what.told)
                self._fade(heard, rows[0], last=what.last)
            if wake is not None:
                self._linear_watch.hear(near, far, wake, playing=what.told)
                self._note(self._near_end.hear(wake, taken_out(near, wake), playing=what.told or what.sounds))
                self._fade(wake, rows[1], last=what.last)
                self._lesson_frames += what.sounds * len(near) // self._frame
            if what.last and self._lesson_frames * FRAME_MS < LEAST_LESSON_MS:
                self._cancellers[1].forget()
                self._lesson_frames = 0
        self._run_frames = 0 if what.last else self._run_frames + len(near) // self._frame

    def _fade(self, cancelled: Samples, row: Samples, *, last: bool) -> None:
        """Put `cancelled` into `row`, the first frame of a run aside: what is late there is of the run before. It
        begins, and ends, over a whole frame.
        """
        at = np.arange(len(row), dtype=np.float32) / self._frame
        share = np.clip(at + (self._run_frames - 1), 0, 1)
        if last:
            share *= 1 - at
        row[:] = np.rint(row + share * (cancelled.astype(np.float32) - row)).astype(np.int16)

    def _note(self, edges: Sequence[Edge]) -> None:
        for edge in edges:
            self.watch.doubted(edge)
        self._edges += edges
