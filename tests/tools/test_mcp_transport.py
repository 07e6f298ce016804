"""What leads to an MCP server: how much of it is read, and how a program ends. More is in test_mcp_client.py."""

import asyncio
import os
import sys
from contextlib import asynccontextmanager

import anyio
import httpx2
import pytest
from mcp.client import streamable_http

from antiphon.secret import Secret
from antiphon.tools import mcp_transport
from antiphon.tools.mcp_transport import MOST_BODY, address, program

PIECE = b"x" * 65_536
PING = b'{"jsonrpc": "2.0", "id": 1, "method": "ping"}\n'
SAYS = f"os.write(1, {PING!r})"


@asynccontextmanager
async def started(script):
    """The streams of a program of Python."""
    async with program((sys.executable, "-c", script)) as transport, transport as streams:
        yield streams


async def said_by(script):
    """What it says, to its end or ours."""
    async with asyncio.timeout(60), started(script) as (read, _):
        return [one async for one in read]


def test_each_line_is_a_message_and_what_is_none_is_told():
    one, none, other = asyncio.run(said_by(f"import os; os.write(1, {PING!r} + b'caf\\xe9\\n' + {PING!r})"))
    assert one.message.method == other.message.method == "ping"
    assert isinstance(none, ValueError)


def test_a_line_without_an_end_is_not_read_on():
    script = f"import os; {SAYS}\nwhile True: os.write(1, b'x' * 65536)"
    (one,) = asyncio.run(said_by(script))
    assert one.message.method == "ping"


def test_one_that_will_not_end_is_ended(monkeypatch):
    monkeypatch.setattr(mcp_transport, "ENDS_S", 0.05)
    script = "import os, signal, time; signal.signal(15, signal.SIG_IGN); "
    script += f"os.write(1, {PING!r}.replace(b': 1', b': %d' % os.getpid())); time.sleep(600)"

    async def main():
        async with asyncio.timeout(60), started(script) as (read, _):
            return (await read.receive()).message.id

    with pytest.raises(ProcessLookupError):
        os.kill(asyncio.run(main()), 0)


def test_one_that_takes_nothing_in_is_gone():
    async def main():
        async with (
            asyncio.timeout(60),
            started(f"import os, time; os.close(0); {SAYS}; time.sleep(600)") as (read, write),
        ):
            await write.send(await read.receive())
            with pytest.raises(anyio.EndOfStream):
                await read.receive()
            with pytest.raises(anyio.BrokenResourceError):
                await write.send(None)

    asyncio.run(main())


async def endless(reader, writer):
    """Answers with a body that never ends."""
    asked = await reader.readuntil(b"\r\n\r\n")
    kind = b"text/event-stream" if b"/events" in asked else b"application/json"
    writer.write(b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Type: " + kind + b"\r\n\r\n")
    try:
        while True:
            writer.write(PIECE)
            await writer.drain()
    except ConnectionError:
        writer.close()


@asynccontextmanager
async def client(monkeypatch, token=None):
    """The HTTP client that the package is given, and the address of the endless server."""
    given = []
    monkeypatch.setattr(mcp_transport, "streamable_http_client", lambda url, http_client: given.append(http_client))
    async with asyncio.timeout(60), await asyncio.start_server(endless, "127.0.0.1", 0) as server:
        url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        async with address(url, token, seen):
            yield given[0], url


async def seen(_):
    pass


def test_a_body_without_an_end_is_an_error_and_not_read_on(monkeypatch):
    async def main():
        async with client(monkeypatch) as (http, url):
            with pytest.raises(httpx2.ReadError, match=f"more than {MOST_BODY} bytes"):
                await http.get(f"{url}/json")

    asyncio.run(main())


def test_a_stream_of_events_may_last(monkeypatch):
    async def main():
        read = 0
        async with client(monkeypatch) as (http, url), http.stream("GET", f"{url}/events") as response:
            async for piece in response.aiter_bytes():
                read += len(piece)
                if read > 2 * MOST_BODY:
                    break
        assert read > 2 * MOST_BODY

    asyncio.run(main())


def test_the_package_limits_each_event():
    assert streamable_http.DEFAULT_MAX_SSE_EVENT_SIZE <= MOST_BODY


def test_a_token_is_sent_and_no_proxy_of_the_environment_is_asked(monkeypatch):
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")

    async def main():
        async with client(monkeypatch, Secret("t-1", "the test")) as (http, _):
            assert http.headers["authorization"] == "Bearer t-1"
            assert not http.trust_env

    asyncio.run(main())
