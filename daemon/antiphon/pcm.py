"""Floor 0. Words for sound: rates, samples, and the ways between bytes, samples and milliseconds.

All sound inside the house is mono, signed 16 bit, little endian. As `bytes` it travels in events; as
`Samples` (int16 array, shape `(frames,)`) it is worked on. A frame is one sample, as there is one channel.
"""

from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from antiphon.errors import AudioFileError

Samples: TypeAlias = NDArray[np.int16]
Floats: TypeAlias = NDArray[np.float32]

SAMPLE_BYTES = 2
WAKE_RATE_HZ = 16_000  # what every wake word model hears
LINK_RATE_HZ = 24_000  # what every StepFun service speaks, and the realtime one hears
FULL_SCALE = 32_768


def frames_in(duration_ms: float, rate_hz: int) -> int:
    """Whole frames in `duration_ms` at `rate_hz`, rounded to the nearest."""
    return round(duration_ms * rate_hz / 1000)


def ms_of(frames: int, rate_hz: int) -> float:
    """How long `frames` frames last at `rate_hz`, in milliseconds."""
    return frames * 1000 / rate_hz


def bytes_ms(pcm: bytes, rate_hz: int = LINK_RATE_HZ) -> float:
    """How long the mono 16 bit `pcm` lasts, in milliseconds."""
    return ms_of(len(pcm) // SAMPLE_BYTES, rate_hz)


def samples_of(pcm: bytes) -> Samples:
    """A read-only view of `pcm` as samples; ValueError when a sample is cut in half."""
    return np.frombuffer(pcm, dtype="<i2")


def bytes_of(samples: Samples) -> bytes:
    """`samples` as bytes for an event or a wire."""
    return np.ascontiguousarray(samples, dtype="<i2").tobytes()


def floats_of(samples: Samples) -> Floats:
    """`samples` scaled to -1..1."""
    return np.multiply(samples, 1 / FULL_SCALE, dtype=np.float32)


def clipped(floats: Floats) -> Samples:
    """-1..1 back to samples; what is louder is clipped, not wrapped."""
    return np.clip(np.rint(floats * FULL_SCALE), -FULL_SCALE, FULL_SCALE - 1).astype(np.int16)


def first_channel(interleaved: Samples, channels: int) -> Samples:
    """The first of `channels` interleaved channels."""
    return interleaved if channels == 1 else interleaved[::channels]


def spread(samples: Samples, channels: int) -> Samples:
    """The one channel copied to each of `channels` interleaved channels."""
    return samples if channels == 1 else np.repeat(samples, channels)


def decode(raw: bytes, width_bytes: int, channels: int) -> Samples:
    """PCM of a WAV file (8 bit unsigned, or 16, 24, 32 bit signed) to the samples of its first channel.

    Raises AudioFileError for another width, or for no channel. An incomplete last frame is dropped.
    """
    if width_bytes not in (1, 2, 3, 4):
        raise AudioFileError(f"samples of {8 * width_bytes} bits are not supported: use 16 bit PCM")
    if channels < 1:
        raise AudioFileError(f"a file of {channels} channels is not supported: use 16 bit PCM of one channel or more")
    whole = len(raw) - len(raw) % (width_bytes * channels)
    raw = raw[:whole]
    if width_bytes == 1:
        wide = (np.frombuffer(raw, np.uint8).astype(np.int16) - 128) << 8
    elif width_bytes == 2:
        wide = np.frombuffer(raw, "<i2")
    elif width_bytes == 3:
        wide = np.frombuffer(raw, np.uint8).reshape(-1, 3)[:, 1:].copy().view("<i2").reshape(-1)
    else:
        wide = (np.frombuffer(raw, "<i4") >> 16).astype(np.int16)
    return first_channel(wide.astype(np.int16, copy=False), channels)
