"""Floor 1. Streaming resampling: any chunks in, the same samples out, none lost at the end.

libsamplerate's sinc_fastest holds back 1.2 ms; its aliases stay below -97 dB. Equal rates are left untouched.
"""

import math
from typing import Any

import numpy as np
import samplerate

from antiphon.pcm import Samples, clipped, floats_of

_TAIL_FRAMES = 64
"""More than half the filter's length, in frames of the lower of both rates: this much silence pushes the tail out."""


class Resampler:
    """One stream: N frames in give N * to_hz / from_hz frames out, within one, once `flush` was called."""

    def __init__(self, from_hz: int, to_hz: int) -> None:
        """Begins a stream; sample 0 out stands for the same moment as sample 0 in."""
        self._ratio = to_hz / from_hz
        self._engine: Any = None if from_hz == to_hz else samplerate.Resampler("sinc_fastest", 1)
        self._taken = 0
        self._given = 0

    def take(self, samples: Samples) -> Samples:
        """The next samples, of any number; returns what is ready."""
        if self._engine is None or len(samples) == 0:
            return samples
        self._taken += len(samples)
        ready = clipped(self._engine.process(floats_of(samples), self._ratio))
        self._given += len(ready)
        return ready

    @property
    def held_frames(self) -> int:
        """How many of the newest frames taken are not in what was given yet."""
        return round(self._taken - self._given / self._ratio)

    def flush(self) -> Samples:
        """The stream has ended: what was held back. The resampler then begins a new stream."""
        if self._engine is None:
            return np.zeros(0, np.int16)
        owed = round(self._taken * self._ratio) - self._given
        # The binding sizes its output by its input, so the library's own end of input gives nothing: push by silence.
        silence = np.zeros(math.ceil(_TAIL_FRAMES * max(1.0, 1 / self._ratio)), np.float32)
        tail = clipped(self._engine.process(silence, self._ratio))[: max(owed, 0)]
        self._engine.reset()
        self._taken = self._given = 0
        return tail
