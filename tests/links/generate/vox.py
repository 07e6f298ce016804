"""A small HTTP server for the tests, by hand so that every byte of it is under control: as vox-serve is, and worse.

What it does with a question is a script: `async def script(question)`, which writes what it likes to `question.writer`.
"""

import asyncio
import contextlib
import json
from dataclasses import dataclass, field

import numpy as np

from antiphon.pcm import bytes_of
from links.generate.forms import fields_of, header, pcm_of

WINDOW = bytes_of((9000 * np.sin(np.arange(24_000) / 9)).astype(np.int16))
"""A second of speech, as the server makes it."""

HEALTHY = b'{"status":"healthy"}'
STREAM = b"HTTP/1.1 200 OK\r\ncontent-type: audio/wav\r\ncache-control: no-cache\r\ntransfer-encoding: chunked\r\n\r\n"


def answer(status, body, kind="application/json", more=""):
    """A whole response."""
    head = f"HTTP/1.1 {status}\r\ncontent-type: {kind}\r\ncontent-length: {len(body)}\r\n{more}\r\n"
    return head.encode() + body


def error(status, said):
    """A response of FastAPI's."""
    return answer(status, json.dumps({"detail": said}).encode())


def chunk(data):
    """One HTTP chunk; b"" is the last one."""
    return b"%x\r\n%s\r\n" % (len(data), data)


WELL = answer("200 OK", HEALTHY)


@dataclass(eq=False)
class Question:
    """A POST as it came, and the way back."""

    headers: dict
    fields: dict
    writer: asyncio.StreamWriter
    reader: asyncio.StreamReader
    left: asyncio.Event = field(default_factory=asyncio.Event)
    """The client has hung up."""

    @property
    def speech(self):
        """What was said, mono s16le 16 kHz."""
        return pcm_of(self.fields["audio"][1])

    async def write(self, *data):
        self.writer.write(b"".join(data))
        await self.writer.drain()

    async def begin(self):
        """What vox-serve says to every question, whatever will become of it."""
        await self.write(STREAM, chunk(header()))

    async def speak(self, *windows):
        await self.write(*map(chunk, windows))

    async def finish(self):
        await self.write(chunk(b""))

    async def until_left(self):
        with contextlib.suppress(OSError):
            while await self.reader.read(100):
                pass
        self.left.set()

    def reset(self):
        """Hang up as a machine does whose process has died."""
        self.writer.transport.abort()


async def speaks(question):
    """The well server: two windows and a half."""
    await question.begin()
    await question.speak(WINDOW, WINDOW, WINDOW[:20_000])
    await question.finish()


async def silent(question):
    """A dead model behind a healthy door."""
    await question.begin()
    await question.until_left()


class Vox:
    """What a server of the tests has been asked."""

    def __init__(self, script, health):
        self.script = script
        self.health = health
        self.knocks = 0
        self.connections = 0
        self.open = 0
        self.questions = []
        self.url = ""
        self._changed = asyncio.Event()

    async def until(self, count):
        """Until so many questions have come."""
        while len(self.questions) < count:
            self._changed.clear()
            await self._changed.wait()

    async def serve(self, reader, writer):
        self.connections += 1
        self.open += 1
        try:
            with contextlib.suppress(OSError, asyncio.IncompleteReadError):
                await self._talk(reader, writer)
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()
        finally:
            self.open -= 1

    async def _talk(self, reader, writer):
        head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
        method, path, _ = head[0].split(" ")
        headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in head[1:] if line)}
        if (method, path) == ("GET", "/health"):
            self.knocks += 1
            if callable(self.health):
                await self.health(reader, writer)
            else:
                writer.write(self.health)
                await writer.drain()
            return
        assert (method, path) == ("POST", "/generate")
        body = await reader.readexactly(int(headers["content-length"]))
        question = Question(headers, fields_of(headers["content-type"], body), writer, reader)
        self.questions.append(question)
        self._changed.set()
        await self.script(question)


@contextlib.asynccontextmanager
async def serving(script=speaks, health=WELL):
    """A server on loopback; at the end nobody may still be connected to it."""
    vox = Vox(script, health)
    async with await asyncio.start_server(vox.serve, "127.0.0.1", 0) as server:
        vox.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        yield vox


async def until(fact):
    """Until `fact()` holds; for what nobody tells."""
    while not fact():  # noqa: ASYNC110 - a private fact has no event to wait for
        await asyncio.sleep(0.001)


def play(scene):
    """Run a scene, in bounded time."""
    return asyncio.run(asyncio.wait_for(scene, 60))
