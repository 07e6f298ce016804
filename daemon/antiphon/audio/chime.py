"""Floor 1. The chimes: short, quiet, soft-edged tones, synthesised at the card's own rate.

They say "I hear you", "I am sorry", "I am deaf now", "I hear again", "so loud" and "the time is up". A chime is mixed
into what the card plays; nothing waits for it.
"""

from dataclasses import dataclass

import numpy as np

from antiphon.pcm import Floats, Samples, clipped, frames_in

EDGE_MS = 12.0
"""Each note swells and dies over this long: a hard edge is a click."""


@dataclass(frozen=True, slots=True)
class Note:
    """One sine of a chime."""

    pitch_hz: float
    length_ms: float


CHIMES: dict[str, tuple[Note, ...]] = {
    "wake": (Note(659.3, 70), Note(880.0, 110)),
    "sorry": (Note(392.0, 140), Note(311.1, 220)),
    "mute": (Note(523.3, 80), Note(392.0, 120)),
    "unmute": (Note(392.0, 80), Note(523.3, 120)),
    "volume": (Note(659.3, 110),),
    "timer": (Note(880.0, 80), Note(698.5, 80), Note(880.0, 80), Note(698.5, 80), Note(880.0, 150)),
}


def chime(name: str, rate_hz: int, level_db: float) -> Samples:
    """The chime `name` at `rate_hz`, its notes at `level_db` (dBFS, root mean square); KeyError when there is none."""
    notes = [_sounded(note, rate_hz) for note in CHIMES[name]]
    loud: Floats = np.concatenate(notes)
    # A sine's root mean square is 3 dB below its peak.
    return clipped(loud * np.float32(10 ** ((level_db + 3.01) / 20)))


def _sounded(note: Note, rate_hz: int) -> Floats:
    """A sine of peak 1 with raised-cosine edges."""
    frames = frames_in(note.length_ms, rate_hz)
    tone = np.sin(2 * np.pi * note.pitch_hz * np.arange(frames) / rate_hz)
    edge = min(frames_in(EDGE_MS, rate_hz), frames // 2)
    swell = 0.5 - 0.5 * np.cos(np.pi * np.arange(edge) / max(edge, 1))
    tone[:edge] *= swell
    tone[frames - edge :] *= swell[::-1]
    return tone.astype(np.float32)
