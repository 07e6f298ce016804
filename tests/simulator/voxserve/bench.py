"""A simulated LAN server, and a client that sees every byte. Speech is a hum of a tenth of a second a word."""

import asyncio
import struct

import numpy as np

from antiphon.pcm import bytes_of
from antiphon.simulator.voxserve.options import Timing, VoxServeOptions
from antiphon.simulator.voxserve.server import VoxServeSimulator

RATE_HZ = 16_000


def voice(text, _voice="awb", rate_hz=24_000):
    return tone(0.1 * len(text.split()), rate_hz)


def tone(seconds, rate_hz=RATE_HZ, peak=8000):
    frames = round(seconds * rate_hz)
    return (peak * np.sin(np.arange(frames) * 0.1 + 0.5)).astype(np.int16)


def wav(samples=None, *, tag=1, channels=1, rate_hz=RATE_HZ, bits=16, data_size=None, raw=None, before=b""):
    """A WAV file; `data_size` and `raw` lie about it."""
    raw = bytes_of(tone(0.5) if samples is None else samples) if raw is None else raw
    form = struct.pack("<HHIIHH", tag, channels, rate_hz, rate_hz * channels * bits // 8, channels * bits // 8, bits)
    size = len(raw) if data_size is None else data_size
    body = b"WAVEfmt " + struct.pack("<I", 16) + form + before + b"data" + struct.pack("<I", size) + raw
    return b"RIFF" + struct.pack("<I", len(body)) + body


def part(name, value, filename=None):
    """One part of a multipart body."""
    file = "" if filename is None else f'; filename="{filename}"'
    content = value.encode() if isinstance(value, str) else value
    return f'--XX\r\nContent-Disposition: form-data; name="{name}"{file}\r\n\r\n'.encode() + content + b"\r\n"


def asks(*parts, more=b""):
    """POST /generate with these parts; of a speech turn if there are none."""
    body = b"".join(parts or (part("text", ""), part("audio", wav(), "audio.wav"))) + b"--XX--\r\n"
    head = b"POST /generate HTTP/1.1\r\nHost: h\r\nContent-Type: multipart/form-data; boundary=XX\r\n" + more
    return head + b"Content-Length: %d\r\n\r\n" % len(body) + body


def get(path):
    return f"GET {path} HTTP/1.1\r\nHost: h\r\n\r\n".encode()


WHOLE = part("streaming", "false")
SPEECH = (part("text", ""), part("audio", wav(), "audio.wav"))


def server(*faults, **changes):
    """A quick server; what it logs comes through `told` too."""
    settings = {"timing": Timing.quick(), "faults": faults}
    lines = asyncio.Queue()
    service = VoxServeSimulator(VoxServeOptions(**(settings | changes)), synthesise=voice, log=lines.put_nowait)
    service.lines = lines
    return service


async def told(service, what):
    """The next line of the log that says `what`."""
    while (line := await service.lines.get())["what"] != what:
        pass
    return line


def run(scene):
    """Run the scene, with a bound that only a hang meets."""

    async def bounded():
        async with asyncio.timeout(30):
            return await scene()

    return asyncio.run(bounded())


async def dial(service):
    host, port = service.url().removeprefix("http://").split(":")
    return await asyncio.open_connection(host, int(port))


async def exchange(service, request):
    """Everything that comes back until the connection ends; a reset ends with b"<reset>"."""
    reader, writer = await dial(service)
    writer.write(request)
    got = b""
    try:
        while more := await reader.read(65536):
            got += more
    except ConnectionResetError:
        got += b"<reset>"
    writer.close()
    return got


async def answer(reader):
    """One answer on a connection that goes on: status, headers, body without framing, sizes of chunks."""
    head = (await reader.readuntil(b"\r\n\r\n")).decode()
    lines = head.split("\r\n")
    headers = dict(line.split(": ", 1) for line in lines[1:-2])
    if "content-length" in headers:
        return int(lines[0].split()[1]), headers, await reader.readexactly(int(headers["content-length"])), []
    body, sizes = b"", []
    while size := int((await reader.readuntil(b"\r\n")), 16):
        body += (await reader.readexactly(size + 2))[:-2]
        sizes.append(size)
    await reader.readexactly(2)
    return int(lines[0].split()[1]), headers, body, sizes


async def ask(service, request):
    """One request on a connection of its own."""
    reader, writer = await dial(service)
    writer.write(request)
    try:
        return await answer(reader)
    finally:
        writer.close()


def said(service, what):
    """The lines of the log that say `what`."""
    return [line for line in service.log if line["what"] == what]
