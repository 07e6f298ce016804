"""The service's ear: speech by energy, over the samples that arrive. Pure; time is counted in samples.

Silence counts only when it arrives: a client that stops sending in mid-turn never hears speech_stopped, as live.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np

from antiphon.pcm import LINK_RATE_HZ, Samples, frames_in

WINDOWS_A_SECOND = 50


@dataclass(frozen=True, slots=True)
class VadSettings:
    """turn_detection of the session, with the defaults of the API reference."""

    prefix_padding_ms: int = 500
    silence_duration_ms: int = 100
    energy_awakeness_threshold: int = 2500


@dataclass(frozen=True, slots=True)
class Edge:
    """Speech "began" or "ended" at `frame` of the session: the padding included, or where it was noticed."""

    edge: Literal["began", "ended"]
    frame: int


def energies(samples: Samples, per_rms: float, rate_hz: int = LINK_RATE_HZ) -> list[float]:
    """The energy of each whole 20 ms window: `per_rms` times its RMS in units of one 16 bit step."""
    frames = rate_hz // WINDOWS_A_SECOND
    windows = samples[: len(samples) - len(samples) % frames].reshape(-1, frames).astype(np.float64)
    rms = np.sqrt(np.mean(np.square(windows), axis=1)) if len(windows) else np.zeros(0)
    return [float(value) for value in rms * per_rms]


class EnergyVad:
    """Finds the edges of speech in a stream."""

    def __init__(
        self,
        settings: VadSettings,
        *,
        per_rms: float,
        attack_ms: int,
        first_frame: int = 0,
        rate_hz: int = LINK_RATE_HZ,
    ) -> None:
        """`first_frame` is the session's count of frames where this ear begins to listen."""
        self.settings = settings
        self._per_rms = per_rms
        self._rate_hz = rate_hz
        self._window = rate_hz // WINDOWS_A_SECOND
        self._attack = max(1, round(attack_ms / 20))
        self._rest = np.zeros(0, np.int16)
        self._frame = first_frame  # the first one not yet judged
        self._floor = first_frame  # what is before it belongs to an earlier turn
        self._run = 0  # windows in a row that are not as the present state
        self.speaking = False

    def feed(self, samples: Samples) -> list[Edge]:
        """Take any number of samples; the edges they bring."""
        joined = np.concatenate([self._rest, samples])
        levels = energies(joined, self._per_rms, self._rate_hz)
        self._rest = joined[len(levels) * self._window :]
        return [edge for level in levels if (edge := self._judge(level)) is not None]

    def forget(self) -> None:
        """The buffer was cleared: what was heard so far is no part of any turn."""
        self._frame += len(self._rest)
        self._rest = self._rest[:0]
        self._floor = self._frame
        self._run = 0
        self.speaking = False

    def _judge(self, level: float) -> Edge | None:
        self._frame += self._window
        voiced = level > self.settings.energy_awakeness_threshold
        self._run = self._run + 1 if voiced != self.speaking else 0
        if not self.speaking and self._run >= self._attack:
            return self._began()
        if self.speaking and self._run * self._window >= frames_in(self.settings.silence_duration_ms, self._rate_hz):
            return self._ended()
        return None

    def _began(self) -> Edge:
        padding = frames_in(self.settings.prefix_padding_ms, self._rate_hz)
        begin = max(self._floor, self._frame - self._run * self._window - padding)
        self.speaking = True
        self._run = 0
        return Edge("began", begin)

    def _ended(self) -> Edge | None:
        if not self._run:  # a silence_duration_ms of 0 still needs one window of silence
            return None
        self.speaking = False
        self._run = 0
        self._floor = self._frame
        return Edge("ended", self._frame)
