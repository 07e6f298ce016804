"""Floor 1. Somebody speaks over us: found in what a linear canceller leaves while our own sound plays.

A suppressor (AEC3) is no help here, as it takes the one who interrupts out as well. A linear filter leaves him whole,
and of us a small share that changes slowly, band by band. What stands out above that share is not ours.
It counts pieces of 20 ms, never the clock.
"""

from collections.abc import Iterable
from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from antiphon.audio.marks import MARK_MS, Mark
from antiphon.pcm import FULL_SCALE, Samples, frames_in

Edge: TypeAlias = Literal["began", "sure", "ended"]
Powers: TypeAlias = NDArray[np.float64]

BEGAN_MARKS, BEGAN_OF = 4, 8
"""It may be somebody when 80 ms out of the last 160 are not ours: what begins softly must be silenced in 350 ms too."""
SURE_MARKS = 10
"""It is somebody after 200 ms, and ..."""
QUIET_VOICE_MARKS = 4
"""... when 80 ms of voice were heard in our own silence: our own falls silent with us. So a mere "stop" is enough."""
QUIET_AFTER_MARKS = 2
"""The nearest walls still speak with our voice for so long, ..."""
FADED = 10 ** (-10 / 10)
"""... and what has less of the power that the loudest had before may be all the others."""
ENDED_MARKS = 13
"""Nobody after 260 ms without anything: gaps between syllables are shorter."""

WORD_MARKS, FOREIGN_MARKS = 60, 5
"""A word, and what a wake word engine needs to know it, are in the last 1.2 s: when less than 100 ms of that are not
ours, it was we who said it. Somebody who says it 6 dB below us leaves 200 ms and more, our own words 40 at most.
"""
LEARNING_MARKS = 25
"""For the first half second of our sound nothing is known of the share that is left of us, and nobody is found."""
EVIDENCE_DB = 1.5
"""A piece is not ours when, on average over the bands, it is so far above MARGIN_DB."""
MARGIN_DB, MOST_DB = 3.0, 12.0
"""What our own leftovers sway by does not count, nor more than so much in one band."""
LEAST_SHARE, SHARE_UP, SHARE_DOWN = 1e-3, 10 ** (0.3 / 10), 0.05
"""The share that is left of us: never less than -30 dB; it rises by 15 dB a second, so that who speaks over us does not
soon pass for us, and falls by half in 0.3 s, as a filter converges.
"""
CAUTION_DB, MOST_CAUTION_DB, CAUTION_DOWN_DB = 2.0, 6.0, 0.5 / 3000
"""After each mistake the margin is so much wider, by 6 dB at most, and by 0.5 dB less for each minute of our sound: a
speaker that distorts leaves more the louder it is, and no share can foretell that.
"""
DECAY = 0.8
"""Of what played, a room keeps this much for another 20 ms: as one with 0.3 s of reverberation does."""
NOISE_MARKS = 75
"""As in noise.py: the quietest of the last 1.5 s, each smoothed over some marks, is noise."""
SMOOTHING = 0.3
NOISE_FACTOR = 2.0
"""What sways in the noise is no evidence: a minimum lies below its mean."""
AUDIBLE_FACTOR = 10.0
"""Of a band the share is learned while we are so much louder in it than the noise."""
LEAST_POWER = 1e-9

_BAND_HZ, _BANDS = (200, 5000), 24
_BIN_HZ = 1000 // MARK_MS


def taken_out(mic: Samples, linear: Samples) -> NDArray[np.float32]:
    """What a linear canceller took for our own sound."""
    return mic.astype(np.float32) - linear


class NearEnd:
    """Watches one capture stream, while we sound and until `open` is False again.

    `hear` gets the sound, and finds who begins and ends; `mark` gets the voice detector's marks of the same sound, with
    our own taken out, and finds who is sure. Each returns the edges, in order: began, perhaps sure, ended.
    """

    def __init__(self, rate_hz: int) -> None:
        """For sound at `rate_hz`: 16, 32 or 48 kHz."""
        self._piece_frames = frames_in(MARK_MS, rate_hz)
        self._window = np.hanning(self._piece_frames).astype(np.float32)
        self._per_power = 2 / (self._piece_frames * float(np.dot(self._window, self._window)) * FULL_SCALE**2)
        self._edges = _band_edges()
        self._share = np.ones(len(self._edges) - 1)
        """Of us, in each band, what is left; nothing is known, so all of it."""
        self._learning = LEARNING_MARKS
        self._caution_db = 0.0
        self._rest: NDArray[np.float32] = np.zeros((2, 0), np.float32)
        self.forget()

    def forget(self) -> None:
        """Overwrite all that was heard: nobody speaks. What is known of the share that is left of us stays."""
        bands = len(self._share)
        self._rest.fill(0)
        self._rest = self._rest[:, :0].copy()  # what it was a view of is let go
        self._ours = np.zeros(bands)
        self._smooth: Powers | None = None
        self._past = np.full((NOISE_MARKS, bands), np.inf)
        self._heard = 0
        self._recent = self._lately = 0  # pieces that were not ours, a bit each
        self._edge: Edge = "ended"
        self._evidence = self._voice = self._silence = self._quiet = 0
        self._loudest, self._faded = 0.0, False
        self._mistake = np.zeros((2, bands))  # what was left, and what played, while somebody seemed to speak

    @property
    def open(self) -> bool:
        """Somebody began and did not end yet: go on, even if we are silent."""
        return self._edge != "ended"

    @property
    def only_ours(self) -> bool:
        """In the last 1.2 s of what was given nobody spoke but we, so that a word heard in it was ours."""
        return self.foreign(WORD_MARKS) < FOREIGN_MARKS

    def foreign(self, marks: int) -> int:
        """Of the last `marks` pieces that were given, at most those of 1.2 s, how many are not ours."""
        return (self._lately & ((1 << marks) - 1)).bit_count()

    def hear(self, linear: Samples, ours: NDArray[np.float32] | Samples, *, playing: bool) -> list[Edge]:
        """The next of the same moments: what the linear canceller left, and what it took out (`taken_out`).

        Of a microphone that cancels by itself: what it gives, and what we play. `playing`: we do, in these moments.
        """
        self._rest = np.concatenate((self._rest, np.stack((linear, ours)).astype(np.float32)), axis=1)
        pieces = self._rest.shape[1] // self._piece_frames
        whole, self._rest = np.split(self._rest, [pieces * self._piece_frames], axis=1)
        left, took = self._powers(whole.reshape(2, pieces, self._piece_frames))
        return [edge for at in range(pieces) for edge in self._piece(left[at], took[at], playing)]

    def mark(self, marks: Iterable[Mark]) -> list[Edge]:
        """What the voice detector made of the sound that `hear` got last."""
        if self._edge == "began" and self._quiet > QUIET_AFTER_MARKS and not self._faded:
            self._voice += sum(mark.speech for mark in marks)
        return self._sure()

    # ── a piece of 20 ms ─────────────────────────────────────────────────────────────────────────

    def _powers(self, pieces: NDArray[np.float32]) -> Powers:
        """The power in each band of each piece, 1 being full scale: shape (2, pieces, bands)."""
        magnitudes = np.abs(np.fft.rfft(pieces * self._window, axis=2)[:, :, : self._edges[-1]])
        return np.add.reduceat(magnitudes**2, self._edges[:-1], axis=2) * self._per_power

    def _piece(self, left: Powers, took: Powers, playing: bool) -> list[Edge]:
        foreign = self._foreign(left, took) and not self._learning
        if foreign and playing:
            self._mistake += left, self._ours
        if playing:
            self._learning = max(0, self._learning - 1)
            self._caution_db = max(0.0, self._caution_db - CAUTION_DOWN_DB)
        self._quiet = 0 if playing else self._quiet + 1
        self._loudest = max(self._loudest, left.sum()) if playing else self._loudest
        self._faded = bool(left.sum() < FADED * self._loudest)
        self._recent = (self._recent << 1 | foreign) & ((1 << BEGAN_OF) - 1)
        self._lately = (self._lately << 1 | foreign) & ((1 << WORD_MARKS) - 1)
        self._silence = 0 if foreign else self._silence + 1
        if self._edge == "ended":
            return self._begin(self._recent.bit_count())
        self._evidence += foreign
        if self._silence < ENDED_MARKS:
            return self._sure()
        if self._edge == "began":
            self._learn_from_mistake()
        self._edge, self._recent = "ended", 0
        return ["ended"]

    def _begin(self, evidence: int) -> list[Edge]:
        if evidence < BEGAN_MARKS:
            return []
        self._edge, self._evidence, self._voice, self._loudest = "began", evidence, 0, 0.0
        self._mistake[:] = 0
        return ["began"]

    def _sure(self) -> list[Edge]:
        if self._edge != "began" or self._evidence < SURE_MARKS or self._voice < QUIET_VOICE_MARKS:
            return []
        self._edge = "sure"
        return ["sure"]

    def _learn_from_mistake(self) -> None:
        """It was nobody: all that was left was ours, as a filter leaves more of us when the room has changed."""
        self._caution_db = min(self._caution_db + CAUTION_DB, MOST_CAUTION_DB)
        left, ours = self._mistake
        self._share = np.maximum(self._share, np.minimum(left / np.maximum(ours, LEAST_POWER), 1.0))

    def _foreign(self, left: Powers, took: Powers) -> bool:
        """Whether what is left is more than our share and the noise; both are learned from it afterwards."""
        noise = self._noise(left)
        self._ours = np.maximum(took, DECAY * self._ours)
        above_db = 10 * np.log10((left + LEAST_POWER) / (self._share * self._ours + NOISE_FACTOR * noise))
        audible = self._ours > AUDIBLE_FACTOR * noise
        change = left / np.maximum(self._ours, LEAST_POWER) - self._share
        rising = np.minimum(change, (SHARE_UP - 1) * self._share)
        learned = self._share + np.where(change > 0, rising, SHARE_DOWN * change)
        self._share = np.where(audible, np.minimum(np.maximum(learned, LEAST_SHARE), 1.0), self._share)
        evidence = np.minimum(np.maximum(above_db - MARGIN_DB - self._caution_db, 0), MOST_DB)
        return bool(evidence.mean() > EVIDENCE_DB)

    def _noise(self, left: Powers) -> Powers:
        smooth = left if self._smooth is None else self._smooth + SMOOTHING * (left - self._smooth)
        self._smooth = smooth
        self._past[self._heard % NOISE_MARKS] = smooth
        self._heard += 1
        noise: Powers = np.maximum(self._past.min(axis=0), LEAST_POWER)
        return noise


def _band_edges() -> NDArray[np.intp]:
    """Where the bands begin, and the last one ends, in bins of a piece's spectrum: evenly on the mel scale."""
    low, high = (2595 * np.log10(1 + hz / 700) for hz in _BAND_HZ)
    hz = 700 * (10 ** (np.linspace(low, high, _BANDS + 1) / 2595) - 1)
    return np.unique(np.rint(hz / _BIN_HZ).astype(np.intp))
