"""A small HTTP server for the tests, by hand so that every byte of it is under control: as the service is, and worse.

What it does with a request is a script: `async def script(asked)`, which writes what it likes to `asked.writer`.
"""

import asyncio
import contextlib
import json
from dataclasses import dataclass, field

STREAM = b"HTTP/1.1 200 OK\r\ncontent-type: audio/pcm\r\ntransfer-encoding: chunked\r\n\r\n"


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
    """A POST as it came, and the way back."""

    target: str
    headers: dict
    fields: dict
    writer: asyncio.StreamWriter
    reader: asyncio.StreamReader
    left: asyncio.Event = field(default_factory=asyncio.Event)
    """The client has hung up."""

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
        with contextlib.suppress(ConnectionError):
            head = (await reader.readuntil(b"\r\n\r\n")).decode()
            first, *lines = head.strip().split("\r\n")
            headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}
            body = await reader.readexactly(int(headers["content-length"]))
            asked = Asked(first.split()[1], headers, json.loads(body), writer, reader)
            self.asked.append(asked)
            await self._scripts[min(len(self.asked), len(self._scripts)) - 1](asked)
        writer.close()
        with contextlib.suppress(ConnectionError):
            await writer.wait_closed()


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


def says(response):
    """Answers with this."""

    async def script(asked):
        await asked.write(response)

    return script
