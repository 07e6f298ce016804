"""Floor 1. What an impulse response tells: when the sound comes, how loud, how long it lasts, what is bent, which band.

It is given one that a sweep has left (sweep.py), and the power that noise alone leaves in it. It knows no card.
"""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from antiphon.audio.sweep import Sweep
from antiphon.pcm import frames_in

Response = NDArray[np.float64]

BEFORE_MS = 3.0
"""The soft edges of the band swell before the direct sound."""
ONSET_DB = -6.0
"""The direct sound is the first that is not weaker than the strongest by more."""
BIN_MS = 5.0
LEAST_FALL_DB = 10.0
"""A room whose tail falls less before it meets the noise tells no decay."""
HARMONIC_MS = 60.0
CHANCE = 0.3
"""Noise alone may have so much more than its mean in a stretch."""
_NOTHING = 1e-14  # a power below what 16 bits leave
BAND_DB = -20.0
"""A third of an octave that is weaker than the middle by more is not heard."""
MIDDLE_HZ = 1000.0


@dataclass(frozen=True, slots=True, eq=False)
class Path:
    """One impulse response, and where in it things are."""

    response: Response
    """Scaled so that a spectrum of 1 is as loud at the microphone as it was played."""
    rate_hz: int
    origin: int
    """The frame that stands for the moment at which it is due."""
    early: int
    """It may begin so many frames before."""
    noise: Response
    """What noise alone leaves: the response undone from a stretch of it, `noise_frames` long."""
    noise_frames: int
    sweep: Sweep

    @property
    def direct(self) -> int:
        """The frame of the direct sound."""
        first = self.origin - self.early
        loud = np.abs(self.response[first:])
        return first + int(np.argmax(loud >= 10 ** (ONSET_DB / 20) * loud.max()))

    @property
    def noise_power(self) -> float:
        """What noise alone has in each frame, root mean square squared."""
        return max(float(self.noise @ self.noise) / self.noise_frames, _NOTHING)

    def clear_db(self) -> float:
        """How far the strongest frame stands out of what noise leaves."""
        peak = float(np.max(np.abs(self.response[self.origin - self.early :])) ** 2)
        return decibels(peak / self.noise_power)

    def energy(self, first: int, end: int) -> float:
        """Of these frames, without what noise has in them; 0 where that may be all."""
        there = self.response[max(first, 0) : end]
        noise = self.noise_power * len(there)
        above = float(there @ there) - noise
        return above if above > CHANCE * noise else 0.0

    # ── figures ──

    def gain_db(self, for_ms: float | None = None) -> float:
        """How loud it is against what is played; -inf for nothing. Of the first `for_ms`, or of all of it."""
        first = self.direct - frames_in(BEFORE_MS, self.rate_hz)
        end = self._end() if for_ms is None else self.direct + frames_in(for_ms, self.rate_hz)
        return decibels(self.energy(first, end) / self.sweep.kept(self.rate_hz))

    def distortion_db(self) -> float:
        """The second and third harmonic together, against the sound itself."""
        bent = 0.0
        for order in (2, 3):
            at = self.direct - frames_in(1000 * self.sweep.harmonic_s(order), self.rate_hz)
            first = at - frames_in(BEFORE_MS, self.rate_hz)
            bent += self.energy(first, at + frames_in(HARMONIC_MS, self.rate_hz))
        first = self.direct - frames_in(BEFORE_MS, self.rate_hz)
        return decibels(bent / max(self.energy(first, self._end()), _NOTHING))

    def decay_ms(self) -> float | None:
        """How long the tail takes to fall by 60 dB (T60, by Schroeder's integral, from a stretch of 10 dB and more
        within the first 25); 0 for a room without a tail, None when noise hides how it falls.
        """
        start = self.direct + frames_in(BEFORE_MS, self.rate_hz)
        end = self._end()
        tail = self.response[start:end] ** 2 - self.noise_power
        left = np.maximum(np.cumsum(tail[::-1])[::-1], _NOTHING)
        direct = self.energy(self.direct - frames_in(BEFORE_MS, self.rate_hz), start)
        if end - start < frames_in(4 * BIN_MS, self.rate_hz) or left[0] < 1e-3 * direct:
            return 0.0 if decibels(direct / self.noise_power) > 40 else None
        fallen = 10 * np.log10(left / left[0])
        # What was cut off at the end is missing in the last decibels.
        clean = decibels(left[0] / (self.noise_power * frames_in(2 * BIN_MS, self.rate_hz)))
        lowest = -min(25.0, clean - 5.0)
        if -lowest < LEAST_FALL_DB:
            return None
        fit = np.flatnonzero((fallen <= -2.0) & (fallen >= lowest))
        slope = np.polyfit(fit / self.rate_hz, fallen[fit], 1)[0]
        return float(-60_000 / slope) if slope < 0 else None

    def band_hz(self) -> tuple[float, float]:
        """The lowest and the highest frequency that is heard, as far as was played."""
        first = self.direct - frames_in(BEFORE_MS, self.rate_hz)
        heard = self.response[first : first + frames_in(HARMONIC_MS, self.rate_hz)]
        size = 1 << 14
        hz = np.fft.rfftfreq(size, 1 / self.rate_hz)
        power = np.abs(np.fft.rfft(heard * np.hanning(2 * len(heard))[len(heard) :], size)) ** 2
        noise = np.abs(np.fft.rfft(self.noise)) ** 2 * len(heard) / self.noise_frames
        noise_hz = np.fft.rfftfreq(len(self.noise), 1 / self.rate_hz)
        window = self.sweep.window(hz) ** 2

        def level(middle_hz: float) -> float:
            """Of a third of an octave; where noise would hide BAND_DB, it counts as heard."""
            there = (hz >= middle_hz * 2 ** (-1 / 6)) & (hz < middle_hz * 2 ** (1 / 6))
            hidden = (noise_hz >= middle_hz * 2 ** (-1 / 6)) & (noise_hz < middle_hz * 2 ** (1 / 6))
            under = float(np.mean(noise[hidden])) if hidden.any() else 0.0
            return max(float(np.mean(power[there])), under) / max(float(np.mean(window[there])), 1e-3)

        least = 10 ** (BAND_DB / 10) * np.median([level(MIDDLE_HZ * 2 ** (third / 3)) for third in (-3, -1, 0, 1, 3)])
        # The edge of a third that is not heard any more is the edge of what is.
        low, high, sixth = MIDDLE_HZ, MIDDLE_HZ, 2 ** (1 / 6)
        while low > 2 * self.sweep.low_hz and level(low / sixth) >= least:
            low /= sixth
        while high < 0.9 * self.sweep.high_hz and level(high * sixth) >= least:
            high *= sixth
        return low, min(high, self.sweep.high_hz)

    def _end(self) -> int:
        """Where the tail meets the noise, or the response ends."""
        step = frames_in(BIN_MS, self.rate_hz)
        after = self.response[self.direct :]
        bins = np.mean(after[: len(after) // step * step].reshape(-1, step) ** 2, axis=1)
        met = np.flatnonzero(bins[4:] < 1.5 * self.noise_power)
        return self.direct + step * (4 + int(met[0]) if len(met) else len(bins))


def decibels(power: float) -> float:
    """A ratio of powers as dB; -inf for none."""
    return 10 * math.log10(power) if power > 0 else -math.inf
