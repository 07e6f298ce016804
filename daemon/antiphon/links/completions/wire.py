"""The wire of chat completions: a conversation to a body, an answer's data to what was said. No socket, no clock.

Source: StepFun's API reference, "Chat completion", and its guide to speech in it. Sound goes up as WAV in data URLs,
and comes down as bare mono s16le at 24 kHz where it is streamed, as WAV where it is not. In answers `role` and
`finish_reason` may be "", `created` 0, `usage` is on every chunk, and a whole one with tool calls has `finish_reason`
null and no `content`: none of these is needed here, and nothing unknown does harm.
Errors are Garbled that only name what came, of which client.py makes a sentence; and `Stopped`.
"""

import base64
import binascii
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import count
from typing import Any, Literal, TypeAlias

from antiphon.errors import Garbled
from antiphon.links.completions.wav import pcm_of, wav_file
from antiphon.pcm import LINK_RATE_HZ, SAMPLE_BYTES
from antiphon.ports import ToolSpec
from antiphon.speech.sse import DONE

PATH = "/chat/completions"

PIECE_BYTES = LINK_RATE_HZ * SAMPLE_BYTES // 2
"""Half a second: so much of a whole answer is told at once."""

MODERATED = "content_filter"
"""Why an answer may end: for the content rules."""

_MOST_CALLS = 64
_KINDS = {True: "text/event-stream", False: "application/json"}


# ── the question ─────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class ToolCall:
    """The model calls a tool: the id of that, and `arguments`, JSON as text."""

    id: str
    name: str
    arguments: str


@dataclass(frozen=True, slots=True)
class Clip:
    """Speech, mono s16le 24 kHz."""

    pcm: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Message:
    """One message. Each role uses what it needs of the fields, which are empty elsewhere."""

    role: Literal["system", "user", "assistant", "tool"]
    text: str = ""
    clips: tuple[Clip, ...] = ()
    """Of a user, who may also have said something in text."""
    calls: tuple[ToolCall, ...] = ()
    """Of an assistant; each must be followed by a message of role "tool" that answers it."""
    answers: str = ""
    """Of a tool: the id of the call that its text answers."""


@dataclass(frozen=True, slots=True)
class Request:
    """What is asked: the conversation so far, its last message the user's or a tool's."""

    messages: Sequence[Message]
    voice: str = ""
    """In which it is answered; "" asks for text alone."""
    tools: Sequence[ToolSpec] = ()
    stream: bool = True


def clip_bytes(pcm_bytes: int) -> int:
    """How long so much speech is in a body, about: the data URL of its WAV file, and what is around it."""
    return (pcm_bytes + 44 + 2) // 3 * 4 + 100


def body(model: str, request: Request) -> bytes:
    """The body that asks for it."""
    asked: dict[str, Any] = {"model": model, "modalities": ["text"], "stream": request.stream}
    if request.voice:
        asked["modalities"] = ["text", "audio"]
        asked["audio"] = {"voice": request.voice, "format": "pcm" if request.stream else "wav"}
    asked["messages"] = [_message(message) for message in request.messages]
    if request.tools:
        asked["tools"] = [_tool(tool) for tool in request.tools]
    return json.dumps(asked, ensure_ascii=False).encode("utf-8", "replace")


def is_answer(content_type: str, *, stream: bool) -> bool:
    """Whether a body of this Content-Type may be the answer; one that says nothing of itself may be."""
    return content_type.partition(";")[0].strip().lower() in ("", _KINDS[stream])


def _message(message: Message) -> dict[str, Any]:
    match message.role:
        case "assistant":
            said: dict[str, Any] = {"role": "assistant", "content": message.text or None}
            if message.calls:
                said["tool_calls"] = [_call(call) for call in message.calls]
            return said
        case "tool":
            return {"role": "tool", "tool_call_id": message.answers, "content": message.text}
        case "user" if message.clips:
            texts = [{"type": "text", "text": message.text}] if message.text else []
            return {"role": "user", "content": [*texts, *(_clip(clip) for clip in message.clips)]}
        case _:
            return {"role": message.role, "content": message.text}


def _clip(clip: Clip) -> dict[str, Any]:
    data = "data:audio/wav;base64," + base64.b64encode(wav_file(clip.pcm)).decode()
    return {"type": "input_audio", "input_audio": {"data": data}}


def _call(call: ToolCall) -> dict[str, Any]:
    return {"id": call.id, "type": "function", "function": {"name": call.name, "arguments": call.arguments}}


def _tool(tool: ToolSpec) -> dict[str, Any]:
    told = {"name": tool.name, "description": tool.description, "parameters": dict(tool.parameters)}
    return {"type": "function", "function": told}


# ── the answer ───────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Said:
    """A piece of an answer; its text comes before its sound."""

    text: str = ""
    pcm: bytes = b""
    """Mono s16le 24 kHz, whole samples."""
    calls: tuple[ToolCall, ...] = ()
    """Each whole, and each once: with the end of the answer."""
    finish: str = ""
    """Of the last piece: "stop", "length" or "tool_calls"; where the service said nothing, one of these that fits."""


class Stopped(Exception):
    """The service ends its answer itself, with an error or for its content rules: see meanings.explain_event."""

    def __init__(self, message: str = "", kind: str = "", code: str = "") -> None:
        """All are the service's own words, of any length."""
        super().__init__(message)
        self.message, self.kind, self.code = message, kind, code


@dataclass(slots=True)
class _Calling:
    """A tool call whose pieces come."""

    index: int | None = None
    id: str = ""
    name: str = ""
    arguments: str = ""

    def goes_on(self, index: int | None, call_id: str) -> bool:
        """Whether a piece with these, where it has them, is of this call."""
        if call_id and self.id:
            return call_id == self.id
        return index is None or index == self.index


class ChunkStream:
    """One streamed answer. `reasoning` is never told: it is not meant to be heard."""

    def __init__(self) -> None:
        """Nothing has come."""
        self.finish = ""
        """Why it has ended, in the service's word; what belongs to it may still come."""
        self.over = False
        """"[DONE]" has come, and nothing else will."""
        self._source = ""  # of the text: "transcript" or "content"; who sends both means the same by them
        self._odd = b""
        self._began = self._is_whole = False
        self._calling: list[_Calling] = []

    def take(self, data: str) -> Said:
        """The data of one event. Raises Garbled for what is no chunk, and Stopped."""
        if data.strip() == DONE:
            self.over = True
        if self.over:
            return Said()
        chunk = _object(data)
        _raise_error(chunk)
        choice = _first(chunk)
        self.finish = _word(choice, "finish_reason") or self.finish
        if self.finish == MODERATED:
            raise Stopped(kind=MODERATED)
        delta, message = choice.get("delta"), choice.get("message")
        if isinstance(delta, dict) and delta:
            return self._piece(delta, whole=False)
        return self._piece(message, whole=True) if isinstance(message, dict) else Said()

    def end(self) -> Said:
        """No more comes: the tool calls, and why it has ended. Raises Garbled for calls that cannot be run."""
        calls = _whole(self._calling)
        return Said(calls=calls, finish=self.finish or ("tool_calls" if calls else "stop"))

    def _piece(self, delta: Mapping[str, Any], *, whole: bool) -> Said:
        """One that is all of the answer counts where no other did, and then no other does."""
        for piece in _list(delta, "tool_calls"):
            self._call(piece)
        if self._is_whole or (whole and self._began):
            return Said()
        audio = delta.get("audio")
        audio = audio if isinstance(audio, dict) else {}
        text = self._text("transcript", _word(audio, "transcript")) + self._text("content", _word(delta, "content"))
        said = Said(text, self._samples(_decoded(_word(audio, "data"))))
        self._began = self._began or said != Said() or bool(self._odd)
        self._is_whole = whole and self._began
        return said

    def _text(self, source: str, text: str) -> str:
        if text and not self._source:
            self._source = source
        return text if source == self._source else ""

    def _samples(self, pcm: bytes) -> bytes:
        pcm = self._odd + pcm
        whole = len(pcm) - len(pcm) % SAMPLE_BYTES
        self._odd = pcm[whole:]
        return pcm[:whole]

    def _call(self, piece: object) -> None:
        """A call comes in one piece or in several, which have an index or an id in common, or neither."""
        if not isinstance(piece, dict):
            raise Garbled("a tool call that is none")
        index, call_id = piece.get("index"), _word(piece, "id")
        index = index if isinstance(index, int) else None
        named = [one for one in self._calling if call_id and one.id == call_id]
        calling = next((one for one in [*named, *reversed(self._calling)] if one.goes_on(index, call_id)), None)
        if calling is None:
            if len(self._calling) >= _MOST_CALLS:
                raise Garbled("more tool calls than anybody makes")
            calling = _Calling(index)
            self._calling.append(calling)
        calling.id = calling.id or call_id
        function = piece.get("function")
        if isinstance(function, dict):
            self._grow(calling, _word(function, "name"), _arguments(function))

    def _grow(self, calling: _Calling, name: str, arguments: str) -> None:
        if name and calling.name and arguments == calling.arguments:
            return  # all of it once more
        calling.name = calling.name or name
        calling.arguments += arguments


def whole_answer(text: str) -> Iterator[Said]:
    """An answer that was not streamed, in pieces of PIECE_BYTES. Raises Garbled for what is none, and Stopped."""
    answer = _object(text)
    _raise_error(answer)
    choice = _first(answer)
    finish = _word(choice, "finish_reason")
    if finish == MODERATED:
        raise Stopped(kind=MODERATED)
    message = choice.get("message")
    if not isinstance(message, dict):
        raise Garbled("an answer without a message")
    calls = _whole([_called(call) for call in _list(message, "tool_calls")])
    audio = message.get("audio")
    audio = audio if isinstance(audio, dict) else {}
    wav = _decoded(_word(audio, "data"))
    pcm = pcm_of(wav) if wav else b""
    if text := _word(audio, "transcript") or _word(message, "content"):
        yield Said(text)
    for at in range(0, len(pcm), PIECE_BYTES):
        yield Said(pcm=pcm[at : at + PIECE_BYTES])
    yield Said(calls=calls, finish=finish or ("tool_calls" if calls else "stop"))


def _called(call: object) -> _Calling:
    if not isinstance(call, dict) or not isinstance(function := call.get("function"), dict):
        raise Garbled("a tool call that is none")
    return _Calling(None, _word(call, "id"), _word(function, "name"), _arguments(function))


def _whole(callings: Sequence[_Calling]) -> tuple[ToolCall, ...]:
    """Each once. The arguments are the tools' to judge; one without an id gets one, as its output must name it."""
    calls: dict[str, ToolCall] = {}
    given = {calling.id for calling in callings}
    free = (name for number in count() if (name := f"call-{number}") not in given)
    for calling in callings:
        if not calling.name:
            raise Garbled("a tool call without a name")
        name = calling.id or next(free)
        calls.setdefault(name, ToolCall(name, calling.name, calling.arguments.strip() or "{}"))
    return tuple(calls.values())


def _arguments(function: Mapping[str, Any]) -> str:
    given = function.get("arguments")
    if not isinstance(given, dict):
        return _word(function, "arguments")
    return _writable(json.dumps(given, ensure_ascii=False))


# ── what is in JSON ──────────────────────────────────────────────────────────────────────────────


_Object: TypeAlias = Mapping[str, Any]


def _object(text: str) -> _Object:
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        raise Garbled("an answer that is no JSON") from None
    if not isinstance(value, dict):
        raise Garbled("an answer that is no JSON object")
    return value


def _raise_error(answer: _Object) -> None:
    """An error in the middle has the envelope of those at the beginning: {"error": {"message": …, "type": …}}."""
    error = answer.get("error")
    if not error:
        return
    told = error if isinstance(error, dict) else {"message": error if isinstance(error, str) else ""}
    raise Stopped(_word(told, "message"), _word(told, "type"), _word(told, "code"))


def _first(answer: _Object) -> _Object:
    """The first choice; {} in a chunk that has none, as one that tells only `usage`."""
    choices = _list(answer, "choices")
    return choices[0] if choices and isinstance(choices[0], dict) else {}


def _list(value: _Object, name: str) -> Sequence[object]:
    found = value.get(name)
    return found if isinstance(found, list) else ()


def _word(value: _Object, name: str) -> str:
    """A string that may be missing, null, or something else that we do not know."""
    found = value.get(name)
    return _writable(found) if isinstance(found, str) else ""


def _writable(text: str) -> str:
    """JSON can spell half a surrogate pair, which no log, socket or terminal takes."""
    return text.encode("utf-8", "replace").decode("utf-8")


def _decoded(data: str) -> bytes:
    try:
        return base64.b64decode(data, validate=True)
    except (ValueError, binascii.Error):
        raise Garbled("sound that is no base64") from None
