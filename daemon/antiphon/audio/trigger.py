"""Floor 1. From a wake word engine's scores to "this word was said", once for each time it is said.

It counts time in samples heard, so that a slow machine and a fast one judge alike.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from antiphon.pcm import WAKE_RATE_HZ, frames_in


@dataclass(frozen=True, slots=True)
class WakeWord:
    """One word to listen for."""

    name: str
    threshold: float
    """The score, above 0 and up to 1, at which the word counts as heard."""
    refractory_ms: float
    """After this word was heard, for how long no word is."""


@dataclass(frozen=True, slots=True)
class Detection:
    """A word was said; `score` is what it had in the step that crossed the threshold."""

    word: str
    score: float


class Trigger:
    """Decides which word fires, and holds its fire until the utterance is over.

    1. The highest score among the words that reach their thresholds fires.
    2. Then no word fires for the refractory time of the one that did: one utterance is one detection.
    3. Nor, after that, until that word's score has once been below its threshold: a score stays high for several
       steps, and a sound that lasts must not fire again and again.
    """

    def __init__(self, words: Sequence[WakeWord]) -> None:
        """`words` in the order of the engine's scores."""
        self.words = tuple(words)
        self.restart()

    def restart(self) -> None:
        """Armed, as if nothing had been heard; call it when the engine forgets."""
        self._quiet_frames = 0
        self._held: int | None = None

    def hear(self, rows: Sequence[Sequence[float]], frames: int) -> Detection | None:
        """The scores of the steps completed by the last `frames` samples at 16 kHz; the first detection, if any."""
        self._quiet_frames = max(0, self._quiet_frames - frames)
        fired = None
        for row in rows:
            above = [at for at, word in enumerate(self.words) if row[at] >= word.threshold]
            if self._held not in above:
                self._held = None
            if above and self._held is None and not self._quiet_frames:
                self._held = max(above, key=row.__getitem__)
                word = self.words[self._held]
                self._quiet_frames = frames_in(word.refractory_ms, WAKE_RATE_HZ)
                fired = fired or Detection(word.name, row[self._held])
        return fired
