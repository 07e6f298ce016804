"""Floor 4. Whether the appliance lives: pure, it reads counters and no clock. The watchdog is fed by its word only."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Progress:
    """What ear, mouth and mind have done since they began; every counter only grows."""

    ear: int = 0
    """Capture blocks taken in, and attempts to open the stream again."""
    deaf: bool = False
    """The capture stream is closed on purpose."""
    mouth: int = 0
    """Periods given to the sound card."""
    playing: bool = False
    """A reply or a chime is being played."""
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

        The ear must take blocks, unless it is closed on purpose; the mouth must be pulled, while it plays; the mind
        must have handled all that was in the inbox at the last look.
        """
        last, self._last = self._last, now
        ear = now.deaf or now.ear > last.ear
        mouth = not now.playing or now.mouth > last.mouth
        mind = now.handled >= last.posted
        return ear and mouth and mind
