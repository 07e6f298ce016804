"""Floor 1. What a microphone's recording of the probe (sweep.py) tells of speaker, room, microphone and both clocks.

Figures only: what they mean to the owner is said by the doctor. It knows numbers, and neither card nor settings.
"""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from antiphon.audio.response import BEFORE_MS, Path, decibels
from antiphon.audio.sweep import Part, Probe
from antiphon.pcm import Floats, frames_in

EARLY_MS, LATE_MS = 50.0, 700.0
"""The echo is looked for so much before and after the moment that the cards name."""
NEAR_MS = 10.0
"""And so much before where it was found at first, when drift was not known."""
TAIL_MS = 1000.0
"""So long a room may sound on."""
CLEAR_DB = 20.0
"""The strongest frame of a response stands out of its noise by this much, or nothing was heard: of pure noise, the
strongest of 15,000 frames by 12.
"""
MARK_REACH_MS = 250.0
MARK_MS = 50.0
"""So much of a mark's response is looked for in the others'."""
STEP_MS = 0.4
"""What a mark comes too early or too late by, when frames were lost: clocks that drift by 100 ppm differ by 0.34."""
FULL = 32_766 / 32_768
HARMONICS_MS = 450.0
NOISE_MS = 1000.0
HUM_HZ = (50.0, 60.0)
EARLY_SOUND_MS = 50.0
SURE_DB = 30.0
"""With less than this above the noise, levels are not compared."""
BENT_DB = -30.0
"""What is bent by more tells no decay: the quiet sweep tells it."""


@dataclass(frozen=True, slots=True, eq=False)
class Recording:
    """What the microphone gave while the probe was played."""

    heard: Floats
    """Shape (channels, frames); 1 is full scale."""
    rate_hz: int
    said_frame: float
    """The frame at which, as the cards themselves say, the normal sweep began to sound."""
    overflows: int = 0
    underflows: int = 0


@dataclass(frozen=True, slots=True)
class Channel:
    """One channel of the microphone."""

    gain_db: float | None
    """The echo against what is played; None when none is heard."""
    noise_db: float
    """dBFS, root mean square, without DC; -inf for digital silence."""
    dc: float
    """Mean, 1 is full scale."""


@dataclass(frozen=True, slots=True)
class Clocks:
    """What the marks tell."""

    drift_ppm: float | None
    """How many millionths the speaker's clock is faster than the microphone's; None when too little is heard."""
    lost_frames: tuple[int, ...]
    """What is missing (above 0) or too much (below) between two marks, where clocks alone do not explain it."""


@dataclass(frozen=True, slots=True)
class Measured:
    """All figures. What is not heard has none: then `channel`'s gain and all after `overflows` are None."""

    channels: tuple[Channel, ...]
    channel: int
    """The one that the rest is of: the first, or the loudest where the first hears nothing."""
    clipped: float
    """The part of the normal sweep's samples that is at full scale, 0 to 1."""
    hum_hz: float | None
    """The mains frequency, where it and its harmonics are most of the noise."""
    overflows: int
    underflows: int
    clocks: Clocks
    delay_ms: float | None = None
    """Beyond what the cards say."""
    decay_ms: float | None = None
    """T60."""
    distortion_db: float | None = None
    """Of the normal sweep: second and third harmonic against the sound."""
    compression_db: float | None = None
    """How much less of the normal sweep than of the quiet one is heard."""
    band_hz: tuple[float, float] | None = None
    clear_db: float | None = None
    """How far the normal sweep's response stands out of the noise."""

    @property
    def gain_db(self) -> float | None:
        """Of the channel that is judged."""
        return self.channels[self.channel].gain_db

    @property
    def noise_db(self) -> float:
        """Of the channel that is judged."""
        return self.channels[self.channel].noise_db


def measure(recording: Recording, probe: Probe) -> Measured:
    """All that can be known of it. ValueError when the recording does not reach over the probe and its tail."""
    short = recording.heard.shape[1] - recording.said_frame
    if short < frames_in(1000 * (probe.length_s - probe.normal.at_s), recording.rate_hz):
        raise ValueError("the recording ends before the probe does")
    ears = [_Ear(recording, probe, heard) for heard in recording.heard]
    gains = [ear.normal.gain_db() if ear.hears else None for ear in ears]
    channels = tuple(Channel(gain, ear.noise_db, ear.dc) for gain, ear in zip(gains, ears, strict=True))
    loudest = max(range(len(ears)), key=lambda number: -math.inf if gains[number] is None else gains[number] or 0.0)
    number = 0 if ears[0].hears else loudest
    ear = ears[number]
    known = (
        channels,
        number,
        ear.clipped(),
        ear.hum_hz(),
        recording.overflows,
        recording.underflows,
    )
    if not ear.hears:
        return Measured(*known, Clocks(None, ()))
    clocks = ear.clocks()
    exact, quiet = (ear.path(part, clocks.drift_ppm or 0.0) for part in (probe.normal, probe.quiet))
    distortion_db = exact.distortion_db()
    compression_db = quiet.gain_db(EARLY_SOUND_MS) - exact.gain_db(EARLY_SOUND_MS)
    return Measured(
        *known,
        clocks,
        delay_ms=1000 * (exact.direct - exact.origin + ear.shift) / recording.rate_hz,
        decay_ms=(exact if distortion_db < BENT_DB else quiet).decay_ms(),
        distortion_db=distortion_db,
        compression_db=compression_db if quiet.clear_db() >= SURE_DB else None,
        band_hz=exact.band_hz(),
        clear_db=exact.clear_db(),
    )


class _Ear:
    """One channel, with what is found in it."""

    def __init__(self, recording: Recording, probe: Probe, heard: Floats) -> None:
        self._heard, self._probe = heard, probe
        self._rate_hz = recording.rate_hz
        self._said = recording.said_frame
        quiet = self._noise()
        self.dc = float(np.mean(quiet, dtype=np.float64))
        self._still = (quiet - self.dc).astype(np.float32)
        self.noise_db = decibels(float(np.mean(self._still.astype(np.float64) ** 2)))
        self.shift = 0
        """How many frames later than the cards say what follows is looked for."""
        first = self.path(probe.normal, 0.0, early_ms=EARLY_MS, late_ms=LATE_MS)
        self.normal = first
        self.hears = first.clear_db() >= CLEAR_DB
        if self.hears:
            self.shift = first.direct - first.origin
            self.normal = self.path(probe.normal, 0.0)

    def _frame(self, at_s: float) -> int:
        """Where in the recording the cards say what is played at `at_s` of the probe, and the echo's delay."""
        return round(self._said + (at_s - self._probe.normal.at_s) * self._rate_hz) + self.shift

    def _stretch(self, first: int, frames: int) -> Floats:
        """Of the recording, with silence where there is none."""
        there = self._heard[max(first, 0) : max(first + frames, 0)]
        return np.pad(there, (max(-first, 0), frames - len(there) - max(-first, 0)))

    def _noise(self) -> Floats:
        """Before anything is played; at least a tenth of a second."""
        end = round(self._said + (self._probe.marks[0].at_s - self._probe.normal.at_s) * self._rate_hz)
        end = max(end - frames_in(EARLY_MS, self._rate_hz), frames_in(100, self._rate_hz))
        return self._heard[max(0, end - frames_in(NOISE_MS, self._rate_hz)) : end]

    def path(self, part: Part, drift_ppm: float, *, early_ms: float = NEAR_MS, late_ms: float = 0.0) -> Path:
        """The response that `part` leaves; its origin is the moment that the cards name, and `shift`. It may begin
        earlier, by `early_ms`, or later.
        """
        early, before = frames_in(early_ms, self._rate_hz), frames_in(HARMONICS_MS, self._rate_hz)
        whole = frames_in(1000 * part.sweep.length_s + TAIL_MS + late_ms, self._rate_hz)
        heard = self._stretch(self._frame(part.at_s) - early, whole + early) - np.float32(self.dc)
        rate_hz, scale = self._rate_hz / (1 + drift_ppm / 1e6), 10 ** (-part.peak_db / 20)
        response = scale * part.sweep.undone(heard, rate_hz, before=before)
        noise = scale * part.sweep.undone(
            self._still, rate_hz, before=frames_in(1000 * part.sweep.length_s, self._rate_hz)
        )
        # Beyond this the sweep is not whole in what was undone.
        response = response[: before + early + frames_in(TAIL_MS + late_ms, self._rate_hz)]
        return Path(response, self._rate_hz, before + early, early, noise, len(self._still), part.sweep)

    # ── clocks ──

    def clocks(self) -> Clocks:
        """From the marks that are heard."""
        reach = frames_in(MARK_REACH_MS, self._rate_hz)
        early, length = frames_in(BEFORE_MS, self._rate_hz), frames_in(MARK_MS, self._rate_hz)
        responses = [self._mark(mark, reach) for mark in self._probe.marks]
        # The last one is loud, and the others are as it is but for the moment.
        peak = early + int(np.argmax(np.abs(responses[-1][early:-length])))
        like, power = responses[-1][peak - early : peak + length], self._mark_noise()
        later = [_later(response, like, power) for response in responses]
        found = [(mark.at_s, late) for mark, late in zip(self._probe.marks, later, strict=True) if late is not None]
        if len(found) < 3:
            return Clocks(None, ())
        due = np.diff([at_s for at_s, _ in found]) * self._rate_hz
        return self._paced(due, np.diff([self._frame(at_s) + late for at_s, late in found]))

    def _mark(self, mark: Part, reach: int) -> NDArray[np.float64]:
        """The response that a mark leaves, from `reach` before it is due to as long after."""
        length = frames_in(1000 * mark.sweep.length_s, self._rate_hz)
        heard = self._stretch(self._frame(mark.at_s) - reach, length + 2 * reach) - np.float32(self.dc)
        return mark.sweep.undone(heard, self._rate_hz, before=0)[: 2 * reach]

    def _mark_noise(self) -> float:
        """The power of what noise alone leaves in a mark's response."""
        sweep = self._probe.marks[0].sweep
        noise = sweep.undone(self._still, self._rate_hz, before=frames_in(1000 * sweep.length_s, self._rate_hz))
        return float(noise @ noise) / len(self._still)

    def _paced(self, due: NDArray[np.float64], came: NDArray[np.float64]) -> Clocks:
        """`due` frames should lie between the marks, and `came` do."""
        slopes = (came - due) / due
        order = np.argsort(slopes)
        half = int(np.searchsorted(np.cumsum(due[order]), due.sum() / 2))
        usual = slopes[order][half]
        steps = due * (1 + usual) - came
        clean = np.abs(steps) < STEP_MS * self._rate_hz / 1000
        slope = float((came - due)[clean].sum() / due[clean].sum())
        return Clocks(-1e6 * slope / (1 + slope), tuple(round(step) for step in steps[~clean]))

    # ── what needs no echo ──

    def clipped(self) -> float:
        """The part of the normal sweep's samples at full scale."""
        there = self._stretch(
            self._frame(self._probe.normal.at_s), frames_in(1000 * self._probe.normal.sweep.length_s, self._rate_hz)
        )
        return float(np.mean(np.abs(there) >= FULL))

    def hum_hz(self) -> float | None:
        """The mains frequency that, with its first eight harmonics, is most of the noise."""
        power = np.abs(np.fft.rfft(self._still * np.hanning(len(self._still)))) ** 2
        hz = np.fft.rfftfreq(len(self._still), 1 / self._rate_hz)
        for mains_hz in HUM_HZ:
            near = np.abs(hz - mains_hz * np.clip(np.rint(hz / mains_hz), 1, 8)) <= 3
            if power.any() and power[near].sum() > 0.7 * power.sum():
                return mains_hz
        return None


_FINER = 8


def _later(response: NDArray[np.float64], like: NDArray[np.float64], noise_power: float) -> float | None:
    """At which frame of `response` that begins which is `like` it; None when noise might be as much alike."""
    size = 1 << (len(response) + len(like) - 1).bit_length()
    both = np.fft.rfft(response, size) * np.fft.rfft(like, size).conj()
    alike = np.fft.irfft(both, size * _FINER) * _FINER
    peak = int(np.argmax(alike[: (len(response) - len(like)) * _FINER]))
    if decibels(alike[peak] ** 2 / max(noise_power * float(like @ like), 1e-30)) < CLEAR_DB or alike[peak] <= 0:
        return None
    before, here, after = alike[peak - 1], alike[peak], alike[peak + 1]
    bend = before - 2 * here + after
    return float(peak + (0.5 * (before - after) / bend if bend else 0.0)) / _FINER
