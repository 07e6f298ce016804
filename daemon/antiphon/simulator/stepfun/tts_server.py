"""Text to speech over HTTP: speaks what is asked for, with faults. What a request may ask for is tts.py's."""

import asyncio
import base64
import json
from collections.abc import Iterator

from aiohttp import web

from antiphon.errors import DeviceError
from antiphon.pcm import SAMPLE_BYTES, bytes_of, ms_of
from antiphon.simulator.stepfun import voices
from antiphon.simulator.stepfun.desk import Asked, Desk
from antiphon.simulator.stepfun.encoding import CONTENT_TYPES, encode
from antiphon.simulator.stepfun.judging import Denial, WrongError
from antiphon.simulator.stepfun.tts import Wish, judge

MAX_BODY_BYTES = 64 * 1024


class SpeechServer:
    """Answers POST /audio/speech. `wishes` is what was granted, in order."""

    def __init__(self, desk: Desk) -> None:
        """Its faults are those of "speech"; what they count of an answer is the bytes of sound."""
        self._desk = desk
        self.wishes: list[Wish] = []

    async def answer(self, asked: Asked) -> web.StreamResponse:
        """One request."""
        try:
            body = await self._desk.json(asked, MAX_BODY_BYTES)
        except WrongError as wrong:
            return self._desk.refuse(asked, Denial(400, str(wrong)))
        verdict = judge(asked.path, asked.authorization, body, self._desk.options)
        if not isinstance(verdict, Wish):
            return self._desk.refuse(asked, verdict)
        self._desk.note("speech", request=asked.number, status=200)
        self.wishes.append(verdict)
        if verdict.censored:
            return await self._censored(asked)
        try:
            sound = await asyncio.to_thread(self._sound, verdict)
        except (DeviceError, ValueError) as error:
            return self._desk.refuse(asked, Denial(500, str(error), "internal_error"))
        return await self._speak(asked, verdict, sound)

    def _sound(self, wish: Wish) -> bytes:
        pcm = bytes_of(self._desk.synthesise(wish.text, voices.speaker(wish.voice), wish.rate_hz))
        return encode(pcm, wish.rate_hz, wish.format)

    async def _censored(self, asked: Asked) -> web.StreamResponse:
        response = await self._desk.begin(asked, "text/event-stream")
        await response.write(_event("speech.audio.error", message=_CENSORED))
        await response.write_eof()
        return response

    async def _speak(self, asked: Asked, wish: Wish, sound: bytes) -> web.StreamResponse:
        """In chunks of irregular length, odd ones too, faster than it sounds."""
        timing, number = self._desk.options.timing, asked.number
        await self._desk.wait(number, timing.first_audio_ms)
        response = await self._desk.begin(asked, "text/event-stream" if wish.sse else CONTENT_TYPES[wish.format])
        stall, cut = self._desk.fault(number, "stall"), self._desk.fault(number, "cut")
        failure = self._desk.fault(number, "error-event") if wish.sse else None
        left = min((fault.at for fault in (stall, cut, failure) if fault is not None), default=len(sound) + 1)
        for piece in self._chunks(sound):
            if left < len(piece):
                await response.write(_delta(piece[:left]) if wish.sse else piece[:left])
                if failure is not None:
                    await response.write(_event("speech.audio.error", message=failure.detail or "internal error"))
                    await response.write_eof()
                else:
                    await self._desk.break_off(asked)
                return response
            left -= len(piece)
            await response.write(_delta(piece) if wish.sse else piece)
            if timing.speed and wish.format in ("pcm", "wav"):
                await asyncio.sleep(ms_of(len(piece) // SAMPLE_BYTES, wish.rate_hz) / 1000 / timing.speed)
        if wish.sse:
            await response.write(_event("speech.audio.done", audio="") + b"data: [DONE]\n\n")
        await response.write_eof()
        self._desk.note("spoken", request=number, bytes=len(sound))
        return response

    def _chunks(self, sound: bytes) -> Iterator[bytes]:
        mean, at = self._desk.options.timing.delta_bytes, 0
        while at < len(sound):
            size = self._desk.rng.randint(3 * mean // 4, 5 * mean // 4)
            yield sound[at : at + size]
            at += size


_CENSORED = "The content you provided or machine outputted is blocked."


def _delta(piece: bytes) -> bytes:
    return _event("speech.audio.delta", audio=base64.b64encode(piece).decode())


def _event(kind: str, **fields: str) -> bytes:
    return f"data: {json.dumps({'type': kind, **fields})}\n\n".encode()
