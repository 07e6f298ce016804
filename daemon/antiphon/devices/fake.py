"""Fakes of what the ear judges with: they say what a script says at given samples, and never look at the sound."""

from collections.abc import Mapping, Sequence
from itertools import pairwise

from antiphon.pcm import WAKE_RATE_HZ, Samples

STEP_FRAMES = 1280
MARK_FRAMES = WAKE_RATE_HZ * 20 // 1000


class ScriptedWakeEngine:
    """A ports.WakeEngine that scores 1 for a word in the 80 ms step that holds a scripted sample, and 0 elsewhere."""

    def __init__(self, words: Sequence[str], said_at: Mapping[int, str]) -> None:
        """`said_at`: sample (16 kHz, counted over all that was ever heard) -> the word that is scored there."""
        self.words: Sequence[str] = tuple(words)
        self.forgotten = 0
        """How often forget() was called."""
        self._said_at = dict(said_at)
        self._heard = 0
        self._step_from = 0

    def default_threshold(self, word: str) -> float:
        """The same for every word."""
        assert word in self.words
        return 0.5

    def hear(self, samples: Samples) -> list[list[float]]:
        """One row for each step completed."""
        self._heard += len(samples)
        edges = range(self._step_from, self._heard + 1, STEP_FRAMES)
        self._step_from = edges[-1]
        return [self._row(start, end) for start, end in pairwise(edges)]

    def forget(self) -> None:
        """Begin a new step here; what the script says stays where it is."""
        self.forgotten += 1
        self._step_from = self._heard

    def _row(self, start: int, end: int) -> list[float]:
        said = {word for at, word in self._said_at.items() if start <= at < end}
        return [float(word in said) for word in self.words]


class ScriptedVoiceDetector:
    """A ports.VoiceDetector that marks the 20 ms which touch a scripted span of samples."""

    def __init__(self, spans: Sequence[tuple[int, int]]) -> None:
        """`spans`: first sample (16 kHz, counted over all that was ever heard) and the one after the last."""
        self._spans = tuple(spans)
        self._heard = 0

    def voiced(self, samples: Samples) -> list[bool]:
        """One mark for each 20 ms completed."""
        begin = self._heard - self._heard % MARK_FRAMES
        self._heard += len(samples)
        edges = range(begin, self._heard + 1, MARK_FRAMES)
        return [self._touched(start, end) for start, end in pairwise(edges)]

    def forget(self) -> None:
        """Begin a new mark here; what the script says stays where it is."""
        self._heard -= self._heard % MARK_FRAMES

    def _touched(self, start: int, end: int) -> bool:
        return any(first < end and start < last for first, last in self._spans)


class NoEchoCanceller:
    """A ports.EchoCanceller that leaves everything as it is."""

    def __init__(self, rate_hz: int) -> None:
        """For sound at `rate_hz`."""
        self.rate_hz = rate_hz
        self.late_frames = 0
        self.forgotten = 0
        """How often forget() was called."""

    def cancel(self, near: Samples, far: Samples) -> Samples:
        """What came in."""
        assert len(near) == len(far)
        return near

    def forget(self) -> None:
        """Only counts."""
        self.forgotten += 1
