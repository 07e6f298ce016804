"""Floor 3. Tools of servers that speak the Model Context Protocol, by the official package `mcp`: programs that we
start, and addresses. Each server is kept connected, with patience; what its tools are called is server_tool.

This file is imported only where a server is named, and needs the extra antiphon[mcp].
"""

import asyncio
import json
import logging
import re
import time
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Any

import anyio  # the package's own, as is the next
import httpx2
from mcp import Client, MCPError
from mcp.types import Tool as McpTool

from antiphon.ports import Log, ToolSpec
from antiphon.secret import Secret
from antiphon.tools.arguments import properties
from antiphon.tools.host import LONGEST_NAME, LeftOut
from antiphon.tools.mcp_guard import MESSAGES_S, MOST_MESSAGES, Guard
from antiphon.tools.mcp_transport import address, program
from antiphon.tools.tool import Tool, ToolFault, as_text

OPEN_S = 15.0
LOOK_S = 20.0
"""So often it is asked what there is: a server that is gone, or has other tools, need not say so."""
LEAST_S = 1.0
"""And never more often, whatever it says."""
ENDS_S = 8.0
"""So long a program may take to end before it is left to itself: less than systemd gives us."""
AWAY_S = 60.0
"""After that its tools are no longer offered."""
WAITS_S = (1.0, 2.0, 5.0, 10.0, 30.0)
MOST_PAGES = 20
MOST_TOLD = 5
"""Of the reasons why a server cannot be had; each is told once until it is connected."""
_LIST_CHANGED = "notifications/tools/list_changed"


@dataclass(frozen=True, slots=True)
class McpPlan:
    """One server, by its program or its address."""

    name: str
    argv: Sequence[str]
    url: str | None
    tools: Sequence[str]
    secret: Sequence[str]
    token: Callable[[], Secret | None]
    """Reads the access token anew; SettingsError where its file cannot be used."""
    has_token: bool = False
    """The owner has named its file."""
    waits_s: Sequence[float] = WAITS_S
    look_s: float = LOOK_S


class McpServer:
    """Toolbox."""

    def __init__(self, plan: McpPlan, log: Log) -> None:
        self._plan, self._log = plan, log
        self._tools: list[Tool] = []
        self._client: Client | None = None
        self._look = asyncio.Event()
        self._refused = False
        self._guard: Guard | None = None
        self._left_out = LeftOut(log)
        self._looks = 0
        self._starting = asyncio.Lock()
        for name in ("mcp", "client"):  # what matters of it is told here, in our words
            logging.getLogger(name).setLevel(logging.CRITICAL)
        logging.getLogger("httpx2").setLevel(logging.WARNING)

    def tools(self) -> Sequence[Tool]:
        """Toolbox."""
        return self._tools

    async def run(self, changed: Callable[[], None]) -> None:
        """Toolbox.

        A server's program is ended in peace where a scope of anyio's is cancelled, and may be left where the task is,
        or while it is being started.
        """
        scope = anyio.CancelScope()
        task = asyncio.get_running_loop().create_task(self._keep(changed, scope), name=f"tools-{self._plan.name}")
        try:
            await asyncio.shield(task)
        finally:
            async with self._starting:
                scope.cancel()
            await asyncio.wait([task], timeout=ENDS_S)

    async def look_once(self) -> list[str]:
        """Connect, ask what there is, and part: the names of its tools. Raises ToolFault."""
        try:
            async with self._connected(), asyncio.timeout(OPEN_S):
                return [one.name for one in await self._listed() if self._is_wanted(one)]
        except Exception as error:  # noqa: BLE001 - as in _keep_connected
            raise ToolFault(self._refusal or _in_words(error)) from None
        finally:
            self._client = None

    async def _keep(self, changed: Callable[[], None], scope: anyio.CancelScope) -> None:
        with scope:
            await self._keep_connected(changed)

    async def _keep_connected(self, changed: Callable[[], None]) -> None:
        waits, lost_s = _waits(self._plan.waits_s), time.monotonic()
        told: set[str] = set()
        while True:
            try:
                async with self._connected():
                    await self._follow(changed)
            except Exception as error:  # noqa: BLE001 - the package raises what its transports do, in groups too
                why = self._refusal or _in_words(error)
            else:
                why = "it has ended the connection"
            self._client = None
            if self._looks:
                lost_s = time.monotonic()
            if self._looks > 1:  # one that fails at once is not tried at once again
                waits, told = _waits(self._plan.waits_s), set()
            if why not in told and len(told) < MOST_TOLD:
                told.add(why)
                sentence = f"the tools of {self._plan.name} cannot be had: {why}. It is tried again"
                self._log.write("warning", "tools-lost", sentence=sentence)
            if self._tools and time.monotonic() - lost_s >= AWAY_S:
                self._tools = []
                changed()
            await asyncio.sleep(next(waits))

    @property
    def _refusal(self) -> str:
        """What it says to our token, or to there being none, or why we have left it; "" where neither is known."""
        if self._guard is not None and self._guard.flooded:
            return f"it has sent more than {MOST_MESSAGES} messages in {MESSAGES_S:g} s, and was left"
        if not self._refused:
            return ""
        token = "does not take the token that is in" if self._plan.has_token else "wants a token: name its file by"
        return f"it {token} tools.servers' token_file (HTTP 401 or 403)"

    async def _see(self, response: httpx2.Response) -> None:
        """What the package would say of that is not worth telling."""
        self._refused = response.status_code in (401, 403)

    @asynccontextmanager
    async def _connected(self) -> AsyncIterator[None]:
        """While it is connected."""
        self._look.clear()
        self._refused, self._guard, self._looks = False, None, 0
        async with self._way() as transport:
            guard = self._guard = Guard(transport, self._starting, self._look, self._leave_out)
            client = Client(guard, message_handler=self._hear)
            async with AsyncExitStack() as stack:
                async with asyncio.timeout(OPEN_S):
                    await stack.enter_async_context(client)
                guard.version = lambda: client.protocol_version
                self._client = client
                yield

    def _way(self) -> AbstractAsyncContextManager[Any]:
        plan = self._plan
        return program(plan.argv) if plan.url is None else address(plan.url, plan.token(), self._see)

    def _leave_out(self, name: str, why: str) -> None:
        self._left_out(f"{self._plan.name}_{name}", why)

    async def _follow(self, changed: Callable[[], None]) -> None:
        """Ask what there is, again and again; returns, or raises, when it is gone."""
        before: list[ToolSpec] | None = None
        while True:
            await asyncio.sleep(0.0 if before is None else min(LEAST_S, self._plan.look_s))
            self._look.clear()
            async with asyncio.timeout(OPEN_S):
                listed = await self._listed()
            self._looks += 1
            self._tools = [_tool(self._plan, one, self._call) for one in listed if self._is_wanted(one)]
            specs = [one.spec for one in self._tools]
            if specs != before:
                if before is None:
                    missing = set(self._plan.tools) - {one.name for one in listed}
                    self._log.write("info", "tools-there", server=self._plan.name, count=len(specs))
                    if missing:
                        names = ", ".join(sorted(missing))
                        self._log.write("warning", "tools-missing", server=self._plan.name, tools=names)
                before = specs
                changed()
            try:
                async with asyncio.timeout(self._plan.look_s):
                    await self._look.wait()
            except TimeoutError:
                continue

    async def _listed(self) -> list[McpTool]:
        assert self._client is not None
        listed: list[McpTool] = []
        cursor = None
        for _ in range(MOST_PAGES):
            page = await self._client.list_tools(cursor=cursor, cache_mode="bypass")
            listed += page.tools
            cursor = page.next_cursor
            if cursor is None:
                break
        return listed

    def _is_wanted(self, one: McpTool) -> bool:
        return not self._plan.tools or one.name in self._plan.tools

    async def _hear(self, message: Any) -> None:
        if isinstance(message, Exception) or getattr(message, "method", "") == _LIST_CHANGED:
            self._look.set()

    async def _call(self, name: str, arguments: Mapping[str, Any]) -> str:
        """Text for the model. Raises ToolFault."""
        client = self._client
        if client is None:
            raise ToolFault(f"{self._plan.name} is not connected now")
        try:
            # Half of a character, as a model may write one, cannot be sent.
            sound = json.loads(json.dumps(dict(arguments), ensure_ascii=False).encode(errors="replace"))
            result = await client.call_tool(name, sound)
        except MCPError as error:
            self._look.set()
            raise ToolFault(str(error), logged="the server answered with an error, or not") from None
        except Exception as error:  # noqa: BLE001 - as above
            self._look.set()
            fault = f"{self._plan.name} does not answer: {_in_words(error)}"
            raise ToolFault(fault, logged=f"{self._plan.name} does not answer: {type(error).__name__}") from None
        text = "\n".join(_told(one) for one in result.content) or as_text(result.structured_content or "")
        if result.is_error:
            raise ToolFault(text or "it failed", logged="the server says that it failed")
        return text


def _tool(plan: McpPlan, one: McpTool, call: Callable[[str, Mapping[str, Any]], Any]) -> Tool:
    async def run(arguments: Mapping[str, Any]) -> Any:
        return await call(one.name, arguments)

    name = re.sub(r"[^a-zA-Z0-9_-]", "_", f"{plan.name}_{one.name}")[:LONGEST_NAME]
    parameters = dict(one.input_schema) | {"type": "object", "properties": properties(one.input_schema)}
    return Tool(ToolSpec(name, one.description or one.title or one.name, parameters), run, frozenset(plan.secret))


def _told(content: Any) -> str:
    """A piece of what a tool says; what is no text is named."""
    if content.type == "text":
        return str(content.text)
    if content.type == "resource" and hasattr(content.resource, "text"):
        return str(content.resource.text)
    return f"({content.type})"


def _waits(waits_s: Sequence[float]) -> Iterator[float]:
    """From one attempt to the next; the last for ever."""
    yield from waits_s
    while True:
        yield waits_s[-1]


def _in_words(error: BaseException) -> str:
    """The innermost of what was raised, without what it may hold of us."""
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    if isinstance(error, TimeoutError):
        return f"it has not answered for {OPEN_S:g} s"
    if isinstance(error, FileNotFoundError):
        return "the program is not there"
    return " ".join(f"{type(error).__name__}: {error}".split())[:200]
