"""StepFun's chat completions with audio as a Link: calls, replies and tasks. What is said there is not its business.

Nothing is connected between questions, so a call opens at once; on a trial, when the model has said a word. The speech
of a turn is kept until its end and sent whole, with what came before it (completions/memory.py): the service ends no
turns and remembers none. A reply begins (ReplyStarted) with its question, so that whoever interrupts can name it; a
failure before its first sound ends the call, so that the question can go to another link. Tools that the model calls
are told when the reply is over; what came of them is the next question. All methods belong to the loop's thread.
"""

import asyncio
from collections.abc import Sequence
from contextlib import aclosing
from dataclasses import dataclass

from antiphon.conversation.effects import ToolOutput
from antiphon.conversation.events import (
    LinkAlive,
    LinkOpened,
    NothingRecognised,
    ReplyAudio,
    ReplyEnded,
    ReplyStarted,
    ReplyText,
    ServiceComplained,
    ToolCalled,
)
from antiphon.conversation.history import Turn
from antiphon.errors import LinkError
from antiphon.links.chat import troubles
from antiphon.links.completions.client import Completions, CompletionsPlan
from antiphon.links.completions.memory import LONGEST_MS, Memory
from antiphon.links.completions.wire import Message, Request, Said
from antiphon.links.life import Life
from antiphon.pcm import LINK_RATE_HZ, SAMPLE_BYTES, bytes_ms, frames_in, ms_of
from antiphon.ports import Catalogue, LinkCounters, Post, ToolSpec
from antiphon.secret import Secret
from antiphon.speech.service import Patience
from antiphon.speech.voice_lists import check_voice

HEARS_NO_WAV_BEFORE = "step-1o-audio"
"""Models of this name take WAV in the last message alone: what was said before it is left out, and what came of a tool
is told without the question.
"""

MOST_BROKEN = 1
"""A connection that was kept may have ended meanwhile; one that breaks anew is another link's turn."""

PROOF = Message("user", "Say yes.")
"""What a trial asks."""

_MOST_BYTES = SAMPLE_BYTES * frames_in(LONGEST_MS, LINK_RATE_HZ)


@dataclass(frozen=True, slots=True)
class ChatPlan:
    """What a call needs to know. The settings' section `chat` has the same names, but for the proxy."""

    url: str
    model: str
    voice: str
    instructions: str
    stream: bool
    clips: int
    """How many of the user's turns go as sound, the question included."""
    first_sound_ms: int
    """From the end of the turn to the first sound, retries included."""
    gap_ms: int
    """From each piece of a reply to the next."""
    proxy: str | None = None


@dataclass(slots=True, eq=False)
class _Asked:
    """A question whose reply is on its way."""

    reply: str
    due_s: float
    """When its first sound must have come."""
    task: asyncio.Task[None] | None = None
    heard_ms: float = 0.0
    """How much sound has come."""


class ChatLinkMaker:
    """Makes the calls; `tools` are those that the model may call."""

    def __init__(self, plan: ChatPlan, key: Secret | None, tools: Catalogue) -> None:
        self._plan, self._key, self._tools = plan, key, tools

    def __call__(self, call: int, history: Sequence[Turn], post: Post, *, trial: bool) -> "ChatLink":
        """A call that has yet to be run."""
        return ChatLink(self._plan, self._key, self._tools(), call, history, post, trial=trial)


class ChatLink:
    """One call; see ports.Link."""

    def __init__(
        self,
        plan: ChatPlan,
        key: Secret | None,
        tools: Sequence[ToolSpec],
        call: int,
        history: Sequence[Turn],
        post: Post,
        *,
        trial: bool,
    ) -> None:
        self.counters = LinkCounters()
        self._plan, self._key, self._tools = plan, key, tuple(tools)
        self._call = call
        self._life = Life(call, post)
        self._trial = trial
        only_asked = HEARS_NO_WAV_BEFORE in plan.model
        clips = 1 if only_asked else plan.clips
        self._memory = Memory(plan.instructions, history, clips, only_asked=only_asked)
        self._speech = bytearray()
        self._left_out = 0  # bytes of it, at its beginning
        self._replies = 0
        self._asked: _Asked | None = None
        self._there: Completions | None = None
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
        """Keep speech until the turn is over; of a turn that is too long, its end."""
        if self._life.over:
            return
        self._speech += pcm
        if (excess := len(self._speech) - _MOST_BYTES) > 0:
            del self._speech[:excess]
            self._left_out += excess

    def commit_turn(self) -> None:
        """Ask what was said; a reply that is still on its way ends."""
        if self._life.over:
            return
        self._hang_up()
        pcm, left_out_ms = bytes(self._speech), ms_of(self._left_out // SAMPLE_BYTES, LINK_RATE_HZ)
        self._speech, self._left_out = bytearray(), 0
        if not pcm:
            self._life.tell(NothingRecognised(self._call))
            return
        if left_out_ms:
            trouble = troubles.shortened(bytes_ms(pcm), left_out_ms)
            self._life.tell(ServiceComplained(self._call, trouble.problem()))
        self._memory.asked(pcm)
        self._ask()

    def cancel_reply(self, reply: str, heard_ms: float) -> None:
        """Hang up on `reply`, and keep of it what was heard."""
        if self._asked is not None and self._asked.reply == reply:
            self._hang_up()
        self._memory.cut(reply, heard_ms)

    def give_tool_outputs(self, outputs: Sequence[ToolOutput], *, respond: bool) -> None:
        """Keep what came of the tools; with `respond` that is the next question."""
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
        plan = self._plan
        try:
            if wrong := check_voice("chat", plan.model, plan.voice):
                raise troubles.no_voice(wrong)
            async with Completions(
                CompletionsPlan(plan.url, plan.model, plan.proxy, troubles.WHERE), self._key
            ) as there:
                self._there = there
                if self._trial:
                    await self._prove(there)
                self._life.tell(LinkOpened(self._call))
                await self._serve(there)
        except LinkError as error:
            self._life.end(error.problem())

    async def _prove(self, completions: Completions) -> None:
        """Have the model say a word, in writing or aloud; nobody hears it. Raises LinkError."""
        self.counters.sent += 1
        due_s = asyncio.get_running_loop().time() + self._plan.first_sound_ms / 1000
        patience = Patience(due_s, self._plan.gap_ms, MOST_BROKEN)
        request = Request((PROOF,), self._plan.voice, stream=self._plan.stream)
        try:
            async with patience, aclosing(completions.ask(request, patience)) as pieces:
                async for said in pieces:
                    if said.text or said.pcm:
                        return
        except TimeoutError:
            raise self._too_slow(completions.host, patience) from None
        raise troubles.soundless(completions.host)

    async def _serve(self, completions: Completions) -> None:
        async with asyncio.TaskGroup() as group:
            while True:
                await self._more.wait()
                self._more.clear()
                if (asked := self._asked) is not None and asked.task is None:
                    asked.task = group.create_task(self._answer(completions, asked), name=f"reply {asked.reply}")

    # ── a reply ──────────────────────────────────────────────────────────────────────────────────

    def _ask(self) -> None:
        """Begin a reply to all that there is."""
        self._replies += 1
        due_s = asyncio.get_running_loop().time() + self._plan.first_sound_ms / 1000
        self._asked = _Asked(f"{self._call}-{self._replies}", due_s)
        self._life.tell(ReplyStarted(self._call, self._asked.reply))
        self._more.set()

    async def _answer(self, completions: Completions, asked: _Asked) -> None:
        request = Request(self._memory.messages(), self._plan.voice, self._tools, self._plan.stream)
        self._memory.began(asked.reply)
        self.counters.sent += 1
        last = Said()
        patience = Patience(asked.due_s, self._plan.gap_ms, MOST_BROKEN)
        try:
            async with patience, aclosing(completions.ask(request, patience)) as pieces:
                async for last in pieces:
                    self._hear(asked, last)
            if not (asked.heard_ms or last.calls):
                raise troubles.soundless(completions.host)
        except TimeoutError:
            self._failed(asked, self._too_slow(completions.host, patience))
        except LinkError as error:
            self._failed(asked, error)
        else:
            self._completed(asked, last)

    def _hear(self, asked: _Asked, said: Said) -> None:
        self.counters.received += 1
        asked.heard_ms += bytes_ms(said.pcm)
        self._memory.said(asked.reply, said.text)
        self._memory.sounded(asked.reply, asked.heard_ms)
        if said.text:
            self._life.tell(ReplyText(self._call, asked.reply, said.text))
        if said.pcm:
            self._life.tell(ReplyAudio(self._call, asked.reply, said.pcm))

    def _completed(self, asked: _Asked, last: Said) -> None:
        self._asked = None
        self._memory.called(asked.reply, last.calls)
        for call in last.calls:
            self._life.tell(ToolCalled(self._call, asked.reply, call.id, call.name, call.arguments))
        self._life.tell(ReplyEnded(self._call, asked.reply, "completed"))

    def _failed(self, asked: _Asked, error: LinkError) -> None:
        """What was told of it stands; with no sound in it, the question may go to another link."""
        if not asked.heard_ms:
            self._life.end(error.problem())
            return
        self._asked = None
        self._memory.cut(asked.reply, asked.heard_ms)
        self._life.tell(ReplyEnded(self._call, asked.reply, "failed", error.problem()))

    def _too_slow(self, host: str, patience: Patience) -> LinkError:
        if patience.began:
            return troubles.stalled(host, self._plan.gap_ms)
        return patience.met or troubles.silent(host, self._plan.first_sound_ms, stream=self._plan.stream)

    def _hang_up(self) -> None:
        """End the reply that is on its way, if any."""
        asked, self._asked = self._asked, None
        if asked is None:
            return
        if asked.task is not None:
            asked.task.cancel()
        self._life.tell(ReplyEnded(self._call, asked.reply, "cancelled"))
