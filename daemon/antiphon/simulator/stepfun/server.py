"""A StepFun realtime service on loopback: the listening socket, the upgrades, and what is kept of each connection."""

import asyncio
import logging
import random
import time
import weakref
from collections.abc import Callable
from http import HTTPStatus
from types import TracebackType
from typing import Any, Self, cast

from websockets.asyncio.server import Server, ServerConnection, serve
from websockets.http11 import Request, Response
from websockets.protocol import State

from antiphon.simulator import speech
from antiphon.simulator.journal import Journal, LogLine
from antiphon.simulator.service import run_until_signal
from antiphon.simulator.stepfun.connection import Conduct, Connection, Driver, Record
from antiphon.simulator.stepfun.dictation import Dictation
from antiphon.simulator.stepfun.dictation_grammar import DOORS as DICTATION
from antiphon.simulator.stepfun.dictations import DictationRecord
from antiphon.simulator.stepfun.faults import Fault, FaultyStream, Kind
from antiphon.simulator.stepfun.handshake import DIALOGUE, NORMAL_PATH, Admitted, Refusal, Turnstile, judge
from antiphon.simulator.stepfun.options import SimulatorOptions
from antiphon.simulator.stepfun.record import SessionRecord
from antiphon.simulator.stepfun.script import OUTPUT
from antiphon.simulator.stepfun.services import HttpServices
from antiphon.simulator.stepfun.session import Session
from antiphon.simulator.stepfun.tts_stream import SpeechStream
from antiphon.simulator.stepfun.tts_stream_grammar import DOORS as SPEECH
from antiphon.simulator.stepfun.utterances import UtteranceRecord

_DOORS = DIALOGUE | SPEECH | DICTATION
MAX_FRAME_BYTES = 32 * 1024 * 1024  # the largest append is 15 MB of sound, a third more in base64
CLOSE_TIMEOUT_S = 1.0


class _Mishaps(logging.Handler):
    """Keeps the exceptions of our handlers, which the WebSocket library only logs; drops all else.

    Handshakes that fail do so on purpose here.
    """

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.errors: list[BaseException] = []

    def emit(self, record: logging.LogRecord) -> None:
        """Keep the exception of `record`, if it is one of ours."""
        if "handshake" not in record.getMessage() and record.exc_info and record.exc_info[1]:
            self.errors.append(record.exc_info[1])


class StepFunSimulator:
    """The service. `async with StepFunSimulator(options) as service:` serves until the block ends."""

    def __init__(
        self,
        options: SimulatorOptions | None = None,
        *,
        synthesise: speech.Synthesise | None = None,
        log: Callable[[LogLine], None] | None = None,
    ) -> None:
        """`synthesise` makes the replies' sound (flite, if None); `log` gets each line of the log as it is written."""
        self.options = options or SimulatorOptions()
        self.sessions: list[SessionRecord] = []
        """Every dialogue that was upgraded, in order."""
        self.utterances: list[UtteranceRecord] = []
        """Every WebSocket of text to speech that was upgraded, in order."""
        self.dictations: list[DictationRecord] = []
        """Every WebSocket of live recognition that was upgraded, in order."""
        self.statuses: list[int] = []
        """The HTTP status of each upgrade that was answered, in order."""
        self._journal = Journal(log)
        self.log = self._journal.lines
        """Every line of the log."""
        self._synthesise = synthesise or speech.synthesise
        self._http = HttpServices(self.options, self._synthesise, self._journal)
        self.wishes = self._http.speech.wishes
        """Every text that was to be spoken (POST /audio/speech), in order."""
        self.chats = self._http.chat.chats
        """Every question (POST /chat/completions), in order."""
        self.recognised = self._http.recognition.recognised
        """Every recording that was to be written down (POST /audio/asr/sse), in order."""
        self.at_once = self._http.front.at_once
        """By service ("asr", "chat", …), how many HTTP requests have been open at the same time, at most."""
        self.transcribed = self._http.transcription.transcribed
        """Every upload that was to be written down (POST /audio/transcriptions), in order."""
        self.submitted = self._http.jobs.jobs.submitted
        """Every file to be fetched and written down (POST /audio/asr/file/submit), in order."""
        self.uploads = self._http.library.uploads
        """Every file (POST /files), in order."""
        self.clones = self._http.library.clones
        """Every voice that was to be made (POST /audio/voices), in order."""
        self.previews = self._http.library.previews
        """Every voice that was to be heard before (POST /audio/voices/preview), in order."""
        self._turnstile = Turnstile(self.options.quick_connections, self.options.quick_window_s)
        self._mishaps = _Mishaps()
        self._connections = self._streams = 0
        self._live: weakref.WeakSet[Connection] = weakref.WeakSet()
        self._admitted: dict[int, Admitted] = {}
        self._numbers: dict[int, int] = {}  # of the sockets of text to speech, by connection
        self._server: Server | None = None
        self._port = self.options.port

    async def start(self) -> None:
        """Listen. Raises OSError when the port cannot be had; after `stop` it listens on the same port again."""
        if self.options.keep_dir is not None:
            self._journal.keep(self.options.keep_dir / "events.jsonl")
        for reply in self.options.replies:
            if reply.text and OUTPUT not in reply.text:  # what is known beforehand is spoken beforehand
                await asyncio.to_thread(self._synthesise, reply.text, "slt", 24_000)
        self._server = await serve(
            self._serve,
            self.options.host,
            self._port,
            process_request=self._answer_upgrade,
            create_connection=cast("type[ServerConnection]", self._connect),
            compression=None,
            server_header=None,
            open_timeout=None,
            ping_interval=None,
            close_timeout=CLOSE_TIMEOUT_S,
            max_size=MAX_FRAME_BYTES,
            logger=self._logger(),
        )
        self._port = next(iter(self._server.sockets)).getsockname()[1]
        self._journal.write({"t": time.monotonic(), "what": "listening", "url": self.url()})

    def url(self, path: str = NORMAL_PATH) -> str:
        """Where `path` is served; the client adds the model."""
        return f"ws://{self.options.host}:{self._port}{path}"

    def speech_url(self, path: str = "/v1") -> str:
        """Where the HTTP services are; the client adds a path such as /audio/speech."""
        return f"http://{self.options.host}:{self._port}{path}"

    async def stop(self) -> None:
        """Close every connection and the port; what a connection's handler raised by mistake is raised here."""
        if self._server is None:
            return
        for connection in list(self._live):
            if connection.gate.shut or connection.state is State.CONNECTING:  # it could not say goodbye
                connection.transport.abort()
        self._server.close()
        await self._http.front.stop()
        await self._server.wait_closed()
        self._server = None
        self._journal.write({"t": time.monotonic(), "what": "stopped"})
        self._journal.close()
        if self._mishaps.errors:
            raise self._mishaps.errors.pop()

    async def __aenter__(self) -> Self:
        """Start."""
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop."""
        await self.stop()

    # ── connections ──

    def _connect(self, *library: Any, **settings: Any) -> Connection:
        index = self._connections
        self._connections += 1
        cut = self._fault(index, Kind.CUT_AT_BYTE)
        refuse = self._fault(index, Kind.REFUSE) is not None
        self._journal.write({"t": time.monotonic(), "what": "connection", "session": index, "refused": refuse})
        made = Connection(
            index,
            None if cut is None else cut.at,
            refuse=refuse,
            posted=self._http.front.adopt,
            library=library,
            **settings,
        )
        self._live.add(made)
        return made

    async def _answer_upgrade(self, connection: ServerConnection, request: Request) -> Response | None:
        assert isinstance(connection, Connection)
        index = connection.index
        if slow := self._fault(index, Kind.SLOW_UPGRADE):
            await _pause(slow.at / 1000, connection.gone)
        verdict = judge(request.path, request.headers.get("Authorization"), self.options, _DOORS)
        if not self._turnstile.admits(time.monotonic()):
            verdict = Refusal(429)
        if status := self._fault(index, Kind.STATUS):
            verdict = Refusal(status.at)
        if request.path.partition("?")[0] in SPEECH:
            verdict = self._streamed(index, verdict)
        code = verdict.status if isinstance(verdict, Refusal) else 101
        self.statuses.append(code)
        self._journal.write({"t": time.monotonic(), "what": "upgrade", "session": index, "status": code})
        if isinstance(verdict, Refusal):
            return _refused(connection, verdict)
        self._admitted[index] = verdict
        return None

    def _streamed(self, index: int, verdict: Admitted | Refusal) -> Admitted | Refusal:
        """One more upgrade for text to speech, which has faults of its own."""
        number = self._numbers[index] = self._streams
        self._streams += 1
        status = self._fault(number, Kind.STREAM_STATUS)
        return verdict if status is None else Refusal(status.at)

    async def _serve(self, connection: ServerConnection) -> None:
        assert isinstance(connection, Connection)
        admitted = self._admitted.pop(connection.index)
        match admitted.service:
            case "speech":
                await self._serve_speech(connection, admitted)
            case "dictation":
                await self._serve_dictation(connection, admitted)
            case "dialogue":
                await self._serve_dialogue(connection, admitted)

    async def _serve_dialogue(self, connection: Connection, admitted: Admitted) -> None:
        index, now = connection.index, time.monotonic()
        record = SessionRecord(
            index, admitted.model, admitted.path, now, log=self._journal.write, log_events=self.options.log_events
        )
        self.sessions.append(record)
        rng = self._chance(index)
        try:
            await self._drive(connection, Session(self.options, record, self._faults(index), rng, now), record, rng)
        finally:
            await self._keep(record, connection.close_code)

    async def _serve_speech(self, connection: Connection, admitted: Admitted) -> None:
        index, now = connection.index, time.monotonic()
        number = self._numbers.pop(index)
        record = UtteranceRecord(index, number, admitted.model, admitted.path, now, log=self._journal.write)
        self.utterances.append(record)
        rng = self._chance(index)
        try:
            await self._drive(
                connection, SpeechStream(self.options, record, self.options.faults, rng, now), record, rng
            )
        finally:
            record.closed_s = time.monotonic()
            record.note("closed", record.closed_s, code=connection.close_code, text=record.text)

    async def _serve_dictation(self, connection: Connection, admitted: Admitted) -> None:
        index, now = connection.index, time.monotonic()
        record = DictationRecord(index, admitted.path, now, log=self._journal.write)
        self.dictations.append(record)
        rng = self._chance(index)
        try:
            await self._drive(connection, Dictation(self.options, record, self._faults(index), rng, now), record, rng)
        finally:
            record.closed_s = time.monotonic()
            record.note("closed", record.closed_s, code=connection.close_code, frames=record.frames)

    async def _drive(self, connection: Connection, session: Conduct, record: Record, rng: random.Random) -> None:
        stream = FaultyStream(self._faults(connection.index), rng)
        await Driver(connection, session, record, stream, self._synthesise, self.options.idle_drop_s).run()

    def _chance(self, index: int) -> random.Random:
        """Chance that can be repeated is what we want."""
        return random.Random(f"{self.options.seed}/{index}")  # noqa: S311 (not for secrets)

    def _faults(self, index: int) -> tuple[Fault, ...]:
        return tuple(fault for fault in self.options.faults if fault.strikes(index))

    async def _keep(self, record: SessionRecord, close_code: int | None) -> None:
        record.closed_s = time.monotonic()
        record.note("closed", record.closed_s, code=close_code, frames=record.frames, turns=len(record.turns))
        if self.options.keep_dir is not None:
            await asyncio.to_thread(record.write_wav, self.options.keep_dir)
            record.note("kept", time.monotonic(), frames=record.frames)

    def _fault(self, index: int, kind: Kind) -> Fault | None:
        return next((fault for fault in self.options.faults if fault.kind is kind and fault.strikes(index)), None)

    def _logger(self) -> logging.Logger:
        logger = logging.Logger("antiphon.simulator")  # noqa: LOG001 (its own, so that no other simulator's mishaps mix)
        logger.addHandler(self._mishaps)
        return logger


async def _pause(seconds: float, gone: asyncio.Event) -> None:
    """Let `seconds` pass, unless the client gives up before."""
    try:
        async with asyncio.timeout(seconds):
            await gone.wait()
    except TimeoutError:
        pass


def _refused(connection: Connection, refusal: Refusal) -> Response:
    response = connection.respond(HTTPStatus(refusal.status), refusal.body)
    del response.headers["Content-Type"]
    response.headers["Content-Type"] = "application/json"
    response.headers["X-Trace-Id"] = f"simulated-{connection.index}"
    return response


async def run_forever(options: SimulatorOptions, log: Callable[[LogLine], None]) -> None:
    """Serve until SIGINT or SIGTERM. `log` gets every line; the first says "listening", and its `url`.

    Raises SettingsError when it cannot listen there, or keep what it receives.
    """
    await run_until_signal(StepFunSimulator(options, log=log), "service")
