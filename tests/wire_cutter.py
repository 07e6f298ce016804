"""Between a realtime link and its service: a relay that ends, freezes or spoils one connection at one exact place.

It knows just enough of HTTP and WebSocket (RFC 6455, section 5.2) to tell frames apart and to count those that carry
data, each way, by themselves. It speaks to nobody of its own accord, and knows nothing of what is said.
"""

import asyncio
import socket
import struct
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Literal, Self

Act = Literal["close", "reset", "stall", "corrupt"]
Way = Literal["down", "up"]
"""Down is from the service to the link, up from the link to the service."""
Afterwards = Literal["refused", "stalls", "recovers"]

HOST = "127.0.0.1"
ACTS: tuple[Act, ...] = ("close", "reset", "stall", "corrupt")
WAYS: tuple[Way, ...] = ("down", "up")

_READ_BYTES = 65_536
_HEAD_ENDS = b"\r\n\r\n"
_DATA_OPCODES = (0x1, 0x2)  # text and binary; a continuation belongs to an event that has been counted


@dataclass(frozen=True, slots=True)
class Cut:
    """What happens to the first connection, where, and what becomes of later ones.

    Exactly one of `event` and `byte` says where. `event` counts from 1: it strikes before that event leaves, or, with
    `after`, when it has left; corrupt damages a byte inside of it and keeps its framing. `byte` counts from 0, the HTTP
    upgrade included: so many bytes have left on this way when it strikes; corrupt damages the next one, whatever it is.
    """

    act: Act
    way: Way = "down"
    event: int | None = None
    byte: int | None = None
    after: bool = False
    afterwards: Afterwards = "recovers"
    flip: int = 0xFF
    """Corrupt: these bits of the byte are turned over."""
    at: float = 0.5
    """Corrupt at an event: where in its payload, from 0 to 1."""

    def __post_init__(self) -> None:
        """Refuse what means nothing."""
        if (self.event is None) == (self.byte is None):
            raise ValueError("a cut is either at an event or at a byte")
        if self.after and (self.event is None or self.act == "corrupt"):
            raise ValueError("only an event that is not damaged can be waited for")


# ── telling frames apart ─────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Unit:
    """One frame, or the head of the HTTP upgrade: its bytes, and where in them the payload begins."""

    data: bytes
    payload_at: int = 0
    is_event: bool = False


class Frames:
    """Splits one way of one connection into units, whatever pieces its bytes come in."""

    def __init__(self) -> None:
        self._rest = b""
        self._upgraded = False

    def feed(self, data: bytes) -> Iterator[Unit]:
        """The units that `data` completes, in order."""
        self._rest += data
        while (length := self._complete()) is not None:
            unit, self._rest = self._rest[:length], self._rest[length:]
            yield self._framed(unit) if self._upgraded else self._head(unit)

    def _complete(self) -> int | None:
        """The length of the first unit, when all of it is here."""
        if not self._upgraded:
            ends = self._rest.find(_HEAD_ENDS)
            return None if ends < 0 else ends + len(_HEAD_ENDS)
        shape = _shape(self._rest)
        return None if shape is None or sum(shape) > len(self._rest) else sum(shape)

    def _head(self, unit: bytes) -> Unit:
        self._upgraded = True
        return Unit(unit)

    def _framed(self, unit: bytes) -> Unit:
        shape = _shape(unit)
        assert shape is not None
        return Unit(unit, shape[0], is_event=unit[0] & 0x0F in _DATA_OPCODES)


def _shape(frame: bytes) -> tuple[int, int] | None:
    """The lengths of a frame's header and payload, when the header is here."""
    if len(frame) < 2:
        return None
    short, mask = frame[1] & 0x7F, 4 if frame[1] & 0x80 else 0
    wide = {126: 2, 127: 8}.get(short, 0)
    if len(frame) < 2 + wide + mask:
        return None
    return 2 + wide + mask, int.from_bytes(frame[2 : 2 + wide], "big") if wide else short


# ── where it strikes ─────────────────────────────────────────────────────────────────────────────


@dataclass(slots=True)
class Count:
    """What has left on one way of the first connection."""

    events: int = 0
    bytes: int = 0
    withheld: int = 0
    """Bytes that came and did not leave."""


def _cutting(cut: Cut, unit: Unit, count: Count) -> bytes | None:
    """What leaves of `unit`, before which `count` has left on its way, when `cut` strikes with it; else None."""
    if cut.byte is not None:
        at = cut.byte - count.bytes
    elif unit.is_event and cut.event == count.events + 1:
        at = _place(cut, unit)
    else:
        return None
    if not 0 <= at < len(unit.data) + cut.after:
        return None
    if cut.act == "corrupt":
        return unit.data[:at] + bytes([unit.data[at] ^ cut.flip]) + unit.data[at + 1 :]
    return unit.data[:at]


def _place(cut: Cut, unit: Unit) -> int:
    """Where in its event it strikes."""
    if cut.act == "corrupt":
        inside = len(unit.data) - unit.payload_at
        return unit.payload_at + min(int(cut.at * inside), inside - 1)
    return len(unit.data) if cut.after else 0


# ── the relay ────────────────────────────────────────────────────────────────────────────────────


@dataclass(slots=True)
class _Wire:
    """One connection: the link's end and the service's."""

    is_first: bool
    writers: list[asyncio.StreamWriter]
    frozen: bool = False


@dataclass
class WireCutter:
    """The relay: `async with WireCutter(service_port, cut) as cutter:` joins `cutter.port` to the service."""

    service_port: int
    cut: Cut | None = None
    port: int = 0
    counts: dict[Way, Count] = field(default_factory=lambda: {way: Count() for way in WAYS})
    """Of the first connection."""
    struck: bool = False
    connections: int = 0
    """How many were accepted."""
    _server: asyncio.Server | None = None
    _held: socket.socket | None = None
    _wires: list[_Wire] = field(default_factory=list)
    _tasks: set["asyncio.Task[None]"] = field(default_factory=set)
    _news: asyncio.Event = field(default_factory=asyncio.Event)
    _over: asyncio.Event = field(default_factory=asyncio.Event)

    async def __aenter__(self) -> Self:
        """Listen on a port of its own."""
        self._server = await asyncio.start_server(self._serve, HOST, 0)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        """Let go of everything at once."""
        assert self._server is not None
        self._server.close()
        self._over.set()
        for wire in self._wires:
            self._end(wire, "reset")
        if self._tasks:
            await asyncio.wait(self._tasks)
        if self._held is not None:
            self._held.close()
        for task in self._tasks:
            task.result()  # a fault of its own must not pass for one of the link's

    async def until(self, fact: Callable[["WireCutter"], bool]) -> None:
        """Return when `fact` is true of it."""
        while not fact(self):
            self._news.clear()
            await self._news.wait()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection, from its first byte to its last."""
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        wire = _Wire(self.connections == 0, [writer])
        self._wires.append(wire)
        self.connections += 1
        self._news.set()
        try:
            if self.struck and self.cut is not None and self.cut.afterwards == "stalls":
                await self._over.wait()
                return
            await self._relay(wire, reader, writer)
        finally:
            self._end(wire, "close")
            for end in wire.writers:
                with suppress(OSError):
                    await end.wait_closed()

    async def _relay(self, wire: _Wire, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            from_service, to_service = await asyncio.open_connection(HOST, self.service_port)
        except ConnectionError:
            self._end(wire, "reset")
            return
        wire.writers.append(to_service)
        if self._over.is_set():
            return
        async with asyncio.TaskGroup() as group:
            group.create_task(self._carry(wire, "up", reader, to_service))
            group.create_task(self._carry(wire, "down", from_service, writer))

    async def _carry(self, wire: _Wire, way: Way, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Until one end is over, which then is the end of both; a frozen connection is never over."""
        frames = Frames()
        ending: Act = "close"
        with suppress(OSError):
            while data := await reader.read(_READ_BYTES):
                for unit in frames.feed(data):
                    self._pass(wire, way, unit, writer)
                if not wire.frozen:
                    await writer.drain()
        if reader.exception() is not None:
            ending = "reset"
        if wire.frozen:
            await self._over.wait()
        self._end(wire, ending)

    def _pass(self, wire: _Wire, way: Way, unit: Unit, writer: asyncio.StreamWriter) -> None:
        """Let the unit leave, or what the cut leaves of it."""
        count = self.counts[way] if wire.is_first else Count()
        if wire.frozen or writer.is_closing():
            count.withheld += len(unit.data)
            self._news.set()
            return
        due = self.cut if wire.is_first and not self.struck else None
        leaves = None if due is None or due.way != way else _cutting(due, unit, count)
        if due is None or leaves is None:
            self._let_go(wire, way, unit, unit.data, writer)
            return
        self._let_go(wire, way, unit, leaves, writer)
        self._strike(wire, due)

    def _let_go(self, wire: _Wire, way: Way, unit: Unit, leaves: bytes, writer: asyncio.StreamWriter) -> None:
        """Write what leaves of the unit, and count."""
        writer.write(leaves)
        if wire.is_first:
            count = self.counts[way]
            count.bytes += len(leaves)
            count.withheld += len(unit.data) - len(leaves)
            if unit.is_event and len(leaves) == len(unit.data):
                count.events += 1

    def _strike(self, wire: _Wire, cut: Cut) -> None:
        self.struck = True
        self._news.set()
        if cut.afterwards == "refused":
            self._refuse()
        if cut.act == "stall":
            wire.frozen = True
        elif cut.act != "corrupt":
            self._end(wire, cut.act)

    def _refuse(self) -> None:
        """Stop listening, and keep the port, so that nobody else answers there."""
        assert self._server is not None
        self._server.close()
        self._held = socket.socket()
        self._held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self._held.bind((HOST, self.port))

    def _end(self, wire: _Wire, how: Act) -> None:
        """End both ends of a connection: in order, with what was written before, or by a reset."""
        for writer in wire.writers:
            if how == "reset" and not writer.is_closing():
                with suppress(OSError):
                    linger = struct.pack("ii", 1, 0)
                    writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
                writer.transport.abort()
            else:
                writer.close()
