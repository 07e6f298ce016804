"""A text that is still being written, to pieces that can be spoken, the first as soon as there is one. Pure.

A piece ends with a sentence, a line, or, where that would be long, a clause; never inside a number, an abbreviation,
an address or a link. How the text is cut into deltas changes nothing. What only the eye understands is taken out:
Markdown (CommonMark), code, emoji, and brackets, as StepFun's voices take what is in them for a stage direction.
"""

import re
from typing import Final

from antiphon.links.completions.pace import CJK, weight

FIRST_CLAUSE: Final = 40
"""From this weight on the first piece may end with a clause: long enough for the next to be made meanwhile."""

CLAUSE: Final = 160
"""The same for those after it, which somebody still listens to as they are made."""

WORD: Final = 320
"""From here on any blank will do; nobody speaks so long without a breath."""

MOST: Final = 640
"""And here it is cut wherever it is. Two bytes a character more than this are never waited for."""

_PLACES = re.compile(
    # What is never cut: links and pictures, addresses, code in a line; perhaps not all of it is there yet.
    r"(?P<whole>!?\[[^\[\]]{0,200}(?:\Z|\](?:\Z|\([^()\s]{0,500}(?:\)|\Z)))"
    rf"|https?://[^\s<>()\u3001\u3002\uff00-\uffef{CJK}]*[^\s<>().,;:!?'\"\u3001\u3002\uff00-\uffef{CJK}]"
    r"|`[^`]{0,200}(?:`|\Z))"
    # Chinese marks end a sentence wherever they are; others only before a blank, or before Chinese.
    r"|(?P<end>[\u3002\uff01\uff1f]"
    rf"|[.!?\u2026]+[\"')\]*_~\u201d\u2019\u300d\u300f\uff09]*(?=[\s{CJK}]))"
    r"|(?P<clause>[\uff0c\uff1b\uff1a\u3001\u2014]|[,;:][\"')\]*_~\u201d\u2019]*(?=\s))"
    r"|(?P<blank>\s)"
)
_LIMITS: Final = {"end": 0, "clause": CLAUSE, "blank": WORD}

# After these, in small letters, a full stop ends nothing; nor after one letter, as in "J. S. Bach" or "e.g.".
_ABBREVIATIONS: Final = frozenset(
    re.findall(r"\w+", "mr mrs ms dr prof st mt sr jr gen gov sen mme vs fig vol approx cf inc ltd dept bzw ca nr usw")
)
_DAY = re.compile(r"(?:\A|\s)\d{1,2}\Z")
_LAST_WORD = re.compile(r"[^\W_]+\Z")

_FENCE: Final = "```"
_BEGINNING = re.compile(r"\s*(?:>\s*)*(?:#{1,6}\s+|[-*+\u2022]\s+(?:\[[ xX]\]\s+)?|(?P<number>\d{1,3})[.)]\s+)?")
_NUMBERED = re.compile(r"\s*(?:>\s*)*\d{1,3}\Z")
_RULE = re.compile(r"[\s|:*_=-]*\Z")
_LINK = re.compile(r"!?\[([^\[\]]*)\]\([^()]*\)")
_ADDRESS = re.compile(r"<?https?://(?:www\.)?([^\s<>]*)>?")
_TAG = re.compile(r"</?[A-Za-z][^<>]*>")
_FACE = re.compile(r"(?<![\w)])[:;]-?[()DP](?!\w)")
_TIMES = re.compile(r"(?<=\d)\s*\*\s*(?=\d)")
_EMPHASIS = re.compile(r"[*`\\]|~~|(?<!\w)_+|_+(?!\w)")
_WIDE = re.compile("\\s*[\uff08\uff09\u3010\u3011]\\s*")
_NARROW = re.compile(r"\s*[()\[\]{}|]\s*")
_PICTURES = re.compile(
    "[\U0001f000-\U0001faff\u2600-\u27bf\u2b00-\u2bff\u2300-\u23ff\ufe0e\ufe0f\u200d\u20e3\U000e0020-\U000e007f]"
)
_COMMAS = re.compile("[,\uff0c](?:\\s*[,\uff0c])+")
_BESIDE_MARK = re.compile(
    "\\s*[,\uff0c]\\s*(?=[.!?;:\u3002\uff01\uff1f\uff1b\uff1a])|(?<=[.!?\u3002\uff01\uff1f])[,\uff0c]"
)
_GAP = re.compile(r" (?=[.!?,](?!\w))")
_LEFT_OVER = re.compile(
    "\\A(?:[\\s,\uff0c\u3001\u3002!?\uff01\uff1f;:\uff1b\uff1a\u2026\u201d\u2019\u300d\u300f]|\\.(?!\\d))+"
)
_ENDED = re.compile("[.!?\u2026\u3002\uff01\uff1f:\uff1a;\uff1b][\"'\u201d\u2019\u300d\u300f]*\\Z")
_OPEN_END = re.compile("[\\s,\uff0c\u3001\u2014-]+\\Z")


class Sentences:
    """One text, from its first character to its last."""

    def __init__(self) -> None:
        self._rest = ""
        self._fresh = True  # the rest begins a line
        self._fenced = False  # it is in a block of code
        self._first = True  # nothing to be spoken has come

    def take(self, text: str) -> list[str]:
        """The text goes on; what of it can be spoken now, in order."""
        self._rest += text.replace("\r", "")
        pieces: list[str] = []
        while "\n" in self._rest:
            line, _, rest = self._rest.partition("\n")
            pieces += self._line(line)
            self._rest, self._fresh = rest, True
        if self._fenced:
            self._rest = self._rest[:MOST]  # of code only the mark at a line's beginning matters
        elif not (self._fresh and _may_be_fence(self._rest)):
            pieces += self._whole_pieces()
        return pieces

    def end(self) -> list[str]:
        """The text is over: what is left of it to be spoken."""
        pieces = [] if self._fenced else self._line(self._rest)
        self._rest = ""
        return pieces

    def _line(self, line: str) -> list[str]:
        """The line is complete, or what is left of it."""
        if self._fresh and line.lstrip().startswith(_FENCE):
            self._fenced = not self._fenced
            return []
        if self._fenced:
            return []
        self._rest = line + " "  # by which the last mark is known to be one
        pieces = self._whole_pieces()
        return pieces + self._spoken(self._rest, ends=True)

    def _whole_pieces(self) -> list[str]:
        pieces: list[str] = []
        while at := self._cut():
            piece, self._rest = self._rest[:at], self._rest[at:]
            pieces += self._spoken(piece, ends=False)
            self._fresh = False
        return pieces

    def _spoken(self, piece: str, *, ends: bool) -> list[str]:
        text = spoken(piece, begins_line=self._fresh, ends_line=ends)
        self._first = self._first and not text
        return [text] if text else []

    def _cut(self) -> int:
        """Where the next piece ends; 0 while that is not known."""
        weights = _Weights(self._rest)
        for place in _PLACES.finditer(self._rest):
            if weights.to(place.end()) > MOST:
                break
            kind = place.lastgroup or ""
            if kind == "whole":
                continue
            limit = FIRST_CLAUSE if kind == "clause" and self._first else _LIMITS[kind]
            if weights.to(place.end()) < limit:
                continue
            goes_on = kind == "end" and self._goes_on(place)
            if goes_on is None:
                return 0
            if not goes_on:
                return place.end()
        return weights.at(MOST)

    def _goes_on(self, place: re.Match[str]) -> bool | None:
        """Whether the sentence does not end at this mark; None when that depends on what has not come."""
        marks = place.group().rstrip("\"')]*_~\u201d\u2019\u300d\u300f\uff09")
        if marks not in (".", "...", "\u2026"):
            return False
        after = self._rest[place.end() :]
        if not after[0].isspace():
            before = self._rest[: place.start()][-1:]
            return marks == "." and not re.match(f"[{CJK}]", before)
        if marks == "." and _is_short(self._rest[: place.start()], begins_line=self._fresh):
            return True
        following = after.lstrip()
        if not following:
            return None
        numbered = following[0].isdigit() and _LAST_WORD.findall(self._rest[: place.start()]) in (["No"], ["no"])
        return following[0].islower() or numbered


class _Weights:
    """How long the beginning of a text takes to be spoken, in letters."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._at, self._weight = 0, 0

    def to(self, end: int) -> int:
        """Of the text up to `end`, which never goes back."""
        self._weight += weight(self._text[self._at : end])
        self._at = max(self._at, end)
        return self._weight

    def at(self, most: int) -> int:
        """Where the text weighs more than `most`; 0 when it does not."""
        total = 0
        for index, character in enumerate(self._text):
            total += weight(character)
            if total > most:
                return index
        return 0


def spoken(text: str, *, begins_line: bool, ends_line: bool) -> str:
    """A piece as a voice is given it: without marks for the eye, and "" when there is nothing to be said.

    A line that ends without a mark gets one, as the voice would run on into the next.
    """
    if _RULE.match(text):
        return ""
    if begins_line:
        text = _BEGINNING.sub(lambda found: f"{found['number']}, " if found["number"] else "", text, count=1)
    text = _LINK.sub(r"\1", text)
    text = _ADDRESS.sub(r"\1", text)
    text = _PICTURES.sub("", _FACE.sub("", _TAG.sub("", text)))
    text = _EMPHASIS.sub("", _TIMES.sub(" \u00d7 ", text))
    text = _NARROW.sub(", ", _WIDE.sub("\uff0c", text))
    text = _COMMAS.sub(lambda found: found.group()[0], text)
    text = _LEFT_OVER.sub("", _BESIDE_MARK.sub("", text))
    text = _GAP.sub("", " ".join(text.split()))
    if not any(character.isalnum() for character in text):
        return ""
    return _closed(text) if ends_line else text


def _closed(text: str) -> str:
    text = _OPEN_END.sub("", text)
    if _ENDED.search(text):
        return text
    return text + ("\u3002" if re.search(f"[{CJK}][^\\w]*\\Z", text) else ".")


def _is_short(before: str, *, begins_line: bool) -> bool:
    """Whether a full stop after `before` belongs to an abbreviation, or to a number that is one of a list or a day."""
    if _DAY.search(before) or (begins_line and _NUMBERED.match(before)):
        return True
    found = _LAST_WORD.search(before)
    if found is None:
        return False
    word = found.group()
    return (len(word) == 1 and word.isascii() and word.isalpha()) or word.lower() in _ABBREVIATIONS


def _may_be_fence(rest: str) -> bool:
    beginning = rest.lstrip(" ")
    return beginning.startswith(_FENCE) or _FENCE.startswith(beginning)
