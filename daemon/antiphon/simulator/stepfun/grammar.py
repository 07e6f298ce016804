"""What a client may say: the shape of every client event, and how the service complains of all else. Pure.

Source: StepFun's realtime API reference, and the messages that live probes have recorded. What is not listed there
is refused, so that a client cannot come to rely on it.
"""

import base64
import binascii
import json
from typing import Any, TypeAlias

Json: TypeAlias = dict[str, Any]

MAX_APPEND_BYTES = 15 * 1024 * 1024

_KEYS: dict[str, tuple[frozenset[str], frozenset[str]]] = {
    kind: (frozenset(required.split()), frozenset(optional.split()))
    for kind, required, optional in (
        ("session.update", "session", ""),
        ("input_audio_buffer.append", "audio", ""),
        ("input_audio_buffer.commit", "", ""),
        ("input_audio_buffer.clear", "", ""),
        ("conversation.item.create", "item", "previous_item_id"),
        ("conversation.item.delete", "item_id", ""),
        ("conversation.item.truncate", "item_id content_index audio_end_ms", ""),
        ("response.create", "", "response session"),
        ("response.cancel", "", ""),
    )
}
"""Each client event with the keys it must and may carry, beside type and event_id."""


class ComplaintError(Exception):
    """The service objects to a client event; the session goes on."""

    def __init__(self, message: str, *, code: str = "", param: str = "") -> None:
        """`code` and `param` are blank in most of what was seen live."""
        super().__init__(message)
        self.code = code
        self.param = param


def malformed(param: str = "") -> ComplaintError:
    """The complaint about anything that is not of the documented shape."""
    return ComplaintError("invalid event format", param=param)


def decoded(frame: str | bytes) -> Json:
    """The JSON object in a text frame. Raises ComplaintError."""
    if isinstance(frame, bytes):
        raise malformed()
    try:
        event = json.loads(frame)
    except (ValueError, RecursionError) as error:
        raise malformed() from error
    if not isinstance(event, dict):
        raise malformed()
    return event


def checked(event: Json) -> str:
    """The type of `event`, once its keys are right. Raises ComplaintError."""
    kind = event.get("type")
    if not isinstance(kind, str) or kind not in _KEYS:
        raise ComplaintError("invalid event format: unknown event type", code="invalid_value", param="type")
    if not isinstance(event.get("event_id", ""), str):
        raise malformed("event_id")
    required, optional = _KEYS[kind]
    given = event.keys() - {"type", "event_id"}
    if not required <= given <= required | optional:
        raise malformed(next(iter(sorted(required - given or given - required - optional))))
    return kind


def audio(text: object) -> bytes:
    """The samples in the base64 `text`: mono s16le at 24 kHz. Raises ComplaintError."""
    if not isinstance(text, str):
        raise malformed("audio")
    try:
        pcm = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise malformed("audio") from error
    if len(pcm) > MAX_APPEND_BYTES:
        raise ComplaintError("audio is larger than 15 MB", code="invalid_param", param="audio")
    if len(pcm) % 2:
        raise ComplaintError("音频内容不完整", code="invalid_param", param="audio")  # the service's own words
    return pcm


def only(value: object, keys: str, param: str) -> Json:
    """`value`, when it is an object with none but these keys. Raises ComplaintError."""
    if not isinstance(value, dict) or not value.keys() <= set(keys.split()):
        raise malformed(param)
    return value


# ── items ────────────────────────────────────────────────────────────────────────────────────────

_CONTENT = {
    "user": {"input_text": "text", "input_audio": "audio"},
    "assistant": {"text": "text"},
    "system": {"input_text": "text"},
}
"""The content types each role may have, each with the key of its value."""


def item(value: object, *, system_items: bool) -> tuple[str, str, bytes]:
    """The role, text and audio of a conversation item to create; role "tool" is the output of a function call.

    Raises ComplaintError.
    """
    if not isinstance(value, dict) or not isinstance(value.get("type"), str):
        raise malformed("item")
    if value["type"] == "function_call_output":
        only(value, "type id call_id output", "item")
        if not isinstance(value.get("call_id"), str) or not isinstance(value.get("output"), str):
            raise malformed("item.call_id")
        return "tool", value["output"], b""
    if value["type"] != "message":
        raise ComplaintError("item.type must be message or function_call_output", param="item.type")
    only(value, "type id role content", "item")
    role = value.get("role")
    if role not in ("user", "assistant") and not (role == "system" and system_items):
        raise ComplaintError("item.role must be user or assistant", param="item.role")
    return (role, *_content(value.get("content"), _CONTENT[role]))


def _content(parts: object, kinds: dict[str, str]) -> tuple[str, bytes]:
    if not isinstance(parts, list) or not parts:
        raise malformed("item.content")
    words: list[str] = []
    pcm = b""
    for part in parts:
        if not isinstance(part, dict) or part.get("type") not in kinds:
            raise malformed("item.content")
        key = kinds[part["type"]]
        only(part, f"type {key}", "item.content")
        if key == "audio":
            pcm += audio(part.get("audio"))
        elif isinstance(part.get("text"), str):
            words.append(part["text"])
        else:
            raise malformed("item.content")
    return " ".join(words), pcm


# ── response.create ──────────────────────────────────────────────────────────────────────────────


def request(event: Json) -> tuple[tuple[str, ...] | None, str]:
    """The modalities (None: the session's) and the instructions of a response.create. Raises ComplaintError.

    Instructions may stand under `response` or under `session`, as the guide has it; tools and metadata are ignored, and
    so is the voice, as it is fixed by the first sound.
    """
    response = only(
        event.get("response", {}),
        "modalities instructions voice input_audio_format output_audio_format tools metadata",
        "response",
    )
    if not isinstance(response.get("voice", ""), str):
        raise malformed("response.voice")
    for key in ("input_audio_format", "output_audio_format"):
        if response.get(key, "pcm16") != "pcm16":
            raise malformed(f"response.{key}")
    session = only(event.get("session", {}), "instructions", "session")
    instructions = response.get("instructions", session.get("instructions", ""))
    if not isinstance(instructions, str):
        raise malformed("response.instructions")
    wanted = response.get("modalities")
    return (None if wanted is None else modalities(wanted, "response.modalities")), instructions


def modalities(value: object, param: str) -> tuple[str, ...]:
    """["text", "audio"] in either order, or ["text"]. Raises ComplaintError."""
    if not isinstance(value, list) or value not in (["text", "audio"], ["audio", "text"], ["text"]):
        raise malformed(param)
    return tuple(value)
