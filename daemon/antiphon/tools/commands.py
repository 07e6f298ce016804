"""Floor 3. Programs that the owner has named, each a tool. Never a shell: argv is fixed, and what a model puts into it
must match a pattern as a whole, is one argument or a part of one, and cannot begin an option.
"""

import asyncio
import os
import re
import signal
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from antiphon.ports import ToolSpec
from antiphon.settings.patterns import fits
from antiphon.settings.sections import PLACEHOLDER
from antiphon.tools.tool import Tool, ToolFault, schema

MOST_AT_ONCE = 4
MOST_BYTES = 8192
"""Of each output so much is kept; the rest is read, and forgotten."""
FLOOD_BYTES = 4 * 2**20
"""One that writes more would keep us busy with it: it is ended."""
ENDS_S = 0.4
"""Between being asked to end and being ended."""
REST_S = 0.2
"""After its end, for what is still in its pipes: a child that it has left behind may hold them for ever."""
PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
PASSED_ON = ("HOME", "LANG", "LC_ALL", "LOGNAME", "PATH", "TZ", "USER", "XDG_RUNTIME_DIR")
"""Of our environment a program gets these, and nothing else: no key is among them."""
_OPTION = re.compile(r"(\(\?i\))?(\(\?:|\()*(\\?-|\[\\?-)")


@dataclass(frozen=True, slots=True)
class ArgumentPlan:
    """One thing that a model may put in."""

    name: str
    pattern: str
    description: str
    secret: bool


@dataclass(frozen=True, slots=True)
class CommandPlan:
    """One program."""

    name: str
    description: str
    argv: Sequence[str]
    arguments: Sequence[ArgumentPlan]
    limit_ms: int


def command_tools(plans: Sequence[CommandPlan], environment: Mapping[str, str]) -> list[Tool]:
    """A tool for each; `environment` is ours."""
    seats = asyncio.Semaphore(MOST_AT_ONCE)
    return [_tool(plan, passed_on(environment), seats) for plan in plans]


def passed_on(environment: Mapping[str, str]) -> dict[str, str]:
    """What a program gets of our `environment`."""
    return {"PATH": PATH} | {name: environment[name] for name in PASSED_ON if name in environment}


def _tool(plan: CommandPlan, environment: Mapping[str, str], seats: asyncio.Semaphore) -> Tool:
    async def run(arguments: Mapping[str, Any]) -> Any:
        argv = filled_in(plan, arguments)
        async with seats:
            return await execute(argv, environment, plan.limit_ms / 1000)

    properties = {
        one.name: {"type": "string", "description": f"{one.description} Must match: {one.pattern}".strip()}
        for one in plan.arguments
    }
    spec = ToolSpec(f"run_{plan.name}", plan.description, schema(properties, list(properties)))
    return Tool(spec, run, frozenset(one.name for one in plan.arguments if one.secret))


def filled_in(plan: CommandPlan, arguments: Mapping[str, Any]) -> list[str]:
    """The argv to run. Raises ToolFault for what does not fit; the log is told of no value."""
    for one in plan.arguments:
        value = arguments[one.name]
        if not fits(one.pattern, value) or not value.isprintable():
            raise ToolFault(f"{one.name} does not match {one.pattern}; nothing was run")
    known = {one.name: str(arguments[one.name]) for one in plan.arguments}
    patterns = {one.name: one.pattern for one in plan.arguments}
    for name in (first_in(word, known) for word in plan.argv):
        if name is not None and known[name].startswith("-") and not _OPTION.match(patterns[name]):
            raise ToolFault(f"{name} begins with -, and would be taken for an option; nothing was run")
    # All at once, so that no value can stand for another.
    return [PLACEHOLDER.sub(lambda found: known.get(found[1], found[0]), word) for word in plan.argv]


def first_in(word: str, known: Mapping[str, str]) -> str | None:
    """The argument whose value begins what `word` becomes; None where the owner's own text does."""
    at = 0
    while (found := PLACEHOLDER.match(word, at)) is not None and found[1] in known:
        if known[found[1]]:
            return found[1]
        at = found.end()
    return None


class _Process(asyncio.SubprocessProtocol):
    """What a program says, and that it has ended; its pipes may outlive it."""

    def __init__(self) -> None:
        self.said = {1: bytearray(), 2: bytearray()}
        self.ended = asyncio.Event()
        self.silent = asyncio.Event()
        self.over = asyncio.Event()
        """It has ended, or is to be."""
        self._open = 2
        self._read = 0

    def pipe_data_received(self, fd: int, data: bytes | str) -> None:
        assert isinstance(data, bytes)
        self._read += len(data)
        if self._read > FLOOD_BYTES:
            self.over.set()
        kept = self.said[fd]
        if fd == 1:
            kept += data[: max(0, MOST_BYTES - len(kept))]
        else:  # of errors the last line counts
            kept += data
            del kept[:-MOST_BYTES]

    def pipe_connection_lost(self, fd: int, exc: Exception | None) -> None:  # noqa: ARG002 - it is closed, however
        self._open -= 1
        if self._open == 0:
            self.silent.set()

    def process_exited(self) -> None:
        self.ended.set()
        self.over.set()


async def execute(argv: Sequence[str], environment: Mapping[str, str], limit_s: float) -> Any:
    """Run a program to its end, and say what it said. Raises ToolFault. Its group ends when it takes too long."""
    try:
        transport, process = await asyncio.get_running_loop().subprocess_exec(
            _Process,
            *argv,
            stdin=asyncio.subprocess.DEVNULL,
            env=dict(environment),
            cwd="/",
            start_new_session=True,
        )
    except (OSError, ValueError) as error:
        why = error.strerror if isinstance(error, OSError) else "an argument that cannot be"
        raise ToolFault(f"the program {argv[0]} cannot be started ({why})") from None
    try:
        async with asyncio.timeout(limit_s):
            await process.over.wait()
        if not process.ended.is_set():
            raise ToolFault(f"it has written more than {FLOOD_BYTES} bytes, and was ended")
        with suppress(TimeoutError):
            async with asyncio.timeout(REST_S):
                await process.silent.wait()
        return _told(transport.get_returncode(), process.said)
    except TimeoutError:
        raise ToolFault(f"it took longer than {limit_s:g} s, and was ended") from None
    finally:
        await _end(transport, process)


async def _end(transport: asyncio.SubprocessTransport, process: _Process) -> None:
    """It and all of its group, unless it has ended by itself. A child may outlive it, and may not want to end."""
    by_itself = process.ended.is_set()
    try:
        if not by_itself:
            _signal(transport, signal.SIGTERM)
            with suppress(TimeoutError):
                async with asyncio.timeout(ENDS_S):
                    await process.ended.wait()
                    await process.silent.wait()
    finally:
        if not by_itself:
            _signal(transport, signal.SIGKILL)
        transport.close()


def _signal(transport: asyncio.SubprocessTransport, number: int) -> None:
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(transport.get_pid(), number)


def _told(status: int | None, said: Mapping[int, bytearray]) -> Any:
    """What the model is told of a program that has ended. Raises ToolFault."""
    output = said[1].decode(errors="replace").strip()
    if not status:
        return {"ok": True, "output": output}
    how = f"it was ended by signal {-status}" if status < 0 else f"it failed with status {status}"
    lines = said[2].decode(errors="replace").strip().splitlines()
    raise ToolFault(how + (f": {lines[-1][:400]}" if lines else ""), logged=how)
