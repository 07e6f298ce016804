"""Timers that have run out: it rings until somebody says that he has heard, or for a minute of nobody speaking.

In a conversation it rings once, quietly, and goes on when that is over. It knows no clock, and keeps no timer.
"""

from antiphon.conversation.effects import Chime, Effect

EVERY_S = 2.0
LIMIT_S = 60.0
"""Of ringing: what a conversation takes in the middle is not counted."""
NAMELESS = "timer"
"""What rings where the owner gave it no name."""
_MOST_NAMED = 8


class Ringing:
    """Everything that rings, as one ringing."""

    def __init__(self) -> None:
        self._labels: list[str] = []
        self._left = 0
        self._next_s: float | None = None

    @property
    def label(self) -> str:
        """What rings, or waits for the end of a conversation to go on; "" when nothing does."""
        return ", ".join(self._labels)

    @property
    def heard(self) -> bool:
        """It rings now, and is not only to go on later."""
        return self._next_s is not None

    @property
    def deadline(self) -> float | None:
        """When `tick` has something to do."""
        return self._next_s

    def due(self, label: str, now: float, *, quiet: bool) -> list[Effect]:
        """A timer has run out; `quiet`: nobody speaks."""
        label = label.strip() or NAMELESS
        if label not in self._labels and len(self._labels) < _MOST_NAMED:
            self._labels.append(label)
        self._left = round(LIMIT_S / EVERY_S) - 1
        self._next_s = now + EVERY_S if quiet else None
        return [Chime("timer")]

    def mind(self, now: float, *, quiet: bool) -> None:
        """Somebody has begun to speak, or nobody speaks any more."""
        if not quiet:
            self._next_s = None
        elif self._labels and self._next_s is None:
            self._next_s = now + EVERY_S

    def tick(self, now: float) -> list[Effect]:
        """Ring again, when that is due; or no more."""
        if self._next_s is None or now < self._next_s:
            return []
        if not self._left:
            self.stop()
            return []
        self._left, self._next_s = self._left - 1, now + EVERY_S
        return [Chime("timer")]

    def stop(self) -> bool:
        """Somebody has heard it: whether anything rang."""
        rang = bool(self._labels)
        self._labels, self._left, self._next_s = [], 0, None
        return rang
