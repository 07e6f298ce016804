"""Floor 1. Whether echo cancellation works, measured while the speaker plays: how much it takes out, and the delay.

That much is left after a canceller proves nothing: it may be somebody speaking over us. What is left counts against it
only if it is our own sound, and that is seen by where it correlates with what we played. It knows samples only.
"""

import math
from collections import deque
from typing import Literal, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from antiphon.audio.level import SILENCE_DB
from antiphon.audio.marks import MARK_MS
from antiphon.audio.near_end import Edge
from antiphon.audio.noise import NoiseFloor
from antiphon.pcm import FULL_SCALE, Floats, Samples, frames_in

STEP_MS = 100
"""It judges so much at a time."""
RECENT_STEPS = 3
"""Levels are those of the last 300 ms: a dip that is over no longer counts."""
ACTIVE_DB = -60.0
"""The far end is active above this level, in dBFS."""
AUDIBLE_DB = 6.0
"""So far above the noise the microphone must hear something, or nothing can be said about what is left of it."""
ALARM_MS, PROOF_MS = 500, 200
"""Cancellation has to be low for so long, and proven bad for so much of it, until the alarm: it comes within a second,
as it takes half of one to prove it.
"""
LEAK_WEIGHT = 0.25
"""A leak proves less than a far end that is not what plays: AEC3 leaks for half a second as the microphone is moved."""
LEARNING_MS = 1200
"""So long it has to be low as long as TRUST_MS of good were never seen: AEC3 may leak for a second as it learns a room.
"""
TRUST_MS = 1000
RECOVERY_MS = 1500
"""So much has to be good again, without a bad step in between."""
MISTAKEN_MS = 300
"""After so much of good, a voice that fell silent with us is forgiven: it was a cough."""
PEAK = 7.0
"""A correlation is one when its peak is so many times its root mean square: between two who speak at once it is 3 to 6,
for an instant more, but then not at the delay of the echo.
"""
LEAST_ACTIVE_STEPS = 4
"""Nor is one of a second in which the far end was active for less than 400 ms."""
SAME_DELAY_MS = 20.0
"""So near each other must the echo at the microphone and what is left of it be: AEC3's output is 8 ms late."""
MOVED_MS = 15.0
"""An echo that is so far from where it was while all was well was not moved by hand: the far end is at fault."""
AHEAD_MS = -30.0
"""Nor can a canceller take out what it is told of so late after it was heard; what it still seems to is chance.
"""
MOST_ERLE_DB = 60.0

_COARSE_HZ = 4000  # delays are found in sound of this rate
_WINDOW_MS = 1000
_REACH_MS = 500  # and so far to both sides
_BAND_HZ = (100, 1900)
_ERLE_STEPS = 5  # the figure is smoothed so
_DELAY_STEPS = 10  # while all is well, the delay is measured once a second

Finding: TypeAlias = Literal["good", "inaudible", "low", "leaking", "broken", "unknown"]
"""Of cancellation. It is good; or there is no echo to be heard, so it may be; it is low, and somebody may be speaking;
it is low, and what is left is ours; the far end is not what plays; nothing plays.
"""


class Lag(NamedTuple):
    """Where one sound correlates best with another, earlier one."""

    delay_ms: float
    peak: float
    """The correlation there, as a multiple of its root mean square over all delays; 0 where there is silence."""


class EchoWatch:
    """Watches the echo path of one capture stream; to be given all of it while the speaker plays."""

    def __init__(self, rate_hz: int, least_erle_db: float, *, hardware: bool = False) -> None:
        """For sound at `rate_hz`, a multiple of 4000. Less cancellation than `least_erle_db` is bad.

        It begins with trust: a canceller that works does so within half a second, and one that does not is found out.
        With `hardware` the microphone cancels by itself, and what it hears can only be compared with what we play.
        """
        self._hardware = hardware
        self._step_frames = frames_in(STEP_MS, rate_hz)
        self._fold = rate_hz // _COARSE_HZ
        self._least_erle_db = least_erle_db
        self.cancelled = True
        """The verdict: our own sound is taken out of what is heard."""
        self.erle_db = 0.0
        """Echo return loss enhancement, over the last second in which it could be measured; 0 before that."""
        self.delay_ms = 0.0
        """From the far end to its echo at the microphone, as last measured; 0 before that."""
        self._waiting: NDArray[np.int16] = np.zeros((3, 0), np.int16)  # near, far, heard
        self._coarse = np.zeros((3, _WINDOW_MS * _COARSE_HZ // 1000), np.float32)
        self.forget()

    def forget(self) -> None:
        """Overwrite all that was heard; verdict and figures stay."""
        self._waiting.fill(0)
        self._waiting = self._waiting[:, :0].copy()  # what it was a view of is let go
        self._coarse.fill(0)
        self._playing: NDArray[np.bool_] = np.zeros(0, np.bool_)
        self._floors = NoiseFloor(), NoiseFloor()  # near, heard
        self._recent: deque[Floats] = deque(maxlen=RECENT_STEPS)
        self._active: deque[bool] = deque(maxlen=_WINDOW_MS // STEP_MS)  # the far end, step by step
        self._low_ms = self._good_ms = 0
        self._proof_ms = 0.0
        self._trusted_ms: float | None = None  # the delay while all was well
        self._since_delay = _DELAY_STEPS
        self._edge: Edge = "ended"
        self._mistaken_ms = 0  # until good for so long, a voice that we took for somebody's counts as ours

    def hear(self, near: Samples, far: Samples, heard: Samples, *, playing: bool) -> None:
        """The next of the same moments: the microphone, what is known to play then, and what the canceller leaves.

        `playing`: the mouth gave sound, not silence, for these moments, whatever became of it on its way here. Of a
        microphone that cancels by itself `heard` is `near`.
        """
        self._waiting = np.concatenate((self._waiting, np.stack((near, far, heard))), axis=1)
        self._playing = np.concatenate((self._playing, np.full(len(near), playing)))
        step = self._step_frames
        while len(self._playing) >= step:
            self._step(self._waiting[:, :step], bool(self._playing[:step].all()))
            self._waiting, self._playing = self._waiting[:, step:], self._playing[step:]

    def doubted(self, edge: Edge) -> None:
        """What NearEnd made of it. A voice that falls silent with us, twice, and nothing good in between, was ours."""
        if edge == "began" and self._mistaken_ms:
            self._low_ms, self._proof_ms = LEARNING_MS, PROOF_MS
            self._decide("low")
        if edge == "ended":
            self._mistaken_ms = MISTAKEN_MS if self._edge == "began" else 0
        self._edge = edge

    # ── a step of 100 ms ─────────────────────────────────────────────────────────────────────────

    def _step(self, sounds: NDArray[np.int16], playing: bool) -> None:
        coarse = sounds.reshape(3, -1, self._fold).mean(axis=2, dtype=np.float32)
        self._coarse = np.concatenate((self._coarse[:, coarse.shape[1] :], coarse), axis=1)
        wide = sounds.astype(np.float32).reshape(3, STEP_MS // MARK_MS, -1)
        powers = np.einsum("ijk,ijk->ij", wide, wide) / (wide.shape[2] * FULL_SCALE**2)
        self._recent.append(powers.mean(axis=1))
        self._active.append(powers[1].mean() > _power(ACTIVE_DB))
        floors = [_floor(floor, power) for floor, power in zip(self._floors, powers[::2], strict=True)]
        self._decide(self._find(floors[0], floors[1], blind=playing and not sounds[1].any()))

    def _find(self, near_floor: float, heard_floor: float, *, blind: bool) -> Finding:
        """What the last 300 ms tell. `blind`: something plays in this step, and the far end does not know it."""
        near, far, heard = np.mean(self._recent, axis=0).tolist()
        if not blind and far < _power(ACTIVE_DB):
            return "unknown"
        if near < near_floor * _power(AUDIBLE_DB):
            return "inaudible"
        before = far if self._hardware else near - near_floor
        erle_db = max(0.0, _db(before / max(heard - heard_floor, before * _power(-MOST_ERLE_DB))))
        good = erle_db >= self._least_erle_db
        finding: Finding = "good" if good else "broken"
        if not blind and (not good or self._low_ms):
            finding = self._look(good=good)
        if finding == "good":
            self._measure_delay()
        if finding != "low":
            self.erle_db += (erle_db - self.erle_db) / _ERLE_STEPS
        return finding

    def _decide(self, finding: Finding) -> None:
        if finding in ("good", "inaudible"):
            self._good_ms += STEP_MS
        if finding == "good":
            self._mistaken_ms = max(0, self._mistaken_ms - STEP_MS)
            self._low_ms = max(0, self._low_ms - STEP_MS)
            self._proof_ms = max(0, self._proof_ms - STEP_MS // 2)
        elif finding in ("low", "leaking", "broken"):
            self._low_ms += STEP_MS
        if finding in ("leaking", "broken"):
            self._good_ms = 0
            self._proof_ms += STEP_MS * (LEAK_WEIGHT if finding == "leaking" else 1)
        limit_ms = LEARNING_MS if self._trusted_ms is None else ALARM_MS
        if self._low_ms >= limit_ms and self._proof_ms >= PROOF_MS:
            self.cancelled = False
        if not self.cancelled and self._good_ms >= RECOVERY_MS:
            self.cancelled, self._low_ms, self._proof_ms = True, 0, 0

    # ── where our own sound is ───────────────────────────────────────────────────────────────────

    def _look(self, *, good: bool) -> Finding:
        """Cancellation is low, or was just now: whether that is proven bad."""
        echo = self._lag(0)
        if echo.peak < PEAK or sum(self._active) < LEAST_ACTIVE_STEPS:
            return "good" if good else "low"
        self.delay_ms = echo.delay_ms
        if echo.delay_ms < AHEAD_MS:
            return "broken"
        if good:
            return "good"
        if self._trusted_ms is not None and abs(echo.delay_ms - self._trusted_ms) > MOVED_MS:
            return "broken"
        left = self._lag(2)
        return "leaking" if left.peak >= PEAK and abs(left.delay_ms - echo.delay_ms) <= SAME_DELAY_MS else "low"

    def _measure_delay(self) -> None:
        self._since_delay += 1
        if self._since_delay >= _DELAY_STEPS:
            echo = self._lag(0)
            if echo.peak >= PEAK:
                self.delay_ms, self._since_delay = echo.delay_ms, 0
                if self._good_ms >= TRUST_MS:
                    self._trusted_ms = echo.delay_ms

    def _lag(self, which: int) -> Lag:
        return lag_between(self._coarse[1], self._coarse[which])


def lag_between(earlier: Floats, later: Floats) -> Lag:
    """Where `later` holds `earlier`, both at 4 kHz and as long as each other: generalised cross-correlation with phase
    transform, after C. Knapp and G. Carter, IEEE Trans. ASSP 24(4), 1976; up to 500 ms to both sides.
    """
    size = 2 * len(earlier)
    cross = np.conj(np.fft.rfft(earlier, size)) * np.fft.rfft(later, size)
    low, high = (hz * size // _COARSE_HZ for hz in _BAND_HZ)
    cross[:low] = cross[high:] = 0
    cross /= np.abs(cross) + 1e-3
    reach = _REACH_MS * _COARSE_HZ // 1000
    whole = np.fft.irfft(cross, size)
    near = np.abs(np.concatenate((whole[-reach:], whole[:reach])))
    spread = float(np.sqrt(np.mean(near**2)))
    at = int(np.argmax(near))
    return Lag((at - reach) * 1000 / _COARSE_HZ, float(near[at]) / spread) if spread > 0 else Lag(0.0, 0.0)


def _floor(floor: NoiseFloor, powers: Floats) -> float:
    """The noise, as a power, after the next pieces of 20 ms."""
    return _power([floor.hear(max(SILENCE_DB, _db(power))) for power in powers.tolist()][-1])


def _power(level_db: float) -> float:
    return float(10 ** (level_db / 10))


def _db(power: float) -> float:
    return 10 * math.log10(power) if power > 0 else SILENCE_DB
