"""Floor 3. Tools of other Python packages, by entry points of the group antiphon.tools; docs/tools.md tells how.

Such a package runs in our process, and may be broken in any way: here, and nowhere else, whatever it raises is taken.
"""

import asyncio
import inspect
import json
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import Future, wait
from contextlib import suppress
from importlib.metadata import entry_points
from typing import Any

from antiphon.ports import Log, ToolSpec
from antiphon.tools.tool import Tool, ToolFault

GROUP = "antiphon.tools"
LONGEST_FAULT = 300
LOAD_S = 5.0
"""One that takes longer to be imported holds nobody up any more."""


class Plugins:
    """Toolbox: the tools of the plugins that the owner names. One that is broken is told to the log, and so is one that
    hangs; the rest goes on, and what comes late is offered then.
    """

    def __init__(self, wanted: Sequence[str], log: Log, limit_s: float = LOAD_S) -> None:
        """One after the other, each on a thread of its own, as nobody can end an import; so long each is waited for."""
        self._loads: list[Future[list[Tool]]] = []
        for name in wanted:
            load = _begun(name, log)
            self._loads.append(load)
            if wait([load], limit_s).not_done:
                late = f"the plugin {name} has not been loaded within {limit_s:g} s: its tools are offered once it has"
                log.write("error", "plugin-late", sentence=f"{late}; mend it, or take it out of tools.plugins")

    def tools(self) -> Sequence[Tool]:
        """Toolbox."""
        return [tool for load in self._loads if load.done() for tool in load.result()]

    async def run(self, changed: Callable[[], None]) -> None:
        """Toolbox."""

        async def tell(load: Future[list[Tool]]) -> None:
            await asyncio.wrap_future(load)
            changed()

        await asyncio.gather(*(tell(one) for one in self._loads))


def _begun(name: str, log: Log) -> Future[list[Tool]]:
    load: Future[list[Tool]] = Future()
    load.set_running_or_notify_cancel()  # who waits for it may go; it goes on
    threading.Thread(target=lambda: load.set_result(_load(name, log)), name="plugin-import", daemon=True).start()
    return load


def _load(name: str, log: Log) -> list[Tool]:
    version = ""
    try:
        installed = entry_points(group=GROUP)
        if name not in installed.names:
            there = ", ".join(sorted(installed.names)) or "none"
            sentence = f"tools.plugins names {name}, which no installed package brings; there are: {there}"
            log.write("error", "plugin-missing", sentence=sentence)
            return []
        entry = next(one for one in installed if one.name == name)
        version = "" if entry.dist is None else f"{entry.dist.name} {entry.dist.version}"
        made = entry.load()
        tools = [_tool(one) for one in _listed(made() if callable(made) else made)]
    except (Exception, SystemExit) as error:  # noqa: BLE001 - another's code, as it is imported and called
        log.write("error", "plugin-failed", plugin=name, version=version, why=_said(error))
        return []
    log.write("info", "plugin", plugin=name, version=version, tools=", ".join(one.spec.name for one in tools))
    return tools


def _listed(made: Any) -> Iterable[Any]:
    """One tool, or several."""
    return made if isinstance(made, Iterable) else [made]


def _tool(one: Any) -> Tool:
    """A plugin's object as a tool. Raises AttributeError, TypeError, ValueError for what is none."""
    if not callable(one.run):
        raise TypeError(f"{one.name}: run cannot be called")
    parameters = getattr(one, "parameters", None)
    if parameters is None:
        parameters = {"type": "object", "properties": {}}
    if not isinstance(parameters, Mapping) or parameters.get("type") != "object":
        raise ValueError(f'{one.name}: parameters is no JSON schema of type "object"')
    json.dumps(dict(parameters), allow_nan=False)  # else no link could tell a model of it, nor of any other tool
    if not isinstance(one.name, str) or not isinstance(one.description, str):
        raise TypeError("name and description must be text")
    secret = getattr(one, "secret", ())
    if isinstance(secret, str):  # its letters would be taken for names, and the value be logged
        raise TypeError(f"{one.name}: secret must be a list of names")
    return Tool(ToolSpec(one.name, one.description, dict(parameters)), _Runner(one.run), frozenset(secret))


class _Runner:
    """Runs a plugin's function: a coroutine on the loop, any other on a thread of its own."""

    def __init__(self, run: Callable[[dict[str, Any]], Any]) -> None:
        self._run = run
        self._thread: threading.Thread | None = None

    async def __call__(self, arguments: Mapping[str, Any]) -> Any:
        try:
            if inspect.iscoroutinefunction(self._run):
                return await self._run(dict(arguments))
            result = await self._on_a_thread(dict(arguments))
            return await result if inspect.isawaitable(result) else result  # of a coroutine that is wrapped up
        except ToolFault:
            raise
        except (Exception, SystemExit) as error:  # noqa: BLE001 - another's code
            raise ToolFault(_said(error), logged=type(error).__name__) from None

    async def _on_a_thread(self, arguments: dict[str, Any]) -> Any:
        """It cannot be ended: one that hangs stays, and is not asked again until it has come back."""
        if self._thread is not None and self._thread.is_alive():
            raise ToolFault("it is still busy with what it was asked before")
        loop = asyncio.get_running_loop()
        future: asyncio.Future[Any] = loop.create_future()

        def tell(result: Any, error: BaseException | None) -> None:
            if future.done():  # nobody waits any more
                return
            if error is None:
                future.set_result(result)
            else:
                future.set_exception(error)

        def work() -> None:
            result, fault = None, None
            try:
                result = self._run(arguments)
            except (Exception, SystemExit) as error:  # noqa: BLE001 - another's code
                fault = ToolFault(_said(error), logged=type(error).__name__)
            with suppress(RuntimeError):  # the loop is closed
                loop.call_soon_threadsafe(tell, result, fault)

        self._thread = threading.Thread(target=work, name="plugin", daemon=True)
        self._thread.start()
        return await future


def _said(error: BaseException) -> str:
    return f"{type(error).__name__}: {error}"[:LONGEST_FAULT]
