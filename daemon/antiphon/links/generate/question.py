"""One turn's speech, kept until it is asked: resampled as it comes, and never longer than the server survives. Pure.

What is too long is cut at its beginning: who speaks for a minute asks at the end, and what came first led up to it.
The cut is made at the quietest moment near it, so that it falls between words.
"""

from dataclasses import dataclass

import numpy as np

from antiphon.audio.resample import Resampler
from antiphon.links.generate.wire import QUESTION_RATE_HZ
from antiphon.pcm import LINK_RATE_HZ, SAMPLE_BYTES, Samples, bytes_of, frames_in, ms_of, samples_of

LONGEST_MS = 60_000
"""The server's model process dies of about 79 s, and stays dead."""

SEARCHED_MS = 10_000
"""The quiet moment is looked for in the first so many milliseconds of what may be kept."""

MARK_MS = 20
"""Over so long a level is measured: shorter than the pauses within words that are not meant."""


@dataclass(frozen=True, slots=True)
class Asked:
    """A turn as it is sent."""

    pcm: bytes
    """Mono s16le at QUESTION_RATE_HZ."""
    left_out_ms: float
    """How much of the turn's beginning is not in it."""


class Question:
    """Speech of one turn after another, mono s16le 24 kHz in."""

    def __init__(self) -> None:
        self._resampler = Resampler(LINK_RATE_HZ, QUESTION_RATE_HZ)
        self._kept = bytearray()
        self._frames = 0

    def add(self, pcm: bytes) -> None:
        """The next speech, whole samples. More than LONGEST_MS is never kept: it could not be sent."""
        self._keep(self._resampler.take(samples_of(pcm[: len(pcm) - len(pcm) % SAMPLE_BYTES])))

    def take(self) -> Asked:
        """The turn is over: all of it, or its end. The next turn begins empty."""
        self._keep(self._resampler.flush())
        kept, frames = samples_of(bytes(self._kept)), self._frames
        self._kept, self._frames = bytearray(), 0
        if len(kept) < frames:
            kept = kept[quietest(kept) :]
        return Asked(bytes_of(kept), ms_of(frames - len(kept), QUESTION_RATE_HZ))

    def _keep(self, samples: Samples) -> None:
        self._frames += len(samples)
        self._kept += bytes_of(samples)
        excess = len(self._kept) - SAMPLE_BYTES * frames_in(LONGEST_MS, QUESTION_RATE_HZ)
        if excess > 0:
            del self._kept[:excess]


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
