"""Floor 3. A tool: what a model is told of it, and what runs it. It knows no kind of tool."""

import json
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from antiphon.ports import ToolSpec


class ToolFault(Exception):
    """A tool cannot do it, or not this: `str()` is one sentence, for the model."""

    def __init__(self, sentence: str, logged: str | None = None) -> None:
        """`logged` is for the log, where the sentence is another's and may repeat what it was given."""
        super().__init__(sentence)
        self.logged = sentence if logged is None else logged


@dataclass(frozen=True, slots=True)
class Tool:
    """One tool."""

    spec: ToolSpec
    run: Callable[[Mapping[str, Any]], Awaitable[Any]]
    """Takes the arguments, which fit the schema; text or plain values for the model. Raises ToolFault; any other
    error is a fault of ours. It may be cancelled at any time.
    """
    secret: frozenset[str] = frozenset()
    """The names of arguments whose values are never logged."""


class Toolbox(Protocol):
    """Tools that come and go, as those of a server."""

    def tools(self) -> Sequence[Tool]:
        """Those that there are now."""

    async def run(self, changed: Callable[[], None]) -> None:
        """Keep them for as long as the appliance lives; `changed` is called when there are others. Never raises."""


def schema(properties: Mapping[str, Any], required: Sequence[str] = ()) -> dict[str, Any]:
    """A JSON schema of an object with these properties and no others."""
    return {
        "type": "object",
        "properties": dict(properties),
        "required": list(required),
        "additionalProperties": False,
    }


def as_text(value: Any) -> str:
    """What a tool has said, as text for the model: text as it is, all else as JSON. Raises ToolFault."""
    if isinstance(value, str):
        return value
    try:
        return json.dumps(value, ensure_ascii=False)
    except (TypeError, ValueError, RecursionError):
        raise ToolFault("the tool has said something that is neither text nor plain values") from None
