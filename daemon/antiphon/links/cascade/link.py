"""StepFun's recognition, text model and voice in a row, as a Link: calls, replies and tasks.

How the three are joined is exchange.py's. Nothing is connected between turns, so a call opens at once; on a trial, when
all three have done something. The speech of a turn is kept until its end and sent whole. A reply begins (ReplyStarted)
with the turn's end, so that whoever interrupts can name it; a failure before its first sound ends the call, so that the
speech can go to another link. Whoever interrupts ends all three at once. All methods belong to the loop's thread.
"""

import asyncio
from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Final, TypeAlias

from antiphon.conversation.effects import ToolOutput
from antiphon.conversation.events import (
    LinkAlive,
    LinkOpened,
    NothingRecognised,
    ReplyEnded,
    ReplyStarted,
)
from antiphon.conversation.history import Turn
from antiphon.errors import LinkError
from antiphon.links.cascade.exchange import Exchange
from antiphon.links.cascade.reply import Reply
from antiphon.links.cascade.stages import CascadePlan, Stages, StepFunStages
from antiphon.links.completions.memory import Memory
from antiphon.links.completions.wire import Message, Request
from antiphon.links.life import Life
from antiphon.pcm import LINK_RATE_HZ, SAMPLE_BYTES
from antiphon.ports import Catalogue, LinkCounters, Post, ToolSpec
from antiphon.secret import Secret

SILENCE: Final = bytes(SAMPLE_BYTES * LINK_RATE_HZ)
PROOF: Final = Request([Message("user", "Say yes.")])
"""What a trial asks: a second of nothing, and a word."""

Open: TypeAlias = Callable[[], AbstractAsyncContextManager[Stages]]
"""Makes the three services of a call; nothing is connected before the context is entered, and not for long after."""


@dataclass(slots=True, eq=False)
class _Asked:
    """A turn whose reply is on its way."""

    reply: Reply
    speech: bytes | None
    """None where it answers what came of tools."""
    due_s: float
    """When the turn has waited long enough for its first sound."""
    task: asyncio.Task[None] | None = None


class CascadeLinkMaker:
    """Makes the calls; `tools` are those that the model may call."""

    def __init__(self, plan: CascadePlan, key: Secret | None, tools: Catalogue) -> None:
        self._plan, self._key, self._tools = plan, key, tools

    def __call__(self, call: int, history: Sequence[Turn], post: Post, *, trial: bool) -> "CascadeLink":
        """A call that has yet to be run."""
        return CascadeLink(self._plan, self._open, self._tools(), call, history, post, trial=trial)

    def _open(self) -> StepFunStages:
        return StepFunStages(self._plan, self._key)


class CascadeLink:
    """One call; see ports.Link."""

    def __init__(
        self,
        plan: CascadePlan,
        stages: Open,
        tools: Sequence[ToolSpec],
        call: int,
        history: Sequence[Turn],
        post: Post,
        *,
        trial: bool = False,
    ) -> None:
        self.counters = LinkCounters()
        self._trial = trial
        self._plan, self._stages, self._tools = plan, stages, tuple(tools)
        self._call = call
        self._life = Life(call, post)
        self._memory = Memory(plan.instructions, history)
        self._speech = bytearray()
        self._replies = 0
        self._asked: _Asked | None = None
        self._there: Stages | None = None
        self._more = asyncio.Event()  # something was asked

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
            self._ask(speech)
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
            self._ask(None)

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
            async with self._stages() as stages, asyncio.TaskGroup() as group:
                self._there = stages
                if self._trial and (error := await self._try(stages)) is not None:
                    self._life.end(error.problem())
                self._life.tell(LinkOpened(self._call))
                while True:
                    await self._more.wait()
                    self._more.clear()
                    if (asked := self._asked) is not None and asked.task is None:
                        asked.task = group.create_task(self._answer(stages, asked), name=f"reply {asked.reply.name}")
        except LinkError as error:
            self._life.end(error.problem())

    async def _try(self, stages: Stages) -> LinkError | None:
        """Have all three do the least they can, to be heard by nobody; what went wrong."""
        nobody = Reply(self._call, "", Memory("", ()), LinkCounters(), self._life.tell)
        nobody.hushed = True
        try:
            if not await self._exchange(stages, nobody).run(SILENCE, lambda: PROOF):
                await self._exchange(stages, nobody).go_on(PROOF)
        except LinkError as error:
            return error
        return None

    def _exchange(self, stages: Stages, reply: Reply, due_s: float | None = None) -> Exchange:
        """One that has yet to be run; it has until `due_s`, or else its time from now on."""
        self.counters.sent += 1
        first_sound_ms, gap_ms = self._plan.first_sound_ms, self._plan.gap_ms
        by_s = asyncio.get_running_loop().time() + first_sound_ms / 1000 if due_s is None else due_s
        return Exchange(stages, reply, by_s=by_s, first_sound_ms=first_sound_ms, gap_ms=gap_ms)

    # ── a reply ──────────────────────────────────────────────────────────────────────────────────

    def _ask(self, speech: bytes | None) -> None:
        """Begin a reply to this; None: to what came of tools."""
        self._replies += 1
        name = f"{self._call}-{self._replies}"
        reply = Reply(self._call, name, self._memory, self.counters, self._life.tell)
        due_s = asyncio.get_running_loop().time() + self._plan.first_sound_ms / 1000
        self._asked = _Asked(reply, speech, due_s)
        self._life.tell(ReplyStarted(self._call, name))
        self._more.set()

    async def _answer(self, stages: Stages, asked: _Asked) -> None:
        reply = asked.reply
        exchange = self._exchange(stages, reply, asked.due_s)
        answered = True
        try:
            if asked.speech is None:
                await exchange.go_on(reply.question(self._tools))
            else:
                answered = await exchange.run(asked.speech, lambda: reply.question(self._tools))
        except LinkError as error:
            if not reply.hushed:
                self._failed(reply, error)
            return
        if not reply.hushed:
            if not answered:  # told first: a reply that ends well waits for a follow-up, be it silent
                self._life.tell(NothingRecognised(self._call))
            self._over(reply, ReplyEnded(self._call, reply.name, "completed"))  # to the mind it had begun

    def _failed(self, reply: Reply, error: LinkError) -> None:
        """What was told of it stands; with no sound in it, the speech may go to another link."""
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

    def _over(self, reply: Reply, end: ReplyEnded) -> None:
        reply.hushed, self._asked = True, None
        self._life.tell(end)
