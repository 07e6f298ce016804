"""JSON text to messages and back, for StepFun's Realtime WebSocket. Pure: knows no socket, no clock, no meaning.

Strict but where the service contradicts itself: what is left out or null takes its default, numbers may be
strings, errors may lack their envelope. Whatever else is of the wrong type makes the message Malformed.
"""

import base64
import binascii
import json
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeAlias

from antiphon.links.realtime import messages as m

MAX_PARTS = 50_000
"""Most commas and brackets in one message: the largest real one has hundreds, and each costs 50 bytes and more."""

_SMALL_BYTES = 65_536  # cannot hold MAX_PARTS worth worrying about, so it is not counted

Json: TypeAlias = dict[str, Any]


# ── out ──────────────────────────────────────────────────────────────────────────────────────────


def encode(message: m.ClientMessage) -> str:
    """`message` as the text of one frame; plain ASCII."""
    body = _body(message)
    if message.event_id:
        body["event_id"] = message.event_id
    return json.dumps(body, separators=(",", ":"))


def _body(message: m.ClientMessage) -> Json:
    match message:
        case m.UpdateSession():
            return {"type": "session.update", "session": _session(message)}
        case m.AppendAudio(pcm):
            return {"type": "input_audio_buffer.append", "audio": _base64(pcm)}
        case m.CommitAudio():
            return {"type": "input_audio_buffer.commit"}
        case m.ClearAudio():
            return {"type": "input_audio_buffer.clear"}
        case m.AddText(role, text):
            return _message(role, {"type": "input_text" if role == "user" else "text", "text": text})
        case m.AddAudio(pcm):
            return _message("user", {"type": "input_audio", "audio": _base64(pcm)})
        case m.AddToolOutput(call_id, output):
            return _item({"type": "function_call_output", "call_id": call_id, "output": output})
        case m.DeleteItem(item):
            return {"type": "conversation.item.delete", "item_id": item}
        case m.TruncateItem(item, index, end_ms):
            return {
                "type": "conversation.item.truncate",
                "item_id": item,
                "content_index": index,
                "audio_end_ms": end_ms,
            }
        case m.CreateResponse():
            return {"type": "response.create"}
        case m.CancelResponse():
            return {"type": "response.cancel"}


def _session(update: m.UpdateSession) -> Json:
    vad = update.turn_detection
    session: Json = {
        "modalities": ["text", "audio"],
        "instructions": update.instructions,
        "input_audio_format": "pcm16",
        "output_audio_format": "pcm16",
        "turn_detection": vad
        and {
            "type": "server_vad",
            "prefix_padding_ms": vad.prefix_padding_ms,
            "silence_duration_ms": vad.silence_ms,
            "energy_awakeness_threshold": vad.energy_threshold,
        },
    }
    if update.voice:
        session["voice"] = update.voice
    if update.tools:
        session["tools"] = [_tool(tool) for tool in update.tools]
    return session


def _tool(tool: m.ToolOffer) -> Json:
    """Nested, as in chat completions: the flat shape of other services is not taken."""
    match tool:
        case m.FunctionTool(name, description, parameters):
            function = {"name": name, "description": description, "parameters": dict(parameters)}
            return {"type": "function", "function": function}
        case m.WebSearch(top_k, timeout_s):
            options: Json = {"top_k": top_k, "timeout_seconds": timeout_s}
            return {"type": "web_search", "function": {"description": "search the web", "options": options}}
        case m.Retrieval(store, description, prompt):
            options = {"vector_store_id": store} | ({"prompt_template": prompt} if prompt else {})
            described = {"description": description} if description else {}
            return {"type": "retrieval", "function": described | {"options": options}}


def _message(role: str, content: Json) -> Json:
    # No id of ours and no previous_item_id: the service gives its own ids, and appends anyway.
    return _item({"type": "message", "role": role, "content": [content]})


def _item(item: Json) -> Json:
    return {"type": "conversation.item.create", "item": item}


def _base64(pcm: bytes) -> str:
    return base64.b64encode(pcm).decode("ascii")


# ── in ───────────────────────────────────────────────────────────────────────────────────────────


def decode(frame: str | bytes) -> m.ServerMessage | m.Unknown | m.Malformed:
    """One frame as a message; never raises, whatever the frame holds."""
    try:
        return _read(_parse(frame))
    except _NonsenseError as nonsense:
        return m.Malformed(str(nonsense))


class _NonsenseError(Exception):
    pass


def _parse(frame: str | bytes) -> "_Fields":
    try:
        text = frame if isinstance(frame, str) else frame.decode("utf-8")
    except UnicodeDecodeError:
        raise _NonsenseError("it is not UTF-8") from None
    if len(text) > _SMALL_BYTES and sum(map(text.count, ",[{")) > MAX_PARTS:
        raise _NonsenseError("it has too many parts")
    try:
        event = json.loads(text)
    except RecursionError:
        raise _NonsenseError("it is nested too deeply") from None
    except ValueError:  # JSONDecodeError, and a number of too many digits
        raise _NonsenseError("it is not JSON") from None
    if not isinstance(event, dict):
        raise _NonsenseError("it is not an object")
    return _Fields(event)


@dataclass(frozen=True, slots=True)
class _Fields:
    """A JSON object. What is absent or null reads as the default; what is of the wrong type is nonsense."""

    raw: Json

    def has(self, key: str) -> bool:
        return self.raw.get(key) is not None

    def text(self, key: str) -> str:
        value = self.raw.get(key)
        if value is None:
            return ""
        if not isinstance(value, str):
            raise _NonsenseError(f"{key} is not text")
        return _writable(value)

    def needed(self, key: str) -> str:
        if not self.has(key):
            raise _NonsenseError(f"{key} is missing")
        return self.text(key)

    def number(self, key: str) -> int | None:
        value = self.raw.get(key)
        if value is None:
            return None
        if isinstance(value, str):  # the service sends some numbers as strings; "inf" has no number
            return int(value) if len(value) <= 20 and value.isdecimal() else None
        if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
            raise _NonsenseError(f"{key} is not a number")
        return int(value)

    def part(self, key: str) -> "_Fields":
        value = self.raw.get(key)
        if value is None:
            return _Fields({})
        if not isinstance(value, dict):
            raise _NonsenseError(f"{key} is not an object")
        return _Fields(value)

    def parts(self, key: str) -> "list[_Fields]":
        value = self.raw.get(key)
        if value is None:
            return []
        if not isinstance(value, list) or not all(isinstance(one, dict) for one in value):
            raise _NonsenseError(f"{key} is not a list of objects")
        return [_Fields(one) for one in value]


def _writable(text: str) -> str:
    """JSON can spell half a surrogate pair, which no log, socket or terminal takes."""
    return text.encode("utf-8", "replace").decode("utf-8")


def _read(event: _Fields) -> m.ServerMessage | m.Unknown:
    kind = event.text("type")
    if not kind and not event.has("error"):
        raise _NonsenseError("it has no type")
    # An error may come without its envelope: its own kind then stands where the event's type should.
    if kind in ("", "error") or (kind.endswith("_error") and event.has("message")):
        return _error(event)
    reader = _READERS.get(kind)
    return m.Unknown(kind[:100]) if reader is None else reader(event)


def _error(event: _Fields) -> m.ServiceError:
    if isinstance(event.raw.get("error"), str):
        return m.ServiceError("", "", event.text("error"), event.text("event_id"))
    flat = not event.has("error")
    error = event if flat else event.part("error")
    kind, code = error.text("type"), _writable(str(error.raw.get("code") or "")[:100])
    kind = "" if kind == "error" else kind  # flat under the event's own type
    return m.ServiceError(
        kind=kind,
        code=code,
        message=error.text("message") or code or kind,
        # An enveloped error names our request inside; the outer event_id is the service's own.
        event_id=error.text("event_id"),
    )


def _session_in(event: _Fields) -> m.Session:
    session = event.part("session")
    return m.Session(
        id=session.text("id"),
        model=session.text("model"),
        voice=session.text("voice"),
        turn_detection=session.part("turn_detection").text("type"),
        max_output_tokens=session.number("max_response_output_tokens"),
    )


def _item_in(item: _Fields) -> m.Item:
    id_, kind = item.text("id"), item.text("type")
    if kind != "function_call":
        return m.Item(id_, kind, item.text("role"), _said(item))
    return m.Item(id_, kind, "", "", item.text("call_id"), item.text("name"), item.text("arguments"))


def _said(item: _Fields) -> str:
    """What an item's parts say. The service puts it into `transcript` or `text`, whatever the part's type."""
    parts = [part for part in item.parts("content") if part.text("type") != "thinking"]
    return "".join(part.text("transcript") or part.text("text") for part in parts)


def _audio(event: _Fields) -> bytes:
    try:
        return base64.b64decode(event.needed("delta"), validate=True)
    except (binascii.Error, ValueError) as wrong:
        raise _NonsenseError("delta is not base64") from wrong


def _response_id(event: _Fields) -> str:
    return event.part("response").text("id") or event.text("response_id")


def _done(event: _Fields) -> m.ResponseDone:
    response = event.part("response")
    # The shape of status_details is nowhere told; the end of a response must not be missed for its sake.
    details = response.raw.get("status_details")
    why = details if isinstance(details, str) else ""
    if isinstance(details, dict):
        why = next((v for v in map(details.get, ("reason", "message", "type")) if isinstance(v, str)), "")
    text = "".join(_said(item) for item in response.parts("output"))
    return m.ResponseDone(_response_id(event), response.text("status"), _writable(why), text)


def _output_item(event: _Fields, *, done: bool) -> m.OutputItem:
    return m.OutputItem(event.text("response_id"), _item_in(event.part("item")), done)


def _content_part(event: _Fields, *, done: bool) -> m.ContentPart:
    return m.ContentPart(event.text("response_id"), event.text("item_id"), event.part("part").text("type"), done)


def _tool_call(event: _Fields, *, done: bool) -> m.ToolCall:
    arguments = event.text("arguments") or event.text("delta")  # the reference says `arguments` in both
    response, call_id, name = event.text("response_id"), event.text("call_id"), event.text("name")
    return m.ToolCall(response, call_id, name, arguments, done, event.text("item_id"))


def _text_delta(event: _Fields) -> m.TextDelta:
    return m.TextDelta(event.text("response_id"), event.text("item_id"), event.needed("delta"))


def _text_done(event: _Fields) -> m.TextDone:
    text = event.text("transcript") or event.text("text")
    return m.TextDone(event.text("response_id"), event.text("item_id"), text)


def _audio_delta(event: _Fields) -> m.AudioDelta:
    index = event.number("content_index") or 0
    return m.AudioDelta(event.text("response_id"), event.text("item_id"), index, _audio(event))


_HEARING = "conversation.item.input_audio_transcription."

_READERS: dict[str, Callable[[_Fields], m.ServerMessage]] = {
    "session.created": lambda e: m.SessionCreated(_session_in(e)),
    "session.updated": lambda e: m.SessionUpdated(_session_in(e)),
    "input_audio_buffer.speech_started": lambda e: m.SpeechStarted(e.text("item_id")),
    "input_audio_buffer.speech_stopped": lambda e: m.SpeechStopped(e.text("item_id")),
    "input_audio_buffer.committed": lambda e: m.Committed(e.text("item_id")),
    "input_audio_buffer.cleared": lambda _: m.Cleared(),
    "conversation.item.created": lambda e: m.ItemCreated(_item_in(e.part("item"))),
    "conversation.item.deleted": lambda e: m.ItemDeleted(e.text("item_id")),
    "conversation.item.truncated": lambda e: m.ItemTruncated(e.text("item_id")),
    _HEARING + "delta": lambda e: m.Transcript(e.text("item_id"), e.text("delta"), final=False),
    _HEARING + "completed": lambda e: m.Transcript(e.text("item_id"), e.text("transcript"), final=True),
    _HEARING + "failed": lambda e: m.TranscriptFailed(e.text("item_id"), e.part("error").text("message")),
    "response.created": lambda e: m.ResponseCreated(_response_id(e)),
    "response.output_item.added": lambda e: _output_item(e, done=False),
    "response.output_item.created": lambda e: _output_item(e, done=False),  # a table of the guide calls it so
    "response.output_item.done": lambda e: _output_item(e, done=True),
    "response.content_part.added": lambda e: _content_part(e, done=False),
    "response.content_part.done": lambda e: _content_part(e, done=True),
    "response.audio_transcript.delta": _text_delta,
    "response.audio_transcript.done": _text_done,
    "response.text.delta": _text_delta,
    "response.text.done": _text_done,
    "response.audio.delta": _audio_delta,
    "response.audio.done": lambda e: m.AudioDone(e.text("response_id"), e.text("item_id")),
    "response.thinking.delta": lambda e: m.Thinking(e.text("response_id"), e.text("delta"), done=False),
    "response.thinking.done": lambda e: m.Thinking(e.text("response_id"), e.text("thinking"), done=True),
    "response.function_call_arguments.delta": lambda e: _tool_call(e, done=False),
    "response.function_call_arguments.done": lambda e: _tool_call(e, done=True),
    "response.done": _done,
    "response.cancelled": lambda e: m.ResponseCancelled(_response_id(e)),
    "rate_limits.updated": lambda _: m.RateLimits(),
}

SERVER_EVENTS = frozenset(_READERS) | {"error"}
"""Every event of the service that we know."""
