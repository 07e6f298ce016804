"""How long to hold a reply's first sound back, so that the rest comes in time. Pure; times are arguments.

vox-serve sends a second of speech at a time. One that makes a second in about a second has the next one ready just
when it is needed, or a little later: each seam would stutter. How late it is, is learned from reply to reply.
"""

FIRST_MS = 100.0
"""What is held back while nothing is known."""

MOST_MS = 1500.0
"""A wait that is worse than a stutter."""

TELLING_MS = 2000.0
"""A reply must be this long to tell anything: one window is never late."""

_FORGETS = 0.2  # of the way down to what the last reply would have needed: one good reply proves little


class Arrivals:
    """How the pieces of one reply came, against playing them without a pause once the first is there."""

    def __init__(self) -> None:
        self._first_s = 0.0
        self.length_ms = 0.0
        """How much speech has come."""
        self.late_ms = 0.0
        """How late the latest piece was: what had to be held back for no pause at all."""

    def came(self, ms: float, now_s: float) -> None:
        """A piece of `ms` milliseconds has come."""
        if not self.length_ms:
            self._first_s = now_s
        due_s = self._first_s + self.length_ms / 1000
        self.late_ms = max(self.late_ms, (now_s - due_s) * 1000)
        self.length_ms += ms


class Cushion:
    """What one server's replies have taught."""

    def __init__(self) -> None:
        self.hold_ms = FIRST_MS
        """How long to hold back the first sound of the next reply."""

    def learn(self, reply: Arrivals) -> None:
        """A reply is over: what it would have needed counts at once when it is more, and slowly when it is less."""
        if reply.length_ms < TELLING_MS:
            return
        change = reply.late_ms - self.hold_ms
        self.hold_ms += change if change > 0 else change * _FORGETS
        self.hold_ms = min(max(self.hold_ms, FIRST_MS), MOST_MS)
