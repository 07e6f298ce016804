"""Sound files as they come, piece by piece: which kind, how long, how loud, without keeping them. Pure.

Source: RIFF/WAVE; ISO 11172-3 and 13818-3 for the frames of layer III; RFC 3533 (Ogg), RFC 7845 (Opus in it).
"""

import hashlib
import struct
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

import numpy as np

from antiphon.pcm import SAMPLE_BYTES
from antiphon.simulator.stepfun.judging import WrongError

Kind: TypeAlias = Literal["wav", "mp3", "ogg", "pcm"]

QUIET_PEAK = 330
"""No louder sample (-40 dBFS) is silence."""
_HEAD_BYTES: Final = 64 * 1024
_RATES_HZ = {3: (44_100, 48_000, 32_000), 2: (22_050, 24_000, 16_000), 0: (11_025, 12_000, 8_000)}
_KBPS_1 = (0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320)
_KBPS_2 = (0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160)


@dataclass(frozen=True, slots=True)
class Clip:
    """A sound that was measured."""

    kind: Kind
    seconds: float
    bytes: int
    sha256: str
    """Of the file, in hexadecimal."""
    silent: bool = False
    """Nothing in it is louder than QUIET_PEAK; known of pcm and wav only."""


class Meter:
    """Measures one sound. `feed` it all, then ask for its `clip`."""

    def __init__(self) -> None:
        self.bytes = 0
        self._hash = hashlib.sha256()
        self._head = b""
        self._started = False
        self._wav: _Wav | None = None
        self._frames: _Mp3 | _Ogg | None = None
        self._peak = _Peak()

    def feed(self, data: bytes) -> None:
        """The next bytes of the file."""
        self.bytes += len(data)
        self._hash.update(data)
        if self._started:
            self._measure(data)
            return
        self._head += data
        if len(self._head) >= _HEAD_BYTES:
            self._start()

    def clip(self, kind: str, rate_hz: int = 0, channels: int = 1) -> Clip:
        """What came, as a file of this kind; rate and channels matter for pcm. Raises WrongError when it is none."""
        if not self._started:
            self._start()
        if kind == "pcm":
            if not self.bytes or self.bytes % (SAMPLE_BYTES * channels):
                raise WrongError("the audio is incomplete")
            seconds = self.bytes / (SAMPLE_BYTES * channels * rate_hz)
            return Clip("pcm", seconds, self.bytes, self._hash.hexdigest(), self._peak.most < QUIET_PEAK)
        if kind == "wav" and self._wav is not None:
            seconds = self._wav.seconds(self.bytes)
            return Clip("wav", seconds, self.bytes, self._hash.hexdigest(), self._peak.most < QUIET_PEAK)
        if kind == "mp3" and isinstance(self._frames, _Mp3) and self._frames.seconds and not self._frames.broken:
            return Clip("mp3", self._frames.seconds, self.bytes, self._hash.hexdigest())
        if kind == "ogg" and isinstance(self._frames, _Ogg) and self._frames.rate_hz and not self._frames.broken:
            return Clip("ogg", self._frames.seconds, self.bytes, self._hash.hexdigest())
        raise WrongError(f"the audio is not a {kind} file")

    def _start(self) -> None:
        self._started = True
        head, self._head = self._head, b""
        if head[:4] == b"RIFF" and head[8:12] == b"WAVE":
            self._wav = _Wav(head)
            self._peak.feed(head[self._wav.start :])
            return
        if head[:4] == b"OggS":
            self._frames = _Ogg()
        elif head[:3] == b"ID3" or (len(head) > 1 and head[0] == 0xFF and head[1] & 0xE0 == 0xE0):
            self._frames = _Mp3()
        self._measure(head)

    def _measure(self, data: bytes) -> None:
        self._peak.feed(data)
        if self._frames is not None:
            self._frames.feed(data)


def clip_of(data: bytes, kind: str) -> Clip:
    """A whole file. Raises WrongError when it is no such file."""
    meter = Meter()
    meter.feed(data)
    return meter.clip(kind)


class _Peak:
    """The largest of 16 bit samples that come in pieces of any length."""

    def __init__(self) -> None:
        self.most = 0
        self._half = b""

    def feed(self, data: bytes) -> None:
        data = self._half + data
        even = len(data) - len(data) % SAMPLE_BYTES
        self._half = data[even:]
        if even:
            samples = np.frombuffer(data[:even], "<i2")
            self.most = max(self.most, int(samples.max()), -int(samples.min()))


class _Wav:
    """The header of a WAV file with 16 bit samples; other samples are no such file here."""

    def __init__(self, head: bytes) -> None:
        self.start, self._size, self._bytes_per_s, at = 0, 0, 0, 12
        while at + 8 <= len(head):
            name, size = struct.unpack_from("<4sI", head, at)
            if name == b"fmt " and size >= 16 and at + 24 <= len(head):
                form, _, _, per_s, _, bits = struct.unpack_from("<HHIIHH", head, at + 8)
                self._bytes_per_s = per_s if form == 1 and bits == 16 else 0
            if name == b"data":
                self.start, self._size = at + 8, size
                break
            at += 8 + size + size % 2

    def seconds(self, length: int) -> float:
        """Of a file of `length` bytes in all. Raises WrongError when it is not what its header says."""
        if not self.start or not self._bytes_per_s or not self._size or self.start + self._size > length:
            raise WrongError("the audio is not a wav file of 16 bit samples")
        return self._size / self._bytes_per_s


class _Mp3:
    """Walks from frame to frame."""

    def __init__(self) -> None:
        self.seconds = 0.0
        self.broken = False
        self._rest = b""
        self._skip = 0
        self._first = True

    def feed(self, data: bytes) -> None:
        skipped = min(self._skip, len(data))
        self._skip -= skipped
        buffer, at = self._rest + data[skipped:], 0
        self._rest = b""
        while not self.broken:
            if len(buffer) - at < 10:
                self._rest = buffer[at:]
                return
            length = self._length(buffer[at : at + 10])
            if at + length > len(buffer):
                self._skip = at + length - len(buffer)
                return
            at += length

    def _length(self, head: bytes) -> int:
        """How long the frame or tag is that begins with `head`; its sound is counted."""
        if self._first and head[:3] == b"ID3":
            return 10 + (head[6] << 21 | head[7] << 14 | head[8] << 7 | head[9])
        self._first = False
        if head[:3] == b"TAG":
            return 128
        version, layer = head[1] >> 3 & 3, head[1] >> 1 & 3
        rate, index = head[2] >> 2 & 3, head[2] >> 4
        if head[0] != 0xFF or head[1] & 0xE0 != 0xE0 or version == 1 or layer != 1 or rate == 3 or index in (0, 15):
            self.broken = True
            return 0
        rate_hz = _RATES_HZ[version][rate]
        kbps, samples = (_KBPS_1[index], 1152) if version == 3 else (_KBPS_2[index], 576)
        self.seconds += samples / rate_hz
        return samples // 8 * kbps * 1000 // rate_hz + (head[2] >> 1 & 1)


class _Ogg:
    """Walks from page to page."""

    def __init__(self) -> None:
        self.rate_hz = 0
        self.broken = False
        self._last = self._before = 0
        self._rest = b""
        self._first = True

    @property
    def seconds(self) -> float:
        """By the position of the last page."""
        return max(0, self._last - self._before) / self.rate_hz

    def feed(self, data: bytes) -> None:
        self._rest += data
        while not self.broken and len(self._rest) >= 27:
            segments = self._rest[26]
            if len(self._rest) < 27 + segments:
                return
            length = 27 + segments + sum(self._rest[27 : 27 + segments])
            if len(self._rest) < length:
                return
            page, self._rest = self._rest[:length], self._rest[length:]
            self._take(page, page[27 + segments :])

    def _take(self, page: bytes, body: bytes) -> None:
        if page[:4] != b"OggS":
            self.broken = True
            return
        if self._first:
            self._first = False
            if body[:8] == b"OpusHead" and len(body) >= 19:
                self.rate_hz, self._before = 48_000, struct.unpack_from("<H", body, 10)[0]
            elif body[:7] == b"\x01vorbis" and len(body) >= 30:
                self.rate_hz = struct.unpack_from("<I", body, 12)[0]
        position = struct.unpack_from("<q", page, 6)[0]
        self._last = max(self._last, position)
