"""Floor 5. What the header of an MP3 frame says, as bytes of a file: nothing of it is decoded. Pure.

Source: ISO/IEC 11172-3, section 2.4.1.3, and 13818-3 for the lower rates.
"""

from typing import Final, NamedTuple

HEAD_BYTES: Final = 4
TAG_BYTES: Final = 10
"""Of the head of an ID3 tag, which may stand before the first frame."""
_RATES_HZ: Final = {3: (44_100, 48_000, 32_000), 2: (22_050, 24_000, 16_000), 0: (11_025, 12_000, 8000)}
"""By the version bits."""
_KBPS_1: Final = (0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320)
_KBPS_2: Final = (0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160)


class Frame(NamedTuple):
    """A stretch of sound."""

    rate_hz: int
    channels: int
    size: int
    """In bytes, its header included."""
    samples: int
    """Of each channel."""
    kbps: int


def is_frame(head: bytes) -> bool:
    """Whether it begins as frames of every layer do."""
    return len(head) >= HEAD_BYTES and int.from_bytes(head[:HEAD_BYTES]) >> 21 == 0x7FF


def frame(head: bytes) -> Frame | None:
    """Of layer III, by its first HEAD_BYTES; None for what is none, or does not tell its size."""
    word = int.from_bytes(head[:HEAD_BYTES])
    version, kbps_at, rate_at = word >> 19 & 3, word >> 12 & 15, word >> 10 & 3
    if not is_frame(head) or version == 1 or word >> 17 & 3 != 1 or kbps_at in (0, 15) or rate_at == 3:
        return None
    rate_hz = _RATES_HZ[version][rate_at]
    samples, kbps = (1152, _KBPS_1[kbps_at]) if version == 3 else (576, _KBPS_2[kbps_at])
    size = samples * kbps * 125 // rate_hz + (word >> 9 & 1)
    return Frame(rate_hz, 1 if word >> 6 & 3 == 3 else 2, size, samples, kbps)


def behind_tag(begins: bytes) -> int:
    """Where the first frame may be, by the first TAG_BYTES of a file."""
    if begins[:3] != b"ID3" or len(begins) < TAG_BYTES:
        return 0
    return TAG_BYTES + sum(byte << shift for byte, shift in zip(begins[6:TAG_BYTES], (21, 14, 7, 0), strict=True))
