"""The wire of StepFun's voices: lists, previews, clones, and the upload of what they are made from. Pure.

Source: StepFun's API references "Files", "Create voice", "Voices preview", "List voices" and "System voices". Reading
never raises but Garbled, whatever a body holds.
"""

import base64
import binascii
import json
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlencode

from antiphon.errors import Garbled
from antiphon.speech.meanings import one_line

FILES: Final = "/files"
CLONES: Final = "/audio/voices"
PREVIEW: Final = "/audio/voices/preview"
MAX_SAMPLE_CHARACTERS: Final = 50
PAGE: Final = 100
"""The most voices on a page."""


@dataclass(frozen=True, slots=True)
class SystemVoice:
    """One that StepFun has made; what it does not tell is ""."""

    voice: str
    name: str = ""
    description: str = ""
    scene: str = ""


@dataclass(frozen=True, slots=True)
class OwnVoice:
    """One that was cloned."""

    voice: str
    file: str
    created_at: int
    """In seconds since 1970; 0 where it is not told."""


@dataclass(frozen=True, slots=True)
class Page:
    """Of one's own voices."""

    voices: tuple[OwnVoice, ...]
    after: str
    """What the next page begins after; "" where this is the last."""


@dataclass(frozen=True, slots=True)
class Clone:
    """What was made, or had been made before."""

    voice: str
    duplicated: bool


def system_path(model: str) -> str:
    """Where the system voices of a model are; not on the Step Plan."""
    return "/audio/system_voices?" + urlencode({"model": model}, errors="replace")


def page_path(after: str) -> str:
    """Where a page of one's own voices is."""
    return (
        CLONES
        + "?"
        + urlencode({"limit": PAGE, "order": "desc"} | ({"after": after} if after else {}), errors="replace")
    )


def preview(model: str, file: str, sample: str, instruction: str = "") -> bytes:
    """The body that asks how a voice would sound: `sample` (1 to MAX_SAMPLE_CHARACTERS) as WAV."""
    asked = {"model": model, "file_id": file, "sample_text": sample, "response_format": "wav"}
    return _body(asked | ({"instruction": instruction} if instruction else {}))


def clone(model: str, file: str, words: str = "") -> bytes:
    """The body that has a voice made; `words` are those spoken in the file, where they are known."""
    return _body({"model": model, "file_id": file} | ({"text": words} if words else {}))


def _body(asked: dict[str, str]) -> bytes:
    return json.dumps(asked, ensure_ascii=False).encode("utf-8", "replace")


def read_file(body: bytes) -> str:
    """The id of a file that was taken. Raises Garbled."""
    return _text(_fields(body), "id")


def read_clone(body: bytes) -> Clone:
    """Raises Garbled."""
    told = _fields(body)
    return Clone(_text(told, "id"), told.get("duplicated") is True)


def read_preview(body: bytes) -> bytes:
    """The sound: documented as WAV. Raises Garbled."""
    audio = _text(_fields(body), "sample_audio")
    try:
        return base64.b64decode(audio.partition(",")[2] if audio.startswith("data:") else audio, validate=True)
    except (binascii.Error, ValueError):
        raise Garbled("a preview that is no base64") from None


def read_page(body: bytes) -> Page:
    """Raises Garbled."""
    told = _fields(body)
    rows = told.get("data")
    if not isinstance(rows, list):
        raise Garbled("a list without voices")
    voices = tuple(_own(row) for row in rows if isinstance(row, dict) and isinstance(row.get("id"), str))
    last = told.get("last_id")
    if not isinstance(last, str) or not last:
        last = voices[-1].voice if voices else ""
    return Page(voices, last if told.get("has_more") is True else "")


def _own(row: dict[str, Any]) -> OwnVoice:
    made = row.get("created_at")
    created_at = made if isinstance(made, int) and not isinstance(made, bool) else 0
    return OwnVoice(one_line(row["id"]), one_line(row.get("file_id")), created_at)


def read_system(body: bytes) -> tuple[SystemVoice, ...]:
    """In the service's order. Raises Garbled."""
    told = _fields(body)
    names, details = told.get("voices"), told.get("voices-details")
    if not isinstance(names, list):
        raise Garbled("a list without voices")
    details = details if isinstance(details, dict) else {}
    return tuple(_system(one_line(name), details.get(name)) for name in names if isinstance(name, str))


def _system(voice: str, told: object) -> SystemVoice:
    about = told if isinstance(told, dict) else {}
    # The service writes these two with hyphens and the third without.
    name, description = one_line(about.get("voice-name")), one_line(about.get("voice-description"))
    return SystemVoice(
        voice, name, "" if description == name else description, one_line(about.get("recommended_scene"))
    )


def _fields(body: bytes) -> dict[str, Any]:
    try:
        told = json.loads(body)
    except (ValueError, RecursionError):
        raise Garbled("an answer that is no JSON") from None
    if not isinstance(told, dict):
        raise Garbled("an answer that is no object")
    return told


def _text(told: dict[str, Any], name: str) -> str:
    value = told.get(name)
    if not isinstance(value, str) or not value:
        raise Garbled(f"an answer without {name}")
    return value
