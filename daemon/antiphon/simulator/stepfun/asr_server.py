"""Recognition of a recording over HTTP: reads the body as it comes, and tells what was said, with faults.

What a request may ask for is asr.py's.
"""

import asyncio
from collections.abc import AsyncIterator

from aiohttp import web

from antiphon.simulator.stepfun import asr
from antiphon.simulator.stepfun.asr import Recognition
from antiphon.simulator.stepfun.asr_body import BodyReader
from antiphon.simulator.stepfun.desk import Asked, Desk
from antiphon.simulator.stepfun.judging import Denial, WrongError, entry


class RecognitionServer:
    """Answers POST /audio/asr/sse. `recognised` is what was granted, in order."""

    def __init__(self, desk: Desk) -> None:
        """Its faults are those of "asr"."""
        self._desk = desk
        self.recognised: list[Recognition] = []

    async def answer(self, asked: Asked) -> web.StreamResponse:
        """One request."""
        options = self._desk.options
        if refusal := entry(asked.path, asked.authorization, options):
            return self._desk.refuse(asked, refusal)
        headers = asked.http.headers
        try:
            if headers.get("Content-Type", "").partition(";")[0].strip() != "application/json":
                raise WrongError("Content-Type is not application/json")
            verdict = asr.judge(
                asked.path,
                await self._read(asked),
                options,
                event_stream="text/event-stream" in headers.get("Accept", ""),
                chunked="Content-Length" not in headers,
            )
        except WrongError as wrong:
            return self._desk.refuse(asked, Denial(400, str(wrong)))
        if not isinstance(verdict, Recognition):
            return self._desk.refuse(asked, verdict)
        self._desk.note("asr_read", request=asked.number, bytes=verdict.body_bytes, seconds=verdict.clip.seconds)
        number = len(self.recognised)
        self.recognised.append(verdict)
        said = asr.recognised(verdict.clip, number, options)
        events = self._paced(asr.events(verdict, said, number, options))
        return await self._desk.stream(asked, events, asr.ERROR, options.timing.first_text_ms)

    async def _read(self, asked: Asked) -> BodyReader:
        """The body. Raises WrongError."""
        reader = BodyReader()
        while piece := await asked.http.content.readany():
            reader.feed(piece)
            if reader.bytes > asr.MAX_BODY_BYTES:
                raise WrongError(f"the body is larger than {asr.MAX_BODY_BYTES} bytes")
        return reader

    async def _paced(self, events: list[str]) -> AsyncIterator[str]:
        for event in events:
            yield event
            await asyncio.sleep(self._desk.options.timing.word_ms / 1000)
