"""Serves requests, each by its route: the form is read, the model asked, the faults strike. It owns no socket.

How an answer leaves is the business of `answers`, what the model process makes of the engine.
"""

import asyncio
import time
import uuid
from collections.abc import Callable

from antiphon.errors import DeviceError
from antiphon.pcm import LINK_RATE_HZ
from antiphon.simulator.journal import LogLine
from antiphon.simulator.speech import Synthesise
from antiphon.simulator.voxserve.answers import Answer
from antiphon.simulator.voxserve.batch import FullError, Job
from antiphon.simulator.voxserve.connection import Connection, OverError
from antiphon.simulator.voxserve.engine import Coming, Engine
from antiphon.simulator.voxserve.faults import Faults, Kind
from antiphon.simulator.voxserve.fields import (
    GENERATE_FIELDS,
    NO_TEXT,
    START_FIELDS,
    TEXT_FIELDS,
    Asked,
    UnprocessableError,
    read_fields,
)
from antiphon.simulator.voxserve.form import FormError, parse_form
from antiphon.simulator.voxserve.http1 import CRASHED, Request, Response, detail, json_response, plain
from antiphon.simulator.voxserve.options import VoxServeOptions
from antiphon.simulator.voxserve.prompt import Prompt, prompt_of
from antiphon.simulator.voxserve.record import RequestRecord
from antiphon.simulator.voxserve.routes import HEALTHY, Place, Route, page, preflight, route
from antiphon.simulator.voxserve.windows import Window, windows_of

BUSY = detail(429, "Server busy; please retry shortly")
PORTAL = plain(200, "<!DOCTYPE html><title>Sign in</title><p>Sign in to use this network.</p>", kind="text/html")


class Desk:
    """Where requests come in. `requests` are the POSTs to /generate, in the order in which they were whole."""

    def __init__(
        self, options: VoxServeOptions, engine: Engine, synthesise: Synthesise, log: Callable[[LogLine], None]
    ) -> None:
        """`log` gets every line."""
        self.requests: list[RequestRecord] = []
        self._options = options
        self._engine = engine
        self._synthesise = synthesise
        self._log = log
        self._faults = Faults(options.faults)
        self._count = 0
        self._streams: set[str] = set()
        self._threads = asyncio.Semaphore(options.threads)
        self._speaking = asyncio.Lock()

    def refuses(self) -> bool:
        """True when the connection that has just been made is to be reset; it then counts as a request."""
        refused = self._faults.of(Kind.REFUSE, self._count) is not None
        if refused:
            self._log({"t": time.monotonic(), "what": "connection_refused", "request": self._count})
            self._count += 1
        return refused

    def die_by_fault(self) -> None:
        """Kill the model process, if it is to be dead by now."""
        if not self._engine.dead and self._faults.dead_by(self._count):
            self._engine.kill()
            self.model_died(self._count, "as the fault wants it", time.monotonic())

    def model_died(self, request: int, why: str, now: float) -> None:
        """The model process has died of `request`, or before it came."""
        self._log({"t": now, "what": "model_died", "request": request, "why": why})

    async def answer(self, connection: Connection, request: Request, here: str) -> bool:
        """Answer `request`; True when the connection may carry another. `here` is host:port. Raises OverError."""
        where = route(request, here)
        number = self._count
        generates = isinstance(where, Route) and where.place is Place.GENERATE
        answer = Answer(connection, request, self._faults, number)
        self.die_by_fault()
        if generates:
            self._count += 1
            return await self._generate(connection, request, answer, number)
        try:
            if gone := await self._everywhere(connection, answer, number):
                return gone[0]
            if asks_first := preflight(request):
                return await answer.respond(asks_first, cors=False)
            if isinstance(where, Response):
                return await answer.respond(where)
            return await self._other(connection, request, answer, where)
        finally:
            line = {"method": request.method, "path": request.path, "status": answer.status}
            self._log({"t": time.monotonic(), "what": "answered", **line})

    async def _everywhere(self, connection: Connection, answer: Answer, number: int) -> tuple[bool] | None:
        """What faults of every URL make of a request; None: nothing."""
        if self._faults.of(Kind.NO_ANSWER, number):
            await connection.gone.wait()
            raise OverError
        if self._faults.of(Kind.PORTAL, number):
            return (await answer.respond(PORTAL, cors=False),)
        return None

    # ── POST /generate ──

    async def _generate(self, connection: Connection, request: Request, answer: Answer, number: int) -> bool:
        record = RequestRecord(number, time.monotonic(), self._log)
        self.requests.append(record)
        connection.sent, connection.ending = 0, self._faults.ending(number)
        coming: Coming = asyncio.Queue()
        connection.call_when_gone(lambda: coming.put_nowait(None))
        try:
            keeps = await self._judged(connection, request, answer, record, coming)
        except OverError:
            fault = connection.ending is not None and connection.ending.come
            record.status = answer.status
            record.end("fault" if fault else "hung_up", time.monotonic())
            raise
        record.status = answer.status
        record.end("reply_sent" if answer.status in (200, 206) else "refused", time.monotonic())
        return keeps

    async def _judged(
        self, connection: Connection, request: Request, answer: Answer, record: RequestRecord, coming: Coming
    ) -> bool:
        """Read the form, and answer what needs no model."""
        asked, refusal = _read(request)
        prompt = prompt_of(asked)
        self._remember(asked, prompt, record)
        if gone := await self._everywhere(connection, answer, record.number):
            return gone[0]
        if self._faults.of(Kind.HANG_UP, record.number):
            connection.close()
            record.end("fault", time.monotonic())
            raise OverError
        if self._faults.of(Kind.TEXT_500, record.number) or (refusal is None and asked.unsaveable):
            return await answer.respond(CRASHED, cors=False, crash=True)
        if refused := self._fault_status(record.number) or refusal:
            return await answer.respond(refused)
        return await self._asked(answer, asked, prompt, record, coming)

    def _remember(self, asked: Asked, prompt: Prompt, record: RequestRecord) -> None:
        record.text, record.streaming = asked.text, asked.streaming
        if asked.audio is not None:
            record.upload = asked.audio.content
        if prompt.sound is not None:
            record.samples, record.rate_hz = prompt.sound.samples, prompt.sound.rate_hz
        heard = {"audio_s": round(record.audio_s, 4), "frames": len(record.samples), "rate_hz": record.rate_hz}
        record.note("request", record.received_s, text=asked.text, streaming=asked.streaming, **heard)
        if self._options.keep_dir is not None and (path := record.write_wav(self._options.keep_dir)):
            record.note("kept", time.monotonic(), file=path.name)

    def _fault_status(self, number: int) -> Response | None:
        if status := self._faults.of(Kind.STATUS, number):
            return detail(status.at, status.detail or "simulated")
        if self._faults.of(Kind.LIST_422, number):
            return detail(422, NO_TEXT)
        return BUSY if self._faults.of(Kind.BUSY, number) else None

    async def _asked(self, answer: Answer, asked: Asked, prompt: Prompt, record: RequestRecord, coming: Coming) -> bool:
        """Save the upload, ask the model, and send what it makes. Saving it and making a whole reply take a thread."""
        if asked.audio is not None:
            async with self._threads:
                pass
        if not asked.streaming:
            async with self._threads:
                return await self._asked_model(answer, asked, prompt, record, coming)
        return await self._asked_model(answer, asked, prompt, record, coming)

    async def _asked_model(
        self, answer: Answer, asked: Asked, prompt: Prompt, record: RequestRecord, coming: Coming
    ) -> bool:
        try:
            async with self._speaking:  # so that the order of arrival is kept
                await self._ask(asked, prompt, record, coming)
        except FullError:
            return await answer.respond(BUSY)
        except (DeviceError, ValueError) as error:
            return await answer.respond(detail(500, f"Generation failed: {error}"))
        left_s = record.received_s + self._options.timeout_s - time.monotonic()
        if asked.streaming:
            return await answer.stream(uuid.uuid4().hex[:8], coming, left_s, record)
        return await answer.whole(coming, left_s, record)

    async def _ask(self, asked: Asked, prompt: Prompt, record: RequestRecord, coming: Coming) -> None:
        """Give the model its job, unless it never hears of it. Raises FullError, DeviceError, ValueError."""
        silence = self._faults.of(Kind.SILENCE, record.number)
        if asked.lost or (silence is not None and not silence.at):
            self._engine.tell()
            return
        slow = self._faults.of(Kind.SLOW, record.number)
        kept_until_s = record.received_s + self._options.upload_kept_s
        job = Job(
            number=record.number,
            windows=() if prompt.doom else await self._windows(prompt, record),
            doom=prompt.doom,
            file_gone_s=kept_until_s if asked.audio is not None and asked.streaming else None,
            late_s=silence.at / 1000 if silence else 0.0,
            speed=slow.at / 100 if slow else None,
        )
        self._engine.ask(job, coming)

    async def _windows(self, prompt: Prompt, record: RequestRecord) -> tuple[Window, ...]:
        replies = self._options.replies
        text = replies[record.number % len(replies)] if replies else prompt.answer
        if not text or self._faults.of(Kind.EMPTY, record.number):
            return ()
        record.reply = text
        return windows_of(await asyncio.to_thread(self._synthesise, text, self._options.voice, LINK_RATE_HZ))

    # ── all else ──

    async def _other(self, connection: Connection, request: Request, answer: Answer, where: Route) -> bool:
        match where.place:
            case Place.HEALTH:
                ill = self._faults.of(Kind.HEALTH, self._count)
                return await answer.respond(plain(ill.at, ill.detail) if ill else HEALTHY)
            case Place.PAGE:
                return await answer.respond(page(request.path))
            case Place.AUDIO if where.stream in self._streams:
                coming: Coming = asyncio.Queue()
                connection.call_when_gone(lambda: coming.put_nowait(None))
                try:
                    return await answer.stream(where.stream[:8], coming, self._options.timeout_s)
                finally:
                    self._streams.discard(where.stream)
            case _:
                return await self._input_stream(request, answer, where)

    async def _input_stream(self, request: Request, answer: Answer, where: Route) -> bool:
        """The routes for text in pieces: with the default scheduler all say yes, and nothing is ever made."""
        known = {Place.START: START_FIELDS, Place.TEXT: TEXT_FIELDS}.get(where.place, ())
        asked, refusal = _read(request, known)
        if refusal is not None:
            return await answer.respond(refusal)
        if where.place is not Place.START and where.stream not in self._streams:
            return await answer.respond(detail(404, f"Request {where.stream} not found"))
        if asked.unsaveable:
            return await answer.respond(CRASHED, cors=False, crash=True)
        stream = where.stream or str(uuid.uuid4())
        self._streams.add(stream)
        try:
            self._engine.tell()
        except FullError:
            return await answer.respond(BUSY)
        said = {Place.TEXT: {"status": "accepted"}, Place.END: {"status": "completed"}}.get(where.place, {})
        return await answer.respond(json_response(200, {**said, "request_id": stream}))


def _read(request: Request, fields: tuple[str, ...] = GENERATE_FIELDS) -> tuple[Asked, Response | None]:
    """What the form of `request` asks for, and how it is refused if it is."""
    try:
        return read_fields(parse_form(request.headers.get("content-type", ""), request.body), fields), None
    except FormError as error:
        return Asked(), detail(400, str(error))
    except UnprocessableError as error:
        return Asked(), detail(422, error.wrongs)
