"""The tools of a turn: what a reply has called, what runs, what came of it, and when the service may be told.

One reply's calls at a time. The service takes what came of them when that reply is over, all at once, and answers it
with another reply, which may call again; so a turn has rounds. It knows no tool and no link.
"""

from collections import deque
from dataclasses import dataclass
from typing import Literal, TypeAlias

from antiphon.conversation.effects import DropTool, Effect, GiveToolOutputs, RunTool, ToolOutput
from antiphon.conversation.events import ToolCalled

MOST_ROUNDS = 8
"""Replies of a turn whose calls are run; the next is told to answer, and the one after that is not listened to."""
MOST_CALLS = 16
"""Of one reply."""
GRACE_MS = 2000.0
"""Whoever runs tools keeps the limit himself; after so much more he is not waited for."""

_MEMORY = 256  # calls of tools, of which the service was told what became

CANCELLED = "cancelled: the user has gone on, and nothing was done"
INTERRUPTED = "interrupted: the user has gone on; it is not known whether it was done"
_LATE = "failed: it did not answer in time; it is not known whether it was done"
_NO_MORE_CALLS = f"failed: not run, as one reply may call {MOST_CALLS} tools at most"
_NO_MORE_ROUNDS = "failed: not run, as tools were called too often in a row; answer with what you know"

Stage: TypeAlias = Literal["none", "called", "awaited", "given"]


@dataclass(slots=True)
class _Asked:
    tool_call: str
    run: int
    output: str | None


class ToolTurn:
    """Effects go out; `called`, `answered`, `over` and `drop` tell what has become of reply and tools."""

    def __init__(self, limit_ms: float) -> None:
        """`limit_ms`: whoever runs a tool has answered by then."""
        self.limit_ms = limit_ms + GRACE_MS
        """So long a run is waited for."""
        self.stage: Stage = "none"
        """"called": a reply that is not over has called tools; "awaited": it is over, and some have not answered;
        "given": the service knows, and will answer with the next reply.
        """
        self.ran = False
        """A tool was run in this turn: the same speech must not be handed to another link, which would run it again."""
        self.spoke = False
        """A reply that has called tools was heard in this turn: who speaks after it says something new."""
        self.call = 0
        """Whose tools they are."""
        self._reply = ""
        self._asked: list[_Asked] = []
        self._told: deque[tuple[int, str, str]] = deque(maxlen=_MEMORY)
        self._rounds = 0
        self._last_run = 0

    @property
    def pending(self) -> bool:
        """The next reply is not due yet: the service has not been told what came of the last one's calls."""
        return self.stage in ("called", "awaited")

    @property
    def running(self) -> bool:
        """A tool runs."""
        return any(one.output is None for one in self._asked)

    @property
    def endless(self) -> bool:
        """The model calls and calls, though it was told to answer."""
        return self._rounds > MOST_ROUNDS + 1

    def of(self, call: int, reply: str) -> bool:
        """This reply has called tools, and waits for what comes of that."""
        return self.stage == "called" and (self.call, self._reply) == (call, reply)

    def turn_began(self) -> None:
        """The user says something new."""
        self.ran, self.spoke, self._rounds = False, False, 0

    def called(self, event: ToolCalled) -> list[Effect]:
        """The current reply calls a tool: it runs at once, while the reply is still heard."""
        if self._known(event):
            return []
        if not self.of(event.call, event.reply):
            self._begin(event)
        if self._rounds > MOST_ROUNDS or len(self._asked) >= MOST_CALLS:
            output = _NO_MORE_ROUNDS if self._rounds > MOST_ROUNDS else _NO_MORE_CALLS
            if len(self._asked) < 2 * MOST_CALLS:  # beyond that it is not even told so
                self._asked.append(_Asked(event.tool_call, 0, output))
            return []
        self._last_run += 1
        self.ran = True
        self._asked.append(_Asked(event.tool_call, self._last_run, None))
        return [RunTool(self._last_run, event.name, event.arguments)]

    def _begin(self, event: ToolCalled) -> None:
        self.stage = "called"
        self.call, self._reply, self._asked = event.call, event.reply, []
        self._rounds += 1

    def answered(self, run: int, output: str) -> bool:
        """A tool has answered; False when nobody waits for that."""
        for one in self._asked:
            if one.run == run and one.output is None:
                one.output = output
                return True
        return False

    def over(self, *, heard: bool) -> None:
        """The reply that has called has ended well, and was heard to its end, if there was anything to hear."""
        self.stage, self.spoke = "awaited", self.spoke or heard

    def give(self) -> list[Effect]:
        """Tell the service, if that is due: the reply is over, and all have answered."""
        if self.stage != "awaited" or self.running:
            return []
        self.stage = "given"
        return self._outputs(respond=True)

    def late(self) -> list[Effect]:
        """Those that run are not waited for any more: the model is told so."""
        effects: list[Effect] = [DropTool(one.run) for one in self._asked if one.output is None]
        for one in self._asked:
            one.output = _LATE if one.output is None else one.output
        return effects

    def answers(self) -> None:
        """The service's reply to what it was given has begun."""
        if self.stage == "given":
            self.stage = "none"

    def drop(self, open_call: int | None) -> list[Effect]:
        """Nobody waits for an answer any more; the service is told what is known, where its call still lives.

        What runs is ended where that can be: what it has done stays done.
        """
        stage, self.stage = self.stage, "none"
        if stage not in ("called", "awaited"):
            self._asked = []
            return []
        effects: list[Effect] = [DropTool(one.run) for one in self._asked if one.output is None]
        for one in self._asked:
            one.output = INTERRUPTED if one.output is None else one.output
        return effects + (self._outputs(respond=False) if self.call == open_call else [])

    def refuse(self, event: ToolCalled) -> list[Effect]:
        """A reply that nobody wants calls a tool: it is not run."""
        if self._known(event):
            return []
        self._told.append((event.call, event.reply, event.tool_call))
        return [GiveToolOutputs(event.call, (ToolOutput(event.tool_call, CANCELLED),), respond=False)]

    def _known(self, event: ToolCalled) -> bool:
        """It is told twice; perhaps when its reply is over, and what came of it is not told yet."""
        ours = (self.call, self._reply) == (event.call, event.reply)
        asked = ours and any(one.tool_call == event.tool_call for one in self._asked)
        return asked or (event.call, event.reply, event.tool_call) in self._told

    def _outputs(self, *, respond: bool) -> list[Effect]:
        outputs = tuple(ToolOutput(one.tool_call, one.output or "") for one in self._asked)
        self._told.extend((self.call, self._reply, one.tool_call) for one in self._asked)
        self._asked = []
        return [GiveToolOutputs(self.call, outputs, respond)] if outputs else []
