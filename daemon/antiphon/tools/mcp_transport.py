"""Floor 3. What leads to an MCP server, by the package `mcp`: a program that we start, or an address."""

import os
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any

import httpx2  # the package's own
from mcp import StdioServerParameters, stdio_client
from mcp.client.streamable_http import streamable_http_client

from antiphon.secret import Secret

CONNECT_S = 15.0
READ_S = 300.0
"""A server may hold a response open for so long; a call has the host's limit."""
MOST_BODY = 4 * 2**20
"""Bytes of a response; of a stream of events the package limits each."""

See = Callable[[httpx2.Response], Awaitable[None]]


@asynccontextmanager
async def program(argv: Sequence[str]) -> AsyncIterator[Any]:
    """A transport to the program `argv`, which gets no key in its environment, and ends with us."""
    command, *arguments = argv
    # What it writes may be no text: that must not end the reading of it.
    parameters = StdioServerParameters(command=command, args=arguments, cwd="/", encoding_error_handler="replace")
    with open(os.devnull, "w", encoding="utf-8") as nowhere:  # noqa: PTH123, ASYNC230 - it is no disk
        yield stdio_client(parameters, nowhere)


@asynccontextmanager
async def address(url: str, token: Secret | None, see: See) -> AsyncIterator[Any]:
    """A transport to the server at `url`; `see` sees its responses. A token goes to the owner's address alone: no proxy
    of the environment's, no address that it names in its place.
    """
    headers = {} if token is None else {"Authorization": f"Bearer {token.reveal()}"}
    async with httpx2.AsyncClient(
        headers=headers,
        timeout=httpx2.Timeout(CONNECT_S, read=READ_S),
        trust_env=False,
        event_hooks={"response": [see, _bound]},
    ) as http:
        yield streamable_http_client(url, http_client=http)


async def _bound(response: httpx2.Response) -> None:
    body = response.stream
    if isinstance(body, httpx2.AsyncByteStream) and "event-stream" not in response.headers.get("content-type", ""):
        response.stream = _Bounded(body)


class _Bounded(httpx2.AsyncByteStream):
    """The body of a response; one that is too long is an error, and not read to its end."""

    def __init__(self, body: httpx2.AsyncByteStream) -> None:
        self._body = body

    async def __aiter__(self) -> AsyncIterator[bytes]:
        size = 0
        async for piece in self._body:
            size += len(piece)
            if size > MOST_BODY:
                raise httpx2.ReadError(f"a response of more than {MOST_BODY} bytes")
            yield piece

    async def aclose(self) -> None:
        await self._body.aclose()
