"""What is remembered of one server between calls: whether it speaks, how soon, and what it is busy with. Pure.

Times are arguments, of one monotonic clock, in seconds.
"""

from antiphon.links.generate.cushion import Cushion
from antiphon.links.generate.seats import MOST_LEFT, Seats


class Known:
    """Of one server, over all calls."""

    def __init__(self) -> None:
        self.seats = Seats()
        self.cushion = Cushion()
        self.speaks = False
        """It has spoken, and given no reason since to doubt that it would again."""
        self.took_s = 0.0
        """How long it was silent before it spoke, the last time it did."""

    def full(self, now_s: float) -> bool:
        """As far as we can reckon, it is as busy with replies that nobody hears as it may be."""
        return self.seats.taken(now_s) >= MOST_LEFT

    def ready(self, now_s: float) -> bool:
        """Speech may be sent to it: it will be read before it is deleted."""
        return self.speaks and not self.full(now_s)

    def spoke(self, took_s: float) -> None:
        """It speaks, `took_s` after it was asked."""
        self.speaks, self.took_s = True, took_s

    def given_up(self, waited_s: float) -> None:
        """Nobody waits any longer for an answer that has not begun. That casts doubt on it only if it had its time."""
        if waited_s >= self.took_s:
            self.speaks = False

    def word_ms(self, first_sound_ms: float) -> float:
        """How long it may take to a word, when the turn that waits for it must have its first sound in this time.

        Half of it, as the question will need as long; but one that is known to be slow gets twice what it needed.
        """
        return min(first_sound_ms, max(first_sound_ms / 2, 2000 * self.took_s))
