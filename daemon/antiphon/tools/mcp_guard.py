"""Floor 3. What an MCP server says, looked at before the package `mcp` gets it: that it has ended is told, a flood ends
it, and a tool that the package would refuse does not cost the others.
"""

import asyncio
import time
from collections import deque
from collections.abc import Callable, Mapping
from typing import Any, Self

from mcp.types import ListToolsResult
from mcp.types.methods import validate_server_result
from pydantic import ValidationError

MOST_MESSAGES, MESSAGES_S = 2000, 10.0
"""A server that says more in so many seconds is left: each message costs us, and nobody has asked for so many."""
_VERSION = "2025-11-25"
"""Of the protocol, where none has been agreed on; the package's own choice."""

LeftOut = Callable[[str, str], None]
"""(tool, why): it cannot be offered."""


class Guard:
    """A transport of the package's, in the place of `transport`."""

    def __init__(self, transport: Any, starting: asyncio.Lock, gone: asyncio.Event, left_out: LeftOut) -> None:
        """`starting` is held while it starts; `gone` is set when its other side is gone, or is left."""
        self._transport, self._starting, self._gone = transport, starting, gone
        self._left_out = left_out
        self._said_s: deque[float] = deque(maxlen=MOST_MESSAGES)
        self.version: Callable[[], str | None] = lambda: None
        """Which version of the protocol has been agreed on."""
        self.flooded = False
        """It was left, as it says too much."""

    async def __aenter__(self) -> Any:
        async with self._starting:
            read, write = await self._transport.__aenter__()
        return _Reading(read, self), write

    async def __aexit__(self, *error: object) -> Any:
        return await self._transport.__aexit__(*error)

    def takes(self, message: Any) -> bool:
        """What of `message` the package may get stays in it; False: nothing more comes."""
        now_s = time.monotonic()
        full = len(self._said_s) == MOST_MESSAGES
        self.flooded = self.flooded or (full and now_s - self._said_s[0] < MESSAGES_S)
        self._said_s.append(now_s)
        result = getattr(getattr(message, "message", None), "result", None)
        if isinstance(result, dict) and isinstance(result.get("tools"), list):
            result["tools"] = [one for one in result["tools"] if self._fits(one, result)]
        return not self.flooded

    def ended(self) -> None:
        """Nothing more comes."""
        self._gone.set()

    def _fits(self, one: Any, result: Mapping[str, Any]) -> bool:
        """Whether the package takes this tool of a list. What it says of its own output is not taken: the model gets
        that as text, whatever was promised, and a schema is work for us.
        """
        if isinstance(one, dict):
            one.pop("outputSchema", None)
        try:
            self._validate(dict(result, tools=[]))
        except ValidationError:  # the list is wrong, and not its tools: that is for the package to say
            return True
        try:
            self._validate(dict(result, tools=[one]))
        except ValidationError as error:
            first = error.errors(include_url=False, include_input=False, include_context=False)[0]
            where = ".".join(str(part) for part in first["loc"][2:])
            name = one.get("name") if isinstance(one, dict) else None
            self._left_out(name if isinstance(name, str) else "?", f"{where or 'it'}: {first['msg']}")
            return False
        return True

    def _validate(self, result: Mapping[str, Any]) -> None:
        """As the package does it. Raises ValidationError."""
        validate_server_result("tools/list", self.version() or _VERSION, result)
        ListToolsResult.model_validate(result, by_name=False)


class _Reading:
    """A stream of the package's, guarded."""

    def __init__(self, stream: Any, guard: Guard) -> None:
        self._stream, self._guard = stream, guard

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

    def __aiter__(self) -> "_Reading":
        return self

    async def __anext__(self) -> Any:
        try:
            message = await self._stream.__anext__()
        except StopAsyncIteration:
            self._guard.ended()
            raise
        if self._guard.takes(message):
            return message
        self._guard.ended()
        raise StopAsyncIteration

    async def __aenter__(self) -> Self:
        await self._stream.__aenter__()
        return self

    async def __aexit__(self, *error: object) -> Any:
        return await self._stream.__aexit__(*error)
