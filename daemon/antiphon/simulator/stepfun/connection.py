"""One WebSocket connection of the simulated service: carries frames to its session and events from it, with faults.

One that turns out to carry another request than an upgrade is given away.

It moves bytes and reads the clock; what is said is the session's business.
"""

import asyncio
import time
from collections.abc import Callable
from typing import Any, Protocol, cast

from websockets.asyncio.server import ServerConnection
from websockets.exceptions import ConnectionClosed

from antiphon.errors import DeviceError
from antiphon.pcm import Samples
from antiphon.simulator.speech import Synthesise
from antiphon.simulator.stepfun.agenda import Agenda, End, Ping
from antiphon.simulator.stepfun.faults import Act, Close, FaultyStream, Frame, Reset, Stall
from antiphon.simulator.stepfun.gate import Gate
from antiphon.simulator.stepfun.grammar import Json
from antiphon.simulator.stepfun.responder import Utterance

_UPGRADE = b"GET "
_ASKED_FOR = (b"GET /v1/audio/", b"GET /step_plan/v1/audio/")
_TELLING = max(map(len, _ASKED_FOR))


class Connection(ServerConnection):
    """A server connection that writes through a gate, and knows its number."""

    def __init__(
        self,
        index: int,
        cut_at_byte: int | None,
        *,
        refuse: bool,
        posted: Callable[[asyncio.Transport, bytes], None],
        library: tuple[Any, ...],
        **settings: Any,
    ) -> None:
        """`index` counts connections from 0; `library` and `settings` are what websockets gives its connections.

        `posted` takes over a connection that is none for a WebSocket, and what has come of it.
        """
        super().__init__(*library, **settings)
        self.index = index
        self.heard_s = time.monotonic()
        """When the last byte came, pings included."""
        self.gone = asyncio.Event()
        """Set when the socket is closed."""
        self._cut_at_byte = cut_at_byte
        self._refuse = refuse
        self._posted = posted
        self._first: bytes | None = b""  # what has come, until that says what the connection is

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """The socket is accepted."""
        self._socket = cast("asyncio.Transport", transport)
        self.gate = Gate(self._socket, self._cut_at_byte)
        self.transport = cast("asyncio.Transport", self.gate)
        if self._refuse:
            self.gate.reset()

    def connection_lost(self, exc: Exception | None) -> None:
        """The socket is closed."""
        self.gone.set()
        if self._first is None:
            super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Bytes have come."""
        self.heard_s = time.monotonic()
        if self._first is not None:
            data = self._first = self._first + data
            if _upgrades(data) is None:
                return
            if not _upgrades(data):
                self._posted(self._socket, data)
                return
            self._first = None
            super().connection_made(self.transport)
        super().data_received(data)

    def eof_received(self) -> None:
        """Nothing more comes."""
        if self._first is None:
            super().eof_received()


def _upgrades(first: bytes) -> bool | None:
    """Whether a connection that begins like this is for a WebSocket; None when that cannot be told yet."""
    if not _UPGRADE.startswith(first[: len(_UPGRADE)]):
        return False
    if any(path.startswith(first[:_TELLING]) for path in _ASKED_FOR if len(first) < len(path)):
        return None
    return not first.startswith(_ASKED_FOR)


class _OverError(Exception):
    """The connection has ended: cancels what still runs for it."""


class Mouth(Protocol):
    """What of a session wishes for sound, and is given it."""

    def take_wanted(self) -> list[Utterance]:
        """The wishes since the last time."""

    def spoken(self, response: str, samples: Samples, now: float) -> None:
        """The sound that was wished for `response` is made."""

    def failed(self, response: str, sentence: str, now: float) -> None:
        """It cannot be made."""


class Conduct(Protocol):
    """One connection's behaviour, whatever is spoken over it."""

    agenda: Agenda

    @property
    def responder(self) -> Mouth:
        """Its mouth."""

    def receive(self, frame: str | bytes, now: float) -> None:
        """A frame of the client's has come."""

    def tick(self, now: float) -> None:
        """Do what is due."""


class Record(Protocol):
    """What is kept of a connection."""

    def add_sent(self, kind: str, size: int, now: float) -> None:
        """A server event was given to the connection."""

    def note(self, what: str, now: float, **fields: str | float | None) -> None:
        """A line for the log."""


class Driver:
    """Runs one session on its connection."""

    def __init__(
        self,
        connection: Connection,
        session: Conduct,
        record: Record,
        stream: FaultyStream,
        synthesise: Synthesise,
        idle_drop_s: float,
    ) -> None:
        """`idle_drop_s` 0 never drops."""
        self._connection = connection
        self._session = session
        self._record = record
        self._stream = stream
        self._synthesise = synthesise
        self._idle_drop_s = idle_drop_s
        self._wake = asyncio.Event()

    async def run(self) -> None:
        """Until the connection has ended, whoever ended it."""
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._speak(group))
                await self._listen()
        except* (_OverError, ConnectionClosed):
            pass

    async def _listen(self) -> None:
        while True:
            frame = await self._connection.recv()
            self._session.receive(frame, time.monotonic())
            self._wake.set()

    async def _speak(self, group: asyncio.TaskGroup) -> None:
        while True:
            self._wake.clear()
            now = time.monotonic()
            self._session.tick(now)
            for utterance in self._session.responder.take_wanted():
                group.create_task(self._make_sound(utterance))
            for event in self._session.agenda.take():
                if isinstance(event, Ping):
                    group.create_task(self._ping(event))
                else:
                    await self._send(event)
            if self._idle_for(now):
                self._record.note("idle_drop", now)
                self._connection.gate.cut()
            await self._rest()

    async def _make_sound(self, utterance: Utterance) -> None:
        """Synthesis is a program that runs: the loop goes on meanwhile."""
        responder = self._session.responder
        try:
            samples = await asyncio.to_thread(self._synthesise, utterance.text, utterance.speaker, utterance.rate_hz)
        except (DeviceError, ValueError) as error:
            responder.failed(utterance.response, str(error), time.monotonic())
        else:
            responder.spoken(utterance.response, samples, time.monotonic())
        self._wake.set()

    async def _ping(self, ping: Ping) -> None:
        pong = await self._connection.ping()
        try:
            async with asyncio.timeout(ping.wait_s):
                await pong
        except TimeoutError:
            ping.missed(time.monotonic())
            self._wake.set()

    async def _send(self, event: Json | End) -> None:
        if isinstance(event, End):
            await self._do(Close(event.code, event.reason))
            return
        for act in self._stream.acts(event):
            await self._do(act)
            if isinstance(act, Frame):
                self._record.add_sent(str(event.get("type")), len(act.payload), time.monotonic())

    async def _do(self, act: Act) -> None:
        if not isinstance(act, Frame):
            self._record.note("fault", time.monotonic(), act=type(act).__name__.lower())
        match act:
            case Frame(payload):
                await self._connection.send(payload)
            case Close(None):
                self._connection.gate.cut()
            case Close(code, reason) if code is not None:
                await self._connection.close(code, reason)
                raise _OverError
            case Stall():
                self._connection.gate.stall()
            case Reset():
                self._connection.gate.reset()

    def _idle_for(self, now: float) -> bool:
        idle_s = now - self._connection.heard_s
        return bool(self._idle_drop_s) and idle_s >= self._idle_drop_s and not self._connection.gate.shut

    async def _rest(self) -> None:
        """Until something comes, or is due."""
        moments = [self._session.agenda.deadline]
        if self._idle_drop_s and not self._connection.gate.shut:
            moments.append(self._connection.heard_s + self._idle_drop_s)
        due = min((moment for moment in moments if moment is not None), default=None)
        try:
            async with asyncio.timeout(None if due is None else max(0.0, due - time.monotonic())):
                await self._wake.wait()
        except TimeoutError:
            pass
