"""A small HTTP server for the tests, by hand so that every byte of it is under control: as the service is, and worse.

What it does with a request is a script: `async def script(asked)`, which writes what it likes to `asked.writer`.
"""

import asyncio
import contextlib
import json
from dataclasses import dataclass, field

STREAM = b"HTTP/1.1 200 OK\r\ncontent-type: audio/pcm\r\ntransfer-encoding: chunked\r\n\r\n"
EVENTS = STREAM.replace(b"audio/pcm", b"text/event-stream")


def answer(status, body, kind="application/json", more=""):
    """A whole response."""
    head = f"HTTP/1.1 {status} Said\r\ncontent-type: {kind}\r\ncontent-length: {len(body)}\r\n{more}\r\n"
    return head.encode() + body


def error(status, message, kind="request_params_invalid"):
    """An error in the service's envelope."""
    return answer(status, json.dumps({"error": {"message": message, "type": kind}}).encode())


def chunk(data):
    """One HTTP chunk; b"" is the last one."""
    return b"%x\r\n%s\r\n" % (len(data), data)


@dataclass(eq=False)
class Asked:
    """A request as it came, and the way back."""

    target: str
    headers: dict
    fields: dict
    """Its body, where that is JSON."""
    writer: asyncio.StreamWriter
    reader: asyncio.StreamReader
    left: asyncio.Event = field(default_factory=asyncio.Event)
    """The client has hung up."""
    method: str = "POST"
    body: bytes = b""
    pieces: list = field(default_factory=list)
    """The lengths of the HTTP chunks it came in; none where its length was given."""

    async def write(self, *data):
        self.writer.write(b"".join(data))
        await self.writer.drain()

    async def until_left(self):
        while await self.reader.read(1024):
            pass
        self.left.set()


class Service:
    """Keeps what it was asked, in order."""

    def __init__(self, *scripts):
        """The scripts are played in turn, the last one from then on."""
        self._scripts = scripts
        self.asked: list[Asked] = []
        self.url = ""
        self._tasks = []

    async def over(self):
        """Every script has come to its end: the client has hung up."""
        await asyncio.gather(*self._tasks)

    async def _met(self, reader, writer):
        self._tasks.append(asyncio.current_task())
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
            head = (await reader.readuntil(b"\r\n\r\n")).decode()
            first, *lines = head.strip().split("\r\n")
            headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}
            pieces = []
            body = await _body(headers, reader, pieces)
            method, target, _ = first.split()
            asked = Asked(target, headers, _fields(headers, body), writer, reader)
            asked.method, asked.body, asked.pieces = method, body, pieces
            self.asked.append(asked)
            await self._scripts[min(len(self.asked), len(self._scripts)) - 1](asked)
        writer.close()
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
            await writer.wait_closed()


async def _body(headers, reader, pieces):
    if headers.get("transfer-encoding") != "chunked":
        return await reader.readexactly(int(headers.get("content-length", 0)))
    body = b""
    while size := int(await reader.readline(), 16):
        pieces.append(size)
        body += await reader.readexactly(size)
        await reader.readline()
    await reader.readline()
    return body


def _fields(headers, body):
    return json.loads(body) if headers.get("content-type") == "application/json" else {}


@contextlib.asynccontextmanager
async def serving(*scripts):
    service = Service(*scripts)
    server = await asyncio.start_server(service._met, "127.0.0.1", 0)
    service.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1"
    async with server:
        yield service
        await service.over()


def speaks(*pieces):
    """Answers with these pieces."""

    async def script(asked):
        await asked.write(STREAM, *(chunk(piece) for piece in pieces), chunk(b""))

    return script


def streams(*events):
    """Answers with these server-sent events, each a dict or a text, all of the answer in one piece for each."""

    async def script(asked):
        await asked.write(EVENTS, *(chunk(event_bytes(event)) for event in events), chunk(b""))

    return script


def event_bytes(event):
    data = event if isinstance(event, str) else json.dumps(event, ensure_ascii=False)
    return f"data: {data}\n\n".encode()


def says(response):
    """Answers with this."""

    async def script(asked):
        await asked.write(response)

    return script
