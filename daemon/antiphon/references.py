"""Floor 5. The recording that a voice is made from: whether it is fit, measured before anything is sent or paid for.

What is in an mp3 is not decoded: its length and channels are those of its frames, each of which is looked at.
Source of the frame's header: ISO/IEC 11172-3, section 2.4.1.3, and 13818-3 for the lower rates.
"""

import wave
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Final

import numpy as np

from antiphon.audio.level import level_db
from antiphon.errors import AudioFileError
from antiphon.pcm import FULL_SCALE, Samples, decode

LEAST_S: Final = 5.0
MOST_S: Final = 10.0
MOST_BYTES: Final = 32 * 2**20
QUIET_DB: Final = -50.0
"""A recording below that holds no voice that could be learnt."""
CLIPPED: Final = 0.001
"""So many samples at the limit are heard."""
_RATES_HZ: Final = {3: (44_100, 48_000, 32_000), 2: (22_050, 24_000, 16_000), 0: (11_025, 12_000, 8000)}
_KBPS_1: Final = (0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320)
_KBPS_2: Final = (0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160)


@dataclass(frozen=True, slots=True)
class Reference:
    """A recording that is fit."""

    name: str
    sound: bytes
    seconds: float
    rate_hz: int
    channels: int
    remarks: tuple[str, ...]
    """What could be better, in sentences."""

    def told(self) -> str:
        """In words."""
        ways = {1: "mono", 2: "stereo"}.get(self.channels, f"{self.channels} channels")
        return f"{self.name}: {self.seconds:.1f} s, {self.rate_hz} Hz, {ways}"


def open_reference(path: Path) -> Reference:
    """The recording at `path`. Raises AudioFileError for one that no voice can be made from."""
    if path.suffix.lower() not in (".wav", ".mp3"):
        raise AudioFileError(f"{path}: a voice is made from a .wav or .mp3: make it one")
    try:
        with path.open("rb") as file:
            sound = file.read(MOST_BYTES + 1)
    except OSError as error:
        raise AudioFileError(f"{path} cannot be read: {error.strerror}") from error
    if len(sound) > MOST_BYTES:
        raise AudioFileError(f"{path} is too large for {MOST_S:g} s of speech: cut it")
    remarks: list[str] = []
    if path.suffix.lower() == ".wav":
        samples, rate_hz, channels = _wav(path, sound)
        seconds = len(samples) / rate_hz
        _check_length(path, seconds)
        remarks += _judged(path, samples)
    else:
        seconds, rate_hz, channels = _mp3(path, sound)
        _check_length(path, seconds)
        remarks.append("whether it is loud enough, and clean, cannot be told of an mp3: listen to it")
    if channels > 1:
        remarks.append(f"it has {channels} channels, of which one voice is made: mono is safer")
    return Reference(path.name, sound, seconds, rate_hz, channels, tuple(remarks))


def _check_length(path: Path, seconds: float) -> None:
    if not LEAST_S <= seconds <= MOST_S:
        remedy = "record more" if seconds < LEAST_S else "cut it"
        raise AudioFileError(f"{path} lasts {seconds:.1f} s, and it takes {LEAST_S:g} to {MOST_S:g} s: {remedy}")


def _wav(path: Path, sound: bytes) -> tuple[Samples, int, int]:
    """The samples of its first channel, their rate, and how many channels there are."""
    try:
        with wave.open(BytesIO(sound)) as file:
            raw = file.readframes(file.getnframes())
            samples = decode(raw, file.getsampwidth(), file.getnchannels())
            return samples, file.getframerate(), file.getnchannels()
    except (wave.Error, EOFError) as error:
        raise AudioFileError(f"{path} is no WAV file of bare samples ({error or 'it ends at once'})") from error


def _judged(path: Path, samples: Samples) -> list[str]:
    loud_db = level_db(samples)
    if loud_db < QUIET_DB:
        raise AudioFileError(f"{path} holds no voice ({loud_db:.0f} dB): record it louder, or nearer")
    if float(np.mean(np.abs(samples.astype(np.int32)) >= FULL_SCALE - 1)) > CLIPPED:
        return ["it clips, and so will the voice: record it more quietly"]
    return []


def _mp3(path: Path, sound: bytes) -> tuple[float, int, int]:
    """Length in seconds, rate, channels: of every frame there is."""
    at = _behind_tag(sound)
    seconds, first_rate_hz, channels = 0.0, 0, 0
    while at + 4 <= len(sound):
        frame = _frame(sound[at : at + 4])
        if frame is None:
            at = sound.find(b"\xff", at + 1) if not first_rate_hz or sound[at : at + 3] != b"TAG" else len(sound)
            if at < 0:
                break
            continue
        rate_hz, ways, size, frames = frame
        first_rate_hz, channels = first_rate_hz or rate_hz, channels or ways
        seconds += frames / rate_hz
        at += size
    if not first_rate_hz:
        raise AudioFileError(f"{path} is no MP3 file: give a .wav or .mp3")
    return seconds, first_rate_hz, channels


def _behind_tag(sound: bytes) -> int:
    if sound[:3] != b"ID3" or len(sound) < 10:
        return 0
    return 10 + sum(byte << shift for byte, shift in zip(sound[6:10], (21, 14, 7, 0), strict=True))


def _frame(head: bytes) -> tuple[int, int, int, int] | None:
    """Of a frame of layer III by its header: rate, channels, size in bytes, samples; None for what is none."""
    word = int.from_bytes(head)
    version, kbps_at, rate_at = word >> 19 & 3, word >> 12 & 15, word >> 10 & 3
    if word >> 21 != 0x7FF or version == 1 or word >> 17 & 3 != 1 or kbps_at in (0, 15) or rate_at == 3:
        return None
    rate_hz = _RATES_HZ[version][rate_at]
    samples, kbps = (1152, _KBPS_1[kbps_at]) if version == 3 else (576, _KBPS_2[kbps_at])
    size = samples * kbps * 125 // rate_hz + (word >> 9 & 1)
    return rate_hz, 1 if word >> 6 & 3 == 3 else 2, size, samples
