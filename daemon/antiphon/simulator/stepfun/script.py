"""What the simulated model answers: replies given by its owner, or a sentence about what it heard. Pure."""

from dataclasses import dataclass
from typing import Literal, TypeAlias

from antiphon.simulator.numerals import in_words


@dataclass(frozen=True, slots=True)
class ToolCall:
    """A call of one of the client's tools; `arguments` is JSON as text."""

    name: str
    arguments: str = "{}"


@dataclass(frozen=True, slots=True)
class Reply:
    """One answer: words to speak, calls to make, or both in the same response."""

    text: str = ""
    calls: tuple[ToolCall, ...] = ()
    thinking: str = ""


Heard: TypeAlias = Literal["speech", "text", "tool", "nothing"]
"""What a response answers; "nothing" is a greeting."""


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
