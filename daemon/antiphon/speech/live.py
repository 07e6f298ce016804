"""StepFun's live speech recognition over a WebSocket: sound in as it is spoken, text out as it grows.

What is said there is live_wire.py's.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

from websockets.asyncio.client import ClientConnection
from websockets.exceptions import ConnectionClosed, WebSocketException

from antiphon.errors import AntiphonError, Garbled, LinkError, Lost, ungrouped
from antiphon.pcm import SAMPLE_BYTES, frames_in
from antiphon.secret import Secret
from antiphon.speech import live_wire as wire
from antiphon.speech import meanings, socket_troubles
from antiphon.speech.dialling import dial_service, take_leave
from antiphon.speech.keys import without_key

MODEL: Final = "stepaudio-2.5-asr-stream"
LIVE: Final = meanings.Where(
    model="--model",
    voice="",
    given="the sound",
    answer="text",
    rules="leave out what it forbids",
    models=f"for live speech it is {MODEL}",
    on_plan=False,
)
"""What is named by errors of `antiphon transcribe --live`."""
OPEN_S: Final = 10.0
"""To connect, and for the service's first words."""
TEXT_S: Final = 15.0
"""The text of what was spoken must come so long after its end."""
SETTLE_S: Final = 1.5
"""So long after the last silence nothing more is taken to come."""
PIECE_MS: Final = 100
MAX_MALFORMED: Final = 100


@dataclass(frozen=True, slots=True)
class LivePlan:
    """How the service is asked."""

    url: str
    """Without the last part, as https://api.stepfun.com/v1: the Step Plan has no live recognition."""
    model: str = MODEL
    rate_hz: int = 16_000
    language: str = ""
    prompt: str = ""
    """Names and words that it should know how to write."""
    proxy: str | None = None
    where: meanings.Where = LIVE
    settle_s: float = SETTLE_S


class Dictation:
    """One connection; it is run once."""

    def __init__(self, plan: LivePlan, key: Secret | None) -> None:
        """Nothing is connected yet."""
        self._plan, self._key = plan, key
        self._host = urlsplit(plan.url).hostname or "the server"
        self._turns = wire.Turns()
        self._moved = asyncio.Event()
        self._over = False
        self._ending = self._caught_up = False
        self._failure: AntiphonError | None = None

    async def run(
        self, sound: AsyncIterator[bytes], tell: Callable[[str], None], show: Callable[[str], None] = lambda _: None
    ) -> None:
        """Until `sound`, mono s16le in whole samples, has ended and all of its text has come.

        `tell` gets the text of each turn, once, in order; `show` what is heard of the present one so far, all of it
        each time, for display. Raises LinkError, in words, the AntiphonError that `sound` raises, and what `tell` does.
        """
        with ungrouped():
            await self._explained(sound, tell, show)

    async def _explained(
        self, sound: AsyncIterator[bytes], tell: Callable[[str], None], show: Callable[[str], None]
    ) -> None:
        try:
            await self._live(sound, tell, show)
        except LinkError as error:
            raise type(error)(without_key(self._key, str(error))) from error
        except (WebSocketException, OSError, UnicodeError, ImportError) as error:
            plan = self._plan
            told = socket_troubles.explain(error, self._host, plan.where, plan.url, plan.proxy)
            raise type(told)(without_key(self._key, str(told))) from error

    async def _live(
        self, sound: AsyncIterator[bytes], tell: Callable[[str], None], show: Callable[[str], None]
    ) -> None:
        plan = self._plan
        async with asyncio.timeout(OPEN_S) as opening:
            socket = await dial_service(plan.url, wire.PATH, {}, self._key, plan.where, plan.proxy)
            try:
                await self._begin(socket)
                opening.reschedule(None)
                async with asyncio.TaskGroup() as group:
                    speaking = group.create_task(self._speak(socket, sound), name="dictation")
                    try:
                        await self._listen(socket, tell, show)
                    except LinkError as error:
                        self._failure = error
                    except ConnectionClosed as closed:
                        if not self._over:
                            self._failure = self._failure or socket_troubles.explain_close(
                                closed, self._host, plan.where
                            )
                    finally:
                        speaking.cancel()
            finally:
                await take_leave(socket)
        if self._failure is not None:
            raise self._failure

    async def _begin(self, socket: ClientConnection) -> None:
        plan = self._plan
        configured = False
        while not configured:
            match wire.decode(await socket.recv()):
                case wire.Opened():
                    await socket.send(self._configuration())
                case wire.Configured():
                    configured = True
                case wire.Failed(message, kind, code):
                    raise meanings.explain_event(message, self._host, plan.where, kind, code)

    # ── out ──

    async def _speak(self, socket: ClientConnection, sound: AsyncIterator[bytes]) -> None:
        with suppress(ConnectionClosed):  # the listener is told the same, and tells why
            try:
                async for pcm in sound:
                    await self._send(socket, pcm)
            except AntiphonError as error:
                self._failure = error
                await take_leave(socket)
                return
            await self._send(socket, bytes(SAMPLE_BYTES * frames_in(2 * wire.SILENCE_MS, self._plan.rate_hz)))
            # It says nothing of silence, so it is told once more how to hear: its answer comes after all before that.
            self._ending = True
            await socket.send(self._configuration())
            await self._all_settled()
            self._over = True
            await take_leave(socket)

    async def _send(self, socket: ClientConnection, pcm: bytes) -> None:
        size = SAMPLE_BYTES * frames_in(PIECE_MS, self._plan.rate_hz)
        for at in range(0, len(pcm), size):
            await socket.send(wire.append(pcm[at : at + size]))

    def _configuration(self) -> str:
        plan = self._plan
        return wire.configure(plan.model, plan.rate_hz, plan.language, plan.prompt)

    async def _all_settled(self) -> None:
        """Wait for the text of all that was spoken."""
        while True:
            self._moved.clear()
            pending = self._turns.pending
            try:
                async with asyncio.timeout(self._plan.settle_s if self._caught_up and not pending else TEXT_S):
                    await self._moved.wait()
            except TimeoutError:
                if pending:
                    self._failure = Lost(
                        f"{self._host} has not written the last of it down within {TEXT_S:g} s: try it again"
                    )
                return

    # ── in ──

    async def _listen(self, socket: ClientConnection, tell: Callable[[str], None], show: Callable[[str], None]) -> None:
        malformed = 0
        while True:
            match wire.decode(await socket.recv()):
                case wire.Begun() | wire.Growing() | wire.Settled() as message:
                    self._moved.set()
                    for text in self._turns.take(message):
                        tell(text)
                    show(self._turns.growing)
                case wire.Configured():
                    self._caught_up = self._ending
                    self._moved.set()
                case wire.Failed(code="invalid_value" | "missing_param") if self._ending:
                    self._caught_up = True  # it does not want to be told twice
                    self._moved.set()
                case wire.Failed(message, kind, code):
                    raise meanings.explain_event(message, self._host, self._plan.where, kind, code)
                case wire.Malformed():
                    malformed += 1
                    if malformed >= MAX_MALFORMED:
                        raise Garbled(f"{self._host} speaks nonsense: check {self._plan.where.url}")
