"""A vox-serve server on loopback or the LAN: the listening socket, its connections, and the log that is kept."""

import asyncio
import email.utils
import time
from collections.abc import Callable
from types import TracebackType
from typing import Any, Self

from antiphon.pcm import LINK_RATE_HZ
from antiphon.simulator import speech
from antiphon.simulator.journal import Journal, LogLine
from antiphon.simulator.service import run_until_signal
from antiphon.simulator.voxserve.batch import Batch
from antiphon.simulator.voxserve.connection import Connection, OverError
from antiphon.simulator.voxserve.desk import Desk
from antiphon.simulator.voxserve.engine import Engine
from antiphon.simulator.voxserve.faults import Faults
from antiphon.simulator.voxserve.http1 import NOT_HTTP, NotHttpError
from antiphon.simulator.voxserve.options import VoxServeOptions
from antiphon.simulator.voxserve.record import RequestRecord


class VoxServeSimulator:
    """The server. `async with VoxServeSimulator(options) as server:` serves until the block ends."""

    def __init__(
        self,
        options: VoxServeOptions | None = None,
        *,
        synthesise: speech.Synthesise | None = None,
        log: Callable[[LogLine], None] | None = None,
    ) -> None:
        """`synthesise` makes the replies' sound (flite, if None); `log` gets each line of the log as it is written."""
        self.options = options or VoxServeOptions()
        self._journal = Journal(log)
        self.log = self._journal.lines
        """Every line of the log."""
        self._synthesise = synthesise or speech.synthesise
        self._live: set[Connection] = set()
        self._port = self.options.port
        self._server: asyncio.Server | None = None
        self._desk: Desk | None = None

    @property
    def requests(self) -> list[RequestRecord]:
        """Every POST to /generate since the start, in the order in which they had come whole."""
        return self._desk.requests if self._desk else []

    def url(self, path: str = "") -> str:
        """Where `path` is served."""
        return f"http://{self.options.host}:{self._port}{path}"

    async def start(self) -> None:
        """Listen. Raises OSError when the port cannot be had; after `stop` it listens on the same port again.

        Start and stop belong into one task. A mistake of our own in a connection cancels it, and `stop` raises it.
        """
        options = self.options
        if options.keep_dir is not None:
            self._journal.keep(options.keep_dir / "requests.jsonl")
        for text in filter(None, options.replies):  # what is known beforehand is spoken beforehand
            await asyncio.to_thread(self._synthesise, text, options.voice, LINK_RATE_HZ)
        loop = asyncio.get_running_loop()
        server = await loop.create_server(lambda: Connection(self._accept), options.host, self._port)
        self._server = server
        self._port = server.sockets[0].getsockname()[1]
        ready_s = time.monotonic() + Faults(options.faults).loading_s
        batch = Batch(options.slots, options.timing.prefill_ms / 1000, options.timing.speed, ready_s)
        engine = Engine(batch)
        self._desk = Desk(options, engine, self._synthesise, self._journal.write)
        self._group = asyncio.TaskGroup()
        await self._group.__aenter__()
        self._tasks = {self._group.create_task(engine.run(self._desk.model_died))}
        self._journal.write({"t": time.monotonic(), "what": "listening", "url": self.url()})
        self._desk.die_by_fault()

    async def stop(self) -> None:
        """Abort every connection and close the port."""
        if self._server is None:
            return
        server, self._server = self._server, None
        server.close()
        for connection in list(self._live):
            connection.abort()
        for task in self._tasks:
            task.cancel()
        try:
            await self._group.__aexit__(None, None, None)
        finally:
            await server.wait_closed()
            self._journal.write({"t": time.monotonic(), "what": "stopped"})
            self._journal.close()

    async def __aenter__(self) -> Self:
        """Start."""
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop."""
        await self.stop()

    def _accept(self, connection: Connection) -> None:
        assert self._desk is not None
        if self._desk.refuses():
            connection.reset()
            return
        if self._server is None:  # accepted as the server stopped
            connection.abort()
            return
        self._live.add(connection)
        task: asyncio.Task[Any] = self._group.create_task(self._serve(connection, self._desk))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _serve(self, connection: Connection, desk: Desk) -> None:
        """One connection, request by request. uvicorn waits for ever for the first, and keep_alive_s for others."""
        here = f"{self.options.host}:{self._port}"
        idle_s: float | None = None
        try:
            while await desk.answer(connection, await connection.request(idle_s), here):
                idle_s = self.options.keep_alive_s
        except NotHttpError:
            await connection.send(NOT_HTTP.body or b"", before=NOT_HTTP.head(email.utils.formatdate(usegmt=True)))
        except OverError:
            pass
        finally:
            connection.close()
            self._live.discard(connection)


async def run_forever(options: VoxServeOptions, log: Callable[[LogLine], None]) -> None:
    """Serve until SIGINT or SIGTERM. `log` gets every line; the first says "listening", and its `url`.

    Raises SettingsError when it cannot listen there, or keep what it receives.
    """
    await run_until_signal(VoxServeSimulator(options, log=log), "server")
