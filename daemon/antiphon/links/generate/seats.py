"""The replies that a server goes on making though we have hung up: how many there may be. Pure; times are arguments.

vox-serve makes eight replies at once, in the order in which they were asked, each as fast as the others, and knows no
cancel: one that was left behind holds its seat until it is over, and a ninth question waits. Nobody tells us when one
is over, so we reckon with the longest it can be, and with what later answers prove.
"""

from dataclasses import dataclass

MOST_LEFT = 7
"""With so many left behind, the one that we would ask for takes the last seat."""

LONGEST_S = 4096 / 25
"""How much speech the longest reply has: --max-tokens is 4096, the prompt included, and a second of speech is 25 of
them.
"""

SLOWEST = 1.0
"""Seconds of speech in a second: who makes less could not be listened to."""

UNHEARD_S = 600.0
"""A reply that never sounded may still be waiting to begin; after this long the server itself gives it up."""


@dataclass(slots=True)
class _Left:
    over_at_s: float
    pace: float  # seconds of speech that are made of it in a second
    unheard: bool


class Seats:
    """Of one server, over all calls. Times are of one monotonic clock, in seconds.

    We ask one question at a time, so what was left behind was asked before any that came to its end later.
    """

    def __init__(self) -> None:
        self._left: list[_Left] = []

    def leave(self, asked_s: float, now_s: float, made_s: float) -> None:
        """We hung up on a reply of which `made_s` seconds of speech had come; 0 when it had not sounded.

        The rest is made as fast as what came was made since it was asked: the wait before its first sound is in that,
        so it is less than it can do.
        """
        self._gain(asked_s, now_s, made_s)
        if made_s:
            pace = max(SLOWEST, made_s / max(now_s - asked_s, 0.001))
            self._left.append(_Left(now_s + max(0.0, LONGEST_S - made_s) / pace, pace, unheard=False))
        else:
            self._left.append(_Left(now_s + UNHEARD_S, SLOWEST, unheard=True))

    def sounded(self, now_s: float) -> None:
        """A later reply sounds: whatever was asked before it has been begun too, and ends in its time."""
        for left in self._left:
            if left.unheard:
                left.over_at_s, left.unheard = min(left.over_at_s, now_s + LONGEST_S / SLOWEST), False

    def answered(self, asked_s: float, now_s: float, made_s: float) -> None:
        """A whole answer, `made_s` seconds long, has come, and its seat is free: one more may be asked for, whatever
        we reckoned. Which of the others are over is not known, so those that would be first are taken off.
        """
        self.sounded(now_s)
        self._gain(asked_s, now_s, made_s)
        self._left = sorted(self._left, key=lambda left: left.over_at_s)[-(MOST_LEFT - 1) :]

    def taken(self, now_s: float) -> int:
        """How many replies may still be running that nobody hears."""
        self._left = [left for left in self._left if left.over_at_s > now_s]
        return len(self._left)

    def forget(self) -> None:
        """The server has ended, and with it whatever it was doing."""
        self._left.clear()

    def _gain(self, asked_s: float, now_s: float, made_s: float) -> None:
        """In the time of a later reply as much was made of each that was left before it, if that is not over: what
        comes later never gets more than what came first. It may be more than we reckoned.
        """
        for left in self._left:
            left.over_at_s -= max(0.0, made_s / left.pace - (now_s - asked_s))
