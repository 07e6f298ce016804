"""Floor 5. Recordings on disk, as speech recognition takes them: what a file really is, how long, and in which parts it
is sent. Nothing here holds more of a file than a piece.
"""

import asyncio
import stat
import struct
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Final, NamedTuple

import numpy as np

from antiphon.audio.cutting import BLOCK_MS, energies, quietest_block
from antiphon.errors import AudioFileError
from antiphon.mp3_frames import LENGTH_MARKS, TAG_BYTES, behind_tag, frame, is_frame
from antiphon.pcm import SAMPLE_BYTES, decode
from antiphon.speech.recognise_wire import Kind

MOST_S: Final = 29 * 60.0
"""The longest part: the service takes 30 minutes at once."""
WINDOW_S: Final = 60.0
"""How much of the end of a part is searched for a pause."""
READ_BYTES: Final = 192 * 1024
_PCM_TAG, _EXTENSIBLE_TAG = 1, 0xFFFE

KINDS: Final[dict[str, Kind]] = {
    ".wav": "wav",
    ".mp3": "mp3",
    ".ogg": "ogg",
    ".oga": "ogg",
    ".opus": "ogg",
    ".pcm": "pcm",
    ".raw": "pcm",
}
"""What is sent as it is; everything else is made into pcm first."""


@dataclass(frozen=True, slots=True)
class Part:
    """A stretch of a file, with what must be said before it."""

    path: Path
    kind: Kind
    rate_hz: int
    head: bytes
    start: int
    """In bytes."""
    length: int
    """In bytes, without the head."""

    @property
    def size(self) -> int:
        """Bytes that are sent."""
        return len(self.head) + self.length

    async def pieces(self) -> AsyncIterator[bytes]:
        """Its bytes. Raises AudioFileError when the file cannot be read any more."""
        if self.head:
            yield self.head
        at, end = self.start, self.start + self.length
        while at < end and (piece := await asyncio.to_thread(self._read, at, min(READ_BYTES, end - at))):
            at += len(piece)
            yield piece

    def _read(self, at: int, size: int) -> bytes:
        """Opened anew each time: an upload may be dropped at any moment, and then nothing stays open."""
        try:
            with self.path.open("rb") as file:
                file.seek(at)
                return file.read(size)
        except OSError as error:
            raise AudioFileError(f"{self.path} cannot be read: {error.strerror}") from error


@dataclass(frozen=True, slots=True)
class Recording:
    """A file as it is sent."""

    parts: tuple[Part, ...]
    seconds: float | None
    """Its length, where that could be told."""

    @property
    def size(self) -> int:
        """Bytes that are sent, of all parts."""
        return sum(part.size for part in self.parts)

    @property
    def part_s(self) -> float:
        """How long a part lasts, about; the longest there may be, where that could not be told."""
        return MOST_S if self.seconds is None else self.seconds / len(self.parts)


class TooLongError(AudioFileError):
    """It must be made into pcm to be cut; with ffmpeg that is done."""


def needs_conversion(path: Path) -> bool:
    """Whether the file is of a kind that the service does not take."""
    return path.suffix.lower() not in KINDS


def check_file(path: Path) -> None:
    """Raises AudioFileError for what cannot be read twice, as a pipe, or at all."""
    try:
        kind = path.stat().st_mode
    except OSError as error:
        raise AudioFileError(f"{path} cannot be read: {error.strerror}") from error
    if not stat.S_ISREG(kind):
        what = "a folder" if stat.S_ISDIR(kind) else "no file: write what comes from it into one"
        raise AudioFileError(f"{path} cannot be read: it is {what}")


def open_recording(path: Path, rate_hz: int, most_s: float = MOST_S) -> Recording:
    """The file at `path`, of one of KINDS; `rate_hz` is that of pcm. Raises AudioFileError for what is not what its
    name says, TooLongError for what cannot be cut as it is.
    """
    check_file(path)
    kind = KINDS[path.suffix.lower()]
    try:
        with path.open("rb") as file:
            size = file.seek(0, 2)
            file.seek(0)
            if size == 0:
                raise AudioFileError(f"{path} is empty")
            match kind:
                case "pcm":
                    return _pcm(path, file, size, rate_hz, most_s)
                case "wav":
                    return _wav(path, file, size, most_s)
                case "mp3":
                    seconds = _mp3_s(path, file, size)
                case "ogg":
                    seconds = _ogg_s(path, file, size)
    except OSError as error:
        raise AudioFileError(f"{path} cannot be read: {error.strerror}") from error
    if seconds is not None:
        _at_once(path, seconds, most_s)
    return Recording((Part(path, kind, rate_hz, b"", 0, size),), seconds)


def _is_none(path: Path, begins: bytes, named: str) -> AudioFileError:
    """It is not `named`, as its name says."""
    for mark, other in ((b"RIFF", "a WAV file"), (b"OggS", "an Ogg file"), (b"ID3", "an MP3 file"), (b"fLaC", "FLAC")):
        if begins.startswith(mark):
            return AudioFileError(f"{path} is no {named}, but {other}: give it the name of what it is")
    return AudioFileError(f"{path} is no {named}, whatever its name says: convert it to one")


# ── WAV and bare samples, which can be cut anywhere ──────────────────────────────────────────────


class _Layout(NamedTuple):
    """How samples lie in a file."""

    rate_hz: int
    frame_bytes: int
    """Of one sample of every channel."""
    width_bytes: int
    channels: int
    start: int
    length: int


def _pcm(path: Path, file: BinaryIO, size: int, rate_hz: int, most_s: float) -> Recording:
    if size % SAMPLE_BYTES:
        raise AudioFileError(f"{path} is no 16 bit PCM: it has an odd number of bytes")
    layout = _Layout(rate_hz, SAMPLE_BYTES, SAMPLE_BYTES, 1, 0, size)
    stretches = _stretches(file, layout, most_s)
    parts = tuple(Part(path, "pcm", rate_hz, b"", start, length) for start, length in stretches)
    return Recording(parts, size / SAMPLE_BYTES / rate_hz)


def _wav(path: Path, file: BinaryIO, size: int, most_s: float) -> Recording:
    form, start, length = _wav_chunks(path, file, size)
    tag, channels, rate_hz, bytes_per_s, frame_bytes, bits = struct.unpack_from("<HHIIHH", form)
    if not (channels and rate_hz and bytes_per_s and frame_bytes):
        raise AudioFileError(f"{path} is no WAV file that can be heard: its header makes no sense")
    if length < frame_bytes:
        raise AudioFileError(f"{path} holds no sound")
    if tag == _EXTENSIBLE_TAG and len(form) >= 26:
        (tag,) = struct.unpack_from("<H", form, 24)
    width_bytes = frame_bytes // channels
    if tag != _PCM_TAG or bits != 8 * width_bytes or width_bytes not in (1, 2, 3, 4):
        return Recording((Part(path, "wav", rate_hz, b"", 0, size),), _at_once(path, length / bytes_per_s, most_s))
    layout = _Layout(rate_hz, frame_bytes, width_bytes, channels, start, length - length % frame_bytes)
    stretches = list(_stretches(file, layout, most_s))
    plain = struct.pack("<HHIIHH", tag, channels, rate_hz, rate_hz * frame_bytes, frame_bytes, bits)
    if len(stretches) == 1 and plain == form and _is_whole(file, size, start, length):
        parts = [Part(path, "wav", rate_hz, b"", 0, size)]
    else:
        parts = [Part(path, "wav", rate_hz, _wav_head(plain, size_of), at, size_of) for at, size_of in stretches]
    return Recording(tuple(parts), layout.length / frame_bytes / rate_hz)


def _is_whole(file: BinaryIO, size: int, start: int, length: int) -> bool:
    """Whether the header says how long the file and its data are: that of a recording that was broken off does not."""
    file.seek(4)
    said = int.from_bytes(file.read(4), "little")
    file.seek(start - 4)
    return said + 8 <= size <= said + 9 and int.from_bytes(file.read(4), "little") == length


def _at_once(path: Path, seconds: float, most_s: float) -> float:
    """The length of what cannot be cut as it is. Raises TooLongError."""
    if seconds > most_s:
        raise TooLongError(f"{path} lasts {seconds / 60:.0f} minutes, and {most_s / 60:.0f} are taken at once")
    return seconds


def _wav_chunks(path: Path, file: BinaryIO, size: int) -> tuple[bytes, int, int]:
    """The format chunk, and where the data begins and how long it is. A length that was never filled in, as of a
    recording that was broken off, is what there is.
    """
    begins = file.read(12)
    if begins[:4] != b"RIFF" or begins[8:] != b"WAVE":
        raise _is_none(path, begins, "WAV file")
    form = b""
    while len(head := file.read(8)) == 8:
        name, length = head[:4], int.from_bytes(head[4:], "little")
        at = file.tell()
        if name == b"data" and len(form) >= 16:
            return form, at, min(length, size - at) if length else size - at
        if name == b"fmt ":
            form = file.read(min(length, 64))
        file.seek(at + length + length % 2)
    raise AudioFileError(f"{path} is no whole WAV file: it has no sound after its header")


def _wav_head(form: bytes, data_bytes: int) -> bytes:
    """The header of a WAV file of such a format with so much data."""
    chunk = b"fmt " + struct.pack("<I", len(form)) + form
    return b"RIFF" + struct.pack("<I", 4 + len(chunk) + 8 + data_bytes) + b"WAVE" + chunk + _data_head(data_bytes)


def _data_head(data_bytes: int) -> bytes:
    return b"data" + struct.pack("<I", data_bytes)


def _stretches(file: BinaryIO, layout: _Layout, most_s: float) -> Iterator[tuple[int, int]]:
    """Start and length of each part, in bytes: no longer than `most_s`, and cut where it is quiet."""
    most = round(most_s * layout.rate_hz) * layout.frame_bytes
    at, end = layout.start, layout.start + layout.length
    while end - at > most:
        cut = _quiet_place(file, layout, at + most, min(WINDOW_S, most_s / 2))
        yield at, cut - at
        at = cut
    yield at, end - at


def _quiet_place(file: BinaryIO, layout: _Layout, latest: int, window_s: float) -> int:
    """The quietest place in the window before `latest`; both are places in the file."""
    block = max(1, layout.rate_hz * BLOCK_MS // 1000)
    blocks = max(1, int(window_s * 1000 / BLOCK_MS))
    begin = latest - blocks * block * layout.frame_bytes
    file.seek(begin)
    at_once = 50  # blocks: a second of sound
    levels = []
    for first in range(0, blocks, at_once):
        raw = file.read(min(at_once, blocks - first) * block * layout.frame_bytes)
        levels.append(energies(decode(raw, layout.width_bytes, layout.channels), block))
    return begin + quietest_block(np.concatenate(levels)) * block * layout.frame_bytes


# ── MP3 and Ogg, whose length must be told from the outside ──────────────────────────────────────


def _mp3_s(path: Path, file: BinaryIO, size: int) -> float | None:
    """How long it lasts, by its first frame: what that says of all of them, or else as if all were alike."""
    begins = file.read(TAG_BYTES)
    at = behind_tag(begins)
    file.seek(at)
    head = file.read(4096)
    if not is_frame(head):
        if begins[:3] == b"ID3":
            return None  # there may be more before the first frame
        raise _is_none(path, begins, "MP3 file")
    first = frame(head)
    if first is None:
        return None
    for mark in LENGTH_MARKS:
        found = head.find(mark, 0, 200)
        if found >= 0 and head[found + 7 : found + 8] and head[found + 7] & 1:
            return int.from_bytes(head[found + 8 : found + 12]) * first.samples / first.rate_hz
    return (size - at) / (first.kbps * 125)


def _ogg_s(path: Path, file: BinaryIO, size: int) -> float | None:
    """How long it lasts: the position of its last page, in samples (RFC 3533; for Opus RFC 7845)."""
    begins = file.read(128)
    if begins[:4] != b"OggS":
        raise _is_none(path, begins, "Ogg file")
    if begins[28:36] == b"OpusHead":
        rate_hz = 48_000
    elif begins[28:35] == b"\x01vorbis":
        rate_hz = int.from_bytes(begins[40:44], "little")
    else:
        return None
    file.seek(max(0, size - 65_536 - 1024))
    end = file.read()
    last = end.rfind(b"OggS")
    if last < 0 or len(end) < last + 14 or not rate_hz:
        return None
    samples = int.from_bytes(end[last + 6 : last + 14], "little", signed=True)
    return samples / rate_hz if samples >= 0 else None
