"""Recognition of a recording, POST /audio/asr/sse: what a request may ask for, and the events that answer. Pure.

Source: StepFun's API reference ("Audio ASR SSE") and Step Plan pages; that silence has an empty text, that deltas may
differ from the text, and that an error comes inside an answer with status 200 and ends it, were seen live.
"""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from antiphon.simulator.numerals import in_words
from antiphon.simulator.stepfun.asr_body import HERE, Base64, BodyReader
from antiphon.simulator.stepfun.clips import Clip
from antiphon.simulator.stepfun.handshake import Refusal
from antiphon.simulator.stepfun.judging import WrongError, fields, flag, known, on_plan, shaped, text, whole
from antiphon.simulator.stepfun.options import SimulatorOptions

PATH = "/audio/asr/sse"
MODELS = frozenset({"stepaudio-2.5-asr", "stepaudio-2-asr-pro", "step-asr-1.1-stream", "stepaudio-3-asr-max"})
PLAN_MODELS = frozenset({"stepaudio-2.5-asr"})
KINDS = ("ogg", "mp3", "wav", "pcm")
MAX_BODY_BYTES = 160 * 1024 * 1024
ERROR = '{"type":"error","meta":{"session_id":"sse_0","timestamp":0},"message":"%s"}'
"""The event that ends a stream which fails."""


@dataclass(frozen=True, slots=True)
class Recognition:
    """A request that is granted."""

    path: str
    model: str
    clip: Clip
    language: str
    hotwords: tuple[str, ...]
    itn: bool
    timestamps: bool
    rate_hz: int
    """Of pcm; 0 where the file says it."""
    body_bytes: int
    chunked: bool
    """The body came without its length being told first."""


def judge(
    path: str, reader: BodyReader, options: SimulatorOptions, *, event_stream: bool, chunked: bool
) -> Recognition | Refusal:
    """Answer a request whose body has been read; the key is in order. `event_stream`: its Accept names that.

    Raises WrongError for what is to be answered 400.
    """
    audio = shaped(shaped(fields(reader.kept), "body", "audio")["audio"], "audio", "data input")
    asked = shaped(audio["input"], "audio.input", "transcription format")
    told = shaped(
        asked["transcription"],
        "audio.input.transcription",
        "model",
        "language hotwords enable_itn enable_timestamp full_rerun_on_commit",
    )
    model = told["model"]
    if not known(model, MODELS):
        return Refusal(400)
    if on_plan(path) and model not in PLAN_MODELS:
        return Refusal(404)
    if not event_stream:
        raise WrongError("Accept is not text/event-stream")
    kind, rate_hz, channels = _format(asked["format"])
    clip = _recording(audio["data"], reader).meter.clip(kind, rate_hz, channels)
    if clip.seconds > options.asr_longest_s:
        raise WrongError(f"the audio is longer than {options.asr_longest_s:.0f} s")
    flag(told.get("full_rerun_on_commit", False), "full_rerun_on_commit")
    return Recognition(
        path,
        model,
        clip,
        text(told["language"], "language") if "language" in told else "",
        _hotwords(told.get("hotwords", [])),
        flag(told.get("enable_itn", True), "enable_itn"),
        flag(told.get("enable_timestamp", False), "enable_timestamp"),
        rate_hz,
        reader.bytes,
        chunked,
    )


def _recording(data: object, reader: BodyReader) -> Base64:
    """What stands in `data`, a short one too. Raises WrongError."""
    if data == json.loads(f'"{HERE}"') and reader.recording is not None:
        return reader.recording
    if reader.recording is not None:
        raise WrongError("the body has a recording that is not audio.data")
    short = Base64()
    if not isinstance(data, str) or not data.isascii():
        raise WrongError("audio.data is not base64")
    short.feed(data.encode())
    short.end()
    return short


def _format(asked: object) -> tuple[str, int, int]:
    """Kind, rate and channels. Raises WrongError."""
    told = shaped(asked, "audio.input.format", "type", "codec rate bits channel")
    kind = told["type"]
    if kind not in KINDS:
        raise WrongError(f"audio.input.format.type is one of {', '.join(KINDS)}")
    if kind == "pcm":
        shaped(asked, "audio.input.format", "type rate bits channel", "codec")
        if told.get("codec", "pcm_s16le") != "pcm_s16le":
            raise WrongError("audio.input.format.codec is not valid")
    if "codec" in told:
        text(told["codec"], "audio.input.format.codec")
    rate_hz, channels = (whole(told.get(name, 1), f"audio.input.format.{name}") for name in ("rate", "channel"))
    if whole(told.get("bits", 16), "audio.input.format.bits") != 16:
        raise WrongError("audio.input.format.bits is 16")
    if channels > 2 or (kind == "pcm" and not 8000 <= rate_hz <= 48_000):
        raise WrongError("audio.input.format is not valid")
    return kind, (rate_hz if kind == "pcm" else 0), channels


def _hotwords(words: object) -> tuple[str, ...]:
    if not isinstance(words, list):
        raise WrongError("hotwords is not an array")
    return tuple(text(word, "hotwords") for word in words)


def recognised(clip: Clip, number: int, options: SimulatorOptions) -> str:
    """What was said in the recording that is granted as this `number`, counted from 0; "" for silence."""
    if number < len(options.transcripts):
        return options.transcripts[number]
    return "" if clip.silent else f"This lasts {in_words(clip.seconds)} seconds."


def events(asked: Recognition, said: str, number: int, options: SimulatorOptions) -> list[str]:
    """The data of each event of the answer, in order."""
    meta = {"session_id": f"sse_{number}", "timestamp": 0}
    if any(word in said for word in options.blocked):
        return [_told("error", meta, message="content blocked")]
    made = [
        _told("transcript.text.delta", meta | {"timestamp": 20 * at}, delta=piece, **_place(asked, at, len(pieces)))
        for pieces in [_pieces(said, options)]
        for at, piece in enumerate(pieces)
    ]
    heard, written = int(10 * asked.clip.seconds) + 1, len(said.split())
    usage = {
        "type": "tokens",
        "input_tokens": heard,
        "input_token_details": {"text_tokens": 0, "audio_tokens": heard},
        "output_tokens": written,
        "total_tokens": heard + written,
    }
    made.append(_told("transcript.text.done", meta, text=said, usage=usage))
    return made + (["[DONE]"] if options.asr_done_marker else [])


def _pieces(said: str, options: SimulatorOptions) -> Sequence[str]:
    if options.asr_deltas == "none":
        return ()
    rough = options.asr_deltas == "rough"
    words: list[str] = re.findall(r"\s*\S+", said)
    return [re.sub(r"[^\w\s]", "", word).lower() for word in words] if rough else words


def _place(asked: Recognition, at: int, count: int) -> dict[str, Any]:
    """Where in the recording a delta is, when that was asked for."""
    if not asked.timestamps:
        return {}
    each_ms = 1000 * asked.clip.seconds / count
    return {
        "item_id": "item_1",
        "content_index": 0,
        "start_time": int(at * each_ms),
        "end_time": int((at + 1) * each_ms),
    }


def _told(kind: str, meta: Mapping[str, Any], **values: object) -> str:
    return json.dumps({"type": kind, "meta": meta, **values}, ensure_ascii=False)
