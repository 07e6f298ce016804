"""The realtime link against small servers of our own, good and bad, on real sockets."""

import asyncio
import base64
import contextlib
import gc
import http
import json
import logging
import shutil
import socket
import ssl
import subprocess
import traceback
from dataclasses import replace

import pytest
from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosedError
from websockets.frames import Opcode

from antiphon.conversation.effects import ToolOutput
from antiphon.conversation.events import (
    LinkAlive,
    LinkClosed,
    LinkOpened,
    NothingRecognised,
    ReplyAudio,
    ReplyEnded,
    ReplyStarted,
    ReplyText,
    ServiceComplained,
    SpeechStarted,
    ToolCalled,
)
from antiphon.conversation.history import Turn
from antiphon.links.realtime import link as link_module
from antiphon.links.realtime.link import (
    MAX_AHEAD_BYTES,
    MAX_MALFORMED_IN_A_ROW,
    MAX_SENTENCE,
    MAX_UNANSWERED,
    RealtimeLinkMaker,
    RealtimePlan,
)
from antiphon.pcm import LINK_RATE_HZ, SAMPLE_BYTES
from antiphon.ports import ToolSpec
from antiphon.secret import Secret
from antiphon.simulator.speech import synthesise
from antiphon.simulator.stepfun.faults import Fault, Kind
from antiphon.simulator.stepfun.options import DEFAULT_KEY, SimulatorOptions, Timing
from antiphon.simulator.stepfun.script import Reply
from antiphon.simulator.stepfun.script import ToolCall as StepFunCall
from antiphon.simulator.stepfun.server import StepFunSimulator
from antiphon.speech.dialling import dial

KEY = "sk-very-secret-0123456789"
CREATED = json.dumps({"type": "session.created", "session": {"id": "s"}})
APPEND_BYTES = 40 * 48
PCM = bytes(range(250)) * 200  # 50,000 bytes: not a whole number of appends

PLAN = RealtimePlan(
    url="",
    model="stepaudio-2.5-realtime",
    voice="linjiajiejie",
    instructions="Be brief.",
    turn_detection="server",
    silence_ms=600,
    prefix_padding_ms=500,
    energy_threshold=2500,
    open_timeout_ms=20_000,
    ping_interval_s=60.0,
    ping_timeout_s=60.0,
    append_ms=40,
    proxy=None,
    allow_plain=False,
)


class Inbox:
    """Keeps what is posted, and can be waited on."""

    def __init__(self):
        self.events = []
        self._changed = asyncio.Event()

    def __call__(self, event):
        self.events.append(event)
        self._changed.set()

    async def until(self, kind, count=1):
        while sum(isinstance(event, kind) for event in self.events) < count:
            self._changed.clear()
            await self._changed.wait()

    @property
    def problem(self):
        """Why the call ended; it must have ended once, last."""
        assert [event for event in self.events if isinstance(event, LinkClosed)] == self.events[-1:]
        return self.events[-1].problem


class Service:
    """What a server of the tests has received."""

    def __init__(self):
        self.requests = []
        self.upgrades = []
        self.socket = None
        self.closed_with = None
        self._changed = asyncio.Event()

    def keep(self, frame):
        self.requests.append(json.loads(frame))
        self._changed.set()

    def of(self, kind):
        return [request for request in self.requests if request["type"] == kind]

    async def until(self, kind, count=1):
        while len(self.of(kind)) < count:
            self._changed.clear()
            await self._changed.wait()

    @property
    def speech(self):
        return b"".join(base64.b64decode(one["audio"]) for one in self.of("input_audio_buffer.append"))


def event(kind, **fields):
    return json.dumps({"type": kind, **fields})


def audio(response, pcm):
    return event("response.audio.delta", response_id=response, item_id="I", delta=base64.b64encode(pcm).decode())


def play(scene):
    """Run a scene, in bounded time."""
    return asyncio.run(asyncio.wait_for(scene, 60))


@contextlib.asynccontextmanager
async def serving(behaviour=None, *, created=True, **options):
    """A WebSocket server: says hello, then `behaviour(socket, service)`; keeps what it receives."""
    service = Service()
    log = logging.getLogger("test-server")
    log.setLevel(logging.CRITICAL)

    async def handler(socket):
        service.socket = socket
        service.upgrades.append(socket.request)
        if created:
            await socket.send(CREATED)
        if behaviour is not None:
            await behaviour(socket, service)
        try:
            async for frame in socket:
                service.keep(frame)
        except ConnectionClosedError:
            pass
        service.closed_with = socket.close_code

    where = {} if "sock" in options else {"host": "127.0.0.1", "port": 0}
    options = {"compression": None, "logger": log, **where, **options}
    async with serve(handler, **options) as server:
        yield f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1/realtime", service


@contextlib.asynccontextmanager
async def raw_server(answer, **options):
    """A TCP server whose connections are handled by `answer(reader, writer)`."""

    async def handler(reader, writer):
        with contextlib.suppress(OSError, asyncio.IncompleteReadError):
            await answer(reader, writer)
        writer.close()

    async with await asyncio.start_server(handler, "127.0.0.1", 0, **options) as server:
        yield server.sockets[0].getsockname()[1]


@contextlib.asynccontextmanager
async def calling(url, *, key=KEY, history=(), **changes):
    """A running call, closed at the end."""
    inbox = Inbox()
    secret = Secret(key, "the test") if key is not None else None
    link = RealtimeLinkMaker(replace(PLAN, url=url, **changes), secret)(3, history, inbox, trial=False)
    async with asyncio.TaskGroup() as group:
        group.create_task(link.run())
        try:
            yield link, inbox
        finally:
            link.close()


async def fate(url, **changes):
    """How a call to `url` ends by itself."""
    async with calling(url, **changes) as (link, inbox):
        await inbox.until(LinkClosed)
    return link, inbox


# ── opening ──────────────────────────────────────────────────────────────────────────────────────


def test_upgrade_asks_for_the_model_and_shows_the_key():
    async def scene():
        async with serving() as (url, service):
            async with calling(url + "?model=other&x=1") as (_, inbox):
                await inbox.until(LinkOpened)
            async with calling(url, key=None) as (_, inbox):
                await inbox.until(LinkOpened)
        return service.upgrades

    first, second = play(scene())
    assert first.path == "/v1/realtime?x=1&model=stepaudio-2.5-realtime"
    assert first.headers["Authorization"] == f"Bearer {KEY}"
    assert first.headers["User-Agent"] == "antiphon"
    assert "Sec-WebSocket-Extensions" not in first.headers
    assert "Authorization" not in second.headers


@pytest.mark.parametrize("turn_detection", ["server", "own"])
def test_settings_come_first_then_the_past(turn_detection):
    async def scene():
        history = [Turn("user", "What is it?"), Turn("assistant", "半升")]
        async with (
            serving() as (url, service),
            calling(url, history=history, turn_detection=turn_detection) as (_, inbox),
        ):
            await inbox.until(LinkOpened)
            await service.until("conversation.item.create", 2)
        return service.requests

    update, user, assistant = play(scene())
    vad = {
        "type": "server_vad",
        "prefix_padding_ms": 500,
        "silence_duration_ms": 600,
        "energy_awakeness_threshold": 2500,
    }
    assert update["session"]["turn_detection"] == (vad if turn_detection == "server" else None)
    assert update["session"]["instructions"] == "Be brief."
    assert user["item"]["content"] == [{"type": "input_text", "text": "What is it?"}]
    assert assistant["item"]["content"] == [{"type": "text", "text": "半升"}]


def test_settings_do_not_wait_for_the_service():
    async def speaks_second(socket, service):
        service.keep(await socket.recv())
        await socket.send(event("session.updated", session={"voice": "linjiajiejie"}))

    async def scene():
        async with serving(speaks_second, created=False) as (url, service), calling(url) as (_, inbox):
            await inbox.until(LinkOpened)
            return service.requests[0]["type"]

    assert play(scene()) == "session.update"


# ── tools ────────────────────────────────────────────────────────────────────────────────────────

CLOCK = ToolSpec("get_time", "Tell the time.", {"type": "object", "properties": {}})


def test_a_call_tells_of_the_tools_that_there_are_when_it_is_made():
    there = [CLOCK]

    async def scene():
        async with serving() as (url, service):
            plan = replace(PLAN, url=url, web_search=True, retrieval_store="1646", retrieval_description="recipes")
            maker = RealtimeLinkMaker(plan, None, lambda: there)
            for _ in range(2):
                inbox = Inbox()
                link = maker(3, (), inbox, trial=False)
                async with asyncio.TaskGroup() as group:
                    group.create_task(link.run())
                    await inbox.until(LinkOpened)
                    await service.until("session.update")
                    link.close()
                there.clear()
            await service.until("session.update", 2)
            return service.of("session.update")

    first, second = (one["session"]["tools"] for one in play(scene()))
    assert [one["type"] for one in first] == ["function", "web_search", "retrieval"]
    assert first[0]["function"]["name"] == "get_time"
    assert first[1:] == second


@pytest.mark.parametrize("turn_detection", ["server", "own"])
@pytest.mark.parametrize("spoken", ["", "One moment."])
def test_a_tool_is_called_and_what_came_of_it_answered(turn_detection, spoken):
    script = (
        Reply(spoken, (StepFunCall("get_time"), StepFunCall("lamp", '{"on":true}'))),
        Reply("{output}", to="tool"),
    )
    options = SimulatorOptions(replies=script, timing=Timing.quick())
    question = synthesise("What time is it?", "slt", LINK_RATE_HZ).tobytes() + bytes(LINK_RATE_HZ * SAMPLE_BYTES)

    async def scene():
        async with StepFunSimulator(options) as service:
            own = turn_detection == "own"
            async with calling(service.url(), key=DEFAULT_KEY, turn_detection=turn_detection) as (link, inbox):
                await inbox.until(LinkOpened)
                link.send_audio(question)
                if own:
                    link.commit_turn()
                await inbox.until(ToolCalled, 2)
                called = [one for one in inbox.events if isinstance(one, ToolCalled)]
                link.give_tool_outputs([ToolOutput(one.tool_call, one.name) for one in called], respond=True)
                await inbox.until(ReplyEnded, 2)
            (session,) = service.sessions
            return called, inbox, session

    called, inbox, session = play(scene())
    assert [(one.name, one.arguments) for one in called] == [("get_time", "{}"), ("lamp", '{"on":true}')]
    assert [(one.call_id, one.output) for one in session.tool_outputs] == [(one.tool_call, one.name) for one in called]
    assert session.responses[1].text.split() == ["get_time", "lamp"]
    ended = [one for one in inbox.events if isinstance(one, ReplyEnded)]
    assert [(one.reply, one.status) for one in ended] == [(one.reply, "completed") for one in ended]
    assert {one.reply for one in called} == {ended[0].reply}
    assert inbox.events.index(called[-1]) < inbox.events.index(ended[0])
    texts = [one.text for one in inbox.events if isinstance(one, ReplyText) and one.reply == ended[0].reply]
    assert "".join(texts) == spoken, "its odd tail makes no text"
    assert not [one for one in inbox.events if isinstance(one, ServiceComplained)]


# ── a call ───────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("append_ms", [20, 40])
def test_speech_arrives_whole_in_appends_before_its_commit(append_ms):
    async def scene():
        async with serving() as (url, service):
            async with calling(url, append_ms=append_ms, turn_detection="own") as (link, inbox):
                await inbox.until(LinkOpened)
                link.send_audio(PCM)
                link.send_audio(PCM[:7])
                link.send_audio(PCM[:7])
                link.commit_turn()
                await service.until("response.create")
            return service, link.counters

    service, counters = play(scene())
    assert service.speech == PCM + PCM[:7] * 2
    sizes = [len(base64.b64decode(one["audio"])) for one in service.of("input_audio_buffer.append")]
    assert set(sizes[:-1]) == {append_ms * 48}
    assert [one["type"] for one in service.requests[-2:]] == ["input_audio_buffer.commit", "response.create"]
    assert (counters.sent, counters.received) == (len(service.requests), 1)


def test_speech_given_early_follows_the_settings():
    async def scene():
        async with serving() as (url, service), calling(url, history=[Turn("user", "x")]) as (link, _):
            link.send_audio(PCM)
            await service.until("input_audio_buffer.append")
            return [one["type"] for one in service.requests[:3]]

    assert play(scene()) == ["session.update", "conversation.item.create", "input_audio_buffer.append"]


def test_reply_and_its_cancelling():
    async def behaviour(socket, service):
        await socket.send(event("response.created", response={"id": "R"}))
        await socket.send(audio("R", PCM))
        while not service.of("response.cancel"):
            service.keep(await socket.recv())
        await socket.send(audio("R", PCM))
        await socket.send(event("response.done", response={"id": "R", "status": "incomplete"}))

    async def scene():
        async with serving(behaviour) as (url, service), calling(url) as (link, inbox):
            await inbox.until(ReplyAudio)
            link.send_audio(PCM)
            link.cancel_reply("R", 20.5)
            await inbox.until(ReplyEnded)
            await service.until("input_audio_buffer.append")
        return inbox.events, service.requests[1:3]

    events, (cancel, truncate) = play(scene())
    assert cancel["type"] == "response.cancel"  # ahead of the speech that waits
    assert events == [
        LinkOpened(3),
        ReplyStarted(3, "R"),
        ReplyAudio(3, "R", PCM),
        ReplyEnded(3, "R", "cancelled"),
        LinkClosed(3),
    ]
    assert (truncate["item_id"], truncate["audio_end_ms"]) == ("I", 20)


def test_error_and_nothing_recognised():
    async def behaviour(socket, _):
        await socket.send(event("error", error={"type": "invalid_request_error", "message": "no speech found"}))
        await socket.send(event("error", error={"type": "server_error", "message": f"who is {KEY}?"}))

    async def scene():
        async with serving(behaviour) as (url, _), calling(url) as (_, inbox):
            await inbox.until(ServiceComplained)
        return inbox.events

    events = play(scene())
    assert events[1] == NothingRecognised(3)
    assert "who is ***?" in events[2].problem.sentence


def test_a_long_reply_in_one_piece():
    pcm = bytes(4_000_000)

    async def behaviour(socket, _):
        await socket.send(audio("R", pcm))

    async def scene():
        async with serving(behaviour) as (url, _), calling(url) as (_, inbox):
            await inbox.until(ReplyAudio)
        return inbox.events

    assert ReplyAudio(3, "R", pcm) in play(scene())


# ── refusals ─────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("status", "fault", "words"),
    [
        (400, "refused", "realtime.model"),
        (401, "refused", "does not know the API key"),
        (402, "refused", "/step_plan/v1/realtime"),
        (404, "refused", "/step_plan/v1/realtime"),
        (429, "lost", "too many"),
        (503, "lost", "503"),
    ],
)
def test_upgrade_refused(status, fault, words):
    def refuse(connection, _):
        body = json.dumps({"error": {"message": f"because of {KEY}" + 60 * " and so on", "type": "t"}})
        return connection.respond(http.HTTPStatus(status), body)

    async def scene():
        async with serving(process_request=refuse) as (url, _):
            return (await fate(url))[1]

    inbox = play(scene())
    assert len(inbox.events) == 1
    assert inbox.problem.fault == fault
    assert words in inbox.problem.sentence
    assert "because of *** and so on" in inbox.problem.sentence
    assert len(inbox.problem.sentence) <= MAX_SENTENCE
    assert "..." in inbox.problem.sentence[-5:]


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"url": "ws://192.0.2.1/v1/realtime"}, "unencrypted"),
        ({"url": "ws://localhost.example.com/v1/realtime"}, "unencrypted"),
        ({"url": "https://api.stepfun.com/v1/realtime"}, "not an address"),
        ({"url": "wss://"}, "not an address"),
        ({"url": "ws://127.0.0.1:99999/"}, "not an address"),
        ({"url": "ws://[::1/"}, "not an address"),
        ({"url": ""}, "not an address"),
        ({"url": "ws://127.0.0.1:9/", "key": "sk\r\nX: y"}, "characters"),
        ({"url": "ws://127.0.0.1:9/", "key": "sk-\u200b"}, "characters"),
        ({"url": "ws://127.0.0.1:9/", "proxy": "nonsense"}, "realtime.proxy"),
    ],
)
def test_settings_that_cannot_be_used(changes, words):
    _, inbox = play(fate(**changes))
    assert inbox.problem.fault == "refused"
    assert words in inbox.problem.sentence


def test_a_redirect_is_not_followed():
    async def scene():
        async with serving() as (elsewhere, other):

            def redirect(connection, _):
                response = connection.respond(http.HTTPStatus.FOUND, "")
                response.headers["Location"] = elsewhere
                return response

            async with serving(process_request=redirect) as (url, _):
                _, inbox = await fate(url)
            return inbox, other.upgrades

    inbox, upgrades = play(scene())
    assert inbox.problem.fault == "refused"
    assert "another address" in inbox.problem.sentence
    assert upgrades == []


def test_a_plain_server_where_tls_is_expected():
    async def rubbish(_, writer):
        writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        await writer.drain()

    async def scene():
        async with raw_server(rubbish) as port:
            return (await fate(f"wss://127.0.0.1:{port}/v1/realtime"))[1]

    inbox = play(scene())
    assert inbox.problem.fault == "refused"
    assert "TLS" in inbox.problem.sentence


@pytest.mark.skipif(shutil.which("openssl") is None, reason="makes its certificate with openssl")
def test_a_certificate_that_nobody_signed(tmp_path):
    files = ["-keyout", tmp_path / "key.pem", "-out", tmp_path / "cert.pem"]
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=localhost", "-days", "2", *files],
        check=True,
        capture_output=True,
    )
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(tmp_path / "cert.pem", tmp_path / "key.pem")

    async def scene():
        async with serving(ssl=tls) as (url, service):
            _, inbox = await fate(url.replace("ws://127.0.0.1", "wss://localhost"))
            return inbox, service.upgrades

    inbox, upgrades = play(scene())
    assert inbox.problem.fault == "refused"
    assert "nobody we trust" in inbox.problem.sentence
    assert upgrades == []


# ── a world that breaks ──────────────────────────────────────────────────────────────────────────


async def silence(reader, _):
    await reader.read()


async def hang_up(reader, _):
    await reader.readuntil(b"\r\n\r\n")


async def not_http(reader, writer):
    await reader.readuntil(b"\r\n\r\n")
    writer.write(b"220 mail.example.com ready\r\n\r\n")
    await writer.drain()


@pytest.mark.parametrize(
    ("answer", "fault", "words"),
    [(silence, "lost", "in time"), (hang_up, "lost", "hung up"), (not_http, "garbled", "realtime.url")],
)
def test_servers_that_do_not_answer_well(answer, fault, words):
    async def scene():
        async with raw_server(answer) as port:
            timeout_ms = 300 if answer is silence else 20_000
            return (await fate(f"ws://127.0.0.1:{port}/", open_timeout_ms=timeout_ms))[1]

    inbox = play(scene())
    assert len(inbox.events) == 1
    assert inbox.problem.fault == fault
    assert words in inbox.problem.sentence


def test_a_server_that_upgrades_and_says_nothing():
    async def scene():
        async with serving(created=False) as (url, _):
            return (await fate(url, open_timeout_ms=300))[1]

    inbox = play(scene())
    assert len(inbox.events) == 1
    assert "in time" in inbox.problem.sentence


def test_nobody_listens():
    async def scene():
        async with raw_server(silence) as port:
            pass
        return (await fate(f"ws://127.0.0.1:{port}/"))[1]

    inbox = play(scene())
    assert inbox.problem.fault == "lost"
    assert "othing listens" in inbox.problem.sentence


def test_the_open_timeout_ends_with_the_opening(monkeypatch):
    limits = []
    timeout = asyncio.timeout

    def keeping(seconds):
        limits.append((seconds, timeout(seconds)))
        return limits[-1][1]

    monkeypatch.setattr(asyncio, "timeout", keeping)

    async def scene():
        async with serving() as (url, _), calling(url, open_timeout_ms=12_345) as (_, inbox):
            await inbox.until(LinkOpened)
            return [limit.when() for seconds, limit in limits if seconds == 12.345]

    assert play(scene()) == [None]


@pytest.mark.parametrize(("code", "reason"), [(1000, ""), (1001, "restart"), (1008, "policy"), (1011, f"not {KEY}!")])
def test_closed_by_the_server(code, reason):
    async def behaviour(socket, _):
        await socket.close(code, reason)

    async def scene():
        async with serving(behaviour) as (url, _):
            return (await fate(url))[1]

    inbox = play(scene())
    assert inbox.events[0] == LinkOpened(3)
    assert inbox.problem.fault == "lost"
    assert str(code) in inbox.problem.sentence
    assert reason.replace(KEY, "***") in inbox.problem.sentence


def test_cut_off_without_a_word():
    async def behaviour(socket, _):
        socket.transport.abort()

    async def scene():
        async with serving(behaviour) as (url, _):
            return (await fate(url))[1]

    assert "hung up" in play(scene()).problem.sentence


def test_a_peer_that_is_half_dead_is_found_by_pings():
    async def behaviour(socket, _):
        socket.transport.pause_reading()

    async def scene():
        async with serving(behaviour, close_timeout=0.1) as (url, _):
            return (await fate(url, ping_interval_s=0.1, ping_timeout_s=0.1))[1]

    inbox = play(scene())
    assert inbox.problem.fault == "lost"
    assert "stopped answering" in inbox.problem.sentence


def test_more_speech_than_may_wait():
    async def scene():
        async with serving() as (url, service), calling(url, backlog_ms=1000) as (link, inbox):
            await inbox.until(LinkOpened)
            link.send_audio(bytes(48_000))
            link.send_audio(b"ab")
            link.send_audio(b"cd")
            await inbox.until(LinkClosed)
        return inbox, service

    inbox, service = play(scene())
    assert service.closed_with == 1006  # nobody waits for a goodbye through a clogged pipe
    assert inbox.problem.fault == "lost"
    assert "keep up" in inbox.problem.sentence


def test_a_message_that_is_too_large():
    async def behaviour(socket, _):
        await socket.send(" " * (17 * 2**20))

    async def scene():
        async with serving(behaviour) as (url, _):
            return (await fate(url))[1]

    inbox = play(scene())
    assert inbox.problem.fault == "garbled"
    assert "larger" in inbox.problem.sentence


GARBAGE = ["{", "[]", b"\xff\x00", '{"type":5}', '{"type":"response.audio.delta","delta":"!"}', "[" * 3000, b"", "\x00"]


def test_ten_thousand_pieces_of_garbage_among_sound_messages():
    async def behaviour(socket, _):
        for number in range(10_000):
            if number % (MAX_MALFORMED_IN_A_ROW - 1) == 0:
                await socket.send(event("odd.but.sound"))
            await socket.send(GARBAGE[number % len(GARBAGE)])
        await socket.send(event("input_audio_buffer.speech_started"))

    async def scene():
        async with serving(behaviour) as (url, _), calling(url) as (link, inbox):
            await inbox.until(SpeechStarted)
        return link.counters, inbox

    counters, inbox = play(scene())
    assert (counters.malformed, counters.unknown, counters.received) == (10_000, 102, 10_104)
    assert inbox.events == [LinkOpened(3), SpeechStarted(3), LinkClosed(3)]


def test_an_event_that_comes_twice_counts_once():
    """By its id: sound alone may well be the same as the sound before."""
    pcm = bytes(480)
    delta = json.loads(audio("R", pcm))
    twice = json.dumps(delta | {"event_id": "e1"})

    async def behaviour(socket, _):
        await socket.send(event("response.created", response={"id": "R"}))
        for frame in (twice, twice, json.dumps(delta | {"event_id": "e2"}), audio("R", pcm), audio("R", pcm)):
            await socket.send(frame)

    async def scene():
        async with serving(behaviour) as (url, _), calling(url) as (link, inbox):
            await inbox.until(ReplyAudio, 4)
        return link.counters, inbox

    counters, inbox = play(scene())
    assert counters.repeated == 1
    assert sum(isinstance(one, ReplyAudio) for one in inbox.events) == 4


@pytest.mark.parametrize("created", [True, False])
def test_nothing_but_garbage_ends_the_call(created):
    async def behaviour(socket, _):
        for number in range(10_000):
            await socket.send(GARBAGE[number % len(GARBAGE)])

    async def scene():
        async with serving(behaviour, created=created) as (url, _):
            return await fate(url)

    link, inbox = play(scene())
    assert link.counters.malformed == MAX_MALFORMED_IN_A_ROW
    assert inbox.problem.fault == "garbled"


def test_a_resolver_that_is_silent_is_not_taken_for_a_silent_service():
    async def scene():
        asked = []

        async def silence(host, *_, **__):
            asked.append(host)
            await asyncio.Event().wait()

        asyncio.get_running_loop().getaddrinfo = silence
        _, inbox = await fate("wss://api.invalid/v1/realtime", open_timeout_ms=200)
        return asked, inbox

    asked, inbox = play(scene())
    assert asked == ["api.invalid"]
    assert inbox.problem.fault == "lost"
    assert "No DNS server answers about api.invalid" in inbox.problem.sentence


# ── signs of life ────────────────────────────────────────────────────────────────────────────────


class Mute:
    """The pings that have come to a server of the tests, which answers none of them unless told to."""

    def __init__(self):
        self.pings = []
        self._allowed = None
        self._changed = asyncio.Event()

    async def __call__(self, socket, _):
        send, self._answer = socket.protocol.send_frame, socket.pong

        def send_but_pongs(frame):
            if frame.opcode is Opcode.PONG and bytes(frame.data) != self._allowed:
                self.pings.append(bytes(frame.data))
                self._changed.set()
            else:
                send(frame)

        socket.protocol.send_frame = send_but_pongs
        await socket.send(CREATED)

    async def until(self, count):
        while len(self.pings) < count:
            self._changed.clear()
            await self._changed.wait()

    async def answer_the_last(self):
        """One pong, which answers every ping before it as well (RFC 6455, 5.5.3)."""
        self._allowed = self.pings[-1]
        await self._answer(self.pings[-1])


def test_each_check_is_answered_by_one_sign_of_life():
    async def scene():
        async with serving() as (url, _), calling(url) as (link, inbox):
            await inbox.until(LinkOpened)
            for _ in range(3):
                link.check()
            await inbox.until(LinkAlive, 3)
            link.check()
            await inbox.until(LinkAlive, 4)
        return inbox.events

    assert play(scene()) == [LinkOpened(3), *[LinkAlive(3)] * 4, LinkClosed(3)]


def test_a_check_that_is_asked_early_is_answered_when_there_is_a_socket():
    async def scene():
        async with serving() as (url, _):
            inbox = Inbox()
            link = RealtimeLinkMaker(replace(PLAN, url=url), None)(3, (), inbox, trial=False)
            link.check()
            async with asyncio.TaskGroup() as group:
                group.create_task(link.run())
                await inbox.until(LinkAlive)
                link.close()
        return inbox.events

    events = play(scene())
    assert events.count(LinkAlive(3)) == 1
    assert events[-1] == LinkClosed(3)


def test_no_pong_is_no_sign_of_life_and_costs_no_more_the_longer_it_lasts():
    async def scene():
        peer = Mute()
        async with serving(peer, created=False) as (url, _), calling(url) as (link, inbox):
            await inbox.until(LinkOpened)
            for _ in range(10_000):
                link.check()
            await peer.until(MAX_UNANSWERED)
            tasks = len(asyncio.all_tasks())
            for _ in range(10_000):
                link.check()
                await asyncio.sleep(0)
            assert len(asyncio.all_tasks()) == tasks
            assert inbox.events == [LinkOpened(3)]
            assert len(peer.pings) == MAX_UNANSWERED
            await peer.answer_the_last()
            await inbox.until(LinkAlive, MAX_UNANSWERED)
            link.check()
            await peer.until(MAX_UNANSWERED + 1)
            await peer.answer_the_last()
            await inbox.until(LinkAlive, MAX_UNANSWERED + 1)
        return inbox.events

    assert play(scene()) == [LinkOpened(3), *[LinkAlive(3)] * (MAX_UNANSWERED + 1), LinkClosed(3)]


def test_a_service_that_stalls_shows_no_life():
    stalled = asyncio.Event()

    def tell(line):
        if line["what"] == "fault":
            stalled.set()

    async def scene():
        stall = StepFunSimulator(SimulatorOptions(faults=(Fault(Kind.STALL_AT_EVENT, 2),)), log=tell)
        hasty = {"ping_interval_s": 0.2, "ping_timeout_s": 0.2}  # the library's own pings, which end the call
        async with stall as service, calling(service.url(), key=DEFAULT_KEY, **hasty) as (link, inbox):
            await inbox.until(LinkOpened)
            await stalled.wait()
            link.check()
            await inbox.until(LinkClosed)
        return inbox

    inbox = play(scene())
    assert inbox.events == [LinkOpened(3), LinkClosed(3, inbox.problem)]
    assert "stopped answering" in inbox.problem.sentence


def test_a_check_overtakes_the_speech_that_waits():
    frames = []

    class Noting(ServerConnection):
        def process_event(self, event):
            frames.append(getattr(event, "opcode", None))
            super().process_event(event)

    async def scene():
        async with serving(create_connection=Noting) as (url, service), calling(url) as (link, inbox):
            await inbox.until(LinkOpened)
            link.send_audio(bytes(1000 * APPEND_BYTES))
            link.check()
            await service.until("input_audio_buffer.append", 1000)

    play(scene())
    assert frames.count(Opcode.TEXT) == 1001
    assert frames.index(Opcode.PING) < 10


def test_little_goes_ahead_of_what_is_urgent_on_a_slow_uplink():
    """And a peer that takes nothing in is found, though not even a ping can be sent to it."""

    async def behaviour(connection, _):
        connection.transport.pause_reading()

    async def scene():
        with socket.create_server(("127.0.0.1", 0)) as listener:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)  # what the network holds is not ours
            async with (
                serving(behaviour, sock=listener, close_timeout=0.1) as (url, _),
                calling(url, ping_timeout_s=0.2) as (link, inbox),
            ):
                await inbox.until(LinkOpened)
                link.send_audio(bytes(1000 * APPEND_BYTES))
                link.check()
                await inbox.until(LinkClosed)
        return link.counters, inbox

    counters, inbox = play(scene())
    assert counters.sent * APPEND_BYTES < 4 * MAX_AHEAD_BYTES
    assert inbox.problem.fault == "lost"
    assert "takes nothing in" in inbox.problem.sentence
    assert LinkAlive(3) not in inbox.events


@pytest.mark.parametrize("end", ["ours", "theirs"])
def test_no_sign_of_life_after_the_end(end):
    async def scene():
        peer = Mute()
        async with serving(peer, created=False) as (url, service), calling(url) as (link, inbox):
            await inbox.until(LinkOpened)
            link.check()
            await peer.until(1)
            if end == "ours":
                link.close()
            else:
                service.socket.transport.abort()
            await inbox.until(LinkClosed)
            link.check()
            await asyncio.sleep(0)
        return inbox.events

    events = play(scene())
    assert [type(event) for event in events] == [LinkOpened, LinkClosed]


# ── ending ───────────────────────────────────────────────────────────────────────────────────────


def test_closed_by_us_says_goodbye():
    async def scene():
        async with serving() as (url, service):
            async with calling(url) as (link, inbox):
                await inbox.until(LinkOpened)
                link.close()
                link.close()
            link.send_audio(PCM)
            link.commit_turn()
            link.cancel_reply("R", 0.0)
            link.close()
        return inbox, service

    inbox, service = play(scene())
    assert inbox.events == [LinkOpened(3), LinkClosed(3)]
    assert service.closed_with == 1000


@pytest.mark.parametrize("hangs_up", [False, True])
def test_a_peer_that_takes_nothing_in_does_not_hold_us(hangs_up, monkeypatch):
    """Nor does one that hangs up in the middle of our goodbye, and takes in the rest of it then."""
    dialled = []

    async def keeping(*where, **how):
        dialled.append(await dial(*where, **how))
        return dialled[-1]

    monkeypatch.setattr(link_module, "dial", keeping)
    left = asyncio.Event()

    async def behaviour(socket, _):
        socket.transport.pause_reading()
        await left.wait()

    async def scene():
        async with serving(behaviour) as (url, service), calling(url) as (link, inbox):
            await inbox.until(LinkOpened)
            link.send_audio(bytes(4_000_000))
            while not dialled[0].paused:  # noqa: ASYNC110 - a private fact has no event to wait for
                await asyncio.sleep(0)
            link.close()
            for _ in range(10):  # the goodbye waits behind the speech
                await asyncio.sleep(0)
            if hangs_up:
                service.socket.transport.write_eof()
                service.socket.transport.resume_reading()
            await inbox.until(LinkClosed)
            service.socket.transport.abort()
            left.set()
        return inbox

    assert play(scene()).events == [LinkOpened(3), LinkClosed(3)]


def test_nothing_is_told_after_the_end():
    class Closing(Inbox):
        def __call__(self, event):
            super().__call__(event)
            link.close()

    async def behaviour(socket, _):
        await socket.send(event("session.updated", session={"voice": "another"}))

    async def scene():
        nonlocal link
        async with serving(behaviour, created=False) as (url, _):
            inbox = Closing()
            link = RealtimeLinkMaker(replace(PLAN, url=url), None)(3, (), inbox, trial=False)
            await link.run()
        return inbox.events

    link = None
    assert play(scene()) == [LinkOpened(3), LinkClosed(3)]


def test_closed_before_it_runs():
    async def scene():
        async with serving() as (url, service):
            inbox = Inbox()
            link = RealtimeLinkMaker(replace(PLAN, url=url), None)(3, (), inbox, trial=False)
            link.close()
            await link.run()
        return inbox.events, service.upgrades

    assert play(scene()) == ([LinkClosed(3)], [])


def test_closed_while_it_opens():
    dialled = asyncio.Event()

    async def dial_and_wait(reader, _):
        await reader.readuntil(b"\r\n\r\n")
        dialled.set()
        await reader.read()

    async def scene():
        async with raw_server(dial_and_wait) as port, calling(f"ws://127.0.0.1:{port}/") as (link, inbox):
            await dialled.wait()
            link.close()
            await inbox.until(LinkClosed)
        return inbox

    inbox = play(scene())
    assert inbox.events == [LinkClosed(3)]


def test_cancelled_from_outside_it_ends_without_a_problem():
    async def scene():
        async with serving() as (url, _):
            inbox = Inbox()
            link = RealtimeLinkMaker(replace(PLAN, url=url), None)(3, (), inbox, trial=False)
            async with asyncio.TaskGroup() as group:
                task = group.create_task(link.run())
                await inbox.until(LinkOpened)
                task.cancel()
            return inbox.events

    assert play(scene()) == [LinkOpened(3), LinkClosed(3)]


def test_the_first_reason_stands():
    async def scene():
        async with serving() as (url, _), calling(url, backlog_ms=1000) as (link, inbox):
            await inbox.until(LinkOpened)
            link.send_audio(bytes(50_000))
            link.close()
        return inbox

    assert "keep up" in play(scene()).problem.sentence


# ── proxies and secrets ──────────────────────────────────────────────────────────────────────────


def test_proxies_of_the_environment_are_ignored(monkeypatch):
    for name in ("http_proxy", "https_proxy", "all_proxy", "ws_proxy", "wss_proxy", "socks_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
        monkeypatch.setenv(name.upper(), "http://127.0.0.1:9")

    async def scene():
        async with serving() as (url, _), calling(url) as (_, inbox):
            await inbox.until(LinkOpened)
        return inbox.events

    assert play(scene()) == [LinkOpened(3), LinkClosed(3)]


def test_the_proxy_of_the_settings_is_used():
    asked = []

    async def refuse(reader, writer):
        asked.append(await reader.readuntil(b"\r\n\r\n"))
        writer.write(b"HTTP/1.1 502 Bad Gateway\r\n\r\n")
        await writer.drain()

    async def scene():
        async with raw_server(refuse) as port:
            proxy = f"http://user:{KEY}@127.0.0.1:{port}"
            return (await fate("ws://192.0.2.1:8000/", proxy=proxy, allow_plain=True))[1]

    inbox = play(scene())
    assert asked[0].startswith(b"CONNECT 192.0.2.1:8000 ")
    assert inbox.problem.fault == "lost"
    assert "realtime.proxy" in inbox.problem.sentence
    assert KEY not in inbox.problem.sentence


def test_the_key_is_nowhere_to_be_read(caplog):
    caplog.set_level(logging.DEBUG)
    logging.getLogger("websockets").setLevel(logging.DEBUG)

    async def scene():
        def broken(_):
            raise BrokenInboxError

        async with serving() as (url, service):
            maker = RealtimeLinkMaker(replace(PLAN, url=url), Secret(KEY, "the test"))
            link = maker(3, (), broken, trial=False)
            try:
                await link.run()
            except (BrokenInboxError, BaseExceptionGroup) as error:
                trace = "".join(traceback.format_exception(error))
            return service, f"{maker!r} {link!r} {vars(maker)} {vars(link)} {trace}"

    service, text = play(scene())
    assert service.upgrades[0].headers["Authorization"].endswith(KEY)
    assert "BrokenInboxError" in text
    assert KEY not in text + caplog.text


class BrokenInboxError(Exception):
    """A fault of the programmer."""


@pytest.fixture(autouse=True)
def _nothing_left_behind():
    yield
    gc.collect()  # a socket or task that was forgotten warns now, and warnings are errors
