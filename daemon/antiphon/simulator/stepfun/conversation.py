"""The items of one conversation, and the transcripts of what the user said. Pure."""

import random
from dataclasses import dataclass

from antiphon.simulator.stepfun.agenda import Agenda
from antiphon.simulator.stepfun.grammar import ComplaintError
from antiphon.simulator.stepfun.options import SimulatorOptions
from antiphon.simulator.stepfun.wording import Wording

DELTA_STEP_S = 0.005


@dataclass(frozen=True, slots=True)
class Item:
    """One item; role "tool" is the output of a function call."""

    id: str
    role: str
    text: str = ""
    speech_s: float = 0.0


class Items:
    """The items, oldest first."""

    def __init__(self) -> None:
        self._items: list[Item] = []

    @property
    def last(self) -> Item | None:
        """The newest item."""
        return self._items[-1] if self._items else None

    @property
    def last_asked(self) -> Item | None:
        """The newest item that is not the assistant's: what a response answers."""
        return next((item for item in reversed(self._items) if item.role in ("user", "tool")), None)

    def add(self, item: Item, after: str | None = None) -> str | None:
        """Put `item` after the item `after` (the newest, if None); the id of the one before it.

        Raises ComplaintError when there is no item `after`.
        """
        place = len(self._items) if after is None else self._place(after, "cannot find previous item") + 1
        self._items.insert(place, item)
        return self._items[place - 1].id if place else None

    def remove(self, item: str) -> None:
        """Raises ComplaintError when there is no such item."""
        del self._items[self._place(item, "cannot find item")]

    def find(self, item: str) -> Item:
        """Raises ComplaintError when there is no such item."""
        return self._items[self._place(item, "cannot find item")]

    def _place(self, item: str, complaint: str) -> int:
        for place, known in enumerate(self._items):
            if known.id == item:
                return place
        raise ComplaintError(complaint, param="item_id")


class Transcriber:
    """Tells what the user said: late, early, twice, blank or never."""

    def __init__(self, options: SimulatorOptions, agenda: Agenda, wording: Wording, rng: random.Random) -> None:
        """`rng` chooses the blank ones, and the moment where that is "mixed"."""
        self._options = options
        self._agenda = agenda
        self._wording = wording
        self._rng = rng
        self._texts: dict[str, str] = {}
        self._cues: dict[str, str] = {}

    def heard(self, item: str, speech_s: float) -> None:
        """The user's item `item` is committed: decide what it will read, and when."""
        script = self._options.transcripts
        count = len(self._texts)
        text = script[count] if count < len(script) else f"({speech_s:.1f} seconds of speech)"
        self._texts[item] = "" if self._rng.random() < self._options.empty_transcript_chance else text
        mixed = self._options.transcription == "mixed"
        self._cues[item] = self._rng.choice(("before", "between", "after")) if mixed else self._options.transcription

    def cue(self, cue: str, item: str, at_s: float) -> None:
        """The moment `cue` of the item's response is at `at_s`: if it is the item's moment, send the transcript."""
        if self._cues.get(item) != cue:
            return
        text = self._texts[item]
        if self._options.transcription_deltas:
            at_s = self._deltas(item, text, at_s)
        self._send("completed", item, at_s, transcript=text)

    def _deltas(self, item: str, text: str, at_s: float) -> float:
        words = text.split()
        for count in range(1, len(words) + 1):
            for _repeat in range(1 + count % 2):  # sometimes nothing has changed, and it is sent again
                self._send("delta", item, at_s, delta=" ".join(words[:count]))
                at_s += DELTA_STEP_S
        return at_s

    def _send(self, form: str, item: str, at_s: float, **fields: str) -> None:
        kind = f"conversation.item.input_audio_transcription.{form}"
        event = self._wording.event(kind, item_id=item, content_index=0, **fields)
        self._agenda.at(at_s, lambda _now: self._agenda.say(event))
