"""How --switch NAME=VALUE sets any plain setting of a simulated service: its type says what is allowed.

It knows options only as a dataclass with another one inside, `timing`.
"""

import argparse
import json
import math
from dataclasses import Field, dataclass, replace
from operator import attrgetter
from typing import Any, ClassVar, Generic, Literal, Protocol, TypeVar, get_args, get_origin, get_type_hints

from antiphon.errors import SettingsError


class Options(Protocol):
    """The settings of a service."""

    __dataclass_fields__: ClassVar[dict[str, Field[Any]]]

    @property
    def timing(self) -> Any:
        """How long it takes, a dataclass too."""


SomeOptions = TypeVar("SomeOptions", bound=Options)


@dataclass(frozen=True, slots=True)
class Switches(Generic[SomeOptions]):
    """The settings of `options` that are a number, a word, yes or no, or a list of such.

    Those of its timing are named timing.NAME.
    """

    options: type[SomeOptions]
    but: tuple[str, ...] = ()
    """These are none: they have an argument of their own only."""
    least: float = -math.inf
    """Numbers below are refused."""

    @property
    def kinds(self) -> dict[str, Any]:
        """The type of each, by name."""
        own = get_type_hints(self.options)
        timing = {f"timing.{name}": kind for name, kind in get_type_hints(own["timing"]).items()}
        return {name: kind for name, kind in (own | timing).items() if _is_plain(kind) and name not in self.but}

    def add(self, parser: argparse.ArgumentParser) -> None:
        """The argument itself."""
        parser.add_argument(
            "--switch",
            action="append",
            default=[],
            metavar="NAME=VALUE",
            help=f"any other setting, or timing.NAME=VALUE; names: {', '.join(self.kinds)}",
        )

    def turned(self, options: SomeOptions, text: str) -> SomeOptions:
        """`options` with `text`, NAME=VALUE, set. Raises SettingsError."""
        name, _, value = text.partition("=")
        kinds = self.kinds
        if name not in kinds:
            raise SettingsError(f"--switch {text}: there is no setting {name!r}; use one of {', '.join(kinds)}")
        new = value if _is_word(kinds[name]) else _decoded(value, text)
        if not _fits(new, kinds[name]):
            raise SettingsError(f"--switch {text}: the setting is {_form(kinds[name], attrgetter(name)(options))}")
        if isinstance(new, int | float) and new < self.least:
            raise SettingsError(f"--switch {text}: the setting is {self.least} or more")
        inside, _, field = name.rpartition(".")
        changes: dict[str, Any] = {field: tuple(new) if isinstance(new, list) else new}
        return replace(options, **({"timing": replace(options.timing, **changes)} if inside else changes))


def _is_word(kind: Any) -> bool:
    return kind is str or get_origin(kind) is Literal


def _is_plain(kind: Any) -> bool:
    if get_origin(kind) is tuple:
        return all(inner is Ellipsis or _is_plain(inner) for inner in get_args(kind))
    return kind in (bool, int, float) or _is_word(kind)


def _decoded(value: str, text: str) -> Any:
    try:
        return json.loads(value)
    except ValueError as error:
        raise SettingsError(f"--switch {text}: {value!r} is no number, true, false or list") from error


def _fits(new: Any, kind: Any) -> bool:
    """True when `new`, as JSON has it, is of this type."""
    inner = get_args(kind)
    if get_origin(kind) is Literal:
        return new in inner
    if get_origin(kind) is tuple:
        if not isinstance(new, list):
            return False
        kinds = inner[:1] * len(new) if Ellipsis in inner else inner
        return len(new) == len(kinds) and all(map(_fits, new, kinds))
    return isinstance(new, bool) == (kind is bool) and isinstance(new, int | float if kind is float else kind)


def _form(kind: Any, old: object) -> str:
    if get_origin(kind) is Literal:
        return f"one of {', '.join(get_args(kind))}"
    return f"of the form {json.dumps(old)}"
