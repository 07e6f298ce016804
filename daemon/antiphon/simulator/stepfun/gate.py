"""Between a connection and its socket: where bytes are counted, cut, withheld, or the connection is reset.

It knows bytes and no events. It stands in for the asyncio transport that the WebSocket library writes to.
"""

import asyncio
import socket
import struct
from typing import Any

LINGER_S = 1.0
"""How long the other side may leave a stream open that has ended here."""


class Gate:
    """An asyncio transport whose writes can end at an exact byte."""

    def __init__(self, transport: asyncio.Transport, cut_at_byte: int | None) -> None:
        """After `cut_at_byte` bytes the stream ends, in the midst of a frame if need be; None: it never does."""
        self._transport = transport
        self._left = cut_at_byte
        self._shut = False
        if cut_at_byte == 0:
            self.cut()

    @property
    def shut(self) -> bool:
        """True when no byte leaves any more."""
        return self._shut

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """Send `data`, or what may still leave of it."""
        if self._shut:
            return
        if self._left is None:
            self._transport.write(data)
            return
        self._transport.write(bytes(data[: self._left]))
        self._left = max(0, self._left - len(data))
        if not self._left:
            self.cut()

    def write_eof(self) -> None:
        """End the stream; a stream that stalls does not even end."""
        if not self._shut:
            self._transport.write_eof()

    def cut(self) -> None:
        """End the stream here: all that was written still arrives, and then nothing but the end."""
        self._shut = True
        self._transport.write_eof()
        asyncio.get_running_loop().call_later(LINGER_S, self._transport.abort)

    def stall(self) -> None:
        """Let nothing leave any more, and keep the connection."""
        self._shut = True

    def reset(self) -> None:
        """Reset the connection: the other side gets an error in place of an end."""
        self._shut = True
        open_socket: socket.socket = self._transport.get_extra_info("socket")
        open_socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._transport.abort()

    def __getattr__(self, name: str) -> Any:
        """All else is the transport's."""
        return getattr(self._transport, name)
