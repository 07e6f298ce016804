"""The rules of POST /generate's form: what is refused, with which list, and what the model is then asked. Pure.

The model-specific fields are accepted here and kill the model process later; a `|` in any text loses the request
between the two processes, which cut their messages at the first one.
"""

from dataclasses import dataclass
from typing import Any, TypeAlias

from antiphon.simulator.voxserve.form import Form, Upload

Wrongs: TypeAlias = list[dict[str, Any]]

MODEL_WORDS = ("language", "speaker", "ref_text", "instruct")
MODEL_FLAG = "x_vector_only_mode"
GENERATE_FIELDS = ("text", "audio", "streaming", *MODEL_WORDS, MODEL_FLAG)
START_FIELDS = ("audio", *MODEL_WORDS, MODEL_FLAG)
TEXT_FIELDS = ("text",)
NO_TEXT: Wrongs = [{"type": "missing", "loc": ["body", "text"], "msg": "Field required", "input": None}]
"""What is wrong with a form without text, with JSON, and with no body at all."""
_WORDS = dict.fromkeys(("true", "1", "yes", "on", "t", "y"), True)
_WORDS |= dict.fromkeys(("false", "0", "no", "off", "f", "n"), False)

MAX_NAME_BYTES = 255
PREFIX_BYTES = 37  # the server puts an uuid and an underscore before a file's name


class UnprocessableError(Exception):
    """The form is refused; `wrongs` is the list for status 422."""

    def __init__(self, wrongs: Wrongs) -> None:
        """All that is wrong, in the order of the fields."""
        super().__init__(f"{len(wrongs)} wrong")
        self.wrongs = wrongs


@dataclass(frozen=True, slots=True)
class Asked:
    """What one request asks of the model."""

    text: str = ""
    audio: Upload | None = None
    streaming: bool = True
    extras: tuple[str, ...] = ()
    """The model-specific fields that were sent: any of them kills the model process."""
    lost: bool = False
    """A `|` in it: the model process never hears of this request."""

    @property
    def unsaveable(self) -> bool:
        """True when the upload's name is none that the server can write to: it crashes on it."""
        if self.audio is None:
            return False
        name = self.audio.filename
        return "/" in name or "\0" in name or PREFIX_BYTES + len(name.encode()) > MAX_NAME_BYTES


def read_fields(form: Form, fields: tuple[str, ...] = GENERATE_FIELDS) -> Asked:
    """What `form` asks for, of the `fields` that its route knows. Raises UnprocessableError."""
    wrongs: Wrongs = []
    for name in fields:
        if name == "text" and name not in form:
            wrongs += NO_TEXT
        elif name == "audio":
            wrongs += _wrong_audio(form)
        elif name in ("streaming", MODEL_FLAG):
            wrongs += _wrong_flag(form, name)
        else:
            wrongs += _wrong_word(form, name)
    if wrongs:
        raise UnprocessableError(wrongs)
    return _asked(form)


def _asked(form: Form) -> Asked:
    words = {name: value for name, value in form.items() if isinstance(value, str)}
    audio = form.get("audio")
    upload = audio if isinstance(audio, Upload) else None
    extras = tuple(name for name in (*MODEL_WORDS, MODEL_FLAG) if name in words)
    carried = [words.get("text", ""), *(words[name] for name in extras), upload.filename if upload else ""]
    return Asked(
        text=words.get("text", ""),
        audio=upload,
        streaming=_WORDS.get(words.get("streaming", "").lower(), True),
        extras=extras,
        lost=any("|" in value for value in carried),
    )


def _wrong(kind: str, name: str, message: str, value: Any, **more: Any) -> Wrongs:
    return [{"type": kind, "loc": ["body", name], "msg": message, "input": _shown(value), **more}]


def _wrong_word(form: Form, name: str) -> Wrongs:
    if isinstance(form.get(name), Upload):
        return _wrong("string_type", name, "Input should be a valid string", form[name])
    return []


def _wrong_audio(form: Form) -> Wrongs:
    value = form.get("audio")
    if isinstance(value, str):
        message = "Value error, Expected UploadFile, received: <class 'str'>"
        return _wrong("value_error", "audio", message, value, ctx={"error": {}})
    return []


def _wrong_flag(form: Form, name: str) -> Wrongs:
    value = form.get(name)
    if isinstance(value, Upload):
        return _wrong("bool_type", name, "Input should be a valid boolean", value)
    if value is None or value.lower() in _WORDS or (name == "streaming" and not value):
        return []
    return _wrong("bool_parsing", name, "Input should be a valid boolean, unable to interpret input", value)


def _shown(value: Any) -> Any:
    """A field's value in the list; of a file the server shows its own insides."""
    if not isinstance(value, Upload):
        return value
    names = ("buffering", "suffix", "prefix", "encoding", "newline", "dir", "errors")
    temporary = {"mode": "w+b", **dict.fromkeys(names), "buffering": -1}
    limit = 1024 * 1024
    return {
        "filename": value.filename,
        "file": {"_file": {}, "_max_size": limit, "_rolled": False, "_TemporaryFileArgs": temporary},
        "size": len(value.content),
        "headers": dict(value.headers),
        "_max_mem_size": limit,
    }
