"""Floor 1. Framing: sound of any lengths in, worked on in whole frames, and all of it out again, evenly."""

import math

import numpy as np
from numpy.typing import NDArray

from antiphon.pcm import Samples


class Delay:
    """One stream, some frames later; it begins with silence."""

    def __init__(self, frames: int) -> None:
        """By `frames` frames."""
        self._past: Samples = np.zeros(frames, np.int16)

    def take(self, samples: Samples) -> Samples:
        """The next samples; returns as many."""
        sound = np.concatenate((self._past, samples))
        self._past = sound[len(samples) :].copy()
        return sound[: len(samples)]

    def zero(self) -> None:
        """Overwrite what is held back."""
        self._past[:] = 0


class Framing:
    """One stream, of which several versions are made in whole frames, and come out.

    Where what comes in is always a number of whole frames, nothing is held back; where it is not, less than a frame is,
    always as much: so what comes out is as long as what goes in.
    """

    def __init__(self, frame: int, rows: int, skip: int = 0) -> None:
        """For frames of `frame` samples and `rows` versions, the first `skip` samples of which are not sound."""
        self._frame = self._divisor = frame
        self._skip = skip
        self._waiting: Samples = np.zeros(0, np.int16)  # not a whole frame yet
        self._done: NDArray[np.int16] = np.zeros((rows, 0), np.int16)  # worked on, and held back

    def put(self, samples: Samples) -> Samples:
        """The next samples; returns the whole frames that there are now. `give` is to get what is made of them."""
        self._divisor = math.gcd(self._divisor, len(samples))
        sound = np.concatenate((self._waiting, samples))
        whole = len(sound) - len(sound) % self._frame
        self._waiting = sound[whole:].copy()
        return sound[:whole]

    def give(self, rows: NDArray[np.int16]) -> NDArray[np.int16]:
        """What was made of the frames that `put` returned last, shape (rows, samples); returns what is to go out."""
        skipped = min(self._skip, rows.shape[1])
        self._skip -= skipped
        sound = np.concatenate((self._done, rows[:, skipped:]), axis=1)
        out = max(0, sound.shape[1] - (self._frame - self._divisor - len(self._waiting)))
        self._done = sound[:, out:].copy()
        return sound[:, :out]

    def zero(self) -> None:
        """Overwrite what is held back; its length stays."""
        self._waiting[:] = 0
        self._done[:] = 0
