"""The wire of StepFun's live speech recognition over a WebSocket: sound to frames, frames to text as it grows. Pure.

Source: StepFun's API reference, "Streaming ASR" (/realtime/asr/stream). A delta's `text` replaces the one before; what
stands in `stash` may yet change. There is no event that ends a dictation: silence ends a turn, and after the last one
we hang up. Whatever a frame holds, decode() does not raise.
"""

import base64
import json
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

from antiphon.speech.meanings import one_line

PATH: Final = "/realtime/asr/stream"
SILENCE_MS: Final = 800
"""So long a pause ends a turn, and its text is settled."""

_TRANSCRIPTION = "conversation.item.input_audio_transcription"

# ── out ──────────────────────────────────────────────────────────────────────────────────────────


def configure(model: str, rate_hz: int, language: str = "", prompt: str = "") -> str:
    """What is heard and how: mono s16le at `rate_hz`, in turns that the service finds."""
    transcription: dict[str, Any] = {"model": model, "enable_itn": True}
    if language:
        transcription["language"] = language
    if prompt:
        transcription["prompt"] = prompt
    heard = {
        "format": {"type": "pcm", "codec": "pcm_s16le", "rate": rate_hz, "bits": 16, "channel": 1},
        "transcription": transcription,
        "turn_detection": {"type": "server_vad", "silence_duration_ms": SILENCE_MS, "threshold": 0.5},
    }
    event = {"type": "session.update", "session": {"audio": {"input": heard}}}
    return json.dumps(event, ensure_ascii=False).encode("utf-8", "replace").decode("utf-8")


def append(pcm: bytes) -> str:
    """More sound: whole samples, some."""
    return f'{{"type":"input_audio_buffer.append","audio":"{base64.b64encode(pcm).decode("ascii")}"}}'


# ── in ───────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Opened:
    """The service's first word."""


@dataclass(frozen=True, slots=True)
class Configured:
    """It hears as it was told."""


@dataclass(frozen=True, slots=True)
class Begun:
    """A turn has begun, or is known by now to be one."""

    item: str


@dataclass(frozen=True, slots=True)
class Growing:
    """All of a turn's text so far."""

    item: str
    text: str


@dataclass(frozen=True, slots=True)
class Settled:
    """A turn's text, which may come twice."""

    item: str
    text: str


@dataclass(frozen=True, slots=True)
class Failed:
    """The service's own words, in one line each."""

    message: str
    kind: str
    code: str


@dataclass(frozen=True, slots=True)
class Other:
    """Nothing that matters here."""


@dataclass(frozen=True, slots=True)
class Malformed:
    """Not a frame of this protocol."""


Message: TypeAlias = Opened | Configured | Begun | Growing | Settled | Failed | Other | Malformed


def decode(frame: str | bytes) -> Message:
    """One frame as a message, whatever it holds."""
    try:
        event = json.loads(frame)
    except (ValueError, RecursionError):
        return Malformed()
    if not isinstance(event, dict):
        return Malformed()
    match event:
        case {"type": "session.created"}:
            return Opened()
        case {"type": "session.updated"}:
            return Configured()
        case {"type": "input_audio_buffer.speech_started" | "input_audio_buffer.committed", "item_id": str(item)}:
            return Begun(item)
        case {"type": kind, "item_id": str(item)} if kind == f"{_TRANSCRIPTION}.delta":
            return Growing(item, _text(event, "text") + _text(event, "stash"))
        case {"type": kind, "item_id": str(item)} if kind == f"{_TRANSCRIPTION}.completed":
            return Settled(item, _text(event, "transcript"))
        case {"type": kind, "item_id": str(item)} if kind == f"{_TRANSCRIPTION}.failed":
            return Settled(item, "")
        case {"type": "error" | "transcript.response.error"}:
            error = event.get("error")
            told = error if isinstance(error, dict) else event
            return Failed(*(one_line(told.get(name)) for name in ("message", "type" if told is error else "", "code")))
        case {"type": str()}:
            return Other()
        case _:
            return Malformed()


def _text(event: dict[str, Any], name: str) -> str:
    value = event.get(name)
    # JSON can spell half a surrogate pair, which no terminal takes.
    return value.encode("utf-8", "replace").decode("utf-8") if isinstance(value, str) else ""


class Turns:
    """The turns of a dictation, each settled once, in the order in which they were spoken."""

    def __init__(self) -> None:
        """Nothing was said."""
        self._order: list[str] = []  # not told yet
        self._settled: dict[str, str] = {}  # of these
        self._told: set[str] = set()
        self._growing: dict[str, str] = {}

    @property
    def pending(self) -> bool:
        """Whether the text of a turn is still to come."""
        return bool(self._order)

    @property
    def growing(self) -> str:
        """The text so far of the oldest turn that is not settled."""
        return self._growing.get(self._order[0], "") if self._order else ""

    def take(self, message: Begun | Growing | Settled) -> list[str]:
        """The texts that are settled now; "" for a turn without words is left out."""
        if message.item in self._told:
            return []
        if message.item not in self._order:
            self._order.append(message.item)
        match message:
            case Growing(item, text):
                self._growing[item] = text
            case Settled(item, text):
                self._settled.setdefault(item, text)
        told = []
        while self._order and self._order[0] in self._settled:
            item = self._order.pop(0)
            self._told.add(item)
            self._growing.pop(item, None)
            told.append(self._settled.pop(item).strip())
        return [text for text in told if text]
