"""Floor 1. Regular expressions that an owner may give for a text which somebody else makes up.

Such a text must not be able to keep the process busy: Python's `re` tries ways one after the other, so that with one
repetition inside another there are more ways than anybody can wait for. What may be so is refused beforehand.
"""

import re
from dataclasses import dataclass

LONGEST_TEXT = 200
"""Characters of a text that is looked at; a longer one matches nothing."""
_MOST_REPEATS = 3
"""Repetitions without a bound: of n characters there are up to n³ ways through three, some hundred thousand."""
_QUANTIFIER = re.compile(r"[*+?]|\{[0-9]*,?[0-9]*\}")
_CLASS = re.compile(r"\[\^?\]?(?:\\.|[^\\\]])*\]", re.DOTALL)


@dataclass(slots=True)
class _Group:
    """An open bracket: whether what is in it can be read in more than one way."""

    loose: bool = False


def trouble(pattern: str) -> str:
    """What is wrong with `pattern`, as the end of a sentence; "" for one that can be used."""
    try:
        re.compile(pattern)
    except (re.error, OverflowError, RecursionError):
        return "is no regular expression that Python knows; one like [a-z ]{1,40} is"
    body = pattern.removeprefix("(?i)")
    if "(?" in _CLASS.sub("", re.sub(r"\\.", "", body)).replace("(?:", ""):
        return "uses (?…) for more than (?:…), or (?i) in front; write it without"
    return _slow(body)


def _slow(body: str) -> str:
    """Whether it may take for ever, in words."""
    nested = "has a repetition or a choice inside a repetition, which may take for ever; one like [a-z ]{1,40} does not"
    groups, endless, at = [_Group()], 0, 0
    while at < len(body):
        closed = None
        if body[at] == "\\":
            at += 2
        elif body[at] == "[" and (found := _CLASS.match(body, at)):
            at = found.end()
        elif body[at] == "(":
            groups.append(_Group())
            at += 3 if body.startswith("(?:", at) else 1
            continue
        elif body[at] == "|":
            groups[-1].loose = True
            at += 1
            continue
        elif body[at] == ")":
            closed = groups.pop()
            groups[-1].loose |= closed.loose
            at += 1
        else:
            at += 1
        found = _QUANTIFIER.match(body, at)
        if found is None or found[0] == "{}":
            continue
        at = found.end()
        if at < len(body) and body[at] in "?+":
            at += 1
        least, most = _bounds(found[0])
        if closed is not None and closed.loose and most > 1:
            return nested
        groups[-1].loose |= least != most
        endless += least != most and most > 1
    return "" if endless <= _MOST_REPEATS else f"has more than {_MOST_REPEATS} repetitions; use fewer"


def _bounds(quantifier: str) -> tuple[int, int]:
    """How often at least and at most."""
    if not quantifier.startswith("{"):
        return {"*": (0, LONGEST_TEXT), "+": (1, LONGEST_TEXT), "?": (0, 1)}[quantifier]
    least, comma, most = quantifier[1:-1].partition(",")
    return int(least or 0), int(most or LONGEST_TEXT) if comma else int(least)


def fits(pattern: str, text: str) -> bool:
    r"""Whether all of `text` is as `pattern` has it. A \d is 0 to 9, and a \w of ASCII, as in most other languages:
    who writes it for a program does not think of the other digits that there are.
    """
    return len(text) <= LONGEST_TEXT and re.fullmatch(pattern, text, re.ASCII) is not None
