"""Chat completions over HTTP: one request and its answer, in pieces as they come. What is in the bodies is wire.py's.

It knows no call and no event, and nothing of who asks: `CompletionsPlan.where` names the settings for errors.
"""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass
from types import TracebackType
from typing import Final, Self

from aiohttp import ClientError, ClientResponse

from antiphon.errors import Garbled, Lost
from antiphon.links.completions import wire
from antiphon.links.completions.wire import ChunkStream, Request, Said, Stopped
from antiphon.secret import Secret
from antiphon.speech.keys import without_key
from antiphon.speech.meanings import Where, explain_event
from antiphon.speech.service import Patience, Service, see_out
from antiphon.speech.sse import EventStream

MAX_BODY_BYTES: Final = 64 * 2**20
"""Ten minutes of speech in base64 are 38 MB."""

AFTER_FINISH_S: Final = 1.0
"""So long an answer that says why it has ended may still have something to say; it should be nothing but [DONE]."""


@dataclass(frozen=True, slots=True)
class CompletionsPlan:
    """How the service is asked."""

    url: str
    """Without the last part, as https://api.stepfun.com/v1."""
    model: str
    proxy: str | None
    """An address like http://host:port, for https only."""
    where: Where


class Completions:
    """One session with the service, an async context; a connection is kept from one request to the next."""

    def __init__(self, plan: CompletionsPlan, key: Secret | None) -> None:
        """Nothing is connected yet. Without a key no Authorization is sent: a simulator may ask for none."""
        self._plan, self._key = plan, key
        self._service = Service(plan.url, key, plan.where, plan.proxy)

    @property
    def host(self) -> str:
        """The server's name, for errors."""
        return self._service.host

    @property
    def dialling(self) -> bool:
        """See Service."""
        return self._service.dialling

    async def __aenter__(self) -> Self:
        """Raises Refused for a key that is none."""
        await self._service.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Every connection is closed."""
        await self._service.__aexit__(kind, error, trace)

    async def ask(self, request: Request, patience: Patience) -> AsyncGenerator[Said]:
        """The answer in pieces, the last with `finish` and all tool calls. Raises LinkError; TimeoutError is left to
        whoever holds the patience, which makes progress with every piece, from the first sound on where there is to be
        sound.

        Whoever leaves early must close it (contextlib.aclosing), which hangs up.
        """
        body = wire.body(self._plan.model, request)
        async with self._service.ask(
            "POST",
            wire.PATH,
            patience,
            body=lambda: body,
            headers={"Content-Type": "application/json"},
            wanted=lambda kind: wire.is_answer(kind, stream=request.stream),
        ) as response:
            pieces = _streamed(response, self.host) if request.stream else _whole(response)
            try:
                async with aclosing(pieces):
                    async for said in pieces:
                        if said.pcm or said.calls or (said.text and (patience.began or not request.voice)):
                            patience.progress()
                        yield said
            except Garbled as why:
                raise Garbled(f"{self.host} answers with {why}: check {self._plan.where.url}") from None
            except Stopped as why:
                message = without_key(self._key, why.message)
                raise explain_event(message, self.host, self._plan.where, why.kind, why.code) from None


async def _streamed(response: ClientResponse, host: str) -> AsyncGenerator[Said]:
    events, chunks, size = EventStream(), ChunkStream(), 0
    while not chunks.over and (data := await _more(response, AFTER_FINISH_S if chunks.finish else None)):
        size += len(data)
        if size > MAX_BODY_BYTES:
            raise Garbled("more than anybody can hear")
        for event in events.take(data):
            if (said := chunks.take(event)) != Said():
                yield said
    if not chunks.over:
        for event in events.end():
            if (said := chunks.take(event)) != Said():
                yield said
    if not (chunks.over or chunks.finish):
        raise Lost(f"{host} broke off in the middle of its answer: try it again")
    yield chunks.end()
    await see_out(response)


async def _more(response: ClientResponse, limit_s: float | None) -> bytes:
    """The next bytes of the body; none at its end, or after `limit_s`."""
    if limit_s is None:
        return await response.content.readany()
    try:
        async with asyncio.timeout(limit_s):
            return await response.content.readany()
    except (ClientError, OSError):  # a TimeoutError is one; what was to be said has been said
        return b""


async def _whole(response: ClientResponse) -> AsyncGenerator[Said]:
    body = bytearray()
    while data := await response.content.readany():
        body += data
        if len(body) > MAX_BODY_BYTES:
            raise Garbled("more than anybody can hear")
    for said in wire.whole_answer(body.decode("utf-8", "replace")):
        yield said
