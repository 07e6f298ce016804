"""Floor 1. Loudness: the level of samples in dBFS, for the meter, the doctor, the chimes and the noise floor."""

import math

import numpy as np

from antiphon.pcm import FULL_SCALE, WAKE_RATE_HZ, Samples, frames_in

SILENCE_DB = -96.0
"""What digital silence reads: the floor of 16 bits, where a logarithm would be minus infinity."""


def level_db(samples: Samples) -> float:
    """Root mean square level in dB below full scale: -96.0 (silence, or nothing) to 0.0 (a full square wave)."""
    if len(samples) == 0:
        return SILENCE_DB
    wide = samples.astype(np.float32)
    power = float(np.dot(wide, wide)) / len(wide) / FULL_SCALE**2
    return max(SILENCE_DB, 10 * math.log10(power)) if power > 0 else SILENCE_DB


class Loudest:
    """The highest level of the last moments, for whoever looks now and then. Nothing is kept of the sound."""

    def __init__(self, window_ms: float = 3000.0) -> None:
        """Of the last `window_ms` at least, and of twice that at most."""
        self._window_ms = window_ms
        self._since_ms = 0.0
        self._before_db = self._now_db = SILENCE_DB

    @property
    def level_db(self) -> float:
        """In dBFS; safe to read on another thread."""
        return max(self._before_db, self._now_db)

    def hear(self, level_db: float, length_ms: float) -> None:
        """The next stretch of sound."""
        self._since_ms += length_ms
        self._now_db = max(self._now_db, level_db)
        if self._since_ms >= self._window_ms:
            self._before_db, self._now_db, self._since_ms = self._now_db, SILENCE_DB, 0.0

    def forget(self) -> None:
        """Start as if nothing had been heard."""
        self._before_db = self._now_db = SILENCE_DB
        self._since_ms = 0.0


SPEECH_HZ = (150, 6000)
"""Where speech is. Below lie hum, rumble and a car's engine, and the loudest part of most noise."""
SPEECH_PIECE_FRAMES = frames_in(20, WAKE_RATE_HZ)
_HANN = np.hanning(SPEECH_PIECE_FRAMES).astype(np.float32)
_BAND = slice(*(hz * SPEECH_PIECE_FRAMES // WAKE_RATE_HZ for hz in SPEECH_HZ))
# One half of the spectrum stands for both; by Parseval, what the window took is given back.
_PER_POWER = 2 / (SPEECH_PIECE_FRAMES * float(np.dot(_HANN, _HANN)) * FULL_SCALE**2)
_LEAST_POWER = 10 ** (SILENCE_DB / 10)


def speech_levels_db(samples: Samples) -> list[float]:
    """The level between 150 and 6000 Hz of each 20 ms of 16 kHz samples, -96.0 to 0.0; the last must be whole."""
    if len(samples) == 0:
        return []
    spectra = np.fft.rfft(samples.reshape(-1, SPEECH_PIECE_FRAMES) * _HANN)[:, _BAND]
    magnitudes = np.abs(spectra)
    powers = np.einsum("ij,ij->i", magnitudes, magnitudes) * _PER_POWER
    levels: list[float] = (10 * np.log10(np.maximum(powers, _LEAST_POWER))).tolist()
    return levels
