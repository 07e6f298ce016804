"""Floor 4. Whether the appliance lives: pure, it reads counters and no clock. The watchdog is fed by its word only."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Progress:
    """What ear, mouth and mind have done since they began; every counter only grows."""

    ear: int = 0
    """Capture blocks that the ear's thread has taken in; and while the stream is closed, its looks at its queue."""
    mouth: int = 0
    """Rounds of the mouth's thread: it makes some each second, playing or not."""
    posted: int = 0
    """Events put into the inbox."""
    handled: int = 0
    """Events that the mind has handled."""


class Liveness:
    """Compares each look with the one before it."""

    def __init__(self) -> None:
        self._last = Progress()

    def advanced(self, now: Progress) -> bool:
        """True when all that should have moved since the last look has moved.

        A thread that hangs in a driver, opening its device or using it, makes no progress; nor does a mind that has
        not handled all that was in the inbox at the last look.
        """
        last, self._last = self._last, now
        return now.ear > last.ear and now.mouth > last.mouth and now.handled >= last.posted
