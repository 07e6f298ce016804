"""The wire of StepFun's text to speech over a WebSocket: wishes to frames, frames to messages. No socket, no clock.

Source: StepFun's API reference, "Streaming TTS" (/realtime/audio). Every frame is {type, data}, and its names are not
those of the HTTP service. `pcm` is bare s16le; other formats are whole files, one a delta, so that a header that
comes all the same is taken off. Whatever a frame holds, decode() does not raise.
"""

import base64
import binascii
import json
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

from antiphon.pcm import LINK_RATE_HZ, SAMPLE_BYTES
from antiphon.speech.meanings import one_line

PATH: Final = "/realtime/audio"

_RIFF_BYTES = 12  # "RIFF", a length, "WAVE"
_CHUNK_BYTES = 8  # its name and its length

# ── out ──────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Create:
    """Begin an utterance; "" as instruction leaves it out, as most models take none."""

    session: str
    voice: str
    instruction: str = ""
    speed: float = 1.0


@dataclass(frozen=True, slots=True)
class Say:
    """Text to be spoken, 1 to wire.MAX_CHARACTERS; the service waits for the end of a sentence."""

    session: str
    text: str


@dataclass(frozen=True, slots=True)
class Flush:
    """Speak what has come, sentence or not."""

    session: str


@dataclass(frozen=True, slots=True)
class Finish:
    """There is no more text."""

    session: str


def encode(message: Create | Say | Flush | Finish) -> str:
    """One frame."""
    data: dict[str, Any] = {"session_id": message.session}
    match message:
        case Create(_, voice, instruction, speed):
            kind = "tts.create"
            data |= {"voice_id": voice, "response_format": "pcm", "sample_rate": LINK_RATE_HZ, "mode": "default"}
            if instruction:
                data["instruction"] = instruction
            if speed != 1.0:
                data["speed_ratio"] = speed
        case Say(_, text):
            kind = "tts.text.delta"
            data["text"] = text
        case Flush():
            kind = "tts.text.flush"
        case Finish():
            kind = "tts.text.done"
    # Half a surrogate is no text, and a socket takes none.
    return json.dumps({"type": kind, "data": data}, ensure_ascii=False).encode("utf-8", "replace").decode("utf-8")


# ── in ───────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Connected:
    """The service's first word. `session` goes into every frame of ours."""

    session: str


@dataclass(frozen=True, slots=True)
class Created:
    """It is ready for text."""


@dataclass(frozen=True, slots=True)
class SentenceBegun:
    """It speaks `text` now; "" where it does not say."""

    text: str


@dataclass(frozen=True, slots=True)
class SoundCame:
    """More of the sound, without a header; perhaps none, perhaps half a sample at its end."""

    pcm: bytes
    whole: bool
    """It came with a header: a file of its own, in which no sample of the one before goes on."""


@dataclass(frozen=True, slots=True)
class SentenceEnded:
    """A sentence is spoken."""


@dataclass(frozen=True, slots=True)
class Flushed:
    """What was to be flushed is spoken."""


@dataclass(frozen=True, slots=True)
class Finished:
    """All is spoken. `pcm` is all of it once more, or nothing: it is for whoever has heard nothing yet."""

    pcm: bytes
    whole: bool


@dataclass(frozen=True, slots=True)
class Failed:
    """The service's own words, in one line each; "" for what it does not say."""

    code: str
    message: str
    kind: str


@dataclass(frozen=True, slots=True)
class Other:
    """Nothing that matters to a listener: subtitles, and what is yet to be invented."""

    kind: str


@dataclass(frozen=True, slots=True)
class Malformed:
    """Not a frame of this protocol."""

    why: str


Message: TypeAlias = (
    Connected | Created | SentenceBegun | SoundCame | SentenceEnded | Flushed | Finished | Failed | Other | Malformed
)


def decode(frame: str | bytes) -> Message:
    """One frame as a message, whatever it holds."""
    try:
        event = json.loads(frame)
    except (ValueError, RecursionError):
        return Malformed("it is no JSON")
    if not isinstance(event, dict) or not isinstance(kind := event.get("type"), str):
        return Malformed("it has no type")
    data = event.get("data")
    return _read(kind, data if isinstance(data, dict) else {})


def _read(kind: str, data: dict[str, Any]) -> Message:
    match kind:
        case "tts.connection.done":
            session = data.get("session_id")
            return Connected(session) if isinstance(session, str) and session else Malformed("it names no session")
        case "tts.response.created":
            return Created()
        case "tts.response.sentence.start":
            text = data.get("text")
            return SentenceBegun(text if isinstance(text, str) else "")
        case "tts.response.sentence.end":
            return SentenceEnded()
        case "tts.text.flushed":
            return Flushed()
        case "tts.response.audio.delta":
            sound = _sound(data)
            return Malformed("its sound is no base64") if sound is None else SoundCame(*sound)
        case "tts.response.audio.done":
            return Finished(*(_sound(data) or (b"", False)))  # the end is the end, whatever it carries
        case "tts.response.error":
            return _failure(data)
        case _:
            return Other(one_line(kind))


def _failure(data: dict[str, Any]) -> Failed:
    code, details = data.get("code"), data.get("details")
    kind = details.get("error") if isinstance(details, dict) else ""
    code = str(code) if isinstance(code, int) else code  # documented as a string; whoever writes 503 means it
    return Failed(one_line(code), one_line(data.get("message")), one_line(kind))


def _sound(data: dict[str, Any]) -> tuple[bytes, bool] | None:
    """The sound, and whether it came with a header; None for what is none."""
    audio = data.get("audio", "")
    if audio is None:
        audio = ""
    if not isinstance(audio, str):
        return None
    try:
        sound = base64.b64decode(audio, validate=True)
    except (binascii.Error, ValueError):
        return None
    if sound[:4] == b"RIFF" and sound[8:_RIFF_BYTES] == b"WAVE":
        return _without_header(sound), True
    return sound, False


def _without_header(wav: bytes) -> bytes:
    """The data of a RIFF file, which may be shorter than it says: whoever writes while he speaks does not know yet."""
    at = _RIFF_BYTES
    while at + _CHUNK_BYTES <= len(wav):
        name, size = wav[at : at + 4], int.from_bytes(wav[at + 4 : at + _CHUNK_BYTES], "little")
        at += _CHUNK_BYTES
        if name == b"data":
            return wav[at:] if size in (0, 2**32 - 1) else wav[at : at + size]
        at += size + size % 2
    return b""


class Samples:
    """Sound in pieces of any length, to whole samples, each once."""

    def __init__(self) -> None:
        """Nothing has come."""
        self.bytes = 0
        """How many were given out."""
        self._carried = b""

    def take(self, message: SoundCame) -> bytes:
        """The whole samples that there are now."""
        data = message.pcm if message.whole else self._carried + message.pcm
        whole = len(data) - len(data) % SAMPLE_BYTES
        self._carried = b"" if message.whole else data[whole:]
        self.bytes += whole
        return data[:whole]

    def end(self, message: Finished) -> bytes:
        """What is still to be heard at the end: everything, where nothing came before; else nothing."""
        if self.bytes:
            return b""
        self._carried = b""  # half a sample that came is there once more
        return self.take(SoundCame(message.pcm, message.whole))
