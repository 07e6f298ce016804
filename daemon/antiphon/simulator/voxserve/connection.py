"""One TCP connection of the simulated LAN server: bytes in, bytes out, and the ways it can end. It knows no route.

It reads all that comes, also while it answers, so that a client that hangs up is noticed at once.
"""

import asyncio
import socket
import struct
from collections.abc import Callable
from typing import cast

from antiphon.simulator.voxserve.faults import Ending, Kind
from antiphon.simulator.voxserve.http1 import CONTINUE, Reader, Request


class OverError(Exception):
    """The connection has ended, by us or by the client."""


class Connection(asyncio.Protocol):
    """A connection."""

    def __init__(self, accepted: Callable[["Connection"], None]) -> None:
        """`accepted` is told when the socket is there."""
        self._accepted = accepted
        self._reader = Reader()
        self._more = asyncio.Event()
        self._free = asyncio.Event()
        self._free.set()
        self.gone = asyncio.Event()
        """Set when the client has hung up, or the connection is closed."""
        self.ending: Ending | None = None
        """How the answer that is being sent ends early."""
        self.sent = 0
        """How many bytes of bodies have left."""
        self._when_gone: Callable[[], None] = _nothing

    # ── what asyncio tells ──

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """The socket is accepted."""
        self._transport = cast("asyncio.Transport", transport)
        self._accepted(self)

    def data_received(self, data: bytes) -> None:
        """Bytes have come."""
        self._reader.feed(data)
        self._more.set()

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 (how it ended is of no interest)
        """The socket is closed; so it is, too, when the client has only ended its side, as with uvicorn."""
        self.gone.set()
        self._more.set()
        self._free.set()
        self._when_gone()

    def pause_writing(self) -> None:
        """The client reads slower than we write."""
        self._free.clear()

    def resume_writing(self) -> None:
        """The client has read on."""
        self._free.set()

    def call_when_gone(self, callback: Callable[[], None]) -> None:
        """Have `callback`, in place of an earlier one, called once when `gone` is set, or now if it is."""
        self._when_gone = callback
        if self.gone.is_set():
            callback()

    # ── requests ──

    async def request(self, idle_s: float | None) -> Request:
        """The next request. Raises NotHttpError, and OverError when none comes, or none within `idle_s`."""
        while True:
            self._more.clear()
            request = self._reader.take()
            if self._reader.take_continue():
                self._transport.write(CONTINUE)
            if request is not None:
                return request
            if self.gone.is_set():
                raise OverError
            try:
                async with asyncio.timeout(idle_s if self._reader.empty else None):
                    await self._more.wait()
            except TimeoutError as error:
                raise OverError from error

    # ── answers ──

    async def send(self, body: bytes, before: bytes = b"", after: bytes = b"") -> None:
        """Send `body` in its framing, or what an early ending leaves of it. Raises OverError when nothing more can."""
        if self.gone.is_set():
            raise OverError
        ending = self.ending
        if ending is not None and ending.come:
            await self._end(ending)
        leaving = before + body + after if ending is None else ending.allowed(before, body, after)
        self._transport.write(leaving)
        self.sent += max(0, min(len(leaving) - len(before), len(body)))
        if ending is not None and ending.come:
            await self._end(ending)
        await self._free.wait()

    async def _end(self, ending: Ending) -> None:
        match ending.kind:
            case Kind.RESET:
                self.reset()
            case Kind.CUT:
                self.close()
            case _:
                await self.gone.wait()
        raise OverError

    def close(self) -> None:
        """End the connection when what was written has left."""
        self._transport.close()

    def reset(self) -> None:
        """Reset the connection: the other side gets an error in place of an end."""
        open_socket: socket.socket = self._transport.get_extra_info("socket")
        open_socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._transport.abort()

    def abort(self) -> None:
        """End the connection now, whatever still waits to leave."""
        self._transport.abort()


def _nothing() -> None:
    """Nobody waits."""
