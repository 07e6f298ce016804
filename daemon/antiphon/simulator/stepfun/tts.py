"""Text to speech, POST /audio/speech: what a request may ask for, and the answers that refuse it. Pure.

Source: StepFun's API reference ("Audio speech") and Step Plan pages; the bodies of 404, 451 and of a voice label that
does not fit as they were recorded live. Fields that are not in the reference are refused: a client that sends them
does not mean what it says.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

from antiphon.simulator.stepfun import voices
from antiphon.simulator.stepfun.handshake import Refusal, scope_of
from antiphon.simulator.stepfun.judging import Denial, WrongError, blocked, fields, known
from antiphon.simulator.stepfun.options import SimulatorOptions

NORMAL_PATH = "/v1/audio/speech"
PLAN_PATH = "/step_plan/v1/audio/speech"
MAX_CHARACTERS = 1000

MODELS = frozenset(voices.SPEECH_MODELS)
PLAN_MODELS = frozenset({"stepaudio-2.5-tts"})
INSTRUCTED = {"stepaudio-2.5-tts": 200, "stepaudio-3-tts": 500}
"""The models that take an instruction, and its length; they take no voice label, and read directions in brackets."""

Format: TypeAlias = Literal["wav", "mp3", "flac", "opus", "pcm"]
FORMATS = ("wav", "mp3", "flac", "opus", "pcm")
RATES_HZ = (8000, 16_000, 22_050, 24_000, 48_000)

_DIRECTION = re.compile("\\([^()]*\\)|\uff08[^\uff08\uff09]*\uff09")
_CHECKED_ELSEWHERE = ("model", "input", "voice", "response_format", "sample_rate", "instruction", "voice_label")
_RANGES = {"speed": (0.5, 2.0), "volume": (0.1, 2.0)}
_FLAGS = ("markdown_filter", "return_url", "timestamp")
_LABELS = {
    "language": "粤语 四川话 日语",
    "emotion": "高兴 非常高兴 悲伤 生气 非常生气 撒娇 恐惧 惊讶 兴奋 钦佩 困惑",
    "style": "慢速 极慢 快速 极快 冷漠 尴尬 沮丧",
}
"""What each voice label may be."""
_MORE_STYLES = {"step-tts-2": "骄傲 温柔 甜美 豪爽 严肃 傲慢 老年 吼叫 阴阳怪气 磕巴"}


@dataclass(frozen=True, slots=True)
class Wish:
    """A request that is granted."""

    path: str
    model: str
    text: str
    """What is to be heard: without the directions."""
    voice: str
    format: Format
    rate_hz: int
    sse: bool
    """The sound comes as server-sent events."""
    instruction: str = ""
    speed: float = 1.0
    volume: float = 1.0
    censored: bool = False
    """Moderation does not let it pass, and a stream of events says so itself."""


def judge(path: str, authorization: str | None, body: bytes, options: SimulatorOptions) -> Wish | Denial | Refusal:
    """Answer a POST to `path` with the value of its Authorization header and this body."""
    if path not in (NORMAL_PATH, PLAN_PATH):
        return Refusal(404)
    scope = scope_of(authorization, options)
    if isinstance(scope, Refusal):
        return scope
    try:
        asked = fields(body)
    except WrongError as wrong:
        return Denial(400, str(wrong))
    model = asked.get("model")
    if not known(model, MODELS):
        return Refusal(400)
    if path == NORMAL_PATH and scope == "plan":
        return Refusal(402)
    if path == PLAN_PATH and model not in PLAN_MODELS:
        return Refusal(404)
    if fault := _fault(asked):
        return Denial(400, fault)
    text, sse = asked["input"], asked.get("stream_format", "audio") == "sse"
    censored = blocked(options, text)
    if censored and not sse:
        return Refusal(451)
    return Wish(
        path,
        model,
        heard(model, text),
        asked["voice"],
        asked.get("response_format", "mp3"),
        asked.get("sample_rate", 24_000),
        sse,
        asked.get("instruction", ""),
        asked.get("speed", 1.0),
        asked.get("volume", 1.0),
        censored,
    )


def heard(model: str, text: str) -> str:
    """What `model` speaks of `text`: the newer models take what stands in brackets for a direction."""
    return _DIRECTION.sub("", text).strip() if model in INSTRUCTED else text


def _fault(asked: Mapping[str, Any]) -> str:
    """What is wrong with the fields, the model aside; "" for nothing."""
    return next(
        (wrong for check in (_text, _voice, _sound, _instruction, _label, _rest) if (wrong := check(asked))), ""
    )


def manner_fault(asked: Mapping[str, Any]) -> str:
    """What is wrong with how it is to be spoken, by the model that `asked` names; "" for nothing."""
    return next((wrong for check in (_sound, _instruction, _label, _rest) if (wrong := check(asked))), "")


def _text(asked: Mapping[str, Any]) -> str:
    text = asked.get("input")
    if not isinstance(text, str) or not text.strip():
        return "input is required"
    return f"input is longer than {MAX_CHARACTERS} characters" if len(text) > MAX_CHARACTERS else ""


def _voice(asked: Mapping[str, Any]) -> str:
    voice = asked.get("voice")
    if not isinstance(voice, str):
        return "voice is required"
    return "" if voices.speaks(voice, asked["model"]) else f"voice {voice} is not valid"


def _sound(asked: Mapping[str, Any]) -> str:
    if asked.get("response_format", "mp3") not in FORMATS:
        return f"response_format is one of {', '.join(FORMATS)}"
    rate_hz = asked.get("sample_rate", 24_000)
    return "" if isinstance(rate_hz, int) and rate_hz in RATES_HZ else "sample_rate is not valid"


def _instruction(asked: Mapping[str, Any]) -> str:
    if "instruction" not in asked:
        return ""
    instruction = asked["instruction"]
    most = INSTRUCTED.get(asked["model"])
    if most is None:
        return f"instruction is not supported for {asked['model']}"
    return "" if isinstance(instruction, str) and len(instruction) <= most else "instruction is too long"


def _label(asked: Mapping[str, Any]) -> str:
    return label_fault(asked["voice_label"], asked["model"]) if "voice_label" in asked else ""


def label_fault(label: object, model: str) -> str:
    """What is wrong with a voice label for `model`; "" for nothing."""
    if model in INSTRUCTED:
        return "voice_label is not supported for v2 models"
    if not isinstance(label, dict) or len(label) != 1 or next(iter(label)) not in _LABELS:
        return f"voice_label has exactly one of {', '.join(_LABELS)}"
    [(name, value)] = label.items()
    listed = _LABELS[name] + (f" {_MORE_STYLES.get(model, '')}" if name == "style" else "")
    return "" if value in listed.split() else f"voice_label.{name} is not valid"


def _rest(asked: Mapping[str, Any]) -> str:
    for name, value in asked.items():
        if name in _CHECKED_ELSEWHERE:
            continue
        if not _is_right(name, value):
            return f"{name} is not valid"
    return ""


def _is_right(name: str, value: object) -> bool:
    if name in _RANGES:
        least, most = _RANGES[name]
        return isinstance(value, int | float) and not isinstance(value, bool) and least <= value <= most
    if name in _FLAGS:
        return isinstance(value, bool) and not (name == "return_url" and value)  # its answer is not published
    if name == "stream_format":
        return value in ("audio", "sse")
    if name == "text_normalization":
        return value in ("standard", "enhanced")
    if name == "pronunciation_map":
        tones = value.get("tone") if isinstance(value, dict) and len(value) == 1 else None
        return isinstance(tones, list) and all(isinstance(t, str) and "/" in t for t in tones)
    return False
