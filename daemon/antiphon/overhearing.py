"""Floor 5. What is overheard of one turn: whom it went to, what was said, how long it took. It decides nothing.

`AskedTurn` keeps it for the end; `Narrator` tells whoever waits what is being waited for.
"""

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from antiphon.conversation.events import (
    Event,
    LinkClosed,
    ReplyAudio,
    ReplyStarted,
    ReplyText,
    ServiceComplained,
    UserSaid,
)
from antiphon.conversation.history import Turn
from antiphon.conversation.states import State
from antiphon.errors import Problem
from antiphon.pcm import bytes_ms
from antiphon.ports import Link, LinkMaker, Post
from antiphon.snapshot import Snapshot

_ASKING = (State.OPENING, State.LISTENING, State.THINKING)


@dataclass(slots=True)
class AskedTurn:
    """What came of it."""

    question_ms: float = 0.0
    asked_s: float | None = None
    """When the whole question had been sent for the first time, on time.monotonic()."""
    first_audio_s: float | None = None
    """When the first sound of the reply came."""
    link: str = ""
    """Who answered."""
    reply: bytes = b""
    """Mono s16le 24 kHz, as it was played."""
    said: dict[tuple[int, str], str] = field(default_factory=dict)
    """The transcript of the question, by call and the service's item: each call hears the whole question anew."""
    answer: str = ""
    complaints: list[str] = field(default_factory=list)
    lost: dict[str, str] = field(default_factory=dict)
    """Why the last call of a link ended, where nobody asked it to."""
    problem: str = ""
    """Why there is no answer, or only half of one."""
    _taken_up: tuple[int, str] = (0, "")

    @property
    def words(self) -> str:
        """The question, as the last call that wrote it down has understood it."""
        last = max((call for (call, _), text in self.said.items() if text), default=0)
        return " ".join(text for (call, _), text in self.said.items() if call == last)

    def see(self, snapshot: Snapshot) -> None:
        """Note who is asked, and when the question was over."""
        if snapshot.state is State.THINKING and self.asked_s is None:
            self.asked_s = snapshot.since_s
        if snapshot.state in (State.THINKING, State.SPEAKING):
            self.link = snapshot.via

    def note(self, link: str, event: Event) -> None:
        """Note what comes from `link`. A reply that is begun later takes the place of one that was given up."""
        match event:
            case LinkClosed(problem=Problem() as problem):
                self.lost[link] = problem.sentence
            case UserSaid(call=call, item=item, text=text):
                self.said[call, item] = text
            case ReplyStarted(call=call, reply=reply) if call >= self._taken_up[0]:
                self._taken_up, self.answer, self.first_audio_s = (call, reply), "", None
            case ReplyText(call=call, reply=reply, text=text) if (call, reply) == self._taken_up:
                self.answer += text
            case ReplyAudio(call=call, reply=reply) if (call, reply) == self._taken_up and self.first_audio_s is None:
                self.first_audio_s = time.monotonic()
            case ServiceComplained(problem=problem):
                self.complaints.append(problem.sentence)

    def told(self, question: Path, output: Path | None) -> dict[str, str | float | None]:
        """As data. Seconds; `first_audio_s` counts from the end of the question."""
        waited_s = None
        if self.asked_s is not None and self.first_audio_s is not None:
            waited_s = round(self.first_audio_s - self.asked_s, 3)
        return {
            "question": str(question),
            "question_s": round(self.question_ms / 1000, 3),
            "said": self.words,
            "link": self.link,
            "first_audio_s": waited_s,
            "answer": self.answer,
            "reply_s": round(bytes_ms(self.reply) / 1000, 3),
            "reply": str(output) if output is not None and self.reply else None,
        }


def in_words(told: Mapping[str, str | float | None]) -> str:
    """What `AskedTurn.told` tells, for people."""
    lines = [f"Asked {told['question']}, {told['question_s']:.1f} s."]
    if told["said"]:
        lines.append(f"Understood: {told['said']}")
    if told["answer"]:
        lines.append(f"Answered: {told['answer']}")
    if told["first_audio_s"] is None:
        lines.append(f"The answer came by {told['link']}, and has no sound.")
    else:
        where = f"is in {told['reply']}" if told["reply"] else "was not kept; name a file with -o"
        began = f"began {told['first_audio_s']:.2f} s after the question"
        lines.append(f"It came by {told['link']}, {began}, lasts {told['reply_s']:.1f} s, {where}.")
    return "\n".join(lines)


def overheard(makers: Mapping[str, LinkMaker], turn: AskedTurn) -> dict[str, LinkMaker]:
    """The same links; what the services say is noted on its way to the mind."""
    return {name: _overheard(name, make_link, turn) for name, make_link in makers.items()}


def _overheard(link: str, make_link: LinkMaker, turn: AskedTurn) -> LinkMaker:
    def make(call: int, history: Sequence[Turn], post: Post, *, trial: bool) -> Link:
        def told(event: Event) -> None:
            turn.note(link, event)
            post(event)

        return make_link(call, history, told, trial=trial)

    return make


class Narrator:
    """ports.Watcher that tells whom the question goes to next, and, after a while, what is being waited for."""

    def __init__(self, turn: AskedTurn, say: Callable[[str], None], patience_s: float | None) -> None:
        """`say` gets sentences without a full stop. Only after `patience_s` is a wait worth one; None: it never is."""
        self._turn = turn
        self._say = say
        self._patience_s = patience_s
        self._waits: tuple[State, str] | None = None
        self._asked = ""
        self._timer: asyncio.TimerHandle | None = None

    def see(self, snapshot: Snapshot) -> None:
        """See ports.Watcher."""
        waits = (snapshot.state, snapshot.via) if snapshot.state in _ASKING else None
        if waits:
            if self._asked not in ("", snapshot.via):
                why = self._turn.lost.get(self._asked) or snapshot.problem or f"{self._asked} does not answer"
                self._say(f"{why}; {snapshot.via} is asked instead of {self._asked}")
            self._asked = snapshot.via
        elif not self._asked:  # before the question: this link would be asked, and may be found dead even now
            self._asked = snapshot.via
        if waits != self._waits:
            self._waits = waits
            self._wait_anew()

    def close(self) -> None:
        """Nobody waits any more."""
        self._waits = None
        self._wait_anew()

    def _wait_anew(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._waits is not None and self._patience_s is not None:
            self._timer = asyncio.get_running_loop().call_later(self._patience_s, self._still, *self._waits)

    def _still(self, state: State, via: str) -> None:
        if state is State.OPENING:
            why = self._turn.lost.get(via)
            self._say(f"still calling {via}" + (f" ({why})" if why else ""))
        else:
            self._say(f"{via} has been asked, and is still to answer")
