"""Text to speech over HTTP: takes requests from connections that turned out to carry them, and speaks, with faults.

What a request may ask for is tts.py's.
"""

import asyncio
import base64
import io
import json
import random
import time
import wave
from collections.abc import Iterator

from aiohttp import web

from antiphon.errors import DeviceError
from antiphon.pcm import SAMPLE_BYTES, bytes_of, ms_of
from antiphon.simulator.journal import Journal
from antiphon.simulator.speech import Synthesise
from antiphon.simulator.stepfun import voices
from antiphon.simulator.stepfun.faults import Fault, Kind
from antiphon.simulator.stepfun.handshake import Refusal
from antiphon.simulator.stepfun.options import SimulatorOptions
from antiphon.simulator.stepfun.tts import Denial, Wish, judge

MAX_BODY_BYTES = 64 * 1024
_END_S = 0.2  # whoever is answered may be answered to the end; the library takes 0 for ever


class SpeechServer:
    """Answers POST /audio/speech. `wishes` is what was granted, in order."""

    def __init__(self, options: SimulatorOptions, synthesise: Synthesise, journal: Journal) -> None:
        """Nothing runs before the first connection."""
        self._options, self._synthesise, self._journal = options, synthesise, journal
        self._rng = random.Random(f"{options.seed}/speech")  # noqa: S311 (chance that can be repeated is what we want)
        self._requests = 0
        self._http: web.Server | None = None
        self._over = asyncio.Event()
        self.wishes: list[Wish] = []

    def adopt(self, transport: asyncio.Transport, first: bytes) -> None:
        """The connection speaks HTTP, and `first` has come of it: it is ours from here on."""
        if self._http is None:
            self._http = web.Server(self._answer, access_log=None)
            self._over.clear()
        protocol = self._http()
        transport.set_protocol(protocol)
        protocol.connection_made(transport)
        protocol.data_received(first)

    async def stop(self) -> None:
        """End what still runs."""
        self._over.set()
        if self._http is not None:
            await self._http.shutdown(_END_S)
            self._http = None

    async def _answer(self, request: web.BaseRequest) -> web.StreamResponse:
        number = self._requests
        self._requests += 1
        body = await request.content.read(MAX_BODY_BYTES)
        verdict = judge(request.path, request.headers.get("Authorization"), body, self._options)
        if status := self._fault(number, Kind.SPEECH_STATUS):
            verdict = Refusal(status.at)
        code = 200 if isinstance(verdict, Wish) else verdict.status
        self._note("speech", request=number, status=code)
        if not isinstance(verdict, Wish):
            return web.Response(status=verdict.status, body=verdict.body.encode(), content_type="application/json")
        self.wishes.append(verdict)
        try:
            sound = await asyncio.to_thread(self._sound, verdict)
        except (DeviceError, ValueError) as error:
            return web.Response(status=500, body=Denial(500, str(error)).body.encode(), content_type="application/json")
        return await self._speak(request, number, verdict, sound)

    def _sound(self, wish: Wish) -> bytes:
        pcm = bytes_of(self._synthesise(wish.text, voices.speaker(wish.voice), wish.rate_hz))
        return _wav(pcm, wish.rate_hz) if wish.format == "wav" else pcm

    async def _speak(self, request: web.BaseRequest, number: int, wish: Wish, sound: bytes) -> web.StreamResponse:
        """In chunks of irregular length, odd ones too, faster than it sounds."""
        timing = self._options.timing
        slow = self._fault(number, Kind.SPEECH_SLOW)
        await asyncio.sleep((timing.first_audio_ms if slow is None else slow.at) / 1000)
        kind = "text/event-stream" if wish.sse else f"audio/{wish.format}"
        response = web.StreamResponse(headers={"Content-Type": kind})
        response.enable_chunked_encoding()
        await response.prepare(request)
        stall, cut = self._fault(number, Kind.SPEECH_STALL), self._fault(number, Kind.SPEECH_CUT)
        left = min((fault.at for fault in (stall, cut) if fault is not None), default=len(sound) + 1)
        for piece in self._chunks(sound):
            if left < len(piece):
                await response.write(piece[:left])
                await self._break_off(request, number, stalls=stall is not None)
                return response
            left -= len(piece)
            await response.write(_event(piece) if wish.sse else piece)
            if timing.speed:
                await asyncio.sleep(ms_of(len(piece) // SAMPLE_BYTES, wish.rate_hz) / 1000 / timing.speed)
        if wish.sse:
            await response.write(_DONE)
        await response.write_eof()
        self._note("spoken", request=number, bytes=len(sound))
        return response

    def _chunks(self, sound: bytes) -> Iterator[bytes]:
        mean, at = self._options.timing.delta_bytes, 0
        while at < len(sound):
            size = self._rng.randint(3 * mean // 4, 5 * mean // 4)
            yield sound[at : at + size]
            at += size

    async def _break_off(self, request: web.BaseRequest, number: int, *, stalls: bool) -> None:
        """Nothing more comes, or the connection breaks."""
        self._note("speech_broken", request=number, stalls=stalls)
        if stalls:
            await self._over.wait()
        if request.transport is not None:
            request.transport.abort()

    def _fault(self, number: int, kind: Kind) -> Fault | None:
        return next((fault for fault in self._options.faults if fault.kind is kind and fault.strikes(number)), None)

    def _note(self, what: str, **fields: str | float) -> None:
        self._journal.write({"t": time.monotonic(), "what": what, **fields})


_DONE = b'data: {"type":"speech.audio.done","audio":""}\n\ndata: [DONE]\n\n'


def _event(piece: bytes) -> bytes:
    delta = {"type": "speech.audio.delta", "audio": base64.b64encode(piece).decode()}
    return f"data: {json.dumps(delta)}\n\n".encode()


def _wav(pcm: bytes, rate_hz: int) -> bytes:
    made = io.BytesIO()
    with wave.open(made, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(SAMPLE_BYTES)
        file.setframerate(rate_hz)
        file.writeframes(pcm)
    return made.getvalue()
