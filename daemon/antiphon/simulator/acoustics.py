"""How a room carries sound from a loudspeaker to a microphone: delay, response, gain, soft clipping, two clocks.

Pure numbers, for as many seconds a second as the machine can do: a speaker's samples go in, and what the microphone
has of them comes out. The simulated card computes the same beside a running program. It knows samples, and neither
the card nor a canceller.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil
from typing import Final

import numpy as np
from numpy.typing import NDArray

from antiphon.pcm import FULL_SCALE, Floats, Samples, clipped, floats_of, frames_in

LEAST_DELAY_MS: Final = 2.0
"""Nearer than 70 cm nothing is: what an interpolator sees of the future is then past."""

REACH_MS: Final = 1000.0
"""Delay and response together end within this."""

# The interpolator between the clocks: a windowed sinc (Blackman) of so many zero crossings on each side, cut off below
# half the lower rate, tabled in so many steps between two samples. antiphon_card.c has the same numbers.
_CROSSINGS: Final = 24
_CUTOFF: Final = 0.92
_PHASES: Final = 256
_LEAST_RATE_HZ: Final = 16_000  # at 12 kHz the crossings are as long as LEAST_DELAY_MS

_CHUNK_MS: Final = 500.0  # how much is worked on at a time: bounds memory and the size of the transforms
_ACTIVE_MS, _ACTIVE_DB = 20.0, 30.0


def room_response(rate_hz: int, decay_ms: float = 120.0, *, direct_db: float = 6.0, seed: int = 1) -> Floats:
    """A made-up room at the microphone's rate: the direct sound, and a diffuse tail that falls by 60 dB in `decay_ms`.

    The direct sound is sample 0 and `direct_db` stronger than the tail in all; both together have energy 1, so that
    noise keeps its level. Another `seed` is another place in the same room.
    """
    decay = frames_in(decay_ms, rate_hz)
    tail = np.random.default_rng(seed).standard_normal(decay) * 10 ** (-3 * np.arange(decay) / decay)
    tail[: frames_in(1.0, rate_hz)] = 0  # the nearest wall
    tail /= max(float(np.sqrt(np.sum(tail**2))), 1e-9)
    tail[0] = 10 ** (direct_db / 20)
    return np.asarray(tail / np.sqrt(np.sum(tail**2)), np.float32)


@dataclass(frozen=True, slots=True, eq=False)
class Acoustics:
    """The way from the loudspeaker to the microphone. ValueError for what neither card nor numbers can do."""

    response: Floats
    """At the microphone's rate, from the direct sound on; see `room_response`."""
    delay_ms: float = 20.0
    """Before the response begins, LEAST_DELAY_MS and more; a whole number of the microphone's frames is taken."""
    gain_db: float = -10.0
    soft_clip: float | None = None
    """The echo is bent like a tanh and never louder than this (1 is full scale)."""
    drift_ppm: int = 0
    """How many parts in a million the speaker's clock is faster than its rate: sound and device time."""

    def __post_init__(self) -> None:
        """Judge what can be judged without a rate."""
        if self.delay_ms < LEAST_DELAY_MS:
            raise ValueError(f"a microphone cannot be nearer than {LEAST_DELAY_MS} ms")
        if self.soft_clip is not None and self.soft_clip <= 0:
            raise ValueError("soft_clip is a level above 0, or None")

    def taps(self, rate_hz: int) -> Floats:
        """The response with its gain. ValueError when it reaches further than REACH_MS at `rate_hz`."""
        if self.delay_frames(rate_hz) + len(self.response) > frames_in(REACH_MS, rate_hz):
            raise ValueError(f"delay and response must end within {REACH_MS} ms")
        return np.asarray(self.response * 10 ** (self.gain_db / 20), np.float32)

    def delay_frames(self, rate_hz: int) -> int:
        """The delay in the microphone's frames."""
        return frames_in(self.delay_ms, rate_hz)


def soft_clipped(floats: Floats, limit: float | None) -> Floats:
    """`floats` bent so that they stay below `limit`; small ones are left alone."""
    return floats if limit is None else np.asarray(limit * np.tanh(floats / limit), np.float32)


class _Between:
    """Sound at fractions of a frame: windowed sinc interpolation from one rate down or up to another."""

    def __init__(self, from_hz: int, to_hz: int) -> None:
        wider = max(1.0, from_hz / to_hz)
        self.half = ceil(_CROSSINGS * wider)
        away = np.arange(1 - self.half, self.half + 1) - np.arange(_PHASES + 1)[:, None] / _PHASES
        turn = np.pi * np.clip(away / (_CROSSINGS * wider), -1, 1)
        window = 0.42 + 0.5 * np.cos(turn) + 0.08 * np.cos(2 * turn)
        self._table: Floats = (_CUTOFF / wider * np.sinc(_CUTOFF / wider * away) * window).astype(np.float32)

    def at(self, sound: Floats, positions: NDArray[np.float64]) -> Floats:
        """`sound` at `positions`, at least `half` frames from both of its ends."""
        whole = np.floor(positions).astype(np.int64)
        phase = (positions - whole) * _PHASES
        step = phase.astype(np.int64)
        part = (phase - step).astype(np.float32)[:, None]
        near = np.lib.stride_tricks.sliding_window_view(sound, 2 * self.half)[whole + 1 - self.half]
        table = self._table[step] * (1 - part) + self._table[step + 1] * part
        return np.asarray(np.einsum("ij,ij->i", near, table), np.float32)


class _Place:
    """One place of the microphone: acoustics at a rate, from a frame on."""

    def __init__(self, acoustics: Acoustics, rate_hz: int, first_frame: int) -> None:
        self.first_frame = first_frame
        self.delay = acoustics.delay_frames(rate_hz)
        self.taps = acoustics.taps(rate_hz)
        self.limit = acoustics.soft_clip
        self.faster = 1 + acoustics.drift_ppm / 1e6
        self._spectra: dict[int, NDArray[np.complex128]] = {}

    def echo(self, sound: Floats) -> Floats:
        """The last `len(sound) - len(taps) + 1` frames of `sound` after the response, clipped."""
        count = len(sound) - len(self.taps) + 1
        if not sound.any():
            return np.zeros(count, np.float32)
        size = 1 << (len(sound) - 1).bit_length()
        if size not in self._spectra:
            self._spectra[size] = np.fft.rfft(self.taps, size)
        whole = np.fft.irfft(np.fft.rfft(sound, size) * self._spectra[size], size)
        return soft_clipped(whole[len(self.taps) - 1 : len(sound)].astype(np.float32), self.limit)


class EchoPath:
    """The echo of a loudspeaker at a microphone, block by block.

    Frame 0 of the speaker and frame 0 of the microphone are the same moment; before it there was silence.
    """

    def __init__(self, acoustics: Acoustics, mic_rate_hz: int = 16_000, spk_rate_hz: int = 16_000) -> None:
        """Rates of 16 kHz and more. ValueError when the response reaches too far."""
        if min(mic_rate_hz, spk_rate_hz) < _LEAST_RATE_HZ:
            raise ValueError(f"rates of {_LEAST_RATE_HZ} Hz and more are carried")
        self._mic_rate_hz = mic_rate_hz
        self._ratio = spk_rate_hz / mic_rate_hz
        self._between = _Between(spk_rate_hz, mic_rate_hz)
        self._places = [_Place(acoustics, mic_rate_hz, 0)]
        self._least = frames_in(LEAST_DELAY_MS, mic_rate_hz)
        self._reach = frames_in(REACH_MS, mic_rate_hz)
        self._anchor = (0, 0.0)  # a frame of the microphone, and where the speaker was then
        self._far = np.zeros(self._between.half, np.float32)  # what was played, its last part
        self._far_end = 0
        self._air = np.zeros(self._reach, np.float32)  # the same on the microphone's clock, up to frame _air_end
        self._air_end = 0
        self.next_frame = 0
        """The microphone's frame with which the next block begins."""

    def move(self, acoustics: Acoustics, at_frame: int | None = None) -> None:
        """From the microphone's frame `at_frame` on, or from the next, all is as `acoustics` says; drift too.

        Moves are told in their order. ValueError for a frame that has passed.
        """
        first = self.next_frame if at_frame is None else at_frame
        if first < max(self.next_frame, self._places[-1].first_frame):
            raise ValueError(f"frame {first} has passed")
        self._places.append(_Place(acoustics, self._mic_rate_hz, first))

    def hear(self, far: Samples) -> Floats:
        """The speaker plays `far`, on its clock; returns the echo (1 is full scale) of the microphone's frames of the
        same time: with both rates equal and no drift as many as `far` has, else one more or less now and then.
        """
        step = frames_in(_CHUNK_MS, round(self._mic_rate_hz * self._ratio))
        echoes = [self._hear(far[at : at + step]) for at in range(0, len(far), step)]
        return np.concatenate([np.zeros(0, np.float32), *echoes])

    def _hear(self, far: Samples) -> Floats:
        self._far = np.concatenate([self._far, floats_of(far)])
        self._far_end += len(far)
        frame, position = self._anchor
        pace = self._ratio * self._place_of(self._air_end).faster
        end = max(self.next_frame, frame + int((self._far_end - position) / pace + 1e-6))
        self._carry(end - self._least)
        echo = [np.zeros(0, np.float32)]
        while self.next_frame < end:
            place = self._place_of(self.next_frame)
            stop = self._next_place(self.next_frame, end)
            first = self.next_frame - place.delay - len(place.taps) + 1 - (self._air_end - len(self._air))
            echo.append(place.echo(self._air[first : first + stop - self.next_frame + len(place.taps) - 1]))
            self.next_frame = stop
        self._forget()
        return np.concatenate(echo)

    def _carry(self, end: int) -> None:
        """Put what was played onto the microphone's clock, up to its frame `end`."""
        while self._air_end < end:
            place = self._place_of(self._air_end)
            stop = self._next_place(self._air_end, end)
            frame, position = self._anchor
            pace = self._ratio * place.faster
            at = np.asarray((np.arange(self._air_end, stop) - frame) * pace + position, np.float64)
            heard = self._between.at(self._far, at - (self._far_end - len(self._far)))
            self._air = np.concatenate([self._air, heard])
            self._air_end = stop
            if self._place_of(stop) is not place:  # perhaps of another pace
                self._anchor = stop, position + (stop - frame) * pace

    def _place_of(self, frame: int) -> _Place:
        return [place for place in self._places if place.first_frame <= frame][-1]

    def _next_place(self, frame: int, end: int) -> int:
        """Where the place that holds at `frame` is left, at most `end`."""
        return min([place.first_frame for place in self._places if place.first_frame > frame] + [end])

    def _forget(self) -> None:
        """Drop what nothing reaches back to any more."""
        frame, position = self._anchor
        needed = position + (self._air_end - frame) * self._ratio * self._place_of(self._air_end).faster
        keep = self._far_end - int(needed) + self._between.half + 1
        self._far = self._far[max(0, len(self._far) - keep) :]
        self._air = self._air[-self._reach - self._least :]
        later = [place for place in self._places if place.first_frame > self._air_end]
        self._places = [self._place_of(self._air_end), *later]


# ── levels ───────────────────────────────────────────────────────────────────────────────────────


def active_level_db(samples: Samples, rate_hz: int = 16_000) -> float:
    """The level of a voice, without its pauses: dBFS (RMS) of the 20 ms that are within 30 dB of the loudest.

    -inf for silence.
    """
    stretch = frames_in(_ACTIVE_MS, rate_hz)
    whole = floats_of(samples[: len(samples) // stretch * stretch]).reshape(-1, stretch).astype(np.float64)
    power = np.mean(whole**2, axis=1)
    if not power.any():
        return -np.inf
    return float(10 * np.log10(np.mean(power[power > power.max() * 10 ** (-_ACTIVE_DB / 10)])))


def at_level(samples: Samples, level_db: float, rate_hz: int = 16_000) -> Samples:
    """`samples` made so loud that their `active_level_db` is `level_db`; peaks beyond full scale are clipped, and
    silence stays silence.
    """
    if not samples.any():
        return samples
    factor = 10 ** ((level_db - active_level_db(samples, rate_hz)) / 20)
    return clipped(floats_of(samples) * np.float32(factor))


# ── a whole scene ────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True, eq=False)
class Heard:
    """What a microphone heard, and what of it was whose; all as long as each other, from frame 0 on."""

    mic: Samples
    """Echo, near end and noise together, clipped at full scale."""
    echo: Samples
    near: Samples
    """The people in the room, without the noise."""


def heard_in_room(
    far: Samples,
    acoustics: Acoustics,
    *,
    mic_rate_hz: int = 16_000,
    spk_rate_hz: int = 16_000,
    near: Sequence[tuple[int, Samples]] = (),
    near_db: float = 0.0,
    noise_db: float | None = -70.0,
    moves: Sequence[tuple[int, Acoustics]] = (),
    seed: int = 1,
) -> Heard:
    """The loudspeaker plays `far`; people say each of `near` from its frame of the microphone on, `near_db` above the
    echo (active levels; 0, -6, -12), or at that level in dBFS where there is no echo; under it lies white noise of
    `noise_db` dBFS, None for none. Each of `moves` gives the room other acoustics from a frame on.
    """
    path = EchoPath(acoustics, mic_rate_hz, spk_rate_hz)
    for frame, moved in moves:
        path.move(moved, frame)
    echo = clipped(path.hear(far))
    reference_db = active_level_db(echo, mic_rate_hz)
    level_db = near_db + (reference_db if np.isfinite(reference_db) else 0.0)
    people = np.zeros(len(echo), np.int16)
    for frame, said in near:
        there = people[frame : frame + len(said)]
        there[:] = at_level(said, level_db, mic_rate_hz)[: len(there)]
    mic = echo.astype(np.float32) + people
    if noise_db is not None:
        chance = np.random.default_rng(seed).standard_normal(len(echo), dtype=np.float32)
        mic += np.rint(chance * np.float32(FULL_SCALE * 10 ** (noise_db / 20)))
    return Heard(np.clip(mic, -FULL_SCALE, FULL_SCALE - 1).astype(np.int16), echo, people)
