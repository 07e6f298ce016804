"""Files, cloned voices, their previews and the lists of voices: what a request may ask for, and what there is. Pure.

Source: StepFun's API reference ("Files", "Create voice", "List voices", "Voices preview", "System voices").
"""

import random
import string
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from antiphon.simulator.stepfun import tts, voices
from antiphon.simulator.stepfun.clips import Clip
from antiphon.simulator.stepfun.forms import Form
from antiphon.simulator.stepfun.handshake import Refusal
from antiphon.simulator.stepfun.judging import WrongError, blocked, fields, known, on_plan, shaped, text
from antiphon.simulator.stepfun.options import SimulatorOptions

Json: TypeAlias = dict[str, Any]

MAX_FILE_BYTES = 128 * 1024 * 1024
MAX_SAMPLE_CHARACTERS = 50
REFERENCE_S = (5.0, 10.0)
"""How long a recording to be cloned is."""
_BORN = 1_742_374_363
_MANNER = (
    "response_format",
    "instruction",
    "speed",
    "volume",
    "sample_rate",
    "voice_label",
    "pronunciation_map",
    "markdown_filter",
)


@dataclass(frozen=True, slots=True)
class Upload:
    """A file that was taken."""

    id: str
    purpose: str
    name: str
    bytes: int
    url: str
    """Where it is to be fetched, for one that was not sent."""
    clip: Clip | None
    """The sound in it; None for a file that is neither wav nor mp3."""


@dataclass(frozen=True, slots=True)
class Clone:
    """A voice that was asked for, and made or found."""

    path: str
    model: str
    file_id: str
    text: str
    voice: str
    duplicated: bool
    created_at: int


@dataclass(frozen=True, slots=True)
class Preview:
    """A sample that was asked for."""

    path: str
    model: str
    file_id: str
    sample_text: str
    text: str
    format: str
    rate_hz: int
    instruction: str


class Library:
    """What was uploaded and cloned so far. Every request's key is in order."""

    def __init__(self, options: SimulatorOptions, rng: random.Random) -> None:
        """`rng` makes ids."""
        self._options, self._rng = options, rng
        self.uploads: list[Upload] = []
        self.clones: list[Clone] = []
        self.previews: list[Preview] = []

    def upload(self, form: Form) -> Json:
        """Take a file. Raises WrongError."""
        told = shaped(form.texts, "body", "purpose", "url")
        if told["purpose"] != "storage":
            raise WrongError("purpose is not valid")
        if (form.file is None) == ("url" not in told):
            raise WrongError("one of file and url is required")
        if "url" in told and not told["url"].startswith(("http://", "https://")):
            raise WrongError("url is not valid")
        file = form.file
        taken = Upload(
            f"file-{self._letters()}",
            "storage",
            file.name if file else told["url"].rpartition("/")[2],
            file.meter.bytes if file else 0,
            told.get("url", ""),
            file.clip if file else None,
        )
        self.uploads.append(taken)
        return {
            "id": taken.id,
            "object": "file",
            "bytes": taken.bytes,
            "created_at": _BORN + len(self.uploads),
            "filename": taken.name,
            "purpose": taken.purpose,
            "status": "processed",
        }

    def clone(self, path: str, body: bytes) -> Json | Refusal:
        """Make a voice of a file. Raises WrongError."""
        told = shaped(fields(body), "body", "model file_id", "text")
        if refusal := _unsold(path, told["model"]):
            return refusal
        file = self._file(told["file_id"])
        words = text(told["text"], "text") if "text" in told else ""
        if blocked(self._options, words):
            return Refusal(451)
        known = next((one for one in self.clones if one.model == told["model"] and self._same(one.file_id, file)), None)
        voice = known.voice if known else f"voice-tone-{self._letters()}"
        made = Clone(path, told["model"], file.id, words, voice, known is not None, _BORN + len(self.clones))
        self.clones.append(made)
        return {"id": voice, "object": "audio.voice"} | ({"duplicated": True} if known else {})

    def preview(self, path: str, body: bytes) -> Preview | Refusal:
        """Let a voice be heard, without making it. Raises WrongError."""
        told = shaped(fields(body), "body", "model file_id sample_text", " ".join(("text", *_MANNER)))
        if refusal := _unsold(path, told["model"]):
            return refusal
        manner = {name: told[name] for name in ("model", *_MANNER) if name in told}
        if wrong := tts.manner_fault(manner):
            raise WrongError(wrong)
        sample = text(told["sample_text"], "sample_text", MAX_SAMPLE_CHARACTERS)
        words = text(told["text"], "text") if "text" in told else ""
        if blocked(self._options, sample, words):
            return Refusal(451)
        made = Preview(
            path,
            told["model"],
            self._file(told["file_id"]).id,
            sample,
            words,
            told.get("response_format", "wav"),  # the reference's own answer, although it calls mp3 the default
            told.get("sample_rate", 24_000),
            told.get("instruction", ""),
        )
        self.previews.append(made)
        return made

    def voices(self, query: Sequence[tuple[str, str]]) -> Json:
        """One page of the cloned voices. Raises WrongError."""
        told = shaped(_query(query), "query", "", "limit order after")
        limit, order = told.get("limit", "20"), told.get("order", "desc")
        if not limit.isdecimal() or not 1 <= int(limit) <= 100:
            raise WrongError("limit is from 1 to 100")
        if order not in ("asc", "desc"):
            raise WrongError("order is asc or desc")
        made = [one for one in self.clones if not one.duplicated]
        made = made if order == "asc" else made[::-1]
        if "after" in told:
            names = [one.voice for one in made]
            if told["after"] not in names:
                raise WrongError("after is not a voice of the list")
            made = made[names.index(told["after"]) + 1 :]
        page = made[: int(limit)]
        return {
            "object": "list",
            "data": [{"id": one.voice, "file_id": one.file_id, "created_at": one.created_at} for one in page],
            "has_more": len(page) < len(made),
            "first_id": page[0].voice if page else "",
            "last_id": page[-1].voice if page else "",
        }

    def _file(self, name: object) -> Upload:
        """The file to be cloned. Raises WrongError."""
        file = next((one for one in self.uploads if one.id == name), None)
        if file is None:
            raise WrongError("file_id is not valid")
        if file.url:
            return file  # nothing is fetched here
        if file.clip is None:
            raise WrongError("the file is not a wav or mp3 file")
        if not REFERENCE_S[0] <= file.clip.seconds <= REFERENCE_S[1]:
            raise WrongError("the audio is not of 5 to 10 seconds")
        return file

    def _same(self, file_id: str, file: Upload) -> bool:
        other = next(one for one in self.uploads if one.id == file_id)
        if other.clip is None or file.clip is None:
            return other.id == file.id
        return other.clip.sha256 == file.clip.sha256

    def _letters(self) -> str:
        return "".join(self._rng.choices(string.ascii_letters + string.digits, k=10))


def system_voices(path: str, query: Sequence[tuple[str, str]]) -> Json | Refusal:
    """The voices of a model, and what they are called; no plan has the list. Raises WrongError."""
    if on_plan(path):
        return Refusal(404)
    model = shaped(_query(query), "query", "model")["model"]
    if model not in voices.SPEECH_MODELS:
        return Refusal(400)
    names = sorted(voices.SPEECH_MODELS[model])
    return {
        "voices": names,
        "voices-details": {
            name: {
                "voice-name": voices.SPEECH_NAMES.get(name, name),
                "voice-description": f"{voices.SPEECH_NAMES.get(name, name)}",
                "recommended_scene": "",
            }
            for name in names
        },
    }


def _unsold(path: str, model: object) -> Refusal | None:
    if not known(model, voices.SPEECH_MODELS):
        return Refusal(400)
    return Refusal(404) if on_plan(path) and model not in tts.PLAN_MODELS else None


def _query(query: Sequence[tuple[str, str]]) -> Mapping[str, str]:
    told = dict(query)
    if len(told) < len(query):
        raise WrongError("the query has a name twice")
    return told
