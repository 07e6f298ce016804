"""What was said and what was heard, as text: what a new call is told of the old one."""

from collections import deque
from dataclasses import dataclass, replace
from typing import Literal

MAX_TURNS = 40


@dataclass(frozen=True, slots=True)
class Turn:
    """One side's turn, as text."""

    role: Literal["user", "assistant"]
    text: str


@dataclass(slots=True)
class _Entry:
    key: str
    turn: Turn


class History:
    """The last `MAX_TURNS` turns, oldest first. Transcripts may come late, twice, or never."""

    def __init__(self) -> None:
        self._entries: deque[_Entry] = deque(maxlen=MAX_TURNS)

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
        """Keep of `reply` about what was heard: whole words, in proportion to the time."""
        for entry in self._entries:
            if entry.key == f"reply:{reply}" and length_ms > 0:
                words = entry.turn.text.split()
                kept = words[: int(len(words) * min(1.0, heard_ms / length_ms))]
                entry.turn = replace(entry.turn, text=" ".join(kept))

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
                entry.turn = Turn(role, entry.turn.text + text if grow else text)
                return
        self._entries.append(_Entry(key, Turn(role, text)))
