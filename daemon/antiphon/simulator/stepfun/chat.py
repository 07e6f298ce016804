"""Chat completions, POST /chat/completions: what a request may ask for, and how the others are refused. Pure.

Source: StepFun's API reference ("Chat completion") and its pages on voice chat and Step Plan. What they do not list is
refused: other fields, other shapes, a clip that is not what its data URL says.
"""

import base64
import binascii
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

from antiphon.simulator.stepfun import voices
from antiphon.simulator.stepfun.clips import Clip, clip_of
from antiphon.simulator.stepfun.handshake import Refusal
from antiphon.simulator.stepfun.judging import WrongError, blocked, fields, flag, known, on_plan, shaped, text
from antiphon.simulator.stepfun.options import SimulatorOptions

PATH = "/chat/completions"
PLAN_MODELS = frozenset({"stepaudio-2.5-chat"})
FIRST_GENERATION = "step-1o-audio"
MAX_BODY_BYTES = 10_000_000
MAX_SEGMENTS = 30
SEGMENT_S = 25.0
_URLS = {"data:audio/wav;base64,": "wav", "data:audio/mpeg;base64,": "mp3"}

Role: TypeAlias = Literal["system", "user", "assistant", "tool"]


@dataclass(frozen=True, slots=True)
class Message:
    """One message of the context."""

    role: Role
    text: str = ""
    clips: tuple[Clip, ...] = ()
    calls: tuple[tuple[str, str, str], ...] = ()
    """Of an assistant's message: id, name and arguments of each call."""
    answers: str = ""
    """Of a tool's message: the id of the call."""


@dataclass(frozen=True, slots=True)
class Question:
    """A request that is granted."""

    path: str
    model: str
    messages: tuple[Message, ...]
    voice: str
    """"" for an answer in text alone."""
    stream: bool
    tools: tuple[str, ...]
    """The names of the functions."""
    segments: int
    """How many of MAX_SEGMENTS its clips are."""
    body_bytes: int

    @property
    def last(self) -> Message:
        """What is to be answered."""
        return self.messages[-1]


def judge(path: str, body: bytes, options: SimulatorOptions) -> Question | Refusal:
    """Answer a request; the key is in order. Raises WrongError for what is to be answered 400."""
    asked = shaped(fields(body), "body", "model messages", "modalities audio stream tools")
    model = asked["model"]
    if not known(model, voices.CHAT_MODELS):
        return Refusal(400)
    if on_plan(path) and model not in PLAN_MODELS:
        return Refusal(404)
    if len(body) > MAX_BODY_BYTES:
        raise WrongError(f"the context is larger than {MAX_BODY_BYTES} bytes")
    stream = flag(asked.get("stream", False), "stream")
    voice = _voice(model, asked, stream=stream)
    messages = _messages(asked["messages"])
    _check_wav(model, messages, options)
    segments = sum(max(1, math.ceil(clip.seconds / SEGMENT_S)) for message in messages for clip in message.clips)
    if segments > MAX_SEGMENTS:
        raise WrongError(f"the context has more than {MAX_SEGMENTS} audio segments")
    if blocked(options, *(message.text for message in messages)):
        return Refusal(451)
    return Question(path, model, messages, voice, stream, _tools(asked.get("tools")), segments, len(body))


def _voice(model: str, asked: Mapping[str, Any], *, stream: bool) -> str:
    """The voice of the answer; "" for text alone. Raises WrongError."""
    speaks = bool(voices.CHAT_MODELS[model])
    if "modalities" not in asked and speaks:
        raise WrongError("modalities is required")
    modalities = asked.get("modalities", ["text"])
    if modalities not in (["text"], ["text", "audio"], ["audio", "text"]):
        raise WrongError("modalities is not valid")
    if "audio" not in modalities:
        if "audio" in asked:
            raise WrongError("audio is not valid without audio in modalities")
        return ""
    if not speaks:
        raise WrongError(f"modalities: {model} does not support audio")
    if "audio" not in asked:
        raise WrongError("audio is required")
    audio = shaped(asked["audio"], "audio", "voice format")
    if audio["format"] != ("pcm" if stream else "wav"):
        raise WrongError("audio.format is pcm when stream is true, else wav")
    voice = text(audio["voice"], "audio.voice")
    if voice not in voices.CHAT_MODELS[model]:
        raise WrongError(f"voice {voice} is not valid")
    return voice


# ── the context ──────────────────────────────────────────────────────────────────────────────────


def _messages(asked: object) -> tuple[Message, ...]:
    if not isinstance(asked, list) or not asked:
        raise WrongError("messages is not an array with something in it")
    messages: list[Message] = []
    open_calls: list[str] = []
    for at, one in enumerate(asked):
        message = _message(one, f"messages[{at}]")
        if message.role == "tool":
            if message.answers not in open_calls:
                raise WrongError(f"messages[{at}].tool_call_id answers no call before it")
            open_calls.remove(message.answers)
        elif open_calls:
            raise WrongError(f"messages[{at}] comes before the tool call {open_calls[0]} is answered")
        open_calls += [call for call, _, _ in message.calls]
        messages.append(message)
    if messages[-1].role not in ("user", "tool"):
        raise WrongError("the last message is not of role user or tool")
    return tuple(messages)


def _message(asked: object, where: str) -> Message:
    role = asked.get("role") if isinstance(asked, dict) else None
    match role:
        case "system":
            return Message("system", text(shaped(asked, where, "role content")["content"], f"{where}.content"))
        case "user":
            return _of_user(shaped(asked, where, "role content")["content"], f"{where}.content")
        case "assistant":
            return _of_assistant(shaped(asked, where, "role content", "tool_calls"), where)
        case "tool":
            told = shaped(asked, where, "role tool_call_id content")
            if not isinstance(told["content"], str):
                raise WrongError(f"{where}.content is not a text")
            return Message("tool", told["content"], answers=text(told["tool_call_id"], f"{where}.tool_call_id"))
        case _:
            raise WrongError(f"{where}.role is not valid")


def _of_user(content: object, where: str) -> Message:
    if isinstance(content, str):
        return Message("user", text(content, where))
    if not isinstance(content, list) or not content:
        raise WrongError(f"{where} is not a text or an array of parts")
    texts: list[str] = []
    clips: list[Clip] = []
    for at, part in enumerate(content):
        place = f"{where}[{at}]"
        kind = part.get("type") if isinstance(part, dict) else None
        if kind == "text":
            texts.append(text(shaped(part, place, "type text")["text"], f"{place}.text"))
        elif kind == "input_audio":
            inner = shaped(shaped(part, place, "type input_audio")["input_audio"], f"{place}.input_audio", "data")
            clips.append(_clip(inner["data"], f"{place}.input_audio.data"))
        else:
            raise WrongError(f"{place}.type is not valid")
    return Message("user", " ".join(texts), tuple(clips))


def _clip(url: object, where: str) -> Clip:
    """The clip of a data URL. Raises WrongError when it is not what the URL says."""
    head = next((head for head in _URLS if isinstance(url, str) and url.startswith(head)), None)
    if head is None or not isinstance(url, str):
        raise WrongError(f"{where} is not a data URL of audio/wav or audio/mpeg in base64")
    try:
        data = base64.b64decode(url.removeprefix(head).encode("ascii", "replace"), validate=True)
    except binascii.Error as error:
        raise WrongError(f"{where} is not base64") from error
    try:
        return clip_of(data, _URLS[head])
    except WrongError as wrong:
        raise WrongError(f"{where}: {wrong}") from wrong


def _of_assistant(told: Mapping[str, Any], where: str) -> Message:
    """As it was answered: words, or null, and its calls."""
    calls = tuple(_calls(told["tool_calls"], f"{where}.tool_calls")) if "tool_calls" in told else ()
    content = told["content"]
    if content is None and calls:
        return Message("assistant", calls=calls)
    if not isinstance(content, str) or not (content or calls):
        raise WrongError(f"{where}.content is not a text")
    return Message("assistant", content, calls=calls)


def _calls(asked: object, where: str) -> Sequence[tuple[str, str, str]]:
    if not isinstance(asked, list) or not asked:
        raise WrongError(f"{where} is not an array with something in it")
    calls = []
    for at, one in enumerate(asked):
        told = shaped(one, f"{where}[{at}]", "id type function", "index")
        function = shaped(told["function"], f"{where}[{at}].function", "name arguments")
        if told["type"] != "function" or told.get("index", at) != at:
            raise WrongError(f"{where}[{at}] is not valid")
        if not isinstance(function["arguments"], str):
            raise WrongError(f"{where}[{at}].function.arguments is not a text")
        calls.append((text(told["id"], f"{where}.id"), text(function["name"], f"{where}.name"), function["arguments"]))
    return calls


def _check_wav(model: str, messages: Sequence[Message], options: SimulatorOptions) -> None:
    """Raises WrongError for a WAV clip where step-1o-audio takes none."""
    if model != FIRST_GENERATION:
        return
    context = messages[:-1] if options.first_generation_wav == "last" else messages
    if any(clip.kind == "wav" for message in context for clip in message.clips):
        raise WrongError(f"{model} does not support wav in the context")


# ── tools ────────────────────────────────────────────────────────────────────────────────────────


def _tools(asked: object) -> tuple[str, ...]:
    """The names. Only functions, and those nested. Raises WrongError."""
    if asked is None:
        return ()
    if not isinstance(asked, list) or not asked:
        raise WrongError("tools is not an array with something in it")
    names = []
    for at, one in enumerate(asked):
        told = shaped(one, f"tools[{at}]", "type function")
        if told["type"] != "function":
            raise WrongError(f"tools[{at}].type is not valid")
        function = shaped(told["function"], f"tools[{at}].function", "name", "description parameters")
        names.append(text(function["name"], f"tools[{at}].function.name", 64))
        if not isinstance(function.get("description", ""), str):
            raise WrongError(f"tools[{at}].function.description is not a text")
        parameters = function.get("parameters", {"type": "object"})
        if not isinstance(parameters, dict) or parameters.get("type") != "object":
            raise WrongError(f"tools[{at}].function.parameters is not a schema of an object")
    if len(set(names)) < len(names):
        raise WrongError("tools has a name twice")
    return tuple(names)


def compact(value: object) -> str:
    """As the service writes JSON."""
    return json.dumps(value, ensure_ascii=False)
