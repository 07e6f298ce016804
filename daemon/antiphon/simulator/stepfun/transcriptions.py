"""Recognition of an upload, POST /audio/transcriptions, which StepFun retires: what a form may ask for. Pure.

Source: StepFun's API reference ("Transcriptions"); the refusals as they were recorded live.
"""

import json
from dataclasses import dataclass

from antiphon.simulator.stepfun.clips import Clip
from antiphon.simulator.stepfun.forms import FilePart, Form
from antiphon.simulator.stepfun.handshake import Refusal
from antiphon.simulator.stepfun.judging import WrongError, shaped, text
from antiphon.simulator.stepfun.options import SimulatorOptions

MAX_FILE_BYTES = 100 * 1024 * 1024
MODELS = frozenset({"step-asr"})
NEWER = frozenset({"stepaudio-2.5-asr"})
KINDS = ("mp3", "pcm", "ogg", "wav")
PCM_RATE_HZ = 16_000


@dataclass(frozen=True, slots=True)
class Transcription:
    """A request that is granted."""

    path: str
    model: str
    format: str
    """json or text."""
    name: str
    """The file's."""
    clip: Clip
    hotwords: tuple[str, ...]


def judge(path: str, form: Form, options: SimulatorOptions) -> Transcription | Refusal:
    """Answer a form; path and key are in order. Raises WrongError for what is to be answered 400."""
    told = shaped(form.texts, "body", "model response_format", "hotwords prompt")
    model = told["model"]
    if model in NEWER and not options.new_models_transcribe:
        raise WrongError(f"model {model} not supported")
    if model not in MODELS | NEWER:
        return Refusal(404)
    if told["response_format"] not in ("json", "text"):
        raise WrongError("only support json,text")
    if form.file is None:
        raise WrongError("file is required")
    clip = _clip(form.file)
    if clip.silent:
        raise WrongError("no speech found")
    return Transcription(
        path, model, told["response_format"], form.file.name, clip, _hotwords(told.get("hotwords", "[]"))
    )


def _clip(file: FilePart) -> Clip:
    kind = file.name.rpartition(".")[2].lower()
    if kind not in KINDS:
        raise WrongError(f"file is one of {', '.join(KINDS)}")
    return file.meter.clip(kind, PCM_RATE_HZ)


def _hotwords(told: str) -> tuple[str, ...]:
    """A list that is written as JSON."""
    try:
        words = json.loads(told)
    except (ValueError, RecursionError) as error:
        raise WrongError("hotwords is not a JSON array") from error
    if not isinstance(words, list):
        raise WrongError("hotwords is not a JSON array")
    return tuple(text(word, "hotwords") for word in words)
