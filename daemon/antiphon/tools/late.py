"""Floor 3. Tools whose code is heavy to import: it is imported once the appliance lives, on a thread, so that nobody
waits for it.
"""

import asyncio
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress

from antiphon.ports import Log
from antiphon.tools.tool import Tool, Toolbox


class LateBox:
    """Toolbox, which has nothing before the one it stands for is there."""

    def __init__(self, load: Callable[[], Toolbox], remedy: str, log: Log) -> None:
        """`load` imports, and may raise anything: a package may be there, and not fit another. `remedy` says then what
        to do.
        """
        self._load, self._remedy, self._log = load, remedy, log
        self._box: Toolbox | None = None

    def tools(self) -> Sequence[Tool]:
        """Toolbox."""
        return () if self._box is None else self._box.tools()

    async def run(self, changed: Callable[[], None]) -> None:
        """Toolbox."""
        try:
            self._box = await self._loaded()
        except Exception as error:  # noqa: BLE001 - another's code, as it is imported
            missing = isinstance(error, ImportError)
            why = f"missing ({error})" if missing else f"broken ({type(error).__name__}: {error})"
            self._log.write("error", "no-tools", sentence=f"a Python package is {why}. {self._remedy}")
            return
        await self._box.run(changed)

    async def _loaded(self) -> Toolbox:
        loop = asyncio.get_running_loop()
        future: asyncio.Future[Toolbox] = loop.create_future()

        def tell(box: Toolbox | None, error: Exception | None) -> None:
            if future.done():  # we are gone
                return
            if box is not None:
                future.set_result(box)
            elif error is not None:
                future.set_exception(error)

        def work() -> None:
            box: Toolbox | None = None
            fault: Exception | None = None
            try:
                box = self._load()
            except Exception as error:  # noqa: BLE001 - as above
                fault = error
            with suppress(RuntimeError):  # the loop is closed
                loop.call_soon_threadsafe(tell, box, fault)

        threading.Thread(target=work, name="import", daemon=True).start()
        return await future
