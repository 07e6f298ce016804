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
