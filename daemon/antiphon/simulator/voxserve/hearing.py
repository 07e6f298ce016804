"""An upload as the model process would hear it: what libsndfile makes of the file, and how much prompt that is. Pure.

Known here: RIFF/WAVE with PCM or float samples. All else is undecodable, also what the real server could decode
(FLAC, Ogg, MP3, u-law).
"""

import math
import struct
from dataclasses import dataclass

import numpy as np

from antiphon.errors import AudioFileError
from antiphon.pcm import Floats, Samples, clipped, decode, floats_of

PIECE_S = 25.0
TOKENS_PER_S = 12.5
PIECE_TOKENS = 2
TEMPLATE_TOKENS = 18
MAX_PROMPT_TOKENS = 1017

_PCM, _FLOAT, _EXTENSIBLE = 1, 3, 0xFFFE
_LOUD_RMS = 500
_LOUD_WINDOW_MS = 20


class UndecodableError(Exception):
    """The model process cannot read this file, and dies of it; `str()` says why."""


@dataclass(frozen=True, slots=True)
class Sound:
    """The first channel of an upload."""

    samples: Samples
    rate_hz: int

    @property
    def duration_s(self) -> float:
        """How long it lasts."""
        return len(self.samples) / self.rate_hz

    @property
    def speech_s(self) -> float:
        """From its first to its last loud moment."""
        size = self.rate_hz * _LOUD_WINDOW_MS // 1000
        windows = floats_of(self.samples[: len(self.samples) // size * size]).reshape(-1, size) * 32_768
        loud = np.flatnonzero(np.sqrt(np.mean(np.square(windows), axis=1)) >= _LOUD_RMS)
        return float(loud[-1] - loud[0] + 1) * size / self.rate_hz if len(loud) else 0.0


def decode_upload(content: bytes) -> Sound:
    """The sound in `content`; sizes in its headers are trusted only as far as the file reaches, and a data size of 0 is
    believed. Raises UndecodableError."""
    if content[:4] != b"RIFF" or content[8:12] != b"WAVE":
        raise UndecodableError("the format is not recognised" if content else "the file is empty")
    form: bytes | None = None
    at = 12
    while at + 8 <= len(content):
        name, size = struct.unpack_from("<4sI", content, at)
        body = content[at + 8 : at + 8 + size]
        if name == b"fmt ":
            form = body
        elif name == b"data" and form is not None:
            return _sound(form, body)
        at += 8 + size + size % 2
    raise UndecodableError("there is no data chunk after a fmt chunk")


def _sound(form: bytes, raw: bytes) -> Sound:
    if len(form) < 16:
        raise UndecodableError("the fmt chunk is malformed")
    tag, channels, rate_hz, _, _, bits = struct.unpack_from("<HHIIHH", form)
    if tag == _EXTENSIBLE and len(form) >= 26:
        tag = struct.unpack_from("<H", form, 24)[0]
    if not rate_hz or not channels:
        raise UndecodableError("there is no channel, or no rate")
    if tag == _FLOAT and bits in (32, 64):
        return Sound(clipped(_floats(raw, bits, channels)), rate_hz)
    if tag != _PCM:
        raise UndecodableError(f"samples of kind {tag} are not known")
    try:
        return Sound(decode(raw, (bits + 7) // 8, channels), rate_hz)
    except AudioFileError as error:
        raise UndecodableError(str(error)) from error


def _floats(raw: bytes, bits: int, channels: int) -> Floats:
    size = bits // 8 * channels
    wide = np.frombuffer(raw[: len(raw) // size * size], f"<f{bits // 8}")
    return np.asarray(np.nan_to_num(wide[::channels]), np.float32)


def prompt_tokens(duration_s: float) -> int:
    """How many tokens of prompt a turn of so much sound is, template included."""
    pieces = [PIECE_S] * int(duration_s // PIECE_S)
    if rest := duration_s % PIECE_S:
        pieces.append(rest)
    return TEMPLATE_TOKENS + sum(math.ceil(piece * TOKENS_PER_S) + PIECE_TOKENS for piece in pieces)


def text_tokens(text: str) -> int:
    """About how many tokens of prompt `text` is, template included: four letters of ASCII a token, 1.5 others."""
    plain = sum(character.isascii() for character in text)
    return TEMPLATE_TOKENS + math.ceil(plain / 4 + (len(text) - plain) / 1.5)
