"""The pulse of the open call: in a turn, a half-dead connection is found by asking for signs of life, not by TCP.

Any word of the service counts as one. It counts unanswered questions, not seconds: a process that was itself stopped
for a while wakes to one unanswered question, and not to a dead call.
"""

from typing import Literal

_CHECKS = 4
"""The limit is cut into so many parts; a question is asked at the end of each but the last."""


class Pulse:
    """Watches one call at a time."""

    def __init__(self, silence_s: float) -> None:
        """`silence_s`: without a sign of life for this long the call is dead."""
        self._every_s = silence_s / _CHECKS
        self._call: int | None = None
        self._unanswered = 0
        self.deadline: float | None = None
        """When `tick` has something to do."""

    def watch(self, call: int | None, now: float) -> None:
        """From now on this call, or none; nothing changes for the one that is watched already."""
        if call != self._call:
            self._call, self._unanswered = call, 0
            self.deadline = None if call is None else now + self._every_s

    def alive(self, call: int) -> None:
        """The call has given a sign of life."""
        if call == self._call:
            self._unanswered = 0

    def tick(self, now: float) -> Literal["ask", "dead"] | None:
        """What is due: to ask for a sign of life, or to give the call up."""
        if self.deadline is None or now < self.deadline:
            return None
        if self._unanswered >= _CHECKS - 1:
            return "dead"
        self._unanswered += 1
        self.deadline = now + self._every_s
        return "ask"
