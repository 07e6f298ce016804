"""How faults are written on a command line: KIND[=NUMBER[:DETAIL]][@WHICH], alike for every simulated service. Pure.

What the kinds are, which numbers and details they take and what is counted is each service's own.
"""

from enum import Enum
from typing import TypeVar

from antiphon.errors import SettingsError

Kind = TypeVar("Kind", bound=Enum)


def parse(text: str, kinds: type[Kind], struck: str) -> tuple[Kind, int, str, tuple[int, ...]]:
    """Kind, number (0 if blank), detail and whom it strikes, () for all: "cut=5:wire@0-2,4" strikes 0, 1, 2 and 4.

    `struck` is what is counted, such as "connections". Raises SettingsError.
    """
    body, _, where = text.partition("@")
    name, _, value = body.partition("=")
    number, _, detail = value.partition(":")
    known = {kind.value: kind for kind in kinds}
    if name not in known:
        raise SettingsError(f"fault {name!r} is not known: use one of {', '.join(known)}")
    try:
        return known[name], int(number or 0), detail, _numbers(where)
    except ValueError as error:
        raise SettingsError(f"fault {text!r} is not of the form kind=number:detail@{struck}") from error


def _numbers(text: str) -> tuple[int, ...]:
    numbers: list[int] = []
    for part in filter(None, text.split(",")):
        first, _, last = part.partition("-")
        numbers += range(int(first), int(last or first) + 1)
    return tuple(numbers)
