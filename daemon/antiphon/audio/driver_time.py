"""Floor 1. A driver's moments on our clock. It names them on one that need not be ours, and we hear of them late.

How late changes from call to call: this process was busy, or the driver had work to do. How far the two clocks are
apart does not. So the call that came soonest is believed.
"""

from collections import deque

SET_S = 0.1
"""Nobody is later than this without a fault: the driver's clock was set."""
SET_LITTLE_S, SET_CALLS = 0.002, 64
"""Nor are so many calls all late by this."""
APART_PPM = 5.0
"""As clocks are never quite the same, the soonest call counts for less by and by."""


class DriverTime:
    """Of one stream, which calls with the moment at which its driver looked at its clock."""

    def __init__(self) -> None:
        """Nothing is known before the first call."""
        self._least_s: float | None = None
        self._last_s = 0.0
        self._lately: deque[float] = deque(maxlen=SET_CALLS)

    def apart_s(self, driver_s: float, ours_s: float) -> float:
        """It is `ours_s` now, and a little ago it was `driver_s` there: how much a moment there is less than ours."""
        apart_s = ours_s - driver_s
        self._lately.append(apart_s)
        if self._least_s is None or apart_s > self._least_s + SET_S:
            self._least_s = apart_s
            self._lately.clear()
        elif len(self._lately) == SET_CALLS and min(self._lately) > self._least_s + SET_LITTLE_S:
            self._least_s = min(self._lately)
        else:
            self._least_s = min(apart_s, self._least_s + APART_PPM * 1e-6 * (ours_s - self._last_s))
        self._last_s = ours_s
        return self._least_s
