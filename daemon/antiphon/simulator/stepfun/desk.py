"""Where each HTTP service sits: its settings, sound, chance, log, the faults of its requests, and how it answers.

It knows no service by what it says.
"""

import asyncio
import json
import random
import time
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass

from aiohttp import web

from antiphon.simulator.journal import Journal
from antiphon.simulator.speech import Synthesise
from antiphon.simulator.stepfun.faults import Fault
from antiphon.simulator.stepfun.handshake import Refusal
from antiphon.simulator.stepfun.judging import Denial, WrongError
from antiphon.simulator.stepfun.options import SimulatorOptions


@dataclass(frozen=True, slots=True)
class Asked:
    """A request: `number` counts those of its service from 0."""

    http: web.BaseRequest
    number: int
    trace: str
    """The id for support, which the answer's X-Trace-Id has."""

    @property
    def path(self) -> str:
        """Without the query."""
        return self.http.path

    @property
    def authorization(self) -> str | None:
        """The header's value."""
        return self.http.headers.get("Authorization")


class Desk:
    """One service's place behind the front."""

    def __init__(
        self,
        service: str,
        options: SimulatorOptions,
        synthesise: Synthesise,
        journal: Journal,
        over: asyncio.Event,
    ) -> None:
        """`over` is set when the simulator ends. `service` is the first part of its faults' names."""
        self.service, self.options, self.synthesise = service, options, synthesise
        self.rng = random.Random(f"{options.seed}/{service}")  # noqa: S311 (chance that can be repeated is what we want)
        self._journal, self._over = journal, over

    def fault(self, number: int, what: str) -> Fault | None:
        """The fault `what`, such as "cut", that strikes the request."""
        kind = f"{self.service}-{what}"
        return next(
            (one for one in self.options.faults if one.kind.value == kind and one.strikes(number)),
            None,
        )

    def note(self, what: str, **values: str | float) -> None:
        """Put a line into the log."""
        self._journal.write({"t": time.monotonic(), "what": what, **values})

    async def wait(self, number: int, usual_ms: float) -> None:
        """Until the answer begins."""
        slow = self.fault(number, "slow")
        await asyncio.sleep((usual_ms if slow is None else slow.at) / 1000)

    async def body(self, asked: Asked, most: int) -> bytes:
        """All that was posted. Raises WrongError for more than `most` bytes."""
        body = bytearray()
        while piece := await asked.http.content.readany():
            body += piece
            if len(body) > most:
                raise WrongError(f"the body is larger than {most} bytes")
        return bytes(body)

    async def json(self, asked: Asked, most: int) -> bytes:
        """The same, of a request that says it is JSON. Raises WrongError."""
        if asked.http.headers.get("Content-Type", "").partition(";")[0].strip() != "application/json":
            raise WrongError("Content-Type is not application/json")
        return await self.body(asked, most)

    async def begin(self, asked: Asked, kind: str) -> web.StreamResponse:
        """Begin an answer of this content type, of which nobody knows the length."""
        response = web.StreamResponse(headers={"Content-Type": kind, "X-Trace-Id": asked.trace})
        response.enable_chunked_encoding()
        await response.prepare(asked.http)
        return response

    def refuse(self, asked: Asked, refusal: Refusal | Denial) -> web.Response:
        """Answer no, in the envelope."""
        self.note(self.service, request=asked.number, status=refusal.status)
        return web.Response(status=refusal.status, body=refusal.body.encode(), content_type="application/json")

    async def answer(self, asked: Asked, body: Mapping[str, object] | str, usual_ms: float = 0.0) -> web.StreamResponse:
        """Answer with one JSON object, or a plain text."""
        self.note(self.service, request=asked.number, status=200)
        await self.wait(asked.number, usual_ms)
        kind = "text/plain; charset=utf-8" if isinstance(body, str) else "application/json"
        data = (body if isinstance(body, str) else json.dumps(body, ensure_ascii=False)).encode("utf-8", "replace")
        if not (self.fault(asked.number, "stall") or self.fault(asked.number, "cut")):
            return web.Response(body=data, headers={"Content-Type": kind})
        response = web.StreamResponse(
            headers={"Content-Type": kind, "Content-Length": str(len(data)), "X-Trace-Id": asked.trace}
        )
        await response.prepare(asked.http)
        if not self.fault(asked.number, "stall"):
            await response.write(data[: len(data) // 2])
        await self.break_off(asked)
        return response

    async def stream(self, asked: Asked, events: AsyncIterator[str], error: str, usual_ms: float) -> web.StreamResponse:
        """Answer with server-sent events, of which `events` gives the data. `error` is that of one that fails, with
        %s in the place of its message.
        """
        number, count = asked.number, 0
        self.note(self.service, request=number, status=200)
        await self.wait(number, usual_ms)
        response = await self.begin(asked, "text/event-stream")
        stall, cut, failure = (self._at(number, what) for what in ("stall", "cut", "error-event"))
        async for data in events:
            count += 1
            event = f"data: {data}\n\n".encode("utf-8", "replace")
            if count == cut:
                await response.write(event[: len(event) // 2])
            if count in (stall, cut):
                await self.break_off(asked)
                return response
            if count == failure:
                told = self.fault(number, "error-event")
                words = (told.detail if told else "") or "internal error"
                event = f"data: {error.replace('%s', json.dumps(words)[1:-1])}\n\n".encode()
            await response.write(event)
            if count == failure:
                break
        await response.write_eof()
        self.note(f"{self.service}_told", request=number, events=count)
        return response

    def _at(self, number: int, what: str) -> int:
        """The event that the fault strikes, from 1; 0 for none."""
        fault = self.fault(number, what)
        return 0 if fault is None else max(1, fault.at)

    async def break_off(self, asked: Asked) -> None:
        """Nothing more comes until all ends, or the connection breaks at once."""
        stalls = self.fault(asked.number, "stall") is not None
        self.note(f"{self.service}_broken", request=asked.number, stalls=stalls)
        if stalls:
            await self._over.wait()
        if asked.http.transport is not None:
            asked.http.transport.abort()
