"""WAV files as chat completions take and give them: a question goes up as one, a whole reply comes down as one. Pure.

Sizes in a header are believed only as far as there is data: who writes a file while it is made cannot know them.
"""

import struct

from antiphon.audio.resample import Resampler
from antiphon.errors import Garbled
from antiphon.pcm import LINK_RATE_HZ, SAMPLE_BYTES, bytes_of, samples_of

HEADER_BYTES = 44

_HEADER = struct.Struct("<4sI4s4sIHHIIHH4sI")
_RIFF = struct.Struct("<4sI4s")
_CHUNK = struct.Struct("<4sI")
_FORMAT = struct.Struct("<HHIIHH")
_PCM = 1
_EXTENSIBLE = 0xFFFE  # the same samples, with a longer header


def wav_file(pcm: bytes) -> bytes:
    """A whole WAV file of mono s16le at LINK_RATE_HZ; half a sample at the end is dropped."""
    size = len(pcm) - len(pcm) % SAMPLE_BYTES
    fmt = (_PCM, 1, LINK_RATE_HZ, LINK_RATE_HZ * SAMPLE_BYTES, SAMPLE_BYTES, 8 * SAMPLE_BYTES)
    return _HEADER.pack(b"RIFF", HEADER_BYTES - 8 + size, b"WAVE", b"fmt ", 16, *fmt, b"data", size) + pcm[:size]


def pcm_of(wav: bytes) -> bytes:
    """The sound of a WAV file as mono s16le at LINK_RATE_HZ. Raises Garbled, which names what it is instead, for
    what is no WAV, or not mono of 16 bit.
    """
    if len(wav) < _RIFF.size or wav[:4] != b"RIFF" or wav[8:12] != b"WAVE":
        raise Garbled("sound that is no WAV file")
    rate_hz, at = 0, _RIFF.size
    while at + _CHUNK.size <= len(wav):
        name, size = _CHUNK.unpack_from(wav, at)
        at += _CHUNK.size
        if name == b"fmt ":
            rate_hz = _rate_of(wav[at : at + size])
        elif name == b"data":
            if not rate_hz:
                break
            data = wav[at : at + (size or len(wav))]
            return _at_link_rate(data[: len(data) - len(data) % SAMPLE_BYTES], rate_hz)
        at += size + size % 2
    raise Garbled("a WAV file without samples")


def _rate_of(fmt: bytes) -> int:
    if len(fmt) < _FORMAT.size:
        raise Garbled("a WAV file that says nothing of itself")
    codec, channels, rate_hz, _, _, bits = _FORMAT.unpack_from(fmt)
    if codec not in (_PCM, _EXTENSIBLE) or (channels, bits) != (1, 16) or not 8000 <= rate_hz <= 192_000:
        raise Garbled(f"WAV of a kind we cannot play (codec {codec}, {rate_hz} Hz, {channels} x {bits} bit)")
    return int(rate_hz)


def _at_link_rate(pcm: bytes, rate_hz: int) -> bytes:
    if rate_hz == LINK_RATE_HZ:
        return pcm
    resampler = Resampler(rate_hz, LINK_RATE_HZ)
    return bytes_of(resampler.take(samples_of(pcm))) + bytes_of(resampler.flush())
