"""Floor 5. What the header of an MP3 frame says, and how files of frames are joined: nothing is decoded. Pure.

Source: ISO/IEC 11172-3, section 2.4.1.3, and 13818-3 for the lower rates.
"""

from typing import Final, NamedTuple

HEAD_BYTES: Final = 4
TAG_BYTES: Final = 10
"""Of the head of an ID3 tag, which may stand before the first frame."""
LENGTH_MARKS: Final = (b"Xing", b"Info")
"""A first frame that holds one of them is silent, and tells the length of its file."""
_LAST_TAG_BYTES = 128  # "TAG", behind the last frame
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


class Joined:
    """Files one behind the other as one file, of frames alone: what a file says of itself would not be true of all, and
    in the middle of sound it is taken for damage.
    """

    def __init__(self) -> None:
        """Nothing has come."""
        self.frames = 0
        self._rest = b""

    def take(self, data: bytes) -> bytes:
        """The next bytes of the files, in pieces of any length; the frames that are whole now."""
        data, at, whole = self._rest + data, 0, []
        while at + TAG_BYTES <= len(data):
            one, size = self._next(data[at : at + TAG_BYTES])
            if at + size > len(data):
                break
            piece = data[at : at + size]
            if one and not any(mark in piece[:44] for mark in LENGTH_MARKS):
                whole.append(piece)
            at += size
        self._rest = data[at:]
        self.frames += len(whole)
        return b"".join(whole)

    @staticmethod
    def _next(head: bytes) -> tuple[bool, int]:
        """Whether a frame begins there, and how long what begins there is; a byte, where that is not known."""
        if (one := frame(head)) is not None:
            return True, one.size
        return False, behind_tag(head) or (_LAST_TAG_BYTES if head[:3] == b"TAG" else 1)
