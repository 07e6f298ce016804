"""Floor 1. Marks: which 20 ms of sound are somebody's speech, by the detector of voice and by the noise floor.

A detector that goes by the shape of a sound (WebRTC's) takes loud steady noise for voice, for as long as it lasts.
"""

from collections import deque
from collections.abc import Sequence
from typing import NamedTuple

from antiphon.audio.level import SILENCE_DB
from antiphon.audio.noise import NoiseFloor

MARK_MS = 20
MARGIN_DB = 5.0
"""So much above the floor a sound is no longer noise. Steady noise sways by some 3 dB above its own minimum; where
speech is but 5 dB above the noise, its vowels still stand out by more.
"""
_AGREEING = 3


class Mark(NamedTuple):
    """20 ms of sound."""

    level_db: float
    """Of voice; -96 where there is none. The middle one of the last three, so that no single mark decides: a click is
    no voice, a hole in a word is none.
    """
    threshold_db: float
    """What, by all that is known now, is above noise."""

    @property
    def speech(self) -> bool:
        """Whether somebody speaks."""
        return self.level_db > self.threshold_db


class Marker:
    """Marks one stream of sound, and should hear all of it: asleep it learns the noise of the next turn."""

    def __init__(self) -> None:
        self._floor = NoiseFloor()
        self._last = deque([SILENCE_DB] * _AGREEING, _AGREEING)

    def hear(self, voiced: Sequence[bool], levels_db: Sequence[float]) -> list[Mark]:
        """What the detector says of the next pieces of 20 ms, and their levels; a mark for each."""
        return [self._mark(voice, level) for voice, level in zip(voiced, levels_db, strict=True)]

    def _mark(self, voice: bool, level_db: float) -> Mark:
        threshold = self._floor.hear(level_db) + MARGIN_DB
        self._last.append(level_db if voice else SILENCE_DB)
        return Mark(sorted(self._last)[_AGREEING // 2], threshold)
