"""Floor 1. A sound card's clock, found from the moments it names: which frame is at the card when, and its true rate.

The moments come in jittered, now and then late (this process was busy), and never early by much. So the earliest of
each quarter of a second is believed, and a straight line is laid through these: its height is the card's offset, its
slope the drift. It reads no clock: all times are arguments, in seconds of one monotonic clock.
"""

from collections import deque
from typing import NamedTuple

import numpy as np

BIN_S = 0.25
"""Of each stretch this long the earliest moment counts."""
WINDOW_S = 30.0
"""What is older no longer counts: crystals warm up, and the monotonic clock is slewed."""
CRYSTAL_PPM = 100.0
"""How far two sound cards' clocks are apart before anything is known; bad ones are further, and are found all the same.
"""
AGEING_PPM = 5.0
"""How far a clock that was known wanders with the room's warmth."""
MOST_PPM = 600.0
"""No sound card is further off than this."""
LATE_S, EARLY_S = 0.002, 0.001
"""A moment that is later, or earlier, than the line by this and by six deviations is no jitter."""
LATE_FOR_S = 0.3
"""When all are late for this long, and half of them (at least five) by the same, the stream was moved, by a loss."""
LATE_AT_LAST_S = 1.0
"""And after this long, at least 25 of them, whatever they agree upon."""
AGREEING_S = 0.0015

_FLOOR_S, _FIRST_S, _FIRST_COUNT = 20e-6, 100e-6, 4  # how exact the earliest moments are; what is assumed at first


class Drift(NamedTuple):
    """How much faster than nominal a clock runs, in parts per million, and how sure that is: its standard deviation."""

    ppm: float
    doubt_ppm: float

    def aged(self) -> "Drift":
        """What is still known of it later on."""
        return Drift(self.ppm, (self.doubt_ppm**2 + AGEING_PPM**2) ** 0.5)


UNKNOWN = Drift(0.0, CRYSTAL_PPM)


class StreamClock:
    """The clock of one stream of sound, in one direction."""

    def __init__(self, rate_hz: int, drift: Drift = UNKNOWN) -> None:
        """For a stream of nominally `rate_hz`; `drift` is what is known of its clock beforehand."""
        self.rate_hz = rate_hz
        self.drift = drift
        """What is known by now."""
        self.breaks = 0
        """How often the stream was moved against its frame count."""
        self._origin_s: float | None = None  # of the moments; what is kept below is small
        self._known = drift
        self._height_s = 0.0
        self._slope = -drift.ppm * 1e-6
        self._deviation_s = _FIRST_S
        self._bins: deque[tuple[float, float]] = deque(maxlen=round(WINDOW_S / BIN_S))
        self._bin = 0
        self._earliest: tuple[float, float] | None = None  # of the bin that is being filled
        self._late: list[tuple[float, float]] = []  # moments in a row that were all too late, and by how much

    @property
    def begun(self) -> bool:
        """Whether any moment was named yet; before, no question can be answered."""
        return self._origin_s is not None

    def told(self, frame: int, at_s: float) -> None:
        """The card says that frame number `frame` (from 0) is at it at `at_s`. Frames come in their order."""
        if self._origin_s is None:
            self._origin_s = at_s - frame / self.rate_hz
            self._height_s = -self._slope * frame / self.rate_hz
            self._bin = int(frame / self.rate_hz / BIN_S)
        x_s = frame / self.rate_hz
        d_s = at_s - self._origin_s - x_s
        off_s = d_s - self._line(x_s)
        if off_s > max(LATE_S, 6 * self._deviation_s):
            self._too_late(x_s, d_s, off_s)
            return
        self._late.clear()
        if off_s < -max(EARLY_S, 6 * self._deviation_s):
            self._begin_anew(x_s, d_s)
        else:
            self._enter(x_s, d_s, off_s)

    def time_of(self, frame: float) -> float:
        """When frame number `frame` is at the card."""
        assert self._origin_s is not None
        x_s = frame / self.rate_hz
        return self._origin_s + x_s + self._line(x_s)

    def frame_at(self, at_s: float) -> float:
        """Which frame, with its fraction, is at the card at `at_s`."""
        assert self._origin_s is not None
        return (at_s - self._origin_s - self._height_s) / (1 + self._slope) * self.rate_hz

    def _line(self, x_s: float) -> float:
        return self._height_s + self._slope * x_s

    def _too_late(self, x_s: float, d_s: float, off_s: float) -> None:
        """One late moment means nothing. Many that agree mean that frames were lost, or that the card ran dry."""
        self._late.append((x_s, off_s))
        for_s = x_s - self._late[0][0]
        if for_s < LATE_FOR_S:
            return
        least_s = min(by_s for _, by_s in self._late)
        agreeing = sum(by_s - least_s < AGREEING_S for _, by_s in self._late)
        count = len(self._late)
        if agreeing >= max(5, count / 2) or (count >= 25 and for_s >= LATE_AT_LAST_S):
            self._begin_anew(x_s, d_s - (off_s - least_s))

    def _begin_anew(self, x_s: float, d_s: float) -> None:
        """The offset is another from here on; the drift is what it was."""
        if self._bins:
            self.breaks += 1
        self._known = self.drift.aged()
        self._bins.clear()
        self._late.clear()
        self._height_s = d_s - self._slope * x_s
        self._bin, self._earliest = int(x_s / BIN_S), (x_s, d_s)

    def _enter(self, x_s: float, d_s: float, off_s: float) -> None:
        if int(x_s / BIN_S) != self._bin:
            self._close_bin()
            self._bin = int(x_s / BIN_S)
        if self._earliest is None or off_s < self._earliest[1] - self._line(self._earliest[0]):
            self._earliest = (x_s, d_s)
            if not self._bins:
                self._height_s = d_s - self._slope * x_s

    def _close_bin(self) -> None:
        if self._earliest is None:
            return
        self._bins.append(self._earliest)
        self._earliest = None
        self._fit()

    def _fit(self) -> None:
        """The straight line of the least squares; what is off the line that was believed so far weighs less, and the
        slope is held to what was known by as much as that was sure.
        """
        x_s, d_s = np.array(self._bins).T
        off_s = np.abs(d_s - self._height_s - self._slope * x_s)
        weights = (3 * self._deviation_s / np.maximum(off_s, 3 * self._deviation_s)) ** 2
        weights /= weights.sum() / len(weights)
        middle_s, mean_s = float(np.mean(weights * x_s)), float(np.mean(weights * d_s))
        x_s, d_s = x_s - middle_s, d_s - mean_s
        known, doubt = -self._known.ppm * 1e-6, self._known.doubt_ppm * 1e-6
        hold = self._deviation_s**2 / doubt**2
        spread = float((weights * x_s) @ x_s)
        slope = (float((weights * x_s) @ d_s) + hold * known) / (spread + hold)
        self._slope = min(max(slope, -MOST_PPM * 1e-6), MOST_PPM * 1e-6)
        self._height_s = mean_s - self._slope * middle_s
        self.drift = Drift(-self._slope * 1e6, self._deviation_s / (spread + hold) ** 0.5 * 1e6)
        usual_s = 1.5 * float(np.median(np.abs(d_s - self._slope * x_s)))  # a deviation, for what is normal
        variance = (_FIRST_COUNT * _FIRST_S**2 + len(x_s) * usual_s**2) / (_FIRST_COUNT + len(x_s))
        self._deviation_s = max(_FLOOR_S, variance**0.5)
