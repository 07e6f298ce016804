"""Floor 5. The recording that a voice is made from: whether it is fit, measured before anything is sent or paid for.

What is in an mp3 is not decoded: its length and channels are those of its frames, each of which is looked at.
"""

import wave
from dataclasses import dataclass
from io import BytesIO
from math import inf
from pathlib import Path
from typing import Final

import numpy as np

from antiphon.audio.level import level_db
from antiphon.errors import AudioFileError
from antiphon.mp3_frames import HEAD_BYTES, TAG_BYTES, behind_tag, frame
from antiphon.pcm import FULL_SCALE, LINK_RATE_HZ, Samples, decode
from antiphon.recordings import check_file, open_recording

LEAST_S: Final = 5.0
MOST_S: Final = 10.0
MOST_BYTES: Final = 32 * 2**20
QUIET_DB: Final = -50.0
"""A recording below that holds no voice that could be learnt."""
CLIPPED: Final = 0.001
"""So many samples at the limit are heard."""


@dataclass(frozen=True, slots=True)
class Reference:
    """A recording that is fit."""

    name: str
    """In letters that a terminal and a header take."""
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
    check_file(path)
    try:
        with path.open("rb") as file:
            sound = file.read(MOST_BYTES + 1)
    except OSError as error:
        raise AudioFileError(f"{path} cannot be read: {error.strerror}") from error
    if len(sound) > MOST_BYTES:
        raise AudioFileError(f"{path} is too large for {MOST_S:g} s of speech: cut it")
    remarks: list[str] = []
    if path.suffix.lower() == ".wav":
        sound = _plain(path, sound)
        samples, rate_hz, channels = _wav(path, sound)
        seconds = len(samples) / rate_hz
        _check_length(path, seconds)
        remarks += _judged(path, samples)
    else:
        open_recording(path, LINK_RATE_HZ, inf)  # is it one at all?
        seconds, rate_hz, channels = _mp3(path, sound)
        _check_length(path, seconds)
        remarks.append("whether it is loud enough, and clean, cannot be told of an mp3: listen to it")
    if channels > 1:
        remarks.append(f"it has {channels} channels, of which one voice is made: mono is safer")
    name = "".join(c if c.isprintable() else "_" for c in path.name)
    return Reference(name, sound, seconds, rate_hz, channels, tuple(remarks))


def _check_length(path: Path, seconds: float) -> None:
    if not LEAST_S <= seconds <= MOST_S:
        remedy = "record more" if seconds < LEAST_S else "cut it"
        raise AudioFileError(f"{path} lasts {seconds:.1f} s, and it takes {LEAST_S:g} to {MOST_S:g} s: {remedy}")


def _plain(path: Path, sound: bytes) -> bytes:
    """With a header that is right, where its own is not."""
    recording = open_recording(path, LINK_RATE_HZ)
    _check_length(path, recording.seconds or 0.0)
    part = recording.parts[0]
    return part.head + sound[part.start : part.start + part.length]


def _wav(path: Path, sound: bytes) -> tuple[Samples, int, int]:
    """The samples of its first channel, their rate, and how many channels there are."""
    try:
        with wave.open(BytesIO(sound)) as file:
            raw = file.readframes(file.getnframes())
            samples = decode(raw, file.getsampwidth(), file.getnchannels())
            return samples, file.getframerate(), file.getnchannels()
    except (wave.Error, EOFError) as error:
        raise AudioFileError(
            f"{path} is no WAV file of bare samples ({str(error) or 'it ends at once'}): convert it"
        ) from error


def _judged(path: Path, samples: Samples) -> list[str]:
    loud_db = level_db(samples)
    if loud_db < QUIET_DB:
        raise AudioFileError(f"{path} holds no voice ({loud_db:.0f} dB): record it louder, or nearer")
    if float(np.mean(np.abs(samples.astype(np.int32)) >= FULL_SCALE - 1)) > CLIPPED:
        return ["it clips, and so will the voice: record it more quietly"]
    return []


def _mp3(path: Path, sound: bytes) -> tuple[float, int, int]:
    """Length in seconds, rate, channels: of every frame there is."""
    at = behind_tag(sound[:TAG_BYTES])
    seconds, first_rate_hz, channels = 0.0, 0, 0
    while at + HEAD_BYTES <= len(sound):
        one = frame(sound[at : at + HEAD_BYTES])
        if one is None:
            at = sound.find(b"\xff", at + 1) if not first_rate_hz or sound[at : at + 3] != b"TAG" else len(sound)
            if at < 0:
                break
            continue
        first_rate_hz, channels = first_rate_hz or one.rate_hz, channels or one.channels
        seconds += one.samples / one.rate_hz
        at += one.size
    if not first_rate_hz:
        raise AudioFileError(f"{path} is no MP3 file: give a .wav or .mp3")
    return seconds, first_rate_hz, channels
