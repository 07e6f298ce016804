"""The wire of StepFun's text to speech, POST /audio/speech: texts to bodies, bytes to speech. No socket, no clock.

Source: StepFun's API reference, "Audio speech". A request speaks 1000 characters at most. `pcm` is bare s16le, mono,
sent as it is made; an error is a JSON envelope, and once sound has begun there is none but a connection that breaks.
"""

import base64
import binascii
import json
import re
from dataclasses import dataclass
from typing import Any, Final, Literal, TypeAlias
from unicodedata import category

from antiphon.pcm import LINK_RATE_HZ, SAMPLE_BYTES
from antiphon.speech.meanings import one_line

PATH = "/audio/speech"
MAX_CHARACTERS = 1000

Kind: TypeAlias = Literal["pcm", "wav", "mp3", "flac", "opus"]
"""How the sound is packed."""

INSTRUCTED: Final = {"stepaudio-2.5-tts": 200, "stepaudio-3-tts": 500}
"""Models that are told how to speak, and in how many characters at most."""
UNINSTRUCTED: Final = ("step-tts-2", "step-tts-mini", "step-tts-vivid")
"""Models that refuse an instruction; others may come."""
LONGEST_INSTRUCTION: Final = 500

# Where a text may be cut, the best first: after a sentence, after a clause, between words. Chinese has no spaces,
# and marks of its own.
_CUTS = (
    re.compile("[.!?\u2026]+[\"')\\]]*\\s+|[\u3002\uff01\uff1f\u2026]+[\u201d\u2019\u300d\u300f\uff09]*|\n+"),
    re.compile("[,;:]\\s+|[\uff0c\uff1b\uff1a\u3001]"),
    re.compile(r"\s+"),
)

_SENTENCE_END = re.compile("([.!?\u2026\u3002\uff01\uff1f][\"')\\]\u201d\u2019\u300d\u300f\uff09]*\\s*|\n)$")


def speakable(text: str) -> str:
    """`text` without what nobody can say: services refuse it, or break."""
    return "".join(c for c in text if c in "\t\r\n" or category(c) not in ("Cc", "Cs"))


def pieces(text: str) -> list[str]:
    """`text` cut into what one request each can speak, at the ends of sentences where there are any; no blank ones."""
    cut: list[str] = []
    rest = text.strip()
    while len(rest) > MAX_CHARACTERS:
        at = _cut(rest)
        cut.append(rest[:at].strip())
        rest = rest[at:].strip()
    return [*cut, rest] if rest else cut


def parts(text: str) -> list[str]:
    """`text` cut in the same way, of which nothing is left out: joined, they are `text` again."""
    cut: list[str] = []
    while len(text) > MAX_CHARACTERS:
        at = _cut(text)
        cut.append(text[:at])
        text = text[at:]
    return [*cut, text] if text else cut


def ends_sentence(text: str) -> bool:
    """Whether nothing of a sentence is open at the end of `text`."""
    return bool(_SENTENCE_END.search(text))


def split_sentences(text: str) -> tuple[str, str]:
    """The whole sentences at the beginning of `text`, and what is open behind them."""
    ends = [found.end() for found in _CUTS[0].finditer(text)]
    at = ends[-1] if ends else 0
    return text[:at], text[at:]


def _cut(text: str) -> int:
    """Where the first piece of `text` ends; it is as long as it can be, but in the worst place only if it must."""
    for where in _CUTS:
        ends = [found.end() for found in where.finditer(text, 0, MAX_CHARACTERS)]
        if ends:
            return ends[-1]
    return MAX_CHARACTERS


def request(model: str, voice: str, text: str, instruction: str = "", speed: float = 1.0, kind: Kind = "pcm") -> bytes:
    """The body that asks for `text` (1 to MAX_CHARACTERS) at 24 kHz. `instruction` is sent only where there is one, as
    most models refuse any.
    """
    asked: dict[str, Any] = {
        "model": model,
        "input": text,
        "voice": voice,
        "response_format": kind,
        "sample_rate": LINK_RATE_HZ,
    }
    if instruction:
        asked["instruction"] = instruction
    if speed != 1.0:
        asked["speed"] = speed
    return json.dumps(asked, ensure_ascii=False).encode("utf-8", "replace")


def check_instruction(model: str, instruction: str, setting: str = "speech.instruction") -> str | None:
    """A sentence where `model` surely refuses the `instruction` that was set there; None where it may take it."""
    most = INSTRUCTED.get(model, 0 if model in UNINSTRUCTED else LONGEST_INSTRUCTION)
    if not instruction or len(instruction) <= most:
        return None
    if not most:
        return f"{model} takes no instruction: leave {setting} empty, or use {' or '.join(INSTRUCTED)}"
    return f"{setting} has {len(instruction)} characters, and {model} takes {most} at most: shorten it"


class SoundStream:
    """One answer's body, in pieces of any length, to whole samples."""

    def __init__(self) -> None:
        """Nothing has come."""
        self.bytes = 0
        """How many came in all."""
        self._carried = b""

    def take(self, data: bytes) -> bytes:
        """The next bytes of the body; returns the whole samples there are. Half a sample at the end is dropped."""
        self.bytes += len(data)
        data = self._carried + data
        whole = len(data) - len(data) % SAMPLE_BYTES
        self._carried = data[whole:]
        return data[:whole]


def is_sound(content_type: str) -> bool:
    """Whether a body of this Content-Type may be speech: the reference names none, so all but what is surely words."""
    kind = content_type.partition(";")[0].strip().lower()
    return not (kind.startswith("text/") or kind in ("application/json", "application/xhtml+xml"))


def is_events(content_type: str) -> bool:
    """Whether it is the form `sse`, in which sound comes as events: not asked for, but some doors give nothing else."""
    return content_type.partition(";")[0].strip().lower() == "text/event-stream"


@dataclass(frozen=True, slots=True)
class Piece:
    """Of the sound, in the form `sse`."""

    data: bytes


@dataclass(frozen=True, slots=True)
class Failed:
    """The service's own words about what went wrong, "" where there are none."""

    message: str
    kind: str


def read_event(data: str) -> Piece | Failed | None:
    """The data of one event of the form `sse`; None for all that holds nothing to hear, the end included: it repeats
    nothing. Never raises.
    """
    try:
        event = json.loads(data)
    except (ValueError, RecursionError):
        return None
    if not isinstance(event, dict):
        return None
    if event.get("type") == "speech.audio.delta" and isinstance(event.get("audio"), str):
        try:
            return Piece(base64.b64decode(event["audio"], validate=True))
        except (binascii.Error, ValueError):
            return None
    error = event.get("error")
    if event.get("type") == "speech.audio.error" or isinstance(error, dict):
        told = error if isinstance(error, dict) else event
        return Failed(one_line(told.get("message")), one_line(told.get("type")) if told is error else "")
    return None
