"""The conversation of one call as a model is told of it with each question: the service remembers nothing. Pure.

What the user says on the call is sound, or text where somebody wrote it down; what was said before the call goes as
text. The last clips go, inside the service's limits; an older turn that has no text is left out, and its answer is
kept. Of a reply that was interrupted about as much is kept as was heard. Roles take turns: what one side said in a row
is one message.

Limits: StepFun's guide to speech in chat completions, "Limits".
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final, Literal

from antiphon.conversation.effects import ToolOutput
from antiphon.conversation.history import MAX_TURN_CHARACTERS, Turn
from antiphon.links.completions.pace import heard_of
from antiphon.links.completions.wire import Clip, Message, ToolCall, clip_bytes
from antiphon.pcm import bytes_ms

MAX_CONTEXT_BYTES: Final = 10_000_000
MAX_SEGMENTS: Final = 30
SEGMENT_MS: Final = 25_000
"""A clip that is longer counts as one more segment for each further so many milliseconds."""

MOST_TURNS: Final = 80
"""Of both sides; enough for as many clips as may be sent."""

MAX_TEXT_BYTES: Final = 1_500_000
"""What texts may take of the context: the oldest turns beyond are forgotten."""

LONGEST_MS: Final = 120_000
"""The longest question that is sound; with all texts it is still inside the limits."""


@dataclass(slots=True, eq=False)
class _Turn:
    role: Literal["user", "assistant"]
    text: str = ""
    pcm: bytes = b""
    reply: str = ""
    length_ms: float = 0.0
    """Of an answer's sound, as far as it has come."""
    calls: list[ToolCall] = field(default_factory=list)
    outputs: dict[str, str] = field(default_factory=dict)
    """What came of the calls, by their ids."""

    @property
    def text_bytes(self) -> int:
        """How much text it is, in a body."""
        words = [self.text, *self.outputs.values(), *(call.arguments for call in self.calls)]
        return sum(len(one.encode("utf-8", "replace")) for one in words) + 100 * len(words)


class Memory:
    """Of one call. Replies are named as the link names them."""

    def __init__(self, instructions: str, history: Sequence[Turn], clips: int = 1, *, only_asked: bool = False) -> None:
        """`instructions` come before all; `history` is what was said before the call, oldest first; `clips` of the
        user's turns go as sound at most, the newest always. `only_asked`: the model takes sound in the last message
        alone, so that what came of a tool is told without the question.
        """
        self._instructions, self._clips, self._only_asked = instructions.strip(), clips, only_asked
        self._turns = [_Turn(turn.role, turn.text) for turn in history]

    def asked(self, pcm: bytes) -> None:
        """The user's turn as sound: mono s16le 24 kHz, LONGEST_MS at most."""
        self._turns.append(_Turn("user", pcm=pcm))
        self._forget()

    def heard(self, text: str) -> None:
        """The user's turn as text."""
        self._turns.append(_Turn("user", text))
        self._forget()

    def began(self, reply: str) -> None:
        """What the model says as `reply` answers all that there is now."""
        self._turns.append(_Turn("assistant", reply=reply))

    def said(self, reply: str, text: str) -> None:
        """The reply goes on, in the model's own words."""
        for turn in self._of(reply):
            turn.text = (turn.text + text)[:MAX_TURN_CHARACTERS]

    def sounded(self, reply: str, length_ms: float) -> None:
        """So much sound of the reply has come by now."""
        for turn in self._of(reply):
            turn.length_ms = length_ms

    def called(self, reply: str, calls: Iterable[ToolCall]) -> None:
        """In this reply the model calls tools."""
        for turn in self._of(reply):
            turn.calls += calls

    def answered(self, outputs: Iterable[ToolOutput]) -> None:
        """What came of tool calls; of the latest, where ids repeat."""
        for output in outputs:
            for turn in reversed(self._turns):
                if any(call.id == output.tool_call for call in turn.calls):
                    turn.outputs[output.tool_call] = output.output
                    break
        self._forget()

    def cut(self, reply: str, heard_ms: float) -> None:
        """So much of the reply was heard: about these of its words are kept."""
        for turn in self._of(reply):
            turn.text = heard_of(turn.text, heard_ms, turn.length_ms)
            turn.length_ms = min(turn.length_ms, heard_ms)

    def messages(self) -> tuple[Message, ...]:
        """What the model is told, oldest first. A tool call whose output is not known yet is left out."""
        told: list[Message] = [Message("system", self._instructions)] if self._instructions else []
        last = self._turns[-1:]
        for turn in self._turns:
            for message in _messages(turn, sound=not self._only_asked or turn in last):
                if told and _are_one(told[-1], message):
                    told[-1] = _joined(told[-1], message)
                else:
                    told.append(message)
        return tuple(told)

    def _of(self, reply: str) -> list[_Turn]:
        return [turn for turn in self._turns if turn.reply == reply]

    def _forget(self) -> None:
        """What can never be told again: turns that are too old, and the sound that is beyond the limits."""
        del self._turns[:-MOST_TURNS]
        texts = sum(turn.text_bytes for turn in self._turns)
        while texts > MAX_TEXT_BYTES and len(self._turns) > 1:
            texts -= self._turns.pop(0).text_bytes
        clips, segments, size = 0, 0, texts
        for turn in reversed(self._turns):
            if not turn.pcm:
                continue
            clips += 1
            segments += math.ceil(bytes_ms(turn.pcm) / SEGMENT_MS)
            size += clip_bytes(len(turn.pcm))
            if clips > 1 and (clips > self._clips or segments > MAX_SEGMENTS or size > MAX_CONTEXT_BYTES):
                clips, turn.pcm = MOST_TURNS, b""  # and none before it: what is told has no holes


def _messages(turn: _Turn, *, sound: bool) -> list[Message]:
    if turn.role == "user":
        clips = (Clip(turn.pcm),) if turn.pcm and sound else ()
        return [Message("user", turn.text, clips)] if clips or turn.text.strip() else []
    calls = tuple(call for call in turn.calls if call.id in turn.outputs)
    if not (turn.text.strip() or calls):
        return []
    outputs = [Message("tool", turn.outputs[call.id], answers=call.id) for call in calls]
    return [Message("assistant", turn.text, calls=calls), *outputs]


def _are_one(before: Message, after: Message) -> bool:
    """The same side goes on. What follows a tool's output is an answer to it, and stands alone."""
    return before.role == after.role and before.role in ("user", "assistant") and not before.calls


def _joined(before: Message, after: Message) -> Message:
    text = "\n".join(text for text in (before.text, after.text) if text)
    return Message(before.role, text, before.clips + after.clips, after.calls)
