"""Floor 1. The far end: what the speaker played, laid beside what the microphone hears, sample by sample.

The two cards have clocks of their own, which drift apart by some samples a second; a canceller that is to keep what it
has learned of the room needs both streams on one clock. So what was played is resampled onto the microphone's: first
by the nominal rates, then read at a position that follows both cards' clocks, slowly, without a jump.
"""

import math
from collections import deque
from functools import cache
from typing import NamedTuple

import numpy as np

from antiphon.audio.clock import UNKNOWN, Drift, StreamClock
from antiphon.audio.resample import Resampler
from antiphon.pcm import Floats, Samples

ADVANCE_S = 0.010
"""The far end comes this much early. A canceller can only explain what came before, and what cards say of their own
delays may be wrong by some milliseconds: so the echo stays behind, and well inside a filter of 250 ms.
"""
NEW_STREAM_S = 0.15
"""A period that is off by more than this belongs to another playback stream."""
DRY_S, SAME_S = 0.003, 0.0015
"""So does one that is later by so much, if the next one is later by the same: the card ran dry in between."""
JUMP_S = 0.0015
"""When the position is off by more than this, the sound itself was moved: it is followed at once."""
SETTLE_S = 4.0
"""By less, it is made up for in this time: what jitter there is in the estimate does not reach the canceller."""
HASTE_S = 0.3
"""But in this time, while the drift itself is not known."""
UNKNOWN_PPM = 15.0
"""The drift counts as known when it is this sure: a filter can follow that."""
MOST_SLEW = 300e-6
"""And no faster than this: so far bad crystals are apart."""
LONGEST_S = 6.0
"""More than this is not kept of what was played and not heard yet; no card holds back as much."""
CHUNK_FRAMES = 320
"""The fraction of the position is taken as linear over this many frames: 0.06 of a sample at 200 ppm."""

_TAPS, _REACH, _PHASES, _MARGIN = 32, 15.5, 256, 0.25


class FarEnd:
    """What the speaker played, on the clock of one capture stream. One thread calls it, in the order of time."""

    def __init__(self, microphone: StreamClock, apart: Drift = UNKNOWN) -> None:
        """`microphone`: the clock of the capture stream, whose frame 0 is the first that `take` is asked for; `apart`:
        what is known of how much faster the speaker's clock runs.
        """
        self._microphone = microphone
        self._apart = apart
        self._streams: deque[_Playback] = deque()
        self._late: _Period | None = None
        self._taken = 0

    @property
    def apart(self) -> Drift:
        """How much faster the speaker's clock runs than the microphone's."""
        return self._measured(self._streams[-1]) if self._streams else self._apart

    def played(self, samples: Samples, rate_hz: int, heard_at_s: float) -> None:
        """The next period of playback, silent ones too, and when it is heard; a rate or a time that does not go on
        from the last one begins another stream.
        """
        period = _Period(samples, rate_hz, heard_at_s)
        late, self._late = self._late, None
        if late is not None:
            self._append(late, dry=late.rate_hz == rate_hz and abs(heard_at_s - late.end_s) < SAME_S)
        stream = self._streams[-1] if self._streams else None
        if stream is not None and stream.goes_on(rate_hz, heard_at_s) and stream.late_s(heard_at_s) > DRY_S:
            self._late = period  # whether it is only told late, the next one shows
        else:
            self._append(period)

    def take(self, frames: int) -> Samples:
        """What plays beside the microphone's next `frames` frames; silence where nothing does, or is not known yet."""
        begin, self._taken = self._taken, self._taken + frames
        far = np.zeros(frames, np.int16)
        if not self._streams or not self._microphone.begun:
            return far
        at_s = self._microphone.time_of(begin) + ADVANCE_S
        for number, stream in enumerate(list(self._streams)):
            stream.add_to(far, at_s, self._microphone.drift.ppm)
            if number < len(self._streams) - 1 and stream.over:
                self._streams.remove(stream)
        return far

    def forget(self) -> None:
        """Overwrite all that was played; what is known of the clocks is kept."""
        self._apart = self.apart
        for stream in self._streams:
            stream.zero()
        self._streams.clear()
        self._late = None

    def _append(self, period: "_Period", *, dry: bool = False) -> None:
        stream = self._streams[-1] if self._streams else None
        if stream is None or dry or not stream.goes_on(period.rate_hz, period.heard_at_s):
            stream = self._begin(stream, period.rate_hz, period.heard_at_s)
        stream.append(period.samples, period.heard_at_s)
        while len(self._streams) > 4 or sum(one.kept_s for one in self._streams) > LONGEST_S:
            self._streams.popleft().zero()  # a clock that means nothing, or nobody takes

    def _begin(self, last: "_Playback | None", rate_hz: int, heard_at_s: float) -> "_Playback":
        if last is not None:
            last.end(heard_at_s)
            self._apart = self._measured(last).aged()
        ear = self._microphone.drift
        drift = Drift(ear.ppm + self._apart.ppm, math.hypot(ear.doubt_ppm, self._apart.doubt_ppm))
        stream = _Playback(rate_hz, self._microphone.rate_hz, drift)
        self._streams.append(stream)
        return stream

    def _measured(self, stream: "_Playback") -> Drift:
        ear, mouth = self._microphone.drift, stream.clock.drift
        return Drift(mouth.ppm - ear.ppm, math.hypot(mouth.doubt_ppm, ear.doubt_ppm))


class _Period(NamedTuple):
    """What the card asked for at once."""

    samples: Samples
    rate_hz: int
    heard_at_s: float

    @property
    def end_s(self) -> float:
        return self.heard_at_s + len(self.samples) / self.rate_hz


class _Playback:
    """One playback stream. Positions are in frames at the microphone's nominal rate, from the stream's beginning."""

    def __init__(self, rate_hz: int, to_hz: int, drift: Drift) -> None:
        self.clock = StreamClock(rate_hz, drift)
        self._to_hz, self._ratio = to_hz, to_hz / rate_hz
        self._resampler = Resampler(rate_hz, to_hz)
        self._played = self._silence = 0  # frames at the speaker's rate; of them, the last that were silent
        self._sound: Samples = np.zeros(0, np.int16)
        self._start = 0  # position of `_sound[0]`
        self._sounds_until = 0  # beyond this position all that is known is silence
        self._position: float | None = None  # of what is read next

    def goes_on(self, rate_hz: int, heard_at_s: float) -> bool:
        return rate_hz == self.clock.rate_hz and abs(self.late_s(heard_at_s)) < NEW_STREAM_S

    def late_s(self, heard_at_s: float) -> float:
        """By how much the next period is later than the end of the last one."""
        return heard_at_s - self.clock.time_of(self._played)

    @property
    def over(self) -> bool:
        """Whether all of it was read."""
        return self._position is not None and self._position > self._end + _TAPS

    @property
    def kept_s(self) -> float:
        """How much of it is kept."""
        return len(self._sound) / self._to_hz

    @property
    def _end(self) -> int:
        return self._start + len(self._sound)

    def append(self, samples: Samples, heard_at_s: float) -> None:
        self.clock.told(self._played, heard_at_s)
        self._played += len(samples)
        self._silence = 0 if samples.any() else self._silence + len(samples)
        resampled, odd = divmod(len(samples) * self._to_hz, self.clock.rate_hz)
        if odd or self._silence < len(samples) + self.clock.rate_hz // 50:
            self._add(self._resampler.take(samples))
        else:  # nothing is left in the filter: silence comes out, and need not be reckoned
            self._add(np.zeros(resampled, np.int16))

    def end(self, at_s: float) -> None:
        """Nothing more will be appended; what would be heard after `at_s` was dropped with the card's buffer."""
        self._add(self._resampler.flush())
        kept = math.ceil(self.clock.frame_at(at_s) * self._ratio) - self._start
        self._sound = self._sound[: max(kept, 0)]

    def zero(self) -> None:
        if self._sound.flags.writeable:
            self._sound[:] = 0

    def _add(self, sound: Samples) -> None:
        self._sound = np.concatenate((self._sound, sound))
        loud = np.flatnonzero(sound)
        if len(loud):
            self._sounds_until = self._end - len(sound) + int(loud[-1]) + 1
        self._drop(len(self._sound) - round(LONGEST_S * self._to_hz))

    def _drop(self, frames: int) -> None:
        """Let go of so many of the oldest frames; of no more than there are, as the next ones begin where these end."""
        frames = min(frames, len(self._sound))
        if frames > 0:
            self._sound = self._sound[frames:].copy()
            self._start += frames

    def add_to(self, far: Samples, at_s: float, ear_ppm: float) -> None:
        """Add what sounds from `at_s` on to `far`, and go on."""
        target = self.clock.frame_at(at_s) * self._ratio
        step = self._step(target, ear_ppm)
        assert self._position is not None
        first = self._position
        self._position = first + step * len(far)
        if first - _TAPS < self._sounds_until and self._position + _TAPS > self._start:
            for begin in range(0, len(far), CHUNK_FRAMES):
                part = far[begin : begin + CHUNK_FRAMES]
                self._read(part, first + step * begin, step)
        self._drop(math.floor(self._position) - _TAPS - self._start)

    def _step(self, target: float, ear_ppm: float) -> float:
        """How far the position goes on with each frame; it is set right at once where that cannot be heard, or must."""
        off = 0.0 if self._position is None else target - self._position
        silent = self._position is None or self._position - _TAPS > self._sounds_until
        if self._position is None or silent or abs(off) > JUMP_S * self._to_hz:
            self._position, off = target, 0.0
        known = self.clock.drift.doubt_ppm < UNKNOWN_PPM
        slew = off / ((SETTLE_S if known else HASTE_S) * self._to_hz)
        return 1 + (self.clock.drift.ppm - ear_ppm) * 1e-6 + min(max(slew, -MOST_SLEW), MOST_SLEW)

    def _read(self, part: Samples, position: float, step: float) -> None:
        """Add the sound from `position` on to `part`, each frame `step` further."""
        whole = math.floor(position)
        begin = position - whole
        near = self._between(whole - _TAPS // 2 + 1, len(part) + _TAPS - 1)
        if not near.any():
            return
        here = np.correlate(near, _kernel(begin), "valid")
        there = np.correlate(near, _kernel(begin + (step - 1) * len(part)), "valid")
        share = np.arange(len(part), dtype=np.float32) / len(part)
        part += np.clip(np.rint(here + share * (there - here)), -32_768, 32_767).astype(np.int16)

    def _between(self, begin: int, frames: int) -> Floats:
        """The sound from position `begin` on; silence where there is none."""
        near = np.zeros(frames, np.float32)
        known = self._sound[max(begin - self._start, 0) : max(begin + frames - self._start, 0)]
        at = max(self._start - begin, 0)
        near[at : at + len(known)] = known
        return near


def _kernel(fraction: float) -> Floats:
    """The taps that read a sound at `fraction` of a frame after tap 15: a windowed sinc, from the table of them."""
    table = _kernels()
    at = (min(max(fraction, -_MARGIN), 1 + _MARGIN) + _MARGIN) * _PHASES
    row = min(int(at), len(table) - 2)
    taps: Floats = table[row] + np.float32(at - row) * (table[row + 1] - table[row])
    return taps


@cache
def _kernels() -> Floats:
    """A row for each 1/256 of a frame, from a little before 0 to a little after 1."""
    fractions = np.arange(round((1 + 2 * _MARGIN) * _PHASES) + 1) / _PHASES - _MARGIN
    distance = np.arange(_TAPS) - (_TAPS // 2 - 1) - fractions[:, None]
    window = np.i0(9.0 * np.sqrt(np.clip(1 - (distance / _REACH) ** 2, 0, None))) / np.i0(9.0)
    taps: Floats = (np.sinc(distance) * window * (np.abs(distance) < _REACH)).astype(np.float32)
    return taps
