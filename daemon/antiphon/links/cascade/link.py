"""StepFun's recognition, text model and voice in a row, as a Link.

How the three are joined is exchange.py's; how such a call lives, completions/call.py's. Whoever interrupts ends all
three at once. All methods belong to the loop's thread.
"""

from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Final, TypeAlias

from antiphon.conversation.events import NothingRecognised
from antiphon.conversation.history import Turn
from antiphon.errors import LinkError
from antiphon.links.cascade.exchange import Exchange
from antiphon.links.cascade.reply import Reply
from antiphon.links.cascade.stages import CascadePlan, Stages, StepFunStages
from antiphon.links.completions.call import Asked, QuestionLink
from antiphon.links.completions.memory import Memory
from antiphon.links.completions.wire import Message, Request
from antiphon.pcm import LINK_RATE_HZ, SAMPLE_BYTES
from antiphon.ports import Catalogue, LinkCounters, Post, ToolSpec
from antiphon.secret import Secret

SILENCE: Final = bytes(SAMPLE_BYTES * LINK_RATE_HZ)
PROOF: Final = Request([Message("user", "Say yes.")])
"""What a trial asks: a second of nothing, and a word."""

Open: TypeAlias = Callable[[], AbstractAsyncContextManager[Stages]]
"""Makes the three services of a call; nothing is connected before the context is entered, and not for long after."""


class CascadeLinkMaker:
    """Makes the calls; `tools` are those that the model may call."""

    def __init__(self, plan: CascadePlan, key: Secret | None, tools: Catalogue) -> None:
        self._plan, self._key, self._tools = plan, key, tools

    def __call__(self, call: int, history: Sequence[Turn], post: Post, *, trial: bool) -> "CascadeLink":
        """A call that has yet to be run."""
        return CascadeLink(self._plan, self._open, self._tools(), call, history, post, trial=trial)

    def _open(self) -> StepFunStages:
        return StepFunStages(self._plan, self._key)


class CascadeLink(QuestionLink[Stages, Reply]):
    """One call; see ports.Link. A trial has all three do something."""

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
        super().__init__(call, post, Memory(plan.instructions, history), plan.first_sound_ms, trial=trial)
        self._plan, self._stages, self._tools = plan, stages, tuple(tools)

    def _open(self) -> AbstractAsyncContextManager[Stages]:
        return self._stages()

    async def _prove(self, there: Stages) -> None:
        nobody = Reply(self._call, "", Memory("", ()), LinkCounters(), self._life.tell)
        nobody.hushed = True
        if not await self._exchange(there, nobody, self._due_s()).run(SILENCE, lambda: PROOF):
            await self._exchange(there, nobody, self._due_s()).go_on(PROOF)

    def _take(self, speech: bytes) -> None:
        self._ask(speech)

    def _new_reply(self, name: str) -> Reply:
        return Reply(self._call, name, self._memory, self.counters, self._life.tell)

    async def _answer(self, there: Stages, asked: Asked[Reply]) -> None:
        reply = asked.reply
        exchange = self._exchange(there, reply, asked.due_s)
        answered = True
        try:
            if asked.speech is None:  # it answers what came of tools
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
            self._completed(reply)  # to the mind it had begun

    def _exchange(self, there: Stages, reply: Reply, due_s: float) -> Exchange:
        """One that has yet to be run."""
        self.counters.sent += 1
        plan = self._plan
        return Exchange(there, reply, by_s=due_s, first_sound_ms=plan.first_sound_ms, gap_ms=plan.gap_ms)
