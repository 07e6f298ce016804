"""Several wake word engines heard as one, for words that do not all live in the same. It knows none of them."""

from collections.abc import Sequence

from antiphon.pcm import Samples
from antiphon.ports import WakeEngine


class JoinedWakeEngine:
    """A ports.WakeEngine over others: the words of the first, then those of the second, and so on."""

    def __init__(self, engines: Sequence[WakeEngine]) -> None:
        """The engines may step at different times; each keeps its own."""
        self.words: Sequence[str] = [word for engine in engines for word in engine.words]
        self._engines = engines
        self._latest = [[0.0] * len(engine.words) for engine in engines]

    def default_threshold(self, word: str) -> float:
        """That of the first engine which has `word`."""
        return next(engine for engine in self._engines if word in engine.words).default_threshold(word)

    def hear(self, samples: Samples) -> list[list[float]]:
        """One row for each step of any engine; the words of the others keep the scores of their latest step.

        The rows of one call are in the order of the engines, not of time: give it blocks no longer than a step.
        """
        rows = []
        for at, engine in enumerate(self._engines):
            for scores in engine.hear(samples):
                self._latest[at] = scores
                rows.append([score for latest in self._latest for score in latest])
        return rows

    def forget(self) -> None:
        """All start as if nothing had been heard."""
        for engine, latest in zip(self._engines, self._latest, strict=True):
            engine.forget()
            latest[:] = [0.0] * len(latest)
