"""The numbered chirp code: proof, to the sample, of what arrived of what was played.

The code is a tone of constant loudness that glides from pitch to pitch, slot by slot; each pitch is drawn from the
slot's number, so that no two stretches of a few slots are alike. Mixed quietly under speech, it makes even silence
tell where it belongs. `compare` finds the received sound in the played one and checks it, window by window. It knows
samples only: not the room, not a link.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from math import gcd

import numpy as np
from numpy.typing import NDArray

from antiphon.pcm import FULL_SCALE, Samples

SLOT_MS = 20.0
LOWEST_HZ, HIGHEST_HZ = 1_600.0, 5_000.0
"""Above the loud part of a voice, where a slip by one sample hardly shows, and below where resamplers roll off."""

GUARD_MS = 5.0
"""At both ends of what was received, a resampler's and our own filter see too little: nothing is claimed there."""

WINDOW_MS = 5.0
LOUDEST_RESIDUAL_DB = -20.0
"""A window whose difference from what was played is louder than this, measured by the played, did not arrive.

A slip by one sample of 16 kHz leaves at least -5 dB at the lowest pitch, and more at every other.
"""

_BLOCKS_MS = (200.0, 100.0, 50.0)  # what is looked for, from the surest to the shortest stretch between two faults
_STEP_MS, _STRIDE_MS = 10.0, 100.0  # how closely it is looked for just behind a fault, and where nothing is found
_ALIKE = 0.7  # the correlation, of 1, from which on a stretch is taken to be found
_MARGIN_FRAMES = 2  # a slip just at the edge of a piece leaves too little of itself inside
_SILENT_LSB = 1.0  # RMS within the band: less than this in both is the same silence
_PIECES = 200  # a recording broken more often than this has failed; finding more would only cost time

Wave = NDArray[np.float64]


def code(frames: int, rate_hz: int, first_slot: int = 0, level_db: float = -50.0) -> Samples:
    """`frames` of the code at `rate_hz`, from the beginning of `first_slot`, at `level_db` dBFS (peak).

    At -50 dB it lies under speech and noise and troubles neither wake word nor ear. Codes whose ranges of slots do not
    meet have nothing in common; a slot lasts SLOT_MS.
    """
    slot_frames = SLOT_MS * rate_hz / 1000
    slots = np.arange(int(frames / slot_frames) + 2) + first_slot
    pitch_hz = LOWEST_HZ + (HIGHEST_HZ - LOWEST_HZ) * _drawn(slots)
    now_hz = np.interp(np.arange(frames) / slot_frames, np.arange(len(slots)), pitch_hz)
    turns = np.cumsum(now_hz / rate_hz)
    return np.rint((FULL_SCALE - 1) * 10 ** (level_db / 20) * np.sin(2 * np.pi * turns)).astype(np.int16)


def _drawn(numbers: NDArray[np.int64]) -> Wave:
    """A number from 0 to 1 for each whole number, always the same one (the finaliser of splitmix64)."""
    mixed = numbers.astype(np.uint64) * np.uint64(0x9E3779B97F4A7C15)
    for shift, factor in ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB)):
        mixed = (mixed ^ (mixed >> np.uint64(shift))) * np.uint64(factor)
    return np.asarray((mixed ^ (mixed >> np.uint64(31))) / 2.0**64, np.float64)


@dataclass(frozen=True, slots=True)
class Piece:
    """A stretch that arrived in one piece: frames `received_from` to `received_to` of the received sound."""

    received_from: int
    received_to: int
    lag: float
    """Received frame plus `lag` is the played sound's position, in frames of the received rate."""
    residual_db: float
    """The largest difference from what was played, of all its windows, measured by what was played there."""


@dataclass(frozen=True)
class Verdict:
    """What arrived. Frames are those of the played sound, unless they are called received."""

    first_frame: int
    """The first frame that is proven to have arrived; what came up to GUARD_MS before it is not judged."""
    last_frame: int
    """The last frame that is proven to have arrived."""
    lost_frames: int
    """Frames left out between pieces."""
    inserted_frames: int
    """Frames between pieces that belong to no place, or to one that had come before."""
    damaged_frames: int
    """Frames between pieces that came at their time and are not what was played; a few more on each side of a fault."""
    pieces: tuple[Piece, ...]

    @property
    def whole(self) -> bool:
        """Every frame from `first_frame` to `last_frame` arrived, in its order, as it was played, and nothing else.

        Whether these two are all that should have arrived, only who asks can know.
        """
        return len(self.pieces) == 1

    @property
    def residual_db(self) -> float:
        """The largest difference of all windows that arrived."""
        return max((piece.residual_db for piece in self.pieces), default=0.0)

    def __str__(self) -> str:
        """One sentence, for an assertion or a table."""
        if not self.pieces:
            return "nothing of what was played has arrived"
        return (
            f"frames {self.first_frame} to {self.last_frame} in {len(self.pieces)} pieces: {self.lost_frames} lost, "
            f"{self.inserted_frames} inserted, {self.damaged_frames} damaged; residual {self.residual_db:.1f} dB"
        )


def compare(played: Samples, played_rate_hz: int, received: Samples, received_rate_hz: int) -> Verdict:
    """Find `received` in `played`, and check it window by window.

    The delay and the gain between them are free, and constant; rates of 12 kHz and more. `played` must carry the code
    wherever a loss is to be seen: digital silence has no places. ValueError when there is too little to find.
    """
    pieces = tuple(_Search(played, played_rate_hz, received, received_rate_hz).pieces())
    if not pieces:
        return Verdict(0, -1, 0, 0, 0, ())
    scale = played_rate_hz / received_rate_hz
    lost = inserted = damaged = 0
    for before, after in pairwise(pieces):
        slip = round((after.lag - before.lag) * scale)
        lost, inserted = lost + max(slip, 0), inserted + max(-slip, 0)
        damaged += 0 if slip else round((after.received_from - before.received_to) * scale)
    return Verdict(
        first_frame=int(np.ceil((pieces[0].received_from + pieces[0].lag) * scale)) + _MARGIN_FRAMES,
        last_frame=int((pieces[-1].received_to - 1 + pieces[-1].lag) * scale) - _MARGIN_FRAMES,
        lost_frames=lost,
        inserted_frames=inserted,
        damaged_frames=damaged,
        pieces=pieces,
    )


class _Search:
    """Played and received at the received rate and within the code's band, and the way to find one in the other."""

    def __init__(self, played: Samples, played_rate_hz: int, received: Samples, rate_hz: int) -> None:
        self.rate_hz = rate_hz
        self.guard = self._frames(GUARD_MS)
        self.window = self._frames(WINDOW_MS)
        self.played_frames = len(played) * rate_hz // played_rate_hz
        if min(rate_hz, played_rate_hz) < 12_000:
            raise ValueError("the code needs rates of 12 kHz and more")
        if min(self.played_frames, len(received)) < self._frames(_BLOCKS_MS[-1]) + 2 * self.guard:
            raise ValueError("there is too little sound to compare")
        # One length for all spectra. It holds whichever is longer and a filter's length of silence, so that nothing
        # wraps, and is a whole number of frames at both rates, so that cutting the spectrum changes the rate exactly.
        unit = rate_hz // gcd(rate_hz, played_rate_hz)
        longest = max(self.played_frames, len(received)) + 4 * self.guard
        self.size = _quick_size(longest, unit)
        band = self._band()
        wide = np.fft.rfft(played.astype(np.float64), self.size * played_rate_hz // rate_hz)
        spectrum = np.zeros(self.size // 2 + 1, np.complex128)
        kept = min(len(spectrum), len(wide))
        spectrum[:kept] = wide[:kept] * (rate_hz / played_rate_hz)
        self.spectrum = spectrum * band
        self.received: Wave = np.fft.irfft(np.fft.rfft(received, self.size) * band, self.size)[: len(received)]

    def _frames(self, duration_ms: float) -> int:
        return round(duration_ms * self.rate_hz / 1000)

    def _band(self) -> Wave:
        """A band-pass around the code, without delay; it leaves of GUARD_MS what a resampler needs."""
        half = self.guard * 3 // 5
        at = np.arange(-half, half + 1)
        low, high = (LOWEST_HZ - 300) / self.rate_hz, (HIGHEST_HZ + 300) / self.rate_hz
        taps = (2 * high * np.sinc(2 * high * at) - 2 * low * np.sinc(2 * low * at)) * np.blackman(len(at))
        centred = np.zeros(self.size)
        centred[at] = taps  # negative times wrap to the end, where the transform looks for them
        return np.asarray(np.fft.rfft(centred).real)

    @cached_property
    def _whole(self) -> Wave:
        return self._delayed(0.0)

    @cached_property
    def _energy(self) -> Wave:
        return np.concatenate(([0.0], np.cumsum(self._whole**2)))

    def _delayed(self, lag: float, *, slope: bool = False) -> Wave:
        """The played sound, or its slope, moved so that position `lag` comes first; fractions of a frame are exact."""
        pulse = 2j * np.pi / self.size * np.arange(len(self.spectrum))
        moved = self.spectrum * np.exp(pulse * lag)
        return np.asarray(np.fft.irfft(moved * pulse if slope else moved, self.size))

    def pieces(self) -> Iterator[Piece]:
        """From left to right, each as long as it goes."""
        done, end = self.guard, len(self.received) - self.guard
        for _ in range(_PIECES):
            at, near = done, done + self._frames(_BLOCKS_MS[0])
            while (piece := self._piece_at(done, at, end, close=at < near)) is None:
                at += self._frames(_STEP_MS if at < near else _STRIDE_MS)
                if end - at < self._frames(_BLOCKS_MS[-1]):
                    return
            yield piece
            done = piece.received_to

    def _piece_at(self, done: int, at: int, end: int, *, close: bool) -> Piece | None:
        """The piece with the block at `at` in it, if there is one; `close`: it may be a short one."""
        blocks = [block for duration_ms in _BLOCKS_MS if at + (block := self._frames(duration_ms)) <= end]
        for block in blocks if close else blocks[:1]:
            lag = self._locate(at, block)
            if lag is not None and (piece := self._follow(done, at, end, block, lag)):
                return piece
        return None

    def _locate(self, at: int, block: int) -> int | None:
        """Where the block at `at` lies in the played sound, to the nearest frame, or None."""
        sought = np.zeros(self.size)
        sought[:block] = self.received[at : at + block]
        energy = float(np.sum(sought**2))
        if energy < block * _SILENT_LSB**2:
            return None
        places = self.played_frames - block + 1
        if places < 1:
            return None
        match = np.fft.irfft(self.spectrum * np.fft.rfft(sought).conj(), self.size)[:places]
        there = self._energy[block : block + places] - self._energy[:places]
        alike = match / np.sqrt(energy * np.maximum(there, block * _SILENT_LSB**2))
        best = int(np.argmax(alike))
        return best - at if alike[best] >= _ALIKE else None

    def _follow(self, done: int, at: int, end: int, block: int, lag: float) -> Piece | None:
        """Sharpen `lag` to a fraction of a frame, then go both ways from the block as long as the windows match."""
        near = slice(at, at + block)
        heard = self.received[near]
        for _ in range(3):
            expected = self._delayed(lag)
            slope = self._delayed(lag, slope=True)[near]
            gain = _projection(heard, expected[near])
            lag += float(np.sum(slope * (heard - gain * expected[near])) / (gain * np.sum(slope**2)))
        expected = self._delayed(lag)
        expected *= _projection(heard, expected[near])
        # Only what lies within the played sound can be judged.
        first = max(done, self.guard - int(np.floor(lag)))
        end = min(end, self.played_frames - self.guard - int(np.ceil(lag)))
        residual_db = self._residual_db(expected, first, (end - first) // self.window)
        bad = np.flatnonzero(residual_db > LOUDEST_RESIDUAL_DB)
        in_block = np.arange(
            max(at - first, 0) // self.window, min((at + block - first) // self.window, len(residual_db))
        )
        good = in_block[~np.isin(in_block, bad)]
        if len(good) < 2:
            return None
        start = int(max(bad[bad < good[0]], default=-1)) + 1
        stop = int(min(bad[bad > good[0]], default=len(residual_db)))
        worst_db = float(residual_db[start:stop].max())
        return Piece(first + start * self.window, first + stop * self.window, lag, worst_db)

    def _residual_db(self, expected: Wave, first: int, windows: int) -> Wave:
        """How loud what is not as expected is, by what is expected, for each of `windows` windows from `first` on."""
        shape = (max(windows, 0), self.window)
        rows = slice(first, first + shape[0] * self.window)
        error = np.mean((self.received[rows] - expected[rows]).reshape(shape) ** 2, axis=1)
        power = np.mean(expected[rows].reshape(shape) ** 2, axis=1) + _SILENT_LSB**2
        return np.asarray(10 * np.log10(np.maximum(error / power, 1e-12)))


def _projection(heard: Wave, expected: Wave) -> float:
    """The gain that brings `expected` closest to `heard`."""
    return float(np.sum(heard * expected) / max(np.sum(expected**2), 1e-9))


def _quick_size(least: int, unit: int) -> int:
    """The smallest even multiple of `unit` not below `least` that is 2^n or 3·2^n or 5·2^n times 2·`unit`."""
    sizes: list[int] = [2 * unit * factor * 2**power for factor in (1, 3, 5) for power in range(26)]
    return min(size for size in sizes if size >= least)
