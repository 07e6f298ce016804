"""What the simulated model answers: replies given by its owner, or a sentence about what it heard. Pure."""

from dataclasses import dataclass
from typing import Literal, TypeAlias

_DIGITS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
_TEENS = ("ten", "eleven", "twelve", "thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen")
_TENS = ("", "", "twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety")


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


def in_words(number: float) -> str:
    """`number` (0 to 9999) to one decimal place, as words: 2.3 is "two point three"."""
    whole, tenth = divmod(round(number * 10), 10)
    return _whole(whole) + (f" point {_DIGITS[tenth]}" if tenth else "")


def _whole(number: int) -> str:
    if number < 10:
        return _DIGITS[number]
    if number < 20:
        return _TEENS[number - 10]
    if number < 100:
        return _TENS[number // 10] + (f" {_DIGITS[number % 10]}" if number % 10 else "")
    size, name = (1000, "thousand") if number >= 1000 else (100, "hundred")
    rest = number % size
    return f"{_whole(number // size)} {name}" + (f" {_whole(rest)}" if rest else "")
