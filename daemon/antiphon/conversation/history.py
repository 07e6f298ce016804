"""What was said and what was heard, as text: what a new call is told of the old one."""

import re
from collections import deque
from dataclasses import dataclass, replace
from typing import Literal

MAX_TURNS = 40
MAX_TURN_CHARACTERS = 8000
"""About eight minutes of speech; what is beyond is not remembered, so that no service can fill our memory."""

# Chinese and Japanese put no spaces between words: there a character counts as one, with the marks that follow it.
_CJK = "\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff"
_CJK_MARKS = "\u3000-\u303f\uff00-\uff0f\uff1a-\uff20"
_WORD = re.compile(rf"[{_CJK}][{_CJK_MARKS}]*\s*|[^\s{_CJK}]+\s*")


@dataclass(frozen=True, slots=True)
class Turn:
    """One side's turn, as text."""

    role: Literal["user", "assistant"]
    text: str


def beginning(text: str, share: float) -> str:
    """The first `share` (0 to 1) of the words of `text`."""
    words = _WORD.findall(text)
    return "".join(words[: int(len(words) * share)]).strip()


@dataclass(slots=True)
class _Entry:
    key: str
    turn: Turn
    of_turn: bool = True
    """It came since the user's turn began."""


class History:
    """The last `MAX_TURNS` turns, oldest first. Transcripts may come late, twice, or never."""

    def __init__(self) -> None:
        self._entries: deque[_Entry] = deque(maxlen=MAX_TURNS)

    def turn_began(self) -> None:
        """What is told from here on may have to be told again."""
        for entry in self._entries:
            entry.of_turn = False

    def turn_lost(self) -> None:
        """Another call gets the same speech, and must not be told of it as well."""
        self._entries = deque((entry for entry in self._entries if not entry.of_turn), maxlen=MAX_TURNS)

    def said(self, item: str, text: str) -> None:
        """The user's turn `item` reads `text`; a blank reading only keeps its place, as transcripts come late."""
        self._set(f"user:{item}", "user", text.strip(), grow=not text.strip())

    def began(self, reply: str) -> None:
        """The assistant began `reply`: it takes its place here, whenever its text comes."""
        self._set(f"reply:{reply}", "assistant", "", grow=False)

    def replied(self, reply: str, text: str) -> None:
        """A further piece of the assistant's `reply`."""
        self._set(f"reply:{reply}", "assistant", text, grow=True)

    def cut(self, reply: str, heard_ms: float, length_ms: float) -> None:
        """Keep of `reply` about what was heard: whole words, in proportion to the time.

        Text runs ahead of its sound: of a reply without sound (`length_ms` 0) nothing was heard.
        """
        share = min(1.0, max(0.0, heard_ms / length_ms)) if length_ms > 0 else 0.0
        for entry in self._entries:
            if entry.key == f"reply:{reply}":
                entry.turn = replace(entry.turn, text=beginning(entry.turn.text, share))

    def turns(self) -> tuple[Turn, ...]:
        """What a new call should be told, oldest first, without blanks."""
        return tuple(entry.turn for entry in self._entries if entry.turn.text.strip())

    def forget(self) -> None:
        """A new conversation."""
        self._entries.clear()

    def __len__(self) -> int:
        """How many turns have text."""
        return len(self.turns())

    def _set(self, key: str, role: Literal["user", "assistant"], text: str, *, grow: bool) -> None:
        for entry in self._entries:
            if entry.key == key:
                text = entry.turn.text + text if grow else text
                entry.turn = Turn(role, text[:MAX_TURN_CHARACTERS])
                return
        self._entries.append(_Entry(key, Turn(role, text[:MAX_TURN_CHARACTERS])))
