"""Text to speech over a WebSocket: what a client may say, and how the service complains of all else. Pure.

Source: StepFun's API reference ("Streaming TTS", /realtime/audio). What is not listed there is refused, so that a
client cannot come to rely on it. Names are not those of the HTTP service: voice_id, speed_ratio, volume_ratio, mode.
"""

from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

from antiphon.simulator.stepfun import grammar, tts, voices
from antiphon.simulator.stepfun.grammar import ComplaintError, Json
from antiphon.simulator.stepfun.handshake import Door

MAX_CHARACTERS = 1000

DOORS = {
    "/v1/realtime/audio": Door("speech", tts.MODELS),
    "/step_plan/v1/realtime/audio": Door("speech", tts.MODELS, tts.PLAN_MODELS),
}
"""Where it is served."""

Mode: TypeAlias = Literal["default", "sentence"]
FORMATS = ("wav", "mp3", "flac", "opus", "pcm", "mp3_stream", "opus_stream", "flac_stream")
SPOKEN_FORMATS = ("pcm", "wav")

_WISHES = (
    "response_format sample_rate speed_ratio volume_ratio mode instruction voice_label pronunciation_map "
    "markdown_filter text_normalization timestamp"
)
_KEYS: dict[str, tuple[frozenset[str], frozenset[str]]] = {
    kind: (frozenset(("session_id", *required.split())), frozenset(optional.split()))
    for kind, required, optional in (
        (
            "tts.create",
            "voice_id",
            _WISHES,
        ),
        ("tts.text.delta", "text", ""),
        ("tts.text.flush", "", ""),
        ("tts.text.done", "", ""),
    )
}
"""Each client event with the keys that its data must and may have."""

_RANGES = {"speed_ratio": (0.5, 2.0), "volume_ratio": (0.1, 2.0)}
_CHOICES: dict[str, tuple[Any, ...]] = {
    "response_format": FORMATS,
    "sample_rate": tts.RATES_HZ,
    "mode": ("default", "sentence"),
    "text_normalization": ("standard", "enhanced"),
    "markdown_filter": (True, False),
    "timestamp": (True, False),
}


@dataclass(frozen=True, slots=True)
class Creation:
    """A tts.create that is granted: how the utterance is to be spoken."""

    voice: str
    format: str
    rate_hz: int
    mode: Mode
    instruction: str
    speed: float
    volume: float
    subtitles: bool


def complaint(message: str, param: str = "") -> ComplaintError:
    """The complaint about anything that is not as documented; the service's codes are strings."""
    return ComplaintError(message, code="400", param=param)


def checked(frame: str | bytes, session: str) -> tuple[str, Json]:
    """The type and the data of a client event that belongs to `session`. Raises ComplaintError."""
    try:
        event = grammar.decoded(frame)
    except ComplaintError as error:
        raise complaint(str(error)) from error
    kind, data = event.get("type"), event.get("data")
    if not isinstance(kind, str) or kind not in _KEYS:
        raise complaint("unknown event type", "type")
    if not isinstance(data, dict) or event.keys() != {"type", "data"}:
        raise complaint("an event has a type and data, and nothing else", "data")
    required, optional = _KEYS[kind]
    if not required <= data.keys() <= required | optional:
        wrong = sorted(required - data.keys() or data.keys() - required - optional)
        raise complaint(f"{wrong[0]} is {'missing' if required - data.keys() else 'not known'}", wrong[0])
    if data["session_id"] != session:
        raise complaint("session_id is not this session's", "session_id")
    return kind, data


def text(data: Json) -> str:
    """The words of a tts.text.delta. Raises ComplaintError."""
    words = data["text"]
    if not isinstance(words, str) or not words:
        raise complaint("text is required", "text")
    if len(words) > MAX_CHARACTERS:
        raise complaint(f"text is longer than {MAX_CHARACTERS} characters", "text")
    return words


def creation(data: Json, model: str) -> Creation:
    """What a tts.create for `model` asks for. Raises ComplaintError."""
    for name, choices in _CHOICES.items():
        if name in data and not any(data[name] == choice and type(data[name]) is type(choice) for choice in choices):
            raise complaint(f"{name} is one of {', '.join(map(str, choices))}", name)
    for name, (least, most) in _RANGES.items():
        given = data.get(name, 1.0)
        if isinstance(given, bool) or not isinstance(given, int | float) or not least <= given <= most:
            raise complaint(f"{name} is between {least} and {most}", name)
    if not isinstance(data["voice_id"], str) or not voices.speaks(data["voice_id"], model):
        raise complaint(f"voice {data['voice_id']} is not valid", "voice_id")
    _check_label(data.get("voice_label"), model)
    _check_tones(data.get("pronunciation_map"))
    kind = data.get("response_format", "mp3")
    if kind not in SPOKEN_FORMATS:
        raise complaint(f"this simulator has no encoder for {kind}: ask for pcm or wav", "response_format")
    return Creation(
        data["voice_id"],
        kind,
        data.get("sample_rate", 24_000),
        data.get("mode", "default"),
        _instruction(data.get("instruction"), model),
        float(data.get("speed_ratio", 1.0)),
        float(data.get("volume_ratio", 1.0)),
        data.get("timestamp", False),
    )


def _instruction(given: object, model: str) -> str:
    if given is None:
        return ""
    most = tts.INSTRUCTED.get(model)
    if most is None:
        raise complaint(f"instruction is not supported for {model}", "instruction")
    if not isinstance(given, str) or len(given) > most:
        raise complaint(f"instruction is longer than {most} characters", "instruction")
    return given


def _check_label(label: object, model: str) -> None:
    if label is None:
        return
    if fault := tts.label_fault(label, model):
        raise complaint(fault, "voice_label")


def _check_tones(given: object) -> None:
    if given is None:
        return
    tones = given.get("tone") if isinstance(given, dict) and given.keys() == {"tone"} else None
    if not isinstance(tones, list) or not all(isinstance(tone, str) and "/" in tone for tone in tones):
        raise complaint("pronunciation_map is not valid", "pronunciation_map")
