"""A reply as the server makes it: tokens, windows of sound, and the WAV headers before them. Pure.

25 audio tokens are a second. A window is 28 tokens and the next begins 25 later; the last, of n < 28 tokens, gives
24000 * (n - 0.5) / 28 samples (vox-serve's scheduler and its Step-Audio-2 decoder).
"""

import struct
from dataclasses import dataclass

from antiphon.pcm import LINK_RATE_HZ, SAMPLE_BYTES, Samples, bytes_of

TOKENS_PER_S = 25
STEP_TOKENS = 25
WINDOW_TOKENS = 28
WINDOW_BYTES = LINK_RATE_HZ * SAMPLE_BYTES
"""The sound of a whole window: one second."""


@dataclass(frozen=True, slots=True)
class Window:
    """One piece of a reply, made when `tokens` tokens of it are there."""

    pcm: bytes
    tokens: int


def header(data_bytes: int | None, rate_hz: int = LINK_RATE_HZ) -> bytes:
    """The 44 bytes before mono 16 bit PCM. `data_bytes` None: as it is streamed, with a data size of 0."""
    size = data_bytes or 0
    form = struct.pack("<HHIIHH", 1, 1, rate_hz, rate_hz * SAMPLE_BYTES, SAMPLE_BYTES, 8 * SAMPLE_BYTES)
    return (
        b"RIFF"
        + struct.pack("<I", 36 + size)
        + b"WAVEfmt "
        + struct.pack("<I", 16)
        + form
        + b"data"
        + struct.pack("<I", size)
    )


def windows_of(samples: Samples) -> tuple[Window, ...]:
    """`samples` (24 kHz) in windows, silence added up to the size that some number of tokens gives; () for none."""
    if not len(samples):
        return ()
    whole, rest = divmod(len(samples), LINK_RATE_HZ)
    least = WINDOW_TOKENS - STEP_TOKENS if whole else 1
    tail = next((count for count in range(least, WINDOW_TOKENS) if tail_frames(count) >= rest), None)
    if tail is None:
        whole, tail = whole + 1, WINDOW_TOKENS - STEP_TOKENS
    size = WINDOW_BYTES * whole + SAMPLE_BYTES * tail_frames(tail)
    pcm = bytes_of(samples).ljust(size, b"\0")
    windows = [
        Window(pcm[WINDOW_BYTES * index : WINDOW_BYTES * (index + 1)], STEP_TOKENS * index + WINDOW_TOKENS)
        for index in range(whole)
    ]
    return (*windows, Window(pcm[WINDOW_BYTES * whole :], STEP_TOKENS * whole + tail))


def tail_frames(tokens: int) -> int:
    """How many samples a last window of so many tokens gives."""
    return int(LINK_RATE_HZ * (tokens - 0.5) / WINDOW_TOKENS)
