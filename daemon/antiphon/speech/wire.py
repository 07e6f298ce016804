"""The wire of StepFun's text to speech, POST /audio/speech: texts to bodies, bytes to speech. No socket, no clock.

Source: StepFun's API reference, "Audio speech". A request speaks 1000 characters at most. `pcm` is bare s16le, mono,
sent as it is made; an error is a JSON envelope, and once sound has begun there is none but a connection that breaks.
"""

import json
import re

from antiphon.pcm import LINK_RATE_HZ, SAMPLE_BYTES

PATH = "/audio/speech"
MAX_CHARACTERS = 1000
MAX_SAID = 200
"""Characters of what the service says about a failure."""

# Where a text may be cut, the best first: after a sentence, after a clause, between words. Chinese has no spaces,
# and marks of its own.
_CUTS = (
    re.compile("[.!?\u2026]+[\"')\\]]*\\s+|[\u3002\uff01\uff1f\u2026]+[\u201d\u2019\u300d\u300f\uff09]*|\n+"),
    re.compile("[,;:]\\s+|[\uff0c\uff1b\uff1a\u3001]"),
    re.compile(r"\s+"),
)

_SENTENCE_END = re.compile("([.!?\u2026\u3002\uff01\uff1f][\"')\\]\u201d\u2019\u300d\u300f\uff09]*\\s*|\n)$")


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


def _cut(text: str) -> int:
    """Where the first piece of `text` ends; it is as long as it can be, but in the worst place only if it must."""
    for where in _CUTS:
        ends = [found.end() for found in where.finditer(text, 0, MAX_CHARACTERS)]
        if ends:
            return ends[-1]
    return MAX_CHARACTERS


def request(model: str, voice: str, text: str) -> bytes:
    """The body that asks for `text` (1 to MAX_CHARACTERS) as mono s16le at 24 kHz."""
    asked = {
        "model": model,
        "input": text,
        "voice": voice,
        "response_format": "pcm",
        "sample_rate": LINK_RATE_HZ,
    }
    return json.dumps(asked, ensure_ascii=False).encode("utf-8", "replace")


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


def said(body: bytes) -> str:
    """The message of an error's envelope {"error": {"message": …}}, in one printable line, or ""."""
    try:
        message = json.loads(body)["error"]["message"]
    except (ValueError, TypeError, KeyError, RecursionError):
        return ""
    if not isinstance(message, str):
        return ""
    line = " ".join("".join(c if c.isprintable() else " " for c in message).split())
    return line if len(line) <= MAX_SAID else line[: MAX_SAID - 3] + "..."


def is_page(body: bytes) -> bool:
    """Whether it begins as a web page does."""
    return body.lstrip().lower().startswith((b"<!doctype html", b"<html"))
