"""Where a reply lies in what the speaker played, to the sample: it is sought by its own sound.

Service and speaker run at 24 kHz both, so nothing is resampled and every frame must be equal, not alike.
"""

from dataclasses import dataclass

import numpy as np

from antiphon.pcm import LINK_RATE_HZ, Samples, frames_in
from antiphon.simulator.room import Room, wait_for_frame
from antiphon.simulator.speech import synthesise
from antiphon.simulator.stepfun.voices import default_voice, speaker

_MARK_MS = 60.0  # of the reply's first loud sound: enough to know it by


class NotPlayedError(Exception):
    """The reply is not where it must be, or not as it was sent: the speaker ran dry, or worse."""


@dataclass(frozen=True, slots=True)
class Played:
    """A reply in the speaker's timeline, in frames at 24 kHz."""

    first_frame: int
    """Where its first frame sounded, silent or not."""
    audible_frames: int
    """Frames from there to the last that is not silent, the fade included."""
    intact_frames: int
    """Frames from there that are as they were sent. More than those audible only where the reply itself is silent."""

    def error_ms(self, heard_ms: float) -> float:
        """How far `heard_ms` is from the truth. Cut in a silence of its own, nobody can tell where: any point in it."""
        most = max(self.audible_frames, self.intact_frames)
        heard = heard_ms * LINK_RATE_HZ / 1000
        return max(0.0, self.audible_frames - heard, heard - most) * 1000 / LINK_RATE_HZ


def spoken_reply(text: str) -> Samples:
    """What the simulated service sends for `text`, to the sample."""
    return synthesise(text, speaker(default_voice("stepaudio-2.5-realtime")), LINK_RATE_HZ)


def find(room: Room, reply: Samples, after_s: float, before_s: float) -> Played:
    """The only reply that sounded between two moments of time.monotonic(). Raises NotPlayedError.

    The speaker must be open still: waits until it has played that far.
    """
    assert room.spk.rate_hz == LINK_RATE_HZ
    start, end = max(0, room.spk.frame_at(after_s)), room.spk.frame_at(before_s)
    wait_for_frame(room.spk, end)
    heard = room.heard(start, end)
    first = _place(heard, reply)
    rest = heard[first : first + len(reply)]
    different = np.flatnonzero(rest != reply[: len(rest)])
    audible = np.flatnonzero(rest)
    return Played(start + first, int(audible[-1]) + 1, int(different[0]) if len(different) else len(rest))


def _place(heard: Samples, reply: Samples) -> int:
    """The position of the reply's first frame in `heard`: where its mark fits best, and then exactly."""
    loud = int(np.argmax(np.abs(reply.astype(np.int32)) > np.max(np.abs(reply)) // 4))
    mark = reply[loud : loud + frames_in(_MARK_MS, LINK_RATE_HZ)]
    size = 1 << (len(heard) + len(mark)).bit_length()
    match = np.fft.irfft(np.fft.rfft(heard, size) * np.fft.rfft(mark, size).conj(), size)[: len(heard) - len(mark)]
    energy = np.concatenate(([0.0], np.cumsum(heard.astype(np.float64) ** 2)))
    there = energy[len(mark) : len(mark) + len(match)] - energy[: len(match)]
    at = int(np.argmax(match / np.sqrt(there + len(mark))))
    if at < loud or not np.array_equal(heard[at : at + len(mark)], mark):
        raise NotPlayedError("the reply did not sound as it was sent")
    return at - loud
