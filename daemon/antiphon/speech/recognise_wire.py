"""The wire of StepFun's speech recognition, POST /audio/asr/sse: bytes of sound to a body, events to text. Pure.

Source: StepFun's API reference, "Audio ASR SSE". The whole text is in `transcript.text.done`; the deltas before it may
differ from it, and are for display. An error comes as an event inside an answer with status 200, and is then the last.
"""

import json
from binascii import b2a_base64
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Literal

from antiphon.errors import Garbled
from antiphon.speech import sse

PATH: Final = "/audio/asr/sse"
Kind = Literal["wav", "mp3", "ogg", "pcm"]
"""What sound can be sent as it is; opus in an ogg container is ogg, pcm is mono s16le."""
PIECE_BYTES: Final = 48 * 1024
"""How much sound is made text at once: 64 KB."""


@dataclass(frozen=True, slots=True)
class Asking:
    """What is asked of the service."""

    model: str
    language: str = ""
    """As zh or en; "" leaves it to the service."""
    hotwords: tuple[str, ...] = ()


class Body:
    """The request around the sound, which goes into it in base64, piece by piece."""

    def __init__(self, asking: Asking, kind: Kind, rate_hz: int) -> None:
        """`rate_hz` is that of pcm; the other kinds carry their own."""
        whole = json.dumps(_fields(asking, kind, rate_hz), ensure_ascii=False).encode("utf-8", "replace")
        self.head = whole[: -len(b"}}")] + b', "data": "'
        self.tail = b'"}}'
        self._rest = b""

    def size(self, sound_bytes: int) -> int:
        """Bytes of the whole body around so much sound."""
        return len(self.head) + 4 * ((sound_bytes + 2) // 3) + len(self.tail)

    def take(self, sound: bytes) -> Iterator[bytes]:
        """The next bytes of the file, of any number; the base64 of what makes whole groups."""
        held = self._rest + sound if self._rest else sound
        whole = len(held) - len(held) % 3
        self._rest = held[whole:]
        for at in range(0, whole, PIECE_BYTES):
            yield b2a_base64(memoryview(held)[at : min(at + PIECE_BYTES, whole)], newline=False)

    def end(self) -> bytes:
        """The rest of it."""
        rest, self._rest = self._rest, b""
        return b2a_base64(rest, newline=False) + self.tail


def _fields(asking: Asking, kind: Kind, rate_hz: int) -> dict[str, Any]:
    transcription: dict[str, Any] = {"model": asking.model, "enable_itn": True, "enable_timestamp": False}
    if asking.language:
        transcription["language"] = asking.language
    if asking.hotwords:
        transcription["hotwords"] = list(asking.hotwords)
    sound: dict[str, Any] = {"type": kind}
    if kind == "pcm":
        sound |= {"codec": "pcm_s16le", "rate": rate_hz, "bits": 16, "channel": 1}
    return {"audio": {"input": {"transcription": transcription, "format": sound}}}


# ── what comes back ──────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Delta:
    """A piece of text for display."""

    text: str


@dataclass(frozen=True, slots=True)
class Done:
    """The text; "" when nothing was said. `usage` has the counts that are numbers."""

    text: str
    usage: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Failed:
    """The service's own error, which is the last that it says."""

    message: str
    kind: str = ""


Event = Delta | Done | Failed


def read(data: str) -> Event | None:
    """The data of one event; None for what is none of ours. Raises Garbled for what is no event at all."""
    if data.strip() in ("", sse.DONE):
        return None
    try:
        said = json.loads(data)
    except (ValueError, RecursionError):
        raise Garbled("an event that is no JSON") from None
    if not isinstance(said, dict):
        raise Garbled("an event that is no object")
    match said:
        case {"type": "transcript.text.delta", "delta": str(text)}:
            return Delta(_writable(text))
        case {"type": "transcript.text.done", "text": str(text)}:
            return Done(_writable(text), _counts(said.get("usage")))
        case {"type": "error", "message": str(message)}:
            return Failed(message)
        case {"error": {"message": str(message), **more}}:
            kind = more.get("type")
            return Failed(message, kind if isinstance(kind, str) else "")
        case {"type": "error"}:
            return Failed("")
        case _:
            return None


def _writable(text: str) -> str:
    """JSON can spell half a surrogate pair, which no terminal takes."""
    return text.encode("utf-8", "replace").decode("utf-8")


def _counts(usage: object) -> dict[str, int]:
    if not isinstance(usage, dict):
        return {}
    return {name: count for name, count in usage.items() if isinstance(count, int) and not isinstance(count, bool)}


def joined(texts: Sequence[str]) -> str:
    """Texts of pieces of one recording as one text: a space between words, none beside Chinese."""
    whole = ""
    for text in (text.strip() for text in texts):
        if whole and text and not (_is_wide(whole[-1]) or _is_wide(text[0])):
            whole += " "
        whole += text
    return whole


def _is_wide(letter: str) -> bool:
    """Whether it is written without spaces: Chinese and Japanese letters, and their marks."""
    return "\u2e80" <= letter <= "\u9fff" or "\uf900" <= letter <= "\ufaff" or "\uff00" <= letter <= "\uffef"
