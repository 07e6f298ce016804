"""Floor 1. Loudness: the level of samples in dBFS, for the meter, the doctor and the chimes."""

import math

import numpy as np

from antiphon.pcm import FULL_SCALE, Samples

SILENCE_DB = -96.0
"""What digital silence reads: the floor of 16 bits, where a logarithm would be minus infinity."""


def level_db(samples: Samples) -> float:
    """Root mean square level in dB below full scale: -96.0 (silence, or nothing) to 0.0 (a full square wave)."""
    if len(samples) == 0:
        return SILENCE_DB
    wide = samples.astype(np.float32)
    power = float(np.dot(wide, wide)) / len(wide) / FULL_SCALE**2
    return max(SILENCE_DB, 10 * math.log10(power)) if power > 0 else SILENCE_DB
