"""Steady noises of a home, made from numbers: `noise(name, frames)` is at 16 kHz, RMS 1.0, the same every time."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

RATE_HZ = 16_000
Wave = NDArray[np.float64]


def _coloured(frames: int, slope: float, lowest_hz: float = 20, highest_hz: float = 8000) -> Wave:
    """Gaussian noise whose amplitude goes with the frequency's power `slope`: 0 white, -0.5 pink, -1 brown."""
    hz = np.fft.rfftfreq(frames, 1 / RATE_HZ)
    inside = (hz >= lowest_hz) & (hz <= highest_hz)
    gain = np.where(inside, np.maximum(hz, 1.0) ** slope, 0.0)
    return np.fft.irfft(np.fft.rfft(np.random.default_rng(7).standard_normal(frames)) * gain, frames)


def _tones(frames: int, base_hz: float, *amplitudes: float) -> Wave:
    """A tone and its harmonics."""
    t = np.arange(frames) / RATE_HZ
    parts = [a * np.sin(2 * np.pi * base_hz * (n + 1) * t + n * n) for n, a in enumerate(amplitudes)]
    return np.sum(parts, axis=0)


def _level(wave: Wave) -> Wave:
    return wave / wave.std()


def _hum(frames: int) -> Wave:
    """A transformer: 50 Hz and its harmonics, and a little hiss."""
    return _level(_tones(frames, 50, 1, 0.8, 0.5, 0.4, 0.3, 0.3, 0.2, 0.2, 0.15, 0.15)) + 0.03 * _coloured(frames, 0)


def _fan(frames: int) -> Wave:
    """Air that sways seven times a second, and the tone of the blades."""
    sway = 1 + 0.15 * np.sin(2 * np.pi * 7 * np.arange(frames) / RATE_HZ)
    return _level(_coloured(frames, -0.5, 60, 4000)) * sway + _tones(frames, 140, 0.5, 0.3, 0.15)


def _vacuum_cleaner(frames: int) -> Wave:
    """Rushing air and a whining motor."""
    return _level(_coloured(frames, -0.3, 100, 7000)) + _tones(frames, 300, 0.6, 0.6, 0.6)


def _car(frames: int) -> Wave:
    """The rumble of an engine and of the road."""
    return _level(_coloured(frames, -1)) + 0.2 * _level(_coloured(frames, -0.5))


def _rain(frames: int) -> Wave:
    """A steady rush, and 60 drops a second on a sill."""
    chance = np.random.default_rng(3)
    t = np.arange(120) / RATE_HZ
    drops = np.zeros(frames)
    for at in chance.integers(0, frames - len(t), frames * 60 // RATE_HZ):
        drop = np.exp(-600 * t) * np.sin(2 * np.pi * chance.uniform(1500, 6000) * t)
        drops[at : at + len(t)] += chance.exponential(1.5) * drop
    return 0.7 * _level(_coloured(frames, 0.2, 300)) + drops


_MADE: dict[str, Callable[[int], Wave]] = {
    "white": lambda frames: _coloured(frames, 0),
    "pink": lambda frames: _coloured(frames, -0.5),
    "brown": lambda frames: _coloured(frames, -1),
    "hiss": lambda frames: _coloured(frames, 0.5, 500),
    "hum": _hum,
    "fan": _fan,
    "vacuum cleaner": _vacuum_cleaner,
    "car": _car,
    "rain": _rain,
}
NOISES = tuple(_MADE)


def noise(name: str, frames: int) -> Wave:
    """So much of it, RMS 1.0."""
    return _level(_MADE[name](frames))
