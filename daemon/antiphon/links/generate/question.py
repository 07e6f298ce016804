"""One turn's speech, kept until it is asked: resampled as it comes, and never longer than the server survives. Pure.

What is too long is cut at its beginning: who speaks for a minute asks at the end, and what came first led up to it.
The cut is made at the quietest moment near it, so that it falls between words.
A kept utterance comes in one piece, and resampling a minute takes a small board a second: it is done in slices, one
with each piece that comes after it, and what is left at the end one by one (`work`).
"""

from dataclasses import dataclass

import numpy as np

from antiphon.audio.resample import Resampler
from antiphon.links.generate.wire import QUESTION_RATE_HZ
from antiphon.pcm import LINK_RATE_HZ, SAMPLE_BYTES, Samples, bytes_of, frames_in, ms_of, samples_of

LONGEST_MS = 60_000
"""The server's model process dies of about 79 s, and stays dead."""

SLICE_MS = 500
"""So much is resampled at once. Speech comes in pieces shorter than this, so none waits unless much came before it."""

SEARCHED_MS = 10_000
"""The quiet moment is looked for in the first so many milliseconds of what may be kept."""

MARK_MS = 20
"""Over so long a level is measured: shorter than the pauses within words that are not meant."""

_SLICE_BYTES = SAMPLE_BYTES * frames_in(SLICE_MS, LINK_RATE_HZ)
_RAW_BYTES = SAMPLE_BYTES * frames_in(LONGEST_MS, LINK_RATE_HZ)
_KEPT_BYTES = SAMPLE_BYTES * frames_in(LONGEST_MS, QUESTION_RATE_HZ)


@dataclass(frozen=True, slots=True)
class Asked:
    """A turn as it is sent."""

    pcm: bytes
    """Mono s16le at QUESTION_RATE_HZ."""
    left_out_ms: float
    """How much of the turn's beginning is not in it."""


class Question:
    """Speech of one turn, mono s16le 24 kHz in."""

    def __init__(self) -> None:
        self._resampler = Resampler(LINK_RATE_HZ, QUESTION_RATE_HZ)
        self._raw = bytearray()  # not resampled yet
        self._kept = bytearray()
        self._dropped_ms = 0.0
        self.empty = True
        """Nothing was said."""

    def add(self, pcm: bytes) -> None:
        """The next speech, whole samples. More than LONGEST_MS is never kept: it could not be sent."""
        self._raw += pcm[: len(pcm) - len(pcm) % SAMPLE_BYTES]
        self.empty = self.empty and not self._raw
        excess = len(self._raw) - _RAW_BYTES
        if excess > 0:  # the whole last minute is still here, so all that came before it will be dropped too
            self._drop(self._raw, excess, LINK_RATE_HZ)
        self.work()

    def work(self) -> bool:
        """Resample the next slice; whether there is more to do."""
        self._keep(self._resampler.take(samples_of(bytes(self._raw[:_SLICE_BYTES]))))
        del self._raw[:_SLICE_BYTES]
        return bool(self._raw)

    def end(self) -> Asked:
        """The turn is over, and all work done: all of it, or its end; it is not kept any longer."""
        assert not self._raw
        self._keep(self._resampler.flush())
        if self._dropped_ms:
            start = quietest(samples_of(bytes(self._kept)))
            self._drop(self._kept, SAMPLE_BYTES * start, QUESTION_RATE_HZ)
        pcm, self._kept = bytes(self._kept), bytearray()
        return Asked(pcm, self._dropped_ms)

    def _keep(self, samples: Samples) -> None:
        self._kept += bytes_of(samples)
        if len(self._kept) > _KEPT_BYTES:
            self._drop(self._kept, len(self._kept) - _KEPT_BYTES, QUESTION_RATE_HZ)

    def _drop(self, kept: bytearray, size: int, rate_hz: int) -> None:
        """The oldest `size` bytes of what is kept in one place."""
        self._dropped_ms += ms_of(size // SAMPLE_BYTES, rate_hz)
        del kept[:size]


def quietest(samples: Samples) -> int:
    """Where the quietest MARK_MS of the first SEARCHED_MS begins, in frames at QUESTION_RATE_HZ; the first of several.

    0 when there is not one whole mark.
    """
    mark = frames_in(MARK_MS, QUESTION_RATE_HZ)
    count = min(len(samples), frames_in(SEARCHED_MS, QUESTION_RATE_HZ)) // mark
    if not count:
        return 0
    marks = samples[: count * mark].reshape(count, mark).astype(np.float64)
    return int(np.argmin((marks * marks).sum(axis=1))) * mark
