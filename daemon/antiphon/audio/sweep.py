"""Floor 1. What is played to measure the way from speaker to microphone: sweeps and marks, and how they are undone.

An exponential sine sweep tells delay, response and distortion at once: A. Farina, "Simultaneous measurement of impulse
response and distortion with a swept-sine technique", 108th AES Convention, 2000. Undone, what the loudspeaker bends
lies before the direct sound, a harmonic of order k by T ln k / ln(f2 / f1), and so apart from the room.
"""

import math
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from antiphon.pcm import Samples, clipped

EDGE_S = 0.02
"""A sweep swells and dies over this long: a hard edge is a click."""
_CALM = 1e-4  # of the sweep's strongest line: below it a line is not divided by


@dataclass(frozen=True, slots=True)
class Sweep:
    """A sine that rises from `low_hz` to `high_hz` in `length_s`, each octave in the same time; its peak is 1.

    It is a function of time and not of samples: the microphone's clock samples the very sound that the speaker's clock
    played, and no resampler comes between.
    """

    low_hz: float
    high_hz: float
    length_s: float

    @property
    def pace_s(self) -> float:
        """How long it takes to rise by a factor of e."""
        return self.length_s / math.log(self.high_hz / self.low_hz)

    def at(self, t_s: NDArray[np.float64]) -> NDArray[np.float64]:
        """Its value at these seconds since its begin; 0 before and after."""
        inside = np.clip(t_s, 0.0, self.length_s)
        phase = 2 * np.pi * self.low_hz * self.pace_s * np.expm1(inside / self.pace_s)
        swell = np.clip(np.minimum(inside, self.length_s - inside) / EDGE_S, 0.0, 1.0)
        return np.asarray(np.sin(phase) * np.sin(np.pi / 2 * swell) ** 2)

    def sampled(self, rate_hz: float) -> NDArray[np.float64]:
        """All of it, at this rate."""
        return self.at(np.arange(math.ceil(self.length_s * rate_hz)) / rate_hz)

    def harmonic_s(self, order: int) -> float:
        """How much earlier than the direct sound a harmonic of this order comes out."""
        return self.pace_s * math.log(order)

    def undone(self, heard: NDArray[np.float32], rate_hz: float, *, before: int) -> NDArray[np.float64]:
        """The impulse response in what was `heard`, sampled at `rate_hz` of the clock that played the sweep.

        Its frame `before` stands for a direct sound that begins with `heard`; what lies earlier are harmonics, or sound
        that was there before. As long as `heard` and `before` together. Within the band its spectrum is the path's own.
        """
        sweep = self.sampled(rate_hz)
        size = _fast(len(heard) + len(sweep) + before)
        played = np.fft.rfft(sweep, size)
        power = np.abs(played) ** 2
        turned = played.conj() / (power + _CALM * power.max())
        hz = np.fft.rfftfreq(size, 1 / rate_hz)
        whole = np.fft.irfft(np.fft.rfft(heard, size) * turned * self.window(hz), size)
        return np.concatenate([whole[size - before :], whole[: len(heard)]])

    def window(self, hz: NDArray[np.floating[Any]]) -> NDArray[np.float64]:
        """How much of each frequency an undone sweep keeps, 0 to 1, with soft edges that do not ring."""
        rise = np.clip((hz - self.low_hz) / (0.5 * self.low_hz), 0.0, 1.0)
        fall = np.clip((self.high_hz - hz) / (0.1 * self.high_hz), 0.0, 1.0)
        return np.asarray(np.sin(np.pi / 2 * rise) ** 2 * np.sin(np.pi / 2 * fall) ** 2)

    def kept(self, rate_hz: float) -> float:
        """Which part of a white spectrum's power an undone sweep keeps."""
        return float(np.mean(self.window(np.linspace(0, rate_hz / 2, 4096)) ** 2))


def _fast(length: int) -> int:
    """A size for a transform, not less than `length`."""
    return 1 << (length - 1).bit_length()


@dataclass(frozen=True, slots=True)
class Part:
    """One sound of the probe."""

    at_s: float
    """When it begins."""
    sweep: Sweep
    peak_db: float
    """The level of its peak, in dBFS."""


LEAD_S = 1.2
"""Silence first: the noise floor."""
QUIET_DB, MIDDLE_DB, NORMAL_DB = -37.0, -27.0, -17.0
"""Of peaks; a sine's root mean square is 3 dB below. The normal one is as loud as a reply."""
LOW_HZ = 80.0
MARK_LOW_HZ = 320.0
MOST_HZ = 12_000.0
"""No speech is higher; what a microphone at 48 kHz hears up there is not judged."""
BAND = 0.45
"""Of the lower rate: a card's own filter begins above."""
SWEEP_S, MARK_S = 1.5, 0.3
_MARKS = ((LEAD_S, MIDDLE_DB), (4.8, MIDDLE_DB), (8.5, NORMAL_DB), (9.6, NORMAL_DB), (10.7, NORMAL_DB))
_QUIET_S, _NORMAL_S = 2.1, 5.7


class Probe:
    """All that is played: silence, a mark, the quiet sweep, a mark, the normal sweep, and marks for the clocks."""

    def __init__(self, mic_rate_hz: int, spk_rate_hz: int) -> None:
        """For cards of these rates."""
        self.rate_hz = spk_rate_hz
        self.high_hz = min(BAND * min(mic_rate_hz, spk_rate_hz), MOST_HZ)
        sweep, mark = Sweep(LOW_HZ, self.high_hz, SWEEP_S), Sweep(MARK_LOW_HZ, self.high_hz, MARK_S)
        self.quiet = Part(_QUIET_S, sweep, QUIET_DB)
        self.normal = Part(_NORMAL_S, sweep, NORMAL_DB)
        self.marks = tuple(Part(at_s, mark, peak_db) for at_s, peak_db in _MARKS)

    @cached_property
    def length_s(self) -> float:
        """From the first frame of silence to the end of the last mark."""
        return self.marks[-1].at_s + MARK_S

    def sound(self) -> Samples:
        """It, at the speaker's rate."""
        whole = np.zeros(math.ceil(self.length_s * self.rate_hz))
        for part in (self.quiet, self.normal, *self.marks):
            first = math.ceil(part.at_s * self.rate_hz)
            count = math.ceil(part.sweep.length_s * self.rate_hz)
            t_s = np.arange(first, min(first + count, len(whole))) / self.rate_hz - part.at_s
            whole[first : first + len(t_s)] += 10 ** (part.peak_db / 20) * part.sweep.at(t_s)
        return clipped(whole.astype(np.float32))
