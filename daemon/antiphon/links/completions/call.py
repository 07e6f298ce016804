"""A call on which one question is asked at a time, of a service that remembers nothing: what such links share.

Nothing is connected between questions, so a call opens at once; on a trial, when the service has answered something.
The speech of a turn is kept until its end and sent whole. A reply begins (ReplyStarted) with its question, so that
whoever interrupts can name it; a failure before its first sound ends the call, so that the question can go to another
link. Tools that the model calls are told with the reply; what came of them is the next question. How a question is
asked is each link's. All methods belong to the loop's thread.
"""

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

from antiphon.conversation.effects import ToolOutput
from antiphon.conversation.events import LinkAlive, LinkOpened, NothingRecognised, ReplyEnded, ReplyStarted
from antiphon.errors import LinkError
from antiphon.links.completions.memory import Memory
from antiphon.links.life import Life
from antiphon.ports import LinkCounters, Post


class There(Protocol):
    """The service, while a call lives."""

    @property
    def dialling(self) -> bool:
        """A connection is being made, and nothing is known of the other side."""


class Reply(Protocol):
    """What a link keeps of a reply that is on its way."""

    name: str
    length_ms: float
    """How much sound of it was told."""
    hushed: bool
    """Nobody wants more of it."""


S = TypeVar("S", bound=There)
R = TypeVar("R", bound=Reply)


@dataclass(slots=True, eq=False)
class Asked(Generic[R]):
    """A question whose reply is on its way."""

    reply: R
    speech: bytes | None
    """Of the turn, where it is not in the memory."""
    due_s: float
    """When its first sound must have come."""
    task: asyncio.Task[None] | None = None


class QuestionLink(ABC, Generic[S, R]):
    """One call; see ports.Link."""

    def __init__(self, call: int, post: Post, memory: Memory, first_sound_ms: float, *, trial: bool) -> None:
        """`first_sound_ms` is what a turn has from its end to the first sound."""
        self.counters = LinkCounters()
        self._call = call
        self._life = Life(call, post)
        self._memory = memory
        self._first_sound_ms = first_sound_ms
        self._trial = trial
        self._speech = bytearray()
        self._replies = 0
        self._asked: Asked[R] | None = None
        self._there: S | None = None
        self._more = asyncio.Event()  # something was asked

    # ── what each link does in its own way ───────────────────────────────────────────────────────

    @abstractmethod
    def _open(self) -> AbstractAsyncContextManager[S]:
        """The service; nothing is connected before the context is entered. Raises LinkError."""

    @abstractmethod
    async def _prove(self, there: S) -> None:
        """Have the service do the least it can; nobody hears it. Raises LinkError."""

    @abstractmethod
    def _take(self, speech: bytes) -> None:
        """Ask what was said in a turn, which is not silent."""

    @abstractmethod
    def _new_reply(self, name: str) -> R: ...

    @abstractmethod
    async def _answer(self, there: S, asked: Asked[R]) -> None:
        """Ask, and tell what comes, to the end. Raises nothing."""

    # ── the port ─────────────────────────────────────────────────────────────────────────────────

    async def run(self) -> None:
        """The whole life of the call; see ports.Link.run."""
        try:
            await self._life.run(self._live)
        finally:  # who has muted the microphone wants nothing kept, until the garbage is collected
            self._speech, self._asked, self._there = bytearray(), None, None
            self._memory = Memory("", ())

    def send_audio(self, pcm: bytes) -> None:
        """Keep speech until the turn is over."""
        if not self._life.over:
            self._speech += pcm

    def commit_turn(self) -> None:
        """Ask what was said; a reply that is still on its way ends."""
        if self._life.over:
            return
        self._hang_up()
        speech, self._speech = bytes(self._speech), bytearray()
        if speech:
            self._take(speech)
        else:
            self._life.tell(NothingRecognised(self._call))

    def cancel_reply(self, reply: str, heard_ms: float) -> None:
        """Hang up on `reply`, and remember of it what was heard."""
        if self._asked is not None and self._asked.reply.name == reply:
            self._hang_up()
        self._memory.cut(reply, heard_ms)

    def give_tool_outputs(self, outputs: Sequence[ToolOutput], *, respond: bool) -> None:
        """Remember what came of the tools; with `respond` that is the next question."""
        if self._life.over:
            return
        self._memory.answered(outputs)
        if respond:
            self._hang_up()
            self._ask()

    def check(self) -> None:
        """Nothing is connected between turns, and a turn has limits of its own: alive until one of them says else. But
        one that waits for a connection knows nothing.
        """
        if self._there is None or not self._there.dialling:
            self._life.tell(LinkAlive(self._call))

    def close(self) -> None:
        """End the call soon, without a problem."""
        self._life.end(None)

    # ── one life ─────────────────────────────────────────────────────────────────────────────────

    async def _live(self) -> None:
        try:
            async with self._open() as there:
                self._there = there
                if self._trial:
                    await self._prove(there)
                self._life.tell(LinkOpened(self._call))
                await self._serve(there)
        except LinkError as error:
            self._life.end(error.problem())

    async def _serve(self, there: S) -> None:
        async with asyncio.TaskGroup() as group:
            while True:
                await self._more.wait()
                self._more.clear()
                if (asked := self._asked) is not None and asked.task is None:
                    asked.task = group.create_task(self._answer(there, asked), name=f"reply {asked.reply.name}")

    # ── a reply ──────────────────────────────────────────────────────────────────────────────────

    def _ask(self, speech: bytes | None = None) -> None:
        """Begin a reply to all that is remembered, and to this."""
        self._replies += 1
        reply = self._new_reply(f"{self._call}-{self._replies}")
        self._asked = Asked(reply, speech, self._due_s())
        self._life.tell(ReplyStarted(self._call, reply.name))
        self._more.set()

    def _due_s(self) -> float:
        """By when, of the loop's clock, what is asked now must sound."""
        return asyncio.get_running_loop().time() + self._first_sound_ms / 1000

    def _completed(self, reply: R) -> None:
        self._over(reply, ReplyEnded(self._call, reply.name, "completed"))

    def _failed(self, reply: R, error: LinkError) -> None:
        """What was told of it stands; with no sound in it, the question may go to another link."""
        if not reply.length_ms:
            self._life.end(error.problem())
            return
        self._memory.cut(reply.name, reply.length_ms)
        self._over(reply, ReplyEnded(self._call, reply.name, "failed", error.problem()))

    def _hang_up(self) -> None:
        """End the reply that is on its way, if any."""
        if (asked := self._asked) is not None:
            if asked.task is not None:
                asked.task.cancel()
            self._over(asked.reply, ReplyEnded(self._call, asked.reply.name, "cancelled"))

    def _over(self, reply: R, end: ReplyEnded) -> None:
        reply.hushed, self._asked = True, None
        self._life.tell(end)
