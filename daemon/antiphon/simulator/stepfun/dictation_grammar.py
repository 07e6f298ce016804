"""Live recognition over a WebSocket: what a client may say, and what session.update makes of the session. Pure.

Source: StepFun's API reference ("Streaming ASR", /realtime/asr/stream). What is not listed there is refused, so that
a client cannot come to rely on it. The settings are not those of the dialogue: they stand under audio.input.
"""

import base64
import binascii
from dataclasses import dataclass, replace
from typing import Any

from antiphon.simulator.stepfun import grammar
from antiphon.simulator.stepfun.grammar import ComplaintError, Json
from antiphon.simulator.stepfun.handshake import Door
from antiphon.simulator.stepfun.vad import VadSettings

DOORS = {"/v1/realtime/asr/stream": Door("dictation", frozenset())}
"""Where it is served: not on a Step Plan, and no model in the URL."""

MODELS = ("stepaudio-2.5-asr-stream", "step-asr-1.1-stream")
RATES_HZ = (8000, 16_000, 22_050, 24_000, 44_100, 48_000)
ENERGY_SCALE = 5000
"""A threshold of 1.0 as an energy of the dialogue's ear, whose greatest is this."""

_KEYS: dict[str, frozenset[str]] = {
    "session.update": frozenset({"session"}),
    "input_audio_buffer.append": frozenset({"audio"}),
    "input_audio_buffer.commit": frozenset(),
    "session.finish": frozenset(),
}


@dataclass(frozen=True, slots=True)
class Settings:
    """What a session is set to. `vad` is None where the client commits."""

    model: str = ""
    language: str = ""
    prompt: str = ""
    rate_hz: int = 16_000
    full_rerun: bool = False
    itn: bool = False
    vad: VadSettings | None = None
    shown: Json | None = None
    """All that was given, merged, as session.updated echoes it; None until the client has set anything."""


def wrong(message: str, param: str, code: str = "invalid_value") -> ComplaintError:
    """The complaint about anything that is not as documented."""
    return ComplaintError(message, code=code, param=param)


def checked(event: Json) -> str:
    """The type of `event`, once its keys are right. Raises ComplaintError."""
    kind = event.get("type")
    if not isinstance(kind, str) or kind not in _KEYS:
        raise wrong("unknown event type", "type")
    if not isinstance(event.get("event_id", ""), str):
        raise wrong("event_id is a string", "event_id")
    given = event.keys() - {"type", "event_id"}
    if missing := sorted(_KEYS[kind] - given):
        raise wrong(f"{missing[0]} is missing", missing[0], "missing_param")
    if unknown := sorted(given - _KEYS[kind]):
        raise wrong(f"{unknown[0]} is not known", unknown[0])
    return kind


def audio(text: object) -> bytes:
    """The samples in the base64 `text`: mono s16le. Raises ComplaintError."""
    try:
        pcm = base64.b64decode(text if isinstance(text, str) else "*", validate=True)
    except (binascii.Error, ValueError) as error:
        raise wrong("audio is not base64", "audio") from error
    if not pcm or len(pcm) % 2 or len(pcm) > grammar.MAX_APPEND_BYTES:
        raise wrong("audio is whole samples of 16 bits, up to 15 MB", "audio")
    return pcm


def updated(old: Settings, session: object) -> Settings:
    """`old` with what `session` gives, which may be a part. Raises ComplaintError: nothing is applied."""
    given = _object(_object(session, "session", "audio")["audio"], "session.audio", "input")["input"]
    where = "session.audio.input"
    fields = _object(given, where, "", "format transcription turn_detection")
    new = replace(old, shown=(old.shown or {}) | fields)
    if "format" in fields:
        new = replace(new, rate_hz=_rate(fields["format"], f"{where}.format"))
    if "transcription" in fields:
        new = replace(new, **_transcription(fields["transcription"], f"{where}.transcription"))
    if "turn_detection" in fields:
        new = replace(new, vad=_vad(fields["turn_detection"], f"{where}.turn_detection"))
    if not new.model:
        raise wrong("transcription.model is missing", f"{where}.transcription.model", "missing_param")
    return new


def _object(value: object, param: str, required: str, optional: str = "") -> Json:
    if not isinstance(value, dict):
        raise wrong(f"{param} is an object", param)
    if missing := sorted(set(required.split()) - value.keys()):
        raise wrong(f"{param}.{missing[0]} is missing", f"{param}.{missing[0]}", "missing_param")
    if unknown := sorted(value.keys() - set(required.split()) - set(optional.split())):
        raise wrong(f"{param}.{unknown[0]} is not known", f"{param}.{unknown[0]}")
    return value


def _rate(value: object, param: str) -> int:
    kind = value.get("type") if isinstance(value, dict) else None
    if kind == "ogg":
        raise wrong("this simulator has no decoder for ogg: send pcm", f"{param}.type")
    fields = _object(value, param, "type codec rate bits channel")
    for key, choices in {
        "type": ("pcm",),
        "codec": ("pcm_s16le",),
        "rate": RATES_HZ,
        "bits": (16,),
        "channel": (1,),
    }.items():
        if isinstance(fields[key], bool) or fields[key] not in choices:
            raise wrong(f"{param}.{key} is one of {', '.join(map(str, choices))}", f"{param}.{key}")
    return int(fields["rate"])


def _transcription(value: object, param: str) -> dict[str, Any]:
    fields = _object(value, param, "", "model language prompt full_rerun_on_commit enable_itn")
    for key in ("model", "language", "prompt"):
        if not isinstance(fields.get(key, ""), str):
            raise wrong(f"{param}.{key} is a string", f"{param}.{key}")
    for key in ("full_rerun_on_commit", "enable_itn"):
        if not isinstance(fields.get(key, False), bool):
            raise wrong(f"{param}.{key} is true or false", f"{param}.{key}")
    if "model" in fields and fields["model"] not in MODELS:
        raise wrong(f"model {fields['model']} not supported", f"{param}.model")
    names = {
        "model": "model",
        "language": "language",
        "prompt": "prompt",
        "full_rerun_on_commit": "full_rerun",
        "enable_itn": "itn",
    }
    return {names[key]: given for key, given in fields.items()}


def _vad(value: object, param: str) -> VadSettings | None:
    if value is None:
        return None
    fields = _object(value, param, "type", "silence_duration_ms threshold")
    if fields["type"] != "server_vad":
        raise wrong(f"{param}.type is server_vad", f"{param}.type")
    silence_ms, threshold = fields.get("silence_duration_ms", 500), fields.get("threshold", 0.5)
    if isinstance(silence_ms, bool) or not isinstance(silence_ms, int) or not 0 <= silence_ms <= 60_000:
        raise wrong(f"{param}.silence_duration_ms is a whole number", f"{param}.silence_duration_ms")
    if isinstance(threshold, bool) or not isinstance(threshold, int | float) or not 0 <= threshold <= 1:
        raise wrong(f"{param}.threshold is between 0 and 1", f"{param}.threshold")
    return VadSettings(0, silence_ms, round(threshold * ENERGY_SCALE))
