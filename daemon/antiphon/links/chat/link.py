"""StepFun's chat completions with audio as a Link: what is asked, and what comes of it as events.

How such a call lives is completions/call.py's, what is remembered of it completions/memory.py's: the service ends no
turns and remembers none. All methods belong to the loop's thread.
"""

from collections.abc import Sequence
from contextlib import aclosing
from dataclasses import dataclass

from antiphon.conversation.events import ReplyAudio, ReplyText, ServiceComplained, ToolCalled
from antiphon.conversation.history import Turn
from antiphon.errors import LinkError
from antiphon.links.chat import troubles
from antiphon.links.completions.call import Asked, QuestionLink
from antiphon.links.completions.client import Completions, CompletionsPlan
from antiphon.links.completions.memory import LONGEST_MS, Memory
from antiphon.links.completions.wire import Message, Request, Said
from antiphon.pcm import LINK_RATE_HZ, SAMPLE_BYTES, bytes_ms, frames_in, ms_of
from antiphon.ports import Catalogue, Post, ToolSpec
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
class _Reply:
    """See completions/call.py."""

    name: str
    length_ms: float = 0.0
    hushed: bool = False


class ChatLinkMaker:
    """Makes the calls; `tools` are those that the model may call."""

    def __init__(self, plan: ChatPlan, key: Secret | None, tools: Catalogue) -> None:
        self._plan, self._key, self._tools = plan, key, tools

    def __call__(self, call: int, history: Sequence[Turn], post: Post, *, trial: bool) -> "ChatLink":
        """A call that has yet to be run."""
        return ChatLink(self._plan, self._key, self._tools(), call, history, post, trial=trial)


class ChatLink(QuestionLink[Completions, _Reply]):
    """One call; see ports.Link. A trial has the model say a word."""

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
        only_asked = HEARS_NO_WAV_BEFORE in plan.model
        memory = Memory(plan.instructions, history, 1 if only_asked else plan.clips, only_asked=only_asked)
        super().__init__(call, post, memory, plan.first_sound_ms, trial=trial)
        self._plan, self._key, self._tools = plan, key, tuple(tools)
        self._left_out = 0  # bytes of the speech, at its beginning

    def send_audio(self, pcm: bytes) -> None:
        """Keep speech until the turn is over; of a turn that is too long, its end."""
        super().send_audio(pcm)
        if (excess := len(self._speech) - _MOST_BYTES) > 0:
            del self._speech[:excess]
            self._left_out += excess

    def _open(self) -> Completions:
        plan = self._plan
        if wrong := check_voice("chat", plan.model, plan.voice):
            raise troubles.no_voice(wrong)
        return Completions(CompletionsPlan(plan.url, plan.model, plan.proxy, troubles.WHERE), self._key)

    async def _prove(self, there: Completions) -> None:
        """In writing or aloud."""
        self.counters.sent += 1
        patience = Patience(self._due_s(), self._plan.gap_ms, MOST_BROKEN)
        request = Request((PROOF,), self._plan.voice, stream=self._plan.stream)
        try:
            async with patience, aclosing(there.ask(request, patience)) as pieces:
                async for said in pieces:
                    if said.text or said.pcm:
                        return
        except TimeoutError:
            raise self._too_slow(there.host, patience) from None
        raise troubles.soundless(there.host)

    def _take(self, speech: bytes) -> None:
        if self._left_out:
            left_out_ms, self._left_out = ms_of(self._left_out // SAMPLE_BYTES, LINK_RATE_HZ), 0
            trouble = troubles.shortened(bytes_ms(speech), left_out_ms)
            self._life.tell(ServiceComplained(self._call, trouble.problem()))
        self._memory.asked(speech)
        self._ask()

    def _new_reply(self, name: str) -> _Reply:
        return _Reply(name)

    async def _answer(self, there: Completions, asked: Asked[_Reply]) -> None:
        reply = asked.reply
        request = Request(self._memory.messages(), self._plan.voice, self._tools, self._plan.stream)
        self._memory.began(reply.name)
        self.counters.sent += 1
        last = Said()
        patience = Patience(asked.due_s, self._plan.gap_ms, MOST_BROKEN)
        try:
            async with patience, aclosing(there.ask(request, patience)) as pieces:
                async for last in pieces:
                    self._hear(reply, last)
            if not (reply.length_ms or last.calls):
                raise troubles.soundless(there.host)
        except TimeoutError:
            self._failed(reply, self._too_slow(there.host, patience))
        except LinkError as error:
            self._failed(reply, error)
        else:
            self._memory.called(reply.name, last.calls)
            for call in last.calls:
                self._life.tell(ToolCalled(self._call, reply.name, call.id, call.name, call.arguments))
            self._completed(reply)

    def _hear(self, reply: _Reply, said: Said) -> None:
        self.counters.received += 1
        reply.length_ms += bytes_ms(said.pcm)
        self._memory.said(reply.name, said.text)
        self._memory.sounded(reply.name, reply.length_ms)
        if said.text:
            self._life.tell(ReplyText(self._call, reply.name, said.text))
        if said.pcm:
            self._life.tell(ReplyAudio(self._call, reply.name, said.pcm))

    def _too_slow(self, host: str, patience: Patience) -> LinkError:
        if patience.began:
            return troubles.stalled(host, self._plan.gap_ms)
        return patience.met or troubles.silent(host, self._plan.first_sound_ms, stream=self._plan.stream)
