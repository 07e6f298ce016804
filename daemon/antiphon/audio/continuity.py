"""Floor 1. Continuity: sees when the sound card has lost frames, said or unsaid, and puts silence in their place.

Frames are counted against device time. Some sound servers drop a second of capture without raising a flag, so flags
alone are not believed. Two clocks must agree before a gap is: device time may be wall time, which is set now and then,
and the time of arrival is late whenever this process was busy.
"""

from collections import deque
from dataclasses import dataclass

import numpy as np

from antiphon.pcm import Samples

CLOCK_SET_S = 0.1
"""Device time that runs ahead of arrivals by more than this was set, not lost."""
LONGEST_FILL_S = 10.0
"""No use is made of more silence than this; the rest is counted, not filled."""
DRIFT_GAIN = 0.05
"""How much of a small deviation is taken as the two clocks' drift, a block: follows 1000 ppm within 2 ms."""
AGREEING = 3
"""Blocks that must be late by the same time before that time is called lost."""
MOST_HELD = 12
"""Blocks held back while in doubt, at most."""


PACE_GAIN = 0.01
"""The same for the pace of delivery: a stream that is 6 % too slow is 450 ms behind in the end, one of 5 % is not."""


@dataclass(slots=True)
class Losses:
    """What was lost since the stream was opened."""

    overflows: int = 0
    """Times the sound card said so."""
    silent_losses: int = 0
    """Times it did not."""
    lost_frames: int = 0
    filled_frames: int = 0


@dataclass(frozen=True, slots=True)
class _Held:
    samples: Samples
    lag_s: float


class Continuity:
    """Takes the blocks of one stream, and gives them back without holes.

    A block that is late by device time is held until the next ones show whether frames were lost (then silence goes
    before it) or time was (then they catch up, and nothing is inserted). In quiet running nothing is held or copied.
    """

    def __init__(self, rate_hz: int) -> None:
        """For a stream of `rate_hz`; a new stream needs a new Continuity."""
        self._rate_hz = rate_hz
        self._frames = 0  # since the anchor, with what was lost
        self._device_s: float | None = None  # device time of frame 0
        self._arrived_s = 0.0  # the earliest that frame 0 can have arrived
        self._held: deque[_Held] = deque()
        self.losses = Losses()

    def admit(self, samples: Samples, device_s: float, arrived_s: float, *, overflowed: bool = False) -> list[Samples]:
        """One block and its times in seconds, as in ports.Block; returns what is certain by now, gaps filled."""
        length_s = len(samples) / self._rate_hz
        lag_s = self._lag(device_s, arrived_s - length_s)
        self._frames += len(samples)
        if overflowed:
            return self._overflowed(samples, lag_s)
        if not self._held and lag_s <= self._tolerance(length_s):
            self._follow_drift(lag_s)
            return [samples]
        self._held.append(_Held(samples, lag_s))
        return self._judge(self._tolerance(length_s))

    def forget(self) -> None:
        """Keep nothing of what is held back."""
        self._held.clear()

    @staticmethod
    def _tolerance(length_s: float) -> float:
        """Half a block, as less than a period is never lost; sound servers jitter by some milliseconds."""
        return max(0.015, length_s / 2)

    def _lag(self, device_s: float, began_s: float) -> float:
        """How much later than the frames before it this block was captured, in seconds; 0.0 after a set clock."""
        if self._device_s is None:
            self._anchor(device_s, began_s)
            return 0.0
        counted_s = self._frames / self._rate_hz
        lag_s = device_s - self._device_s - counted_s
        late_s = began_s - self._arrived_s - counted_s
        if late_s < 0:  # the anchor block itself had arrived late
            self._arrived_s += late_s
            late_s = 0.0
        if lag_s - late_s > CLOCK_SET_S or lag_s < -CLOCK_SET_S:
            self._device_s = device_s - counted_s
            return 0.0
        return lag_s

    def _anchor(self, device_s: float, began_s: float) -> None:
        self._device_s, self._arrived_s, self._frames = device_s, began_s, 0

    def _follow_drift(self, lag_s: float) -> None:
        assert self._device_s is not None
        self._device_s += DRIFT_GAIN * lag_s
        self._arrived_s += DRIFT_GAIN * lag_s

    def _overflowed(self, samples: Samples, lag_s: float) -> list[Samples]:
        """The card says so: the gap is what device time says, now."""
        before = [held.samples for held in self._held]
        self._held.clear()
        self.losses.overflows += 1
        return [*before, *self._gap(lag_s), samples]

    def _judge(self, tolerance_s: float) -> list[Samples]:
        """Whether the held blocks follow a gap, or only came late."""
        recent = [held.lag_s for held in self._held][-AGREEING:]
        caught_up = recent[-1] <= tolerance_s
        settled = len(recent) == AGREEING and max(recent) - min(recent) <= tolerance_s / 2
        if not (caught_up or settled or len(self._held) >= MOST_HELD):
            return []
        pieces = [held.samples for held in self._held]
        self._held.clear()
        if caught_up:
            return pieces
        self.losses.silent_losses += 1
        return [*self._gap(min(recent)), *pieces]

    def _gap(self, lag_s: float) -> list[Samples]:
        """Silence for `lag_s` seconds, counted; nothing when none are missing."""
        lost = round(lag_s * self._rate_hz)
        if lost <= 0:
            return []
        filled = min(lost, round(LONGEST_FILL_S * self._rate_hz))
        self._frames += lost
        self.losses.lost_frames += lost
        self.losses.filled_frames += filled
        return [np.zeros(filled, np.int16)]


class Pace:
    """Whether a stream delivers as fast as time goes by. One that trickles is as bad as one that has stopped."""

    def __init__(self, rate_hz: int, most_late_ms: float) -> None:
        """Blocks may come as late as that for a while: until Continuity knows whether sound was lost."""
        self._rate_hz = rate_hz
        self._most_late_s = most_late_ms / 1000
        self.restart()

    def restart(self) -> None:
        """Frames were lost: count anew from the next block on."""
        self._began_s: float | None = None
        self._frames = 0
        self._late = 0

    def keeps_up(self, frames: int, arrived_s: float) -> bool:
        """The next `frames` frames have arrived then, on any clock that is never set."""
        self._frames += frames
        due_s = self._frames / self._rate_hz
        if self._began_s is None:
            self._began_s = arrived_s - due_s
        late_s = arrived_s - due_s - self._began_s
        # One that comes sooner than the first did shows that the first had been late.
        self._began_s += late_s if late_s < 0 else PACE_GAIN * late_s
        self._late = self._late + 1 if late_s > self._most_late_s else 0
        return self._late <= MOST_HELD
