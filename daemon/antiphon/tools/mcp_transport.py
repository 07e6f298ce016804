"""Floor 3. What leads to an MCP server, by the package `mcp`: a program that we start, or an address."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from typing import Any

import anyio  # the package's own, as is the next
import httpx2
from mcp.client.stdio import get_default_environment
from mcp.client.streamable_http import streamable_http_client
from mcp.shared.message import SessionMessage
from mcp.types import jsonrpc_message_adapter

from antiphon.secret import Secret

CONNECT_S = 15.0
READ_S = 300.0
"""A server may hold a response open for so long; a call has the host's limit."""
MOST_BODY = 4 * 2**20
"""Bytes of a response, or of a program's line; of a stream of events the package limits each."""
ENDS_S = 2.0
"""A program may take so long to end when its input does, and as long again when it is told to."""

See = Callable[[httpx2.Response], Awaitable[None]]


@asynccontextmanager
async def program(argv: Sequence[str]) -> AsyncIterator[Any]:
    """A transport to the program `argv`, which gets no key in its environment, and ends with us.

    The package's own would read a line without an end, slower and slower, and keep all else waiting for that.
    """
    yield _running(argv)


class _Process(asyncio.subprocess.SubprocessStreamProtocol):
    """Its streams, and that it has ended, whoever still holds them."""

    def __init__(self) -> None:
        super().__init__(limit=MOST_BODY, loop=asyncio.get_running_loop())
        self.ended = asyncio.Event()

    def process_exited(self) -> None:
        super().process_exited()
        self.ended.set()


@asynccontextmanager
async def _running(argv: Sequence[str]) -> AsyncIterator[Any]:
    transport, process = await asyncio.get_running_loop().subprocess_exec(
        _Process,
        *argv,
        stderr=asyncio.subprocess.DEVNULL,
        env=get_default_environment(),
        cwd="/",
        start_new_session=True,
    )
    said, read = anyio.create_memory_object_stream[SessionMessage | Exception](0)
    write, told = anyio.create_memory_object_stream[SessionMessage](0)
    async with anyio.create_task_group() as group:
        group.start_soon(_hear, process.stdout, said)
        group.start_soon(_tell, process.stdin, told, said)
        try:
            yield read, write
        finally:
            with anyio.CancelScope(shield=True):
                await _end(transport, process)
            for stream in (said, read, write, told):
                stream.close()
            group.cancel_scope.cancel()


async def _hear(stdout: Any, said: Any) -> None:
    """What the program says, a message a line; to the first that is too long."""
    with suppress(ValueError, anyio.ClosedResourceError, anyio.BrokenResourceError):
        while line := await stdout.readline():
            await said.send(_message(line))
    said.close()


def _message(line: bytes) -> SessionMessage | Exception:
    """What is none is for the package to tell."""
    try:  # what the program writes may be no text
        return SessionMessage(jsonrpc_message_adapter.validate_json(line.decode(errors="replace"), by_name=False))
    except ValueError as error:
        return error


async def _tell(stdin: Any, told: Any, said: Any) -> None:
    with suppress(OSError, anyio.ClosedResourceError):
        async for message in told:
            stdin.write(message.message.model_dump_json(by_alias=True, exclude_unset=True).encode() + b"\n")
            await stdin.drain()
    for stream in (told, said):  # it hears nothing more: nobody is to wait for its answer
        stream.close()


async def _end(transport: asyncio.SubprocessTransport, process: _Process) -> None:
    """As the protocol has it: its input ends, then it is told to end with all its group, then it is ended."""
    if process.stdin is not None:
        process.stdin.close()
    for number in (signal.SIGTERM, signal.SIGKILL, None):
        with anyio.move_on_after(ENDS_S):
            await process.ended.wait()
        if process.ended.is_set() or number is None:
            break
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(transport.get_pid(), number)
    transport.close()


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
