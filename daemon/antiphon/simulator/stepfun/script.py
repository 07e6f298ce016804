"""What the simulated model answers: replies given by its owner, or a sentence about what it heard. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal, TypeAlias

from antiphon.simulator.numerals import in_words


@dataclass(frozen=True, slots=True)
class ToolCall:
    """A call of one of the client's tools; `arguments` is JSON as text."""

    name: str
    arguments: str = "{}"


Heard: TypeAlias = Literal["speech", "text", "tool", "nothing"]
"""What a response answers; "nothing" is a greeting."""

OUTPUT = "{output}"


@dataclass(frozen=True, slots=True)
class Reply:
    """One answer: words to speak, calls to make, or both in the same response.

    "{output}" in the words is what the tools have answered, so that whoever listens hears it.
    """

    text: str = ""
    calls: tuple[ToolCall, ...] = ()
    thinking: str = ""
    to: Heard | None = None
    """It answers only this; None answers anything."""


class Script:
    """The replies its owner has written, one an answer and then again from the first."""

    def __init__(self, replies: Sequence[Reply]) -> None:
        """A reply that does not answer what was heard is passed over, and keeps its turn."""
        self._replies = list(replies)

    def reply(self, heard: Heard, output: str = "") -> Reply | None:
        """The next reply to `heard`, with what the tools have answered; None when none is written."""
        for place, reply in enumerate(self._replies):
            if reply.to in (None, heard):
                self._replies.append(self._replies.pop(place))
                return replace(reply, text=reply.text.replace(OUTPUT, output))
        return None


def answer_to(heard: Heard, speech_s: float, text: str) -> Reply:
    """The answer when its owner has written none: it tells what was heard, so that a listener can check it."""
    match heard:
        case "speech":
            return Reply(f"I heard you speak for {in_words(speech_s)} seconds.")
        case "text":
            return Reply(f"You wrote: {text}")
        case "tool":
            return Reply("The tool has answered.")
        case "nothing":
            return Reply("Hello there.")
