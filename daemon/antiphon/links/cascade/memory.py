"""The conversation as the model that answers in text is told of it: the service remembers nothing. Pure.

It holds what was said before the call and on it; of a reply that was interrupted about what was heard; and tool calls
with what came of them. A call whose output is not known yet is not told: the service would refuse it.
"""

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final, Literal

from antiphon.conversation.effects import ToolOutput
from antiphon.conversation.history import MAX_TURNS, Turn, beginning
from antiphon.links.cascade.sentences import weight
from antiphon.links.completions.wire import Message, ToolCall

FASTEST: Final = 30
"""Letters a second. The text runs ahead of the sound, so their proportion alone would keep what nobody has heard."""


@dataclass(slots=True)
class _Turn:
    role: Literal["user", "assistant"]
    text: str
    reply: str = ""
    calls: list[ToolCall] = field(default_factory=list)
    outputs: dict[str, str] = field(default_factory=dict)
    """What came of the calls, by their ids."""


class Memory:
    """Of one call; the last `MAX_TURNS` turns. Replies are named as the link names them."""

    def __init__(self, instructions: str, history: Sequence[Turn]) -> None:
        """`instructions` come before all; `history` is what was said before, oldest first."""
        self._instructions = instructions
        turns = [_Turn(turn.role, turn.text) for turn in history]
        self._turns: deque[_Turn] = deque(turns, maxlen=MAX_TURNS)

    def heard(self, text: str) -> None:
        """The user said this."""
        self._turns.append(_Turn("user", text))

    def began(self, reply: str) -> None:
        """What the model says from here on answers all that there is now."""
        self._turns.append(_Turn("assistant", "", reply))

    def said(self, reply: str, text: str) -> None:
        """The reply goes on, in the model's own words."""
        for turn in self._of(reply):
            turn.text += text

    def called(self, reply: str, calls: Sequence[ToolCall]) -> None:
        """In this reply the model calls tools."""
        for turn in self._of(reply):
            turn.calls += calls

    def answered(self, outputs: Sequence[ToolOutput]) -> None:
        """What came of tool calls; of the latest, where ids repeat."""
        for output in outputs:
            for turn in reversed(self._turns):
                if any(call.id == output.tool_call for call in turn.calls):
                    turn.outputs[output.tool_call] = output.output
                    break

    def cut(self, reply: str, heard_ms: float, length_ms: float) -> None:
        """Of the reply, whose sound lasts `length_ms` as far as it has come, `heard_ms` were heard."""
        for turn in self._of(reply):
            share = min(1.0, heard_ms / length_ms) if length_ms > 0 else 0.0
            letters = weight(turn.text)
            turn.text = beginning(turn.text, min(share, FASTEST * heard_ms / 1000 / letters) if letters else 0.0)

    def messages(self) -> tuple[Message, ...]:
        """What the model is told, oldest first."""
        told = [message for turn in self._turns for message in _messages(turn)]
        return (Message("system", self._instructions), *told) if self._instructions else tuple(told)

    def _of(self, reply: str) -> list[_Turn]:
        return [turn for turn in self._turns if turn.reply == reply]


def _messages(turn: _Turn) -> list[Message]:
    calls = tuple(call for call in turn.calls if call.id in turn.outputs)
    if not (turn.text.strip() or calls):
        return []
    answers = [Message("tool", turn.outputs[call.id], answers=call.id) for call in calls]
    return [Message(turn.role, turn.text, calls=calls), *answers]
