"""What a session is set to, and what session.update makes of it: partial, all or nothing. Pure.

Source: StepFun's realtime API reference, session.update; its gaps filled with what was seen live.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from antiphon.simulator.stepfun import grammar, voices
from antiphon.simulator.stepfun.grammar import ComplaintError, Json, malformed
from antiphon.simulator.stepfun.options import SimulatorOptions
from antiphon.simulator.stepfun.vad import VadSettings

_KNOWN = (
    "modalities instructions voice input_audio_format output_audio_format turn_detection tools tool_choice "
    "input_audio_transcription temperature max_response_output_tokens volume_ratio speed speech_rate rate reasoning"
)
_VAD_RANGES = {"prefix_padding_ms": 60_000, "silence_duration_ms": 60_000, "energy_awakeness_threshold": 5000}
_SERVER_TOOLS = ("web_search", "retrieval")


@dataclass(frozen=True, slots=True)
class Configuration:
    """One session's settings. `vad` is None in manual mode."""

    model: str
    voice: str
    vad: VadSettings | None
    modalities: tuple[str, ...] = ("text", "audio")
    instructions: str = ""
    tools: tuple[Json, ...] = ()
    max_tokens: int | str = 4096
    volume_ratio: float | None = None

    @property
    def searches(self) -> bool:
        """True while a tool is configured that the service runs by itself."""
        return any(tool["type"] in _SERVER_TOOLS for tool in self.tools)

    def created(self, session: str) -> Json:
        """The session object of session.created, in which the token limit is a string."""
        return {
            "id": session,
            "object": "realtime.session",
            "model": self.model,
            "modalities": list(self.modalities),
            "instructions": self.instructions,
            "voice": self.voice,
            "input_audio_format": "pcm16",
            "output_audio_format": "pcm16",
            "max_response_output_tokens": str(self.max_tokens),
        }

    def updated(self, session: str, *, vad_off_echo: str) -> Json:
        """The session object of session.updated: no tool_choice, nothing that was ignored."""
        off = {"type": ""} if vad_off_echo == "blank" else None
        echo: Json = {
            "id": session,
            "modalities": list(self.modalities),
            "instructions": self.instructions,
            "voice": self.voice,
            "input_audio_format": "pcm16",
            "output_audio_format": "pcm16",
            "turn_detection": off if self.vad is None else _shown(self.vad),
            "tools": list(self.tools),
            "max_response_output_tokens": self.max_tokens,
        }
        return echo if self.volume_ratio is None else echo | {"volume_ratio": self.volume_ratio}


def initial(model: str, options: SimulatorOptions) -> Configuration:
    """What a session of `model` begins with."""
    return Configuration(model, voices.default_voice(model), VadSettings() if options.vad_by_default else None)


def merged(old: Configuration, update: object, options: SimulatorOptions, *, voice_frozen: bool) -> Configuration:
    """`old` with the fields that `update` gives; a frozen voice stays. Raises ComplaintError: nothing is applied."""
    fields = grammar.only(update, _KNOWN, "session")
    _check_ignored(fields)
    changes: dict[str, Any] = {}
    if "modalities" in fields:
        changes["modalities"] = grammar.modalities(fields["modalities"], "session.modalities")
    if "instructions" in fields:
        changes["instructions"] = _string(fields, "instructions")
    if "turn_detection" in fields:
        changes["vad"] = _vad(fields["turn_detection"])
    if "tools" in fields:
        changes["tools"] = _tools(fields["tools"], flat=options.flat_tools)
    if "max_response_output_tokens" in fields:
        changes["max_tokens"] = _tokens(fields["max_response_output_tokens"])
    if "volume_ratio" in fields:
        changes["volume_ratio"] = _number(fields, "volume_ratio")
    if voice := fields.get("voice"):  # a blank voice means the service's own choice
        changes["voice"] = old.voice if voice_frozen else _voice(voice, old.model)
    return replace(old, **changes)


def _check_ignored(fields: Json) -> None:
    """What leaves no trace in the session must still be well formed."""
    for key in ("input_audio_format", "output_audio_format"):
        if fields.get(key, "pcm16") != "pcm16":
            raise malformed(f"session.{key}")
    if not isinstance(fields.get("tool_choice", ""), str):  # object forms are refused live
        raise malformed("session.tool_choice")
    for key in ("temperature", "speed", "speech_rate", "rate"):
        if key in fields:
            _number(fields, key)
    for key in ("input_audio_transcription", "reasoning"):
        if not isinstance(fields.get(key), dict | None):
            raise malformed(f"session.{key}")


def _string(fields: Json, key: str) -> str:
    if not isinstance(fields[key], str):
        raise malformed(f"session.{key}")
    return str(fields[key])


def _number(fields: Json, key: str) -> float:
    if isinstance(fields[key], bool) or not isinstance(fields[key], int | float):
        raise malformed(f"session.{key}")
    return float(fields[key])


def _tokens(value: object) -> int | str:
    if isinstance(value, bool) or not isinstance(value, int | str):
        raise malformed("session.max_response_output_tokens")
    return value


def _voice(voice: object, model: str) -> str:
    if not isinstance(voice, str):
        raise malformed("session.voice")
    if not voices.accepts(model, voice):
        raise ComplaintError(f"voice {voice} is not valid", param="session.voice")
    return voice


def _vad(value: object) -> VadSettings | None:
    if value is None:
        return None
    fields = grammar.only(value, " ".join(["type", *_VAD_RANGES]), "session.turn_detection")
    if fields.get("type") != "server_vad":
        raise malformed("session.turn_detection.type")
    for key, most in _VAD_RANGES.items():
        given = fields.get(key, 0)
        if isinstance(given, bool) or not isinstance(given, int) or not 0 <= given <= most:
            raise malformed(f"session.turn_detection.{key}")
    return VadSettings(**{key: fields[key] for key in _VAD_RANGES if key in fields})


def _shown(vad: VadSettings) -> Json:
    return {"type": "server_vad", **{key: getattr(vad, key) for key in _VAD_RANGES}}


def _tools(value: object, *, flat: bool) -> tuple[Json, ...]:
    if not isinstance(value, list):
        raise malformed("session.tools")
    for tool in value:
        if not isinstance(tool, dict) or not _is_tool(tool, flat=flat):
            raise malformed("session.tools")
    return tuple(value)


def _is_tool(tool: Json, *, flat: bool) -> bool:
    """True for a tool of a documented shape, with none but the fields that are listed."""
    kind, function = tool.get("type"), tool.get("function")
    if kind == "function" and function is None:
        return flat and _is_function({key: value for key, value in tool.items() if key != "type"})
    if not tool.keys() <= {"type", "function"}:
        return False
    if not isinstance(function, dict):
        return kind == "web_search" and function is None
    match kind:
        case "function":
            return _is_function(function)
        case "web_search":
            return _is_served(function, _SEARCH)
        case "retrieval":
            return _is_served(function, _LIBRARY) and "vector_store_id" in function.get("options", {})
        case _:
            return False


def _is_function(function: Json) -> bool:
    """True for a name, a description and a JSON schema of an object; no more."""
    schema = function.get("parameters", {})
    return (
        function.keys() <= {"name", "description", "parameters"}
        and _is_text(function.get("name"))
        and isinstance(function.get("description", ""), str)
        and isinstance(schema, dict)
        and schema.get("type", "object") == "object"
    )


def _is_served(function: Json, known: Mapping[str, Callable[[object], bool]]) -> bool:
    """True for the description and options of a tool that the service runs by itself."""
    if not function.keys() <= {"description", "options"}:
        return False
    options = function.get("options", {})
    right = isinstance(options, dict) and all(key in known and known[key](value) for key, value in options.items())
    return right and isinstance(function.get("description", ""), str)


def _is_text(value: object) -> bool:
    return isinstance(value, str) and bool(value)


def _is_count(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value > 0


_SEARCH = {"top_k": _is_count, "timeout_seconds": _is_count}
_LIBRARY = {"vector_store_id": _is_text, "prompt_template": _is_text}
"""The options of the tools that the service runs by itself."""
