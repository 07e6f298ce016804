"""A network without a network: servers in memory, and a clock that runs only when nobody has anything to do.

What is tried is the real client on its real library (aiohttp, websockets): only the loop's sockets and its time are
others. So an hour of patience takes no time, and a wait that nothing will ever end is seen at once, as Stuck.
"""

import asyncio
import logging
import selectors
from collections import deque
from contextlib import suppress
from unittest import mock

import aiohttp

MOST_S = 4 * 3600.0
"""No stream takes longer."""
MOST_TURNS = 50_000
"""Nor does the loop turn more often."""


class Stuck(Exception):
    """Somebody waits for what will never come, or waits for ever, or never waits."""


class _Clock(selectors.SelectSelector):
    """Where a loop waits, time passes."""

    def __init__(self):
        super().__init__()
        self.now_s = 1000.0
        self._turns = 0

    def select(self, timeout=None):
        self._turns += 1
        if timeout is None:
            raise Stuck("nothing will happen any more")
        self.now_s += max(0.0, timeout)
        if self.now_s > MOST_S:
            raise Stuck("it does not come to an end")
        if self._turns > MOST_TURNS:
            raise Stuck("it does not rest")
        return []


class MemoryLoop(asyncio.SelectorEventLoop):
    """`serve(is_http=…)` gives the server's side of each connection, or raises OSError."""

    def __init__(self, serve):
        self._clock = _Clock()
        super().__init__(self._clock)
        self._serve = serve
        self.wires = []

    def time(self):
        return self._clock.now_s

    async def sock_connect(self, _sock, _address):
        """Who dials by himself brings what he has to create_connection."""

    async def create_connection(self, factory, *_where, sock=None, **_options):
        if sock is not None:
            sock.close()
        await asyncio.sleep(0.01)
        protocol = factory()
        server = self._serve(is_http=is_http(protocol))
        wire = Wire(self, protocol, server)
        self.wires.append(wire)
        protocol.connection_made(wire)
        server.met(wire)
        return wire, protocol


def is_http(protocol):
    return isinstance(protocol, aiohttp.client_proto.ResponseHandler)


class _Socket:
    def setsockopt(self, *_):
        pass


class Wire(asyncio.Transport):
    """The client's end of a connection; the server's is an object with `met(wire)`, `received(data)` and `left()`."""

    def __init__(self, loop, protocol, server):
        super().__init__()
        self._loop, self._protocol, self._server = loop, protocol, server
        self._closing = self._lost = self._paused = False
        self._coming = deque()
        self._known = {"peername": ("127.0.0.1", 1), "sockname": ("127.0.0.1", 2)}
        if not is_http(protocol):  # what is set on it is the system's business
            self._known["socket"] = _Socket()

    # ── what the client does ──

    def get_extra_info(self, name, default=None):
        return self._known.get(name, default)

    def is_closing(self):
        return self._closing

    def get_protocol(self):
        return self._protocol

    def set_protocol(self, protocol):
        self._protocol = protocol

    def is_reading(self):
        return not (self._paused or self._closing)

    def pause_reading(self):
        self._paused = True

    def resume_reading(self):
        self._paused = False
        self._loop.call_soon(self._pass_on)

    def set_write_buffer_limits(self, high=None, low=None):
        pass

    def get_write_buffer_size(self):
        return 0

    def can_write_eof(self):
        return True

    def write_eof(self):
        pass

    def write(self, data):
        if not self._closing:
            self._loop.call_soon(self._arrive, bytes(data))

    def close(self):
        if not self._closing:
            self._closing = True
            self._loop.call_soon(self._lose, None)

    def abort(self):
        self.close()

    def _arrive(self, data):
        """At who is the server by then."""
        self._server.received(data)

    # ── what the server does ──

    def hand_over(self, server):
        """From here on `server` is the server."""
        self._server = server
        server.met(self)

    def feed(self, data):
        """More bytes for the client."""
        self._coming.append(data)
        self._pass_on()

    def end(self):
        """The server hangs up in order."""
        self._coming.append(None)
        self._pass_on()

    def break_off(self):
        """The connection breaks."""
        self._coming.append(ConnectionResetError(104, "Connection reset by peer"))
        self._pass_on()

    def _pass_on(self):
        while self._coming and not (self._paused or self._closing):
            match self._coming.popleft():
                case None:
                    if not self._protocol.eof_received():
                        self.close()
                case Exception() as error:
                    self._closing = True
                    self._loop.call_soon(self._lose, error)
                case data:
                    self._protocol.data_received(data)

    def _lose(self, error):
        if not self._lost:
            self._lost = True
            self._server.left()
            self._protocol.connection_lost(error)


class Server:
    """The server's side: `play`, a coroutine function, is run for it as a task; what it may use is here."""

    def __init__(self, play):
        self._play = play
        self._changed = asyncio.Event()
        self.gone = False

    def met(self, wire):
        self.wire = wire
        loop = asyncio.get_running_loop()
        self._task = loop.create_task(self._live())

    async def _live(self):
        try:
            await self._play(self)
        except Exception as error:
            asyncio.get_running_loop().call_exception_handler({"message": "our server failed", "exception": error})
            raise

    def received(self, data):
        self.take(data)
        self._changed.set()

    def take(self, data):
        """Bytes of the client."""

    def left(self):
        self.gone = True
        self._changed.set()
        self._task.cancel()

    async def until(self, fact, limit_s):
        """Until `fact()`; False after `limit_s`."""
        with suppress(TimeoutError):
            async with asyncio.timeout(limit_s):
                while not fact():
                    self._changed.clear()
                    await self._changed.wait()
        return fact()


async def _to_memory(connector, request, _traces, _timeout):
    """In the place of TCPConnector._create_connection, which goes to the system past the loop."""
    try:
        _, protocol = await asyncio.get_running_loop().create_connection(connector._factory)
    except OSError as error:
        raise aiohttp.ClientConnectorError(request.connection_key, error) from error
    return protocol


class _Log(logging.Handler):
    """Where libraries complain, of what they raise as well: an owner would get a traceback on the terminal."""

    def __init__(self, complaints):
        super().__init__(logging.WARNING)
        self._complaints = complaints

    def emit(self, record):
        self._complaints.append({"message": record.getMessage(), "logger": record.name})

    def __enter__(self):
        logging.getLogger().addHandler(self)

    def __exit__(self, *_):
        logging.getLogger().removeHandler(self)


def live(main, serve):
    """Run the coroutine `main` on a MemoryLoop; what it returns. Raises Stuck, and what is left undone or logged."""
    complaints = []
    with (
        _Log(complaints),
        mock.patch.object(aiohttp.TCPConnector, "_create_connection", _to_memory),
        asyncio.Runner(loop_factory=lambda: MemoryLoop(serve)) as runner,
    ):
        loop = runner.get_loop()
        loop.set_exception_handler(lambda _, context: complaints.append(context))
        outcome = runner.run(main)
    assert not complaints, complaints
    return outcome
