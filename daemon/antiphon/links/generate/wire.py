"""The wire of vox-serve's POST /generate: questions to bytes, bytes to speech. Pure: no socket, no clock.

A question is a multipart/form-data body, an answer a WAV stream whose header lies about its length, and there is no
other message: no transcript, no finish, no error once the answer has begun. Source: vox-serve 0.1.0, launch.py.
"""

import json
import struct
from dataclasses import dataclass

from antiphon.audio.resample import Resampler
from antiphon.errors import Garbled
from antiphon.pcm import LINK_RATE_HZ, SAMPLE_BYTES, WAKE_RATE_HZ, bytes_of, decode, ms_of

QUESTION_RATE_HZ = WAKE_RATE_HZ
"""The model hears 16 kHz: what is sent at another rate is resampled there."""

MAX_TEXT_BYTES = 2000
"""UTF-8, so about 2000 English letters or 660 Chinese ones. The server's model process dies of some 1000 tokens,
and these are about 500 and 700.
"""

HEADER_BYTES = 44
MAX_DETAIL = 200
"""Characters of what the server says about a failure."""

_HEADER = struct.Struct("<4sI4s4sIHHIIHH4sI")
_BAR = "\uff5c"  # the fullwidth one: an ASCII bar anywhere in the form makes the server lose the request for good


# ── the question ─────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Form:
    """The body of a POST, and its content type."""

    content_type: str
    body: bytes


def spoken(pcm: bytes) -> Form:
    """A question in speech: mono s16le at QUESTION_RATE_HZ, at least one sample and at most 60 s of it.

    The text beside it must be there, and is not read. Fields that are other models' (language, speaker and their
    kin) must not: they end the server's model process.
    """
    return _form("", wav_file(pcm))


def written(text: str) -> Form:
    """A question in writing, which the model answers in speech; capped at MAX_TEXT_BYTES."""
    return _form(text, None)


def harmless(text: str) -> str:
    """`text` without what the server cannot bear: bars, and more than MAX_TEXT_BYTES."""
    return text.replace("|", _BAR).encode("utf-8", "replace")[:MAX_TEXT_BYTES].decode("utf-8", "ignore")


def wav_file(pcm: bytes) -> bytes:
    """A whole WAV file of mono s16le at QUESTION_RATE_HZ, its sizes true: a size of 0 is read as no speech at all."""
    size = len(pcm) - len(pcm) % SAMPLE_BYTES
    byte_rate = QUESTION_RATE_HZ * SAMPLE_BYTES
    fmt = (1, 1, QUESTION_RATE_HZ, byte_rate, SAMPLE_BYTES, 8 * SAMPLE_BYTES)
    return _HEADER.pack(b"RIFF", HEADER_BYTES - 8 + size, b"WAVE", b"fmt ", 16, *fmt, b"data", size) + pcm[:size]


def _form(text: str, wav: bytes | None) -> Form:
    # `streaming` is spelled out, as its default is not what the server's own page says it is.
    parts = [
        b'Content-Disposition: form-data; name="text"\r\n\r\n' + harmless(text).encode(),
        b'Content-Disposition: form-data; name="streaming"\r\n\r\ntrue',
    ]
    if wav is not None:  # the name is fixed: the server makes a path of it
        named = b'Content-Disposition: form-data; name="audio"; filename="audio.wav"\r\n'
        parts.append(named + b"Content-Type: audio/wav\r\n\r\n" + wav)
    boundary = _boundary(parts)
    body = b"".join(b"--%s\r\n%s\r\n" % (boundary, part) for part in parts) + b"--%s--\r\n" % boundary
    return Form(f"multipart/form-data; boundary={boundary.decode()}", body)


def _boundary(parts: list[bytes]) -> bytes:
    """A line that is in no part; the first one tried nearly always."""
    number = 0
    while any(b"antiphon-%d" % number in part for part in parts):
        number += 1
    return b"antiphon-%d" % number


# ── the answer ───────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class _Format:
    rate_hz: int
    channels: int
    width_bytes: int

    @property
    def frame_bytes(self) -> int:
        return self.channels * self.width_bytes


class AnswerStream:
    """One answer's body, in pieces of any length, to mono s16le at LINK_RATE_HZ.

    Of its header both sizes are ignored: a streaming server cannot know them. Its rate, channels and bits count.
    """

    def __init__(self) -> None:
        self._head = bytearray()
        self._format: _Format | None = None
        self._carried = b""
        self._resampler = Resampler(LINK_RATE_HZ, LINK_RATE_HZ)
        self._frames = 0

    @property
    def length_ms(self) -> float:
        """How much speech has come, so far."""
        return 0.0 if self._format is None else ms_of(self._frames, self._format.rate_hz)

    def take(self, data: bytes) -> bytes:
        """The next bytes of the body; returns what speech they complete. Raises Garbled when it is no WAV of speech."""
        if self._format is None:
            wanted = HEADER_BYTES - len(self._head)
            self._head += data[:wanted]
            if len(self._head) < HEADER_BYTES:
                return b""
            self._format = _parse(bytes(self._head))
            self._resampler = Resampler(self._format.rate_hz, LINK_RATE_HZ)
            data = data[wanted:]
        return self._speech(self._format, data)

    def end(self) -> bytes:
        """The body has ended, cleanly or not: the speech that was still held back. Half a frame is dropped."""
        return bytes_of(self._resampler.flush())

    def _speech(self, form: _Format, data: bytes) -> bytes:
        data = self._carried + data
        whole = len(data) - len(data) % form.frame_bytes
        self._carried = data[whole:]
        self._frames += whole // form.frame_bytes
        return bytes_of(self._resampler.take(decode(data[:whole], form.width_bytes, form.channels)))


def _parse(head: bytes) -> _Format:
    riff, _, wave, fmt, size, codec, channels, rate_hz, _, _, bits, data, _ = _HEADER.unpack(head)
    if (riff, wave, fmt, size, data) != (b"RIFF", b"WAVE", b"fmt ", 16, b"data"):
        raise Garbled("its answer is not a WAV stream")
    if codec != 1 or bits not in (8, 16, 24, 32) or not 1 <= channels <= 8 or not 8000 <= rate_hz <= 192_000:
        raise Garbled(
            f"its answer is WAV of a kind we cannot play (codec {codec}, {rate_hz} Hz, {channels} x {bits} bit)"
        )
    return _Format(rate_hz, channels, bits // 8)


# ── what else it says ────────────────────────────────────────────────────────────────────────────


def is_healthy(body: bytes) -> bool:
    """Whether this is what vox-serve answers to GET /health. It says nothing about the model behind it."""
    try:
        return bool(json.loads(body)["status"] == "healthy")
    except (ValueError, TypeError, KeyError, RecursionError):
        return False


def media_type(header: str) -> str:
    """What a Content-Type says its body is, as "audio/wav", in one printable line; "" when it says nothing."""
    return _line(header.partition(";")[0].lower())


def is_page(kind: str, body: bytes) -> bool:
    """Whether a body of this media type is a web page: it says so, or says nothing and begins like one."""
    if kind:
        return kind in ("text/html", "application/xhtml+xml")
    return body.lstrip().lower().startswith((b"<!doctype html", b"<html"))


def detail(body: bytes) -> str:
    """What an error's body says, in one printable line, or "". FastAPI's `detail` is a string, or a list of what is
    wrong where; other bodies are plain text, or a page, which says nothing in a line.
    """
    text = body.decode("utf-8", "replace")
    try:
        said = json.loads(text)["detail"]
    except (ValueError, TypeError, KeyError, RecursionError):
        said = "" if text.lstrip()[:1] in ("<", "{", "[") else text
    if isinstance(said, list):
        said = "; ".join(_fault(one) for one in said)
    return _line(str(said))


def _line(said: str) -> str:
    line = " ".join("".join(c if c.isprintable() else " " for c in said).split())
    return line if len(line) <= MAX_DETAIL else line[: MAX_DETAIL - 3] + "..."


def _fault(one: object) -> str:
    """One of FastAPI's list: {"loc": ["body", "text"], "msg": "Field required"}."""
    if not isinstance(one, dict):
        return str(one)
    where = one.get("loc")
    place = ".".join(str(part) for part in where) if isinstance(where, list) else ""
    return f"{place}: {one.get('msg', '')}" if place else str(one.get("msg", ""))
