"""What the tests of the simulated HTTP services share: files of sound, a service, and one request to it."""

import base64
import contextlib
import json
import math
import struct
from dataclasses import dataclass

import aiohttp
import numpy as np

from antiphon.pcm import bytes_of
from antiphon.simulator.stepfun.encoding import wav
from antiphon.simulator.stepfun.options import SimulatorOptions, Timing
from antiphon.simulator.stepfun.server import StepFunSimulator
from simulator.stepfun.test_server import run

KEYS = {"sk-n": "normal", "sk-p": "plan"}
SPOKEN = (9000 * np.sin(np.arange(24_000) / 9)).astype(np.int16)


def wav_of(seconds, rate_hz=16_000, level=0.3):
    frames = np.arange(round(seconds * rate_hz))
    return wav(bytes_of((level * 32_000 * np.sin(frames / 9)).astype(np.int16)), rate_hz)


def mp3_of(seconds):
    """Frames of layer III, 128 kbit/s at 44.1 kHz, that hold nothing; behind a tag, as files have one."""
    frame = bytes([0xFF, 0xFB, 0x90, 0x00])
    return b"ID3\x04\0\0\0\0\0\x05hello" + frame.ljust(417, b"\0") * math.ceil(seconds * 44_100 / 1152)


def page(position, body, first=False):
    """One page of an Ogg stream; nobody looks at its checksum here."""
    lengths = [255] * (len(body) // 255) + [len(body) % 255]
    head = struct.pack("<4sBBqIIIB", b"OggS", 0, 2 if first else 0, position, 1, 0, 0, len(lengths))
    return head + bytes(lengths) + body


def opus_of(seconds):
    head = b"OpusHead" + struct.pack("<BBHIhB", 1, 1, 312, 48_000, 0, 0)
    pages = [page(312 + round(seconds * 48_000 * at / 10), bytes(700)) for at in range(1, 11)]
    return page(0, head, first=True) + page(0, b"OpusTags") + b"".join(pages)


def base64_of(data):
    return base64.b64encode(data).decode()


@dataclass
class Got:
    """An answer: `body` as far as it came, and whether it broke off."""

    status: int
    headers: dict
    body: bytes
    broken: bool = False

    @property
    def json(self):
        return json.loads(self.body)

    @property
    def error(self):
        return self.json["error"]["message"]

    @property
    def events(self):
        """The data of each whole event of a stream."""
        return [one.removeprefix("data: ") for one in self.body.decode().split("\n\n")[:-1]]


def service(*faults, synthesise=lambda *_: SPOKEN, log=None, **changes):
    settings = {"timing": Timing.quick(), "quick_connections": 0, "faults": faults, "keys": KEYS}
    return StepFunSimulator(SimulatorOptions(**(settings | changes)), synthesise=synthesise, log=log)


async def ask(simulator, method, path, key="sk-n", headers=None, **request):
    """One request, its answer read to the end."""
    told = ({"Authorization": f"Bearer {key}"} if key else {}) | (headers or {})
    body, broken = b"", True
    async with (
        aiohttp.ClientSession(headers=told) as http,
        http.request(method, simulator.speech_url("") + path, **request) as response,
    ):
        with contextlib.suppress(aiohttp.ClientError):
            while piece := await response.content.readany():
                body += piece
            broken = False
        return Got(response.status, dict(response.headers), body, broken)


def answer(method, path, *faults, key="sk-n", headers=None, options=None, **request):
    """The answer of a service that has this one request."""

    async def scene():
        async with service(*faults, **(options or {})) as simulator:
            return await ask(simulator, method, path, key, headers, **request)

    return run(scene)
