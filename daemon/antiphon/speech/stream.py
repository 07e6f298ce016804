"""StepFun's text to speech over a WebSocket: text goes in as it is written, sound comes out as it is spoken.

What is said there is stream_wire.py's. One socket is one utterance, and the service ends it after a minute in which
nothing happens; so a long pause between texts is the end of one utterance, and the next text begins another.
"""

import asyncio
import json
import random
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

from websockets.asyncio.client import ClientConnection
from websockets.exceptions import ConnectionClosed, WebSocketException

from antiphon.errors import Garbled, LinkError, Lost, ungrouped
from antiphon.pcm import LINK_RATE_HZ, SAMPLE_BYTES, ms_of
from antiphon.secret import Secret
from antiphon.speech import meanings, socket_troubles, troubles, wire
from antiphon.speech import stream_wire as frames
from antiphon.speech.dialling import dial_service, hang_up
from antiphon.speech.keys import without_key
from antiphon.speech.repeats import Repeats
from antiphon.speech.service import PAUSE_FIRST_S, PAUSE_MOST_S, Patience

OPEN_S: Final = 10.0
"""From dialling to the service's leave to speak."""
IDLE_S: Final = 50.0
"""With nothing to say for so long we end the utterance, before the service does so, at 60 s."""
MOST_WAITING: Final = 64
"""Texts that wait to be sent; whoever gives more waits with them."""
LONGEST_MS: Final = 900_000.0
"""No 1000 characters make more speech."""
MAX_MALFORMED: Final = 100
"""So many frames of nonsense in one utterance, and it is over."""
MOST_SOUNDLESS: Final = 2
"""So often a text without any sound is asked for."""
_BROKEN = (OSError, WebSocketException, UnicodeError, ImportError)


@dataclass(frozen=True, slots=True)
class StreamPlan:
    """How the service is asked; the names are those of the settings."""

    url: str
    """That of the HTTP services, as https://api.stepfun.com/v1."""
    model: str
    voice: str
    instruction: str = ""
    speed: float = 1.0
    proxy: str | None = None
    """An address like http://host:port, for https only; None is no proxy, whatever the environment says."""
    where: troubles.Where = troubles.SPEAK


class SpeechStream:
    """Speaks one run of texts at a time."""

    def __init__(self, plan: StreamPlan, key: Secret | None) -> None:
        """Nothing is connected yet. Without a key no Authorization is sent: a simulator may ask for none."""
        self._plan, self._key = plan, key
        self._utterance: _Utterance | None = None
        self._chance = random.Random()  # noqa: S311 (spreads retries; nobody gains by guessing it)

    @property
    def dialling(self) -> bool:
        """It waits for its connection: nobody knows yet whether there is anybody."""
        return self._utterance is not None and self._utterance.dialling

    async def run(self, texts: AsyncIterator[str], hear: Callable[[bytes], None], patience: Patience) -> None:
        """Speak the texts, to their end; returns when all was heard. `hear` gets mono s16le 24 kHz, whole samples.

        The socket is opened at once. While the service waits for text, a patience that has begun does not run.
        Until the first sound, what may pass is tried again as long as the patience lasts; nothing is spoken twice.
        Raises LinkError, in words, also one that `texts` raises, and what `hear` raises; TimeoutError is left to
        whoever holds the patience.
        """
        given = _Texts(texts)
        failure: LinkError | None = None
        with ungrouped():
            async with asyncio.TaskGroup() as group:
                filling = group.create_task(given.fill(), name="texts to be spoken")
                try:
                    await self._speak(given, hear, patience)
                except LinkError as error:
                    failure = error
                finally:
                    filling.cancel()
        if failure is not None:
            raise failure

    async def _speak(self, given: "_Texts", hear: Callable[[bytes], None], patience: Patience) -> None:
        loop, pause_s, tries, heard = asyncio.get_running_loop(), PAUSE_FIRST_S, MOST_SOUNDLESS, False
        while True:
            utterance = self._utterance = _Utterance(self._plan, self._key, given, hear, patience)
            try:
                await utterance.run()
                heard = heard or utterance.heard
                if utterance.said and not heard:
                    tries -= 1
                    raise troubles.soundless(utterance.host)
            except LinkError as error:
                may_help = patience.met_with(error) and tries > 0 and not (heard or utterance.heard)
                wait_s = pause_s * self._chance.uniform(0.5, 1.5)
                if not may_help or loop.time() + wait_s >= patience.by_s:
                    raise
                if error is given.failure:
                    raise
                given.again(utterance.said)
                await asyncio.sleep(wait_s)
                pause_s = min(2 * pause_s, PAUSE_MOST_S)
            else:
                given.again(utterance.passed_over())
                if not await given.more():
                    return


class _Texts:
    """What is to be spoken, cut to what one frame may hold, from whoever writes it to whoever sends it."""

    def __init__(self, texts: AsyncIterator[str]) -> None:
        self._texts = texts
        self._waiting: deque[str] = deque()
        self._changed, self._room = asyncio.Event(), asyncio.Event()
        self._ended = False
        self.failure: LinkError | None = None

    async def fill(self) -> None:
        """To the end of the texts."""
        blank = ""  # a blank alone is no text, and yet parts two words
        try:
            async for text in self._texts:
                text = blank + text  # noqa: PLW2901
                blank = "" if text.strip() else text
                self._waiting.extend([] if blank else wire.parts(text))
                self._changed.set()
                while len(self._waiting) >= MOST_WAITING:
                    self._room.clear()
                    await self._room.wait()
        except LinkError as error:
            self.failure = error
        self._ended = True
        self._changed.set()

    async def more(self) -> bool:
        """Whether there is another, when that is known. Raises the LinkError with which the texts ended."""
        while not self._waiting and not self._ended:
            self._changed.clear()
            await self._changed.wait()
        if not self._waiting and self.failure is not None:
            raise self.failure
        return bool(self._waiting)

    def take(self) -> str:
        """The next, when there is `more`."""
        text = self._waiting.popleft()
        self._room.set()
        return text

    def again(self, texts: list[str]) -> None:
        """These were not spoken."""
        self._waiting.extendleft(reversed(texts))
        self._changed.set()


class _Utterance:
    """One socket."""

    def __init__(
        self,
        plan: StreamPlan,
        key: Secret | None,
        given: _Texts,
        hear: Callable[[bytes], None],
        patience: Patience,
    ) -> None:
        self._plan, self._key, self._given, self._hear, self._patience = plan, key, given, hear, patience
        self.host = urlsplit(plan.url).hostname or "the server"
        self.said: list[str] = []
        """The texts that were sent."""
        self.dialling = False
        self._unheard: list[str] = []  # of these, those after which no sound has come
        self._samples = frames.Samples()
        self._repeats = Repeats()
        self._malformed = 0
        self._active_s = 0.0
        self._finishing = self._left = False
        self._failure: Exception | None = None

    @property
    def heard(self) -> bool:
        """Whether there was any sound."""
        return self._samples.bytes > 0

    def passed_over(self) -> list[str]:
        """Where the service has ended by itself: what it was given after the last sound. That is for the next one."""
        return self._unheard if self.heard and not self._finishing else []

    async def run(self) -> None:
        """Until the service has spoken all, or there was nothing to say for too long. Raises LinkError."""
        plan = self._plan
        try:
            query = {"model": plan.model}
            await self._live(dial_service(plan.url, frames.PATH, query, self._key, plan.where, plan.proxy))
        except LinkError as error:
            if error is self._given.failure:
                raise
            raise type(error)(without_key(self._key, str(error))) from error
        except _BROKEN as error:
            told = socket_troubles.explain(error, self.host, plan.where, plan.url, plan.proxy)
            raise type(told)(without_key(self._key, str(told))) from error

    async def _live(self, dialling: Awaitable[ClientConnection]) -> None:
        socket: ClientConnection | None = None
        try:
            try:
                async with asyncio.timeout(OPEN_S):
                    self.dialling = True
                    socket = await dialling
                    self.dialling = False
                    session = await self._begin(socket)
            except TimeoutError:
                raise socket_troubles.explain(TimeoutError(), self.host, self._plan.where) from None
            await self._converse(socket, session)
        finally:
            self.dialling = False
            if socket is not None:
                hang_up(socket)  # all is said, or nobody wants to hear more: no goodbye is waited for

    async def _begin(self, socket: ClientConnection) -> str:
        """Wait for the service's first word, tell it how to speak, and wait for its leave."""
        session = ""
        while True:
            match self._read(await socket.recv()):
                case frames.Connected(named):
                    session = named
                    plan = self._plan
                    await socket.send(frames.encode(frames.Create(session, plan.voice, plan.instruction, plan.speed)))
                case frames.Created() if session:
                    return session
                case frames.Finished():
                    raise Lost(f"{self.host} ended before it was given a text: try it again")

    async def _converse(self, socket: ClientConnection, session: str) -> None:
        self._active_s = asyncio.get_running_loop().time()
        async with asyncio.TaskGroup() as group:
            writing = group.create_task(self._write(socket, session), name="speech writer")
            try:
                await self._listen(socket)
            except (LinkError, *_BROKEN) as error:
                self._failure = self._failure or error
            finally:
                writing.cancel()
        if self._failure is not None and not self._left:
            raise self._failure

    # ── what it is told ──

    async def _write(self, socket: ClientConnection, session: str) -> None:
        try:
            with suppress(ConnectionClosed):  # the reader is told the same, and tells why
                while await self._another():
                    text = self._given.take()
                    self.said.append(text)
                    self._unheard.append(text)
                    self._act()
                    await socket.send(frames.encode(frames.Say(session, text)))
                    if wire.ends_sentence(text):
                        self._await_sound()
                        await socket.send(frames.encode(frames.Flush(session)))
                if self.said:
                    self._finishing = True
                    self._await_sound()
                    await socket.send(frames.encode(frames.Finish(session)))
                    return
                self._left = True
        except LinkError as error:
            self._failure = error
        hang_up(socket)

    async def _another(self) -> bool:
        """Whether there is another text for this utterance: none comes when they end, nor when it takes too long."""
        while True:
            until_s = self._active_s + IDLE_S
            with suppress(TimeoutError):
                async with asyncio.timeout_at(until_s):
                    return await self._given.more()
            if until_s == self._active_s + IDLE_S:
                return False

    def _await_sound(self) -> None:
        if self._patience.began:
            self._patience.progress()

    def _act(self) -> None:
        self._active_s = asyncio.get_running_loop().time()

    # ── what it tells ──

    async def _listen(self, socket: ClientConnection) -> None:
        """To the end of the utterance."""
        while True:
            message = self._read(await socket.recv())
            match message:
                case frames.SoundCame():
                    self._take(self._samples.take(message))
                case frames.Finished():
                    self._take(self._samples.end(message))
                    return
                case frames.SentenceEnded() | frames.Flushed() if not self._finishing:
                    self._patience.rest()

    def _read(self, frame: str | bytes) -> frames.Message:
        """Raises LinkError for what the service complains of, and for nonsense without end."""
        self._act()
        if self._repeats.has(frame):
            return frames.Other("repeated")
        message = frames.decode(frame)
        if isinstance(message, frames.Failed):
            raise self._complaint(message)
        if isinstance(message, frames.Malformed):
            self._malformed += 1
            if self._malformed >= MAX_MALFORMED:
                raise Garbled(f"{self.host} speaks nonsense ({message.why}): check {self._plan.where.url}")
        return message

    def _complaint(self, failed: frames.Failed) -> LinkError:
        where, code = self._plan.where, failed.code
        if code.isascii() and code.isdigit() and len(code) == 3 and int(code) >= 400:
            envelope = json.dumps({"error": {"message": failed.message, "type": failed.kind}}).encode()
            return meanings.explain_status(int(code), envelope, self.host, where, self._plan.url)
        return meanings.explain_event(failed.message, self.host, where, failed.kind, code)

    def _take(self, pcm: bytes) -> None:
        if not pcm:
            return
        self._unheard.clear()
        self._patience.progress()
        if ms_of(self._samples.bytes // SAMPLE_BYTES, LINK_RATE_HZ) > LONGEST_MS * (
            1 + sum(map(len, self.said)) / wire.MAX_CHARACTERS
        ):
            raise troubles.endless(self.host, self._plan.where)
        self._hear(pcm)
