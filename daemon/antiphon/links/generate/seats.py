"""The replies that a server goes on making though we have hung up: how many there may be. Pure; times are arguments.

vox-serve makes eight replies at once and knows no cancel: each one left behind holds its seat until it is over, and a
ninth question waits. Nobody tells us when one is over, so we reckon with the longest it can be.
"""

from dataclasses import dataclass

MOST_LEFT = 7
"""With so many left behind, the one that we would ask for takes the last seat."""

LONGEST_S = 4096 / 25
"""The longest reply: --max-tokens is 4096, the prompt included, and a second of speech is 25 of them. A server that
makes less than a second of speech a second could not be listened to, so it has also made it in this time.
"""

UNHEARD_S = 600.0
"""A reply that never sounded may still be waiting to begin; after this long the server itself gives it up."""


@dataclass(slots=True)
class _Left:
    over_at_s: float
    unheard: bool


class Seats:
    """Of one server, over all calls. Times are of one monotonic clock, in seconds."""

    def __init__(self) -> None:
        self._left: list[_Left] = []

    def leave(self, now_s: float, made_s: float) -> None:
        """We hung up on a reply of which `made_s` seconds of speech had come; 0 when it had not sounded."""
        rest_s = max(0.0, LONGEST_S - made_s) if made_s else UNHEARD_S
        self._left.append(_Left(now_s + rest_s, unheard=not made_s))

    def sounded(self, now_s: float) -> None:
        """A later reply sounds. Questions are begun in the order in which they came, so whatever was asked before it
        has been begun too, and ends in its time.
        """
        for left in self._left:
            if left.unheard:
                left.over_at_s, left.unheard = min(left.over_at_s, now_s + LONGEST_S), False

    def answered(self, now_s: float) -> None:
        """A whole answer has just come, and its seat is free: one more may be asked for, whatever we reckoned.

        Which of the others are over cannot be known from it, so those that would be first are taken off.
        """
        self.sounded(now_s)
        self._left = sorted(self._left, key=lambda left: left.over_at_s)[-(MOST_LEFT - 1) :]

    def taken(self, now_s: float) -> int:
        """How many replies may still be running that nobody hears."""
        self._left = [left for left in self._left if left.over_at_s > now_s]
        return len(self._left)

    def forget(self) -> None:
        """The server has ended, and with it whatever it was doing."""
        self._left.clear()
