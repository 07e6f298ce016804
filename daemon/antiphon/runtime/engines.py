"""Floor 4. Several wake word engines as one, so that words of both kinds can be set side by side."""

from collections.abc import Sequence

from antiphon.pcm import Samples
from antiphon.ports import WakeEngine


class EngineSet:
    """A WakeEngine made of others; a row of one engine has zeros for the words of the rest."""

    def __init__(self, engines: Sequence[WakeEngine]) -> None:
        self._engines = engines
        self.words = tuple(word for engine in engines for word in engine.words)

    def default_threshold(self, word: str) -> float:
        """The threshold of the engine that knows `word`."""
        return next(engine.default_threshold(word) for engine in self._engines if word in engine.words)

    def hear(self, samples: Samples) -> list[list[float]]:
        """The rows of every engine, each as wide as `words`."""
        rows = []
        before = 0
        for engine in self._engines:
            after = len(self.words) - before - len(engine.words)
            rows += [[0.0] * before + list(row) + [0.0] * after for row in engine.hear(samples)]
            before += len(engine.words)
        return rows

    def forget(self) -> None:
        """Start as if nothing had been heard."""
        for engine in self._engines:
            engine.forget()
