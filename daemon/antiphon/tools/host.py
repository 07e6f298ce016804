"""Floor 3. Runs the tools that a model calls: finds them, checks what they are given, limits them, and tells the log.

It knows no kind of tool. The log has the names of tools and arguments; values only at level debug, and not those that
are secret.
"""

import asyncio
import json
import re
import time
from collections import defaultdict, deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from antiphon.conversation.events import ToolAnswered, ToolsChanged
from antiphon.ports import Log, Post, ToolSpec
from antiphon.tools.arguments import parsed, properties, wrong
from antiphon.tools.tool import Tool, Toolbox, ToolFault, as_text

MOST_BYTES = 8192
"""Of what a tool says, the model gets so much."""
MOST_TOOLS = 128
LONGEST_NAME = 64
LONGEST_SPEC = 16_384
"""Bytes of name, description and schema: more would crowd out the rest of what a model is told."""
MOST_LEFT_OUT = 100
"""Tools that are named as such; a server may have others each time."""
MOST_CHANGES, CHANGES_S = 6, 600.0
"""So often it is told in so many seconds that there are other tools."""
ENDS_S = 1.0
"""A tool that is told to end may take so long; then it is left to itself."""
_NAME = re.compile(rf"[a-zA-Z0-9_-]{{1,{LONGEST_NAME}}}")
_LONGEST_VALUE = 60
_GIVEN_UP = "given up"
"""Somebody has gone on, or muted, by this very tool perhaps: no trouble."""


@dataclass(frozen=True, slots=True)
class _Outcome:
    """What has come of a call."""

    output: str
    failed: bool = False


def failure(sentence: str) -> str:
    """A tool's failure, as the model is told of it."""
    return json.dumps({"error": sentence}, ensure_ascii=False)


class ToolHost:
    """ports.Tools. All on the loop's thread."""

    def __init__(
        self,
        own: Sequence[Tool],
        log: Log,
        limit_ms: int,
        boxes: Sequence[Toolbox] = (),
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`own` are there for good, those of `boxes` come and go. Of two with one name the first counts."""
        self._own = own
        self._boxes = boxes
        self._log = log
        self._limit_s = limit_ms / 1000
        self._clock = clock
        self._tools: dict[str, Tool] = {}
        self._leave_out = LeftOut(log)
        self._turns: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)
        self._gather()

    def specs(self) -> Sequence[ToolSpec]:
        """ports.Tools."""
        return [tool.spec for tool in self._tools.values()]

    async def run(self, post: Post) -> None:
        """ports.Tools."""

        news = asyncio.Event()

        def changed() -> None:
            before = self.specs()
            self._gather()
            if self.specs() != before:
                news.set()

        async with asyncio.TaskGroup() as group:
            group.create_task(self._tell_changes(news, post), name="tools-changed")
            for box in self._boxes:
                group.create_task(box.run(changed), name="tools")
            await asyncio.Event().wait()

    async def _tell_changes(self, news: asyncio.Event, post: Post) -> None:
        """For each a call to the service is made anew: a server with other tools each time must not keep it at that."""
        told_s: deque[float] = deque([-CHANGES_S] * MOST_CHANGES, MOST_CHANGES)
        while True:
            await news.wait()
            await asyncio.sleep(told_s[0] + CHANGES_S - self._clock())
            news.clear()
            told_s.append(self._clock())
            post(ToolsChanged())

    async def call(self, run: int, name: str, arguments: str, post: Post) -> None:
        """ports.Tools."""
        outcome = _Outcome(failure("it was given up"), failed=True)
        try:
            outcome = await self._outcome(name, arguments)
        finally:
            post(ToolAnswered(run, outcome.output, outcome.failed))

    async def _outcome(self, name: str, text: str) -> _Outcome:
        tool = self._tools.get(name)
        if tool is None:
            there = ", ".join(self._tools) or "none"
            self._log.write("warning", "tool-unknown", tool=name if _NAME.fullmatch(name) else "?")
            return _Outcome(failure(f"there is no such tool; there are: {there}"), failed=True)
        arguments = parsed(text)
        if isinstance(arguments, str):
            self._log.write("warning", "tool", tool=name, failed=1, why=arguments)
            return _Outcome(failure(arguments), failed=True)
        began_s, why = self._clock(), _GIVEN_UP
        try:
            if why := wrong(arguments, tool.spec.parameters):
                raise ToolFault(why)
            why = _GIVEN_UP
            outcome = _Outcome(cut(as_text(await self._run(tool, arguments))))
            why = ""
        except ToolFault as fault:
            why = fault.logged
            outcome = _Outcome(failure(cut(str(fault))), failed=True)
        finally:
            self._tell(tool, arguments, (self._clock() - began_s) * 1000, why)
        return outcome

    async def _run(self, tool: Tool, arguments: Mapping[str, Any]) -> Any:
        """What the tool says, within the limit. Raises ToolFault.

        It is a task of its own, so that one that does not end when it is told to keeps nobody waiting.
        """
        turn = self._turns[tool.spec.name]
        try:
            async with asyncio.timeout(self._limit_s) as limit:
                await turn.acquire()  # who is called again while it runs waits
        except TimeoutError:
            raise ToolFault(f"it is still busy with what it was asked before, for {self._limit_s:g} s") from None
        task = asyncio.get_running_loop().create_task(_coroutine(tool, arguments), name=f"tool-{tool.spec.name}")
        task.add_done_callback(lambda _: turn.release())
        try:
            await asyncio.wait([task], timeout=max(0.0, (limit.when() or 0.0) - asyncio.get_running_loop().time()))
            if task.cancelled():
                raise ToolFault("it ended before it was done")
            if task.done():
                return task.result()
            raise ToolFault(f"it took longer than {self._limit_s:g} s, and was given up")
        finally:
            await self._end(task)

    async def _end(self, task: asyncio.Task[Any]) -> None:
        """See that it ends, or name it."""
        if task.done():
            return
        task.cancel()
        await asyncio.wait([task], timeout=ENDS_S)
        if not task.done():
            self._log.write("warning", "zombie", task=task.get_name())
        task.add_done_callback(_forgotten)

    def _tell(self, tool: Tool, arguments: Mapping[str, Any], ms: float, why: str) -> None:
        known = properties(tool.spec.parameters)
        names = [name if name in known else "?" for name in arguments]
        fields: dict[str, str | float] = {"arguments": ", ".join(names), "ms": round(ms), "failed": int(bool(why))}
        if why:
            fields["why"] = why
        self._log.write("warning" if why not in ("", _GIVEN_UP) else "info", "tool", tool=tool.spec.name, **fields)
        shown = {
            name: "***" if name in tool.secret else _shown(value, tool.secret)
            for name, value in arguments.items()
            if name in known
        }
        if shown:
            values = ", ".join(f"{name}={value}" for name, value in shown.items())
            self._log.write("debug", "tool-values", tool=tool.spec.name, values=values)

    def _gather(self) -> None:
        """Who has come and gone; what cannot be told to a model is named once."""
        self._tools = {}
        for tool in (*self._own, *(one for box in self._boxes for one in box.tools())):
            name = tool.spec.name
            if not _NAME.fullmatch(name):
                self._leave_out(name, f"a tool's name is of letters, digits, _ and -, {LONGEST_NAME} at most")
            elif why := _untold(tool.spec):
                self._leave_out(name, why)
            elif name in self._tools:
                self._leave_out(name, "there is another of that name, and it is the one that is called")
            elif len(self._tools) == MOST_TOOLS:
                self._leave_out(name, f"there are {MOST_TOOLS} others; name those that are wanted in the settings")
            else:
                self._tools[name] = tool


class LeftOut:
    """Names tools that cannot be offered in the log: each once, and not more than MOST_LEFT_OUT."""

    def __init__(self, log: Log) -> None:
        self._log = log
        self._named: set[str] = set()

    def __call__(self, name: str, why: str) -> None:
        """The tool `name` is one."""
        if name not in self._named and len(self._named) < MOST_LEFT_OUT:
            self._named.add(name)
            self._log.write("warning", "tool-left-out", tool=name[:LONGEST_NAME], why=why)


def _untold(spec: ToolSpec) -> str:
    """Why no link could tell a model of it, nor of any other tool beside it; "" for one that is sound."""
    try:
        told = json.dumps([spec.name, spec.description, dict(spec.parameters)], ensure_ascii=False, allow_nan=False)
        size = len(told.encode())
    except (TypeError, ValueError, RecursionError):
        return "its description or schema cannot be written as JSON"
    return "" if size <= LONGEST_SPEC else f"its description and schema take more than {LONGEST_SPEC} bytes"


async def _coroutine(tool: Tool, arguments: Mapping[str, Any]) -> Any:
    return await tool.run(arguments)


def _shown(value: Any, secret: frozenset[str]) -> str:
    """An argument's value for the log, or a dot where it is nested too deeply to be written."""
    try:
        return as_text(_veiled(value, secret))[:_LONGEST_VALUE]
    except (ToolFault, RecursionError):
        return "."


def _veiled(value: Any, secret: frozenset[str]) -> Any:
    """`value`, without what is `secret` within it."""
    if isinstance(value, dict):
        return {name: "***" if name in secret else _veiled(one, secret) for name, one in value.items()}
    return [_veiled(one, secret) for one in value] if isinstance(value, list) else value


def _forgotten(task: asyncio.Task[Any]) -> None:
    """Of a tool that was given up: whatever it ends with is nobody's any more."""
    if not task.cancelled():
        task.exception()


def cut(text: str) -> str:
    """`text`, or as much of it as the model gets."""
    data = text.encode(errors="replace")
    if len(data) <= MOST_BYTES:
        return data.decode()
    mark = " … (cut off)"
    return data[: MOST_BYTES - len(mark.encode())].decode(errors="ignore") + mark
