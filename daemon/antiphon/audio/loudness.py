"""Floor 1. How loud a volume in percent is, in decibels and as a gain, in steps that sound even.

The scale is that of alsamixer (alsa-utils, volume_mapping.c): the loudness that people hear grows with about the cube
root of the power, so a point is the same step of 10^(dB / 60) all the way. A short range is cut evenly in decibels.
"""

import math

import numpy as np

from antiphon.pcm import Floats, Samples

EVEN_DB = 24.0
"""A range of no more than this is cut into even steps of decibels."""
SOFT_LEAST_DB = -50.0
"""How quiet the quietest volume above 0 is, where the sound itself is made quieter."""


def db_of(percent: float, least_db: float, most_db: float) -> float:
    """What `percent` (0 to 100) is between `least_db`, which may be minus infinity, and `most_db`."""
    share = percent / 100
    if most_db - least_db <= EVEN_DB:
        return least_db + share * (most_db - least_db)
    floor = 10 ** ((least_db - most_db) / 60)
    heard = floor + share * (1 - floor)
    return most_db + 60 * math.log10(heard) if heard > 0 else least_db


def percent_of(db: float, least_db: float, most_db: float) -> float:
    """The reverse of `db_of`; 0 to 100, whatever `db` is."""
    inside_db = min(max(db, least_db), most_db)
    if most_db <= least_db:
        return 100.0
    if most_db - least_db <= EVEN_DB:
        return 100 * (inside_db - least_db) / (most_db - least_db)
    floor = 10 ** ((least_db - most_db) / 60)
    return 100 * (10 ** ((inside_db - most_db) / 60) - floor) / (1 - floor)


def gain_of(percent: int) -> float:
    """The factor for samples: exactly 1 at 100, exactly 0 at 0, about half a decibel a point between."""
    return 0.0 if percent <= 0 else 10 ** (db_of(min(percent, 100), SOFT_LEAST_DB, 0.0) / 20)


class Gain:
    """Makes a stream quieter by a factor that may change: over one period, so that it makes no click."""

    def __init__(self) -> None:
        """As it is."""
        self.wanted = 1.0
        """0 to 1; holds from the end of the next period on."""
        self._now = 1.0

    def apply(self, period: Samples) -> Samples:
        """The next period; the very same samples where the factor is 1."""
        before, self._now = self._now, self.wanted
        if before == self._now == 1.0:
            return period
        steps: Floats = np.full(1, self._now, np.float32)
        if before != self._now:
            steps = np.linspace(before, self._now, len(period) + 1, dtype=np.float32)[1:]
        quieter: Samples = np.rint(period * steps).astype(np.int16)
        return quieter
