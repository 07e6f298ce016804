"""Floor 1. The pre-roll: the last few seconds heard, so that no word is lost before the link is open.

Knows samples and their positions only: frame N is the N-th frame heard since the stream was opened.
"""

import numpy as np

from antiphon.pcm import Samples


class Preroll:
    """A ring of the last `max_frames` frames, addressed by absolute position."""

    def __init__(self, max_frames: int) -> None:
        """Keeps at most `max_frames` (1 or more)."""
        self._ring = np.zeros(max_frames, np.int16)
        self.start = 0
        """Position of the oldest frame kept."""
        self.end = 0
        """Position after the newest frame: how many frames were ever added."""

    def add(self, samples: Samples) -> None:
        """Append; what no longer fits falls out at the old end."""
        size = len(self._ring)
        kept = samples[-size:]
        at = (self.end + len(samples) - len(kept)) % size
        head = min(len(kept), size - at)
        self._ring[at : at + head] = kept[:head]
        self._ring[: len(kept) - head] = kept[head:]
        self.end += len(samples)
        self.start = max(self.start, self.end - size)

    def since(self, frame: int) -> Samples:
        """A copy of all kept from position `frame` on; what has fallen out already is not there."""
        first = min(max(frame, self.start), self.end)
        size = len(self._ring)
        at, frames = first % size, self.end - first
        head = self._ring[at : at + frames]
        return np.concatenate((head, self._ring[: frames - len(head)]))

    def last(self, frames: int) -> Samples:
        """A copy of the last `frames` frames, or of as many as are kept."""
        return self.since(self.end - frames)

    def zero(self) -> None:
        """Overwrite the memory itself; nothing is kept any more, and positions go on."""
        self._ring[:] = 0
        self.start = self.end
