"""The control socket, with real clients: good ones, rude ones, and those that are gone before they are answered."""

import asyncio
import json
import os
import socket
import stat
import tempfile
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from antiphon.conversation.events import Commanded, SayWanted, SpeechStyle, VolumeWanted
from antiphon.conversation.states import State
from antiphon.runtime import control
from antiphon.runtime.control import (
    LONGEST_LINE,
    MOST_CLIENTS,
    MOST_TEXT,
    WELL_KNOWN,
    BadRequest,
    ControlError,
    ControlServer,
    event_of,
    open_socket,
    parsed,
    places,
)
from antiphon.runtime.orders import Orders
from antiphon.snapshot import Snapshot

BOUND_S = 30


@dataclass
class Rig:
    server: ControlServer
    orders: Orders
    path: Path
    status: dict
    lines: list = field(default_factory=list)
    wants: list = field(default_factory=list)
    news: asyncio.Event = field(default_factory=asyncio.Event)
    answers: str | None = ""
    """What the mind says to every order; None: it has not decided yet."""

    def post(self, event):
        self.wants.append(event)
        self.news.set()
        if self.answers is not None:
            self.orders.answer(event.ask, self.answers)

    def write(self, level, what, **fields):
        self.lines.append((level, what, fields))

    async def until_wanted(self, count):
        while len(self.wants) < count:
            self.news.clear()
            await self.news.wait()

    async def until_free(self, clients=0):
        await until(lambda: self.server._clients == clients)

    @asynccontextmanager
    async def client(self):
        reader, writer = await asyncio.open_unix_connection(self.path, limit=1 << 20)
        try:
            yield Client(reader, writer)
        finally:
            writer.close()


@dataclass
class Client:
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    def send(self, raw):
        self.writer.write(raw)

    async def reply(self):
        return json.loads(await self.reader.readline())

    async def ask(self, **request):
        self.send(json.dumps(request).encode() + b"\n")
        return await self.reply()


async def until(fits):
    while not fits():  # noqa: ASYNC110 - nobody tells of it
        await asyncio.sleep(0)


@asynccontextmanager
async def running():
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "run", "control.sock")
        rig = Rig(None, None, path, {"state": "asleep", "speaker": {"volume": 40}})
        rig.orders = Orders(rig.post)
        rig.server = ControlServer(path, rig.orders, lambda: rig.status, rig)
        async with asyncio.timeout(BOUND_S), asyncio.TaskGroup() as group:
            serving = group.create_task(rig.server.serve())
            await until(lambda: path.exists() or serving.done())
            yield rig
            serving.cancel()
        assert not os.path.lexists(path)  # noqa: ASYNC240 - all else is over
        assert rig.orders._waiting == {}
        assert rig.server._clients == 0


def within(story):
    asyncio.run(story())


# ── good clients ─────────────────────────────────────────────────────────────────────────────────


def test_the_status_is_told_as_often_as_it_is_asked_for():
    async def story():
        async with running() as rig, rig.client() as client:
            assert await client.ask(do="status") == {"ok": True, "state": "asleep", "speaker": {"volume": 40}}
            rig.status["state"] = "listening"
            assert (await client.ask(do="status"))["state"] == "listening"
            assert rig.wants == []

    within(story)


def test_only_the_owner_and_his_group_may_use_it():
    async def story():
        before = os.umask(0o077)  # as the service's
        try:
            async with running() as rig:
                assert stat.S_IMODE(rig.path.stat().st_mode) == 0o660
        finally:
            os.umask(before)

    within(story)


@pytest.mark.parametrize("problem", ["", "The switch on the device says no"])
def test_an_order_is_posted_with_a_number_of_its_own_and_answered(problem):
    async def story():
        async with running() as rig, rig.client() as client:
            rig.answers = problem
            for order in control.ORDERS:
                wanted = {"ok": False, "why": problem} if problem else {"ok": True}
                assert await client.ask(do=order) == wanted
            assert rig.wants == [Commanded(order, ask) for ask, order in enumerate(control.ORDERS, 1)]

    within(story)


def test_the_volume_is_told_and_changed():
    async def story():
        async with running() as rig, rig.client() as client:
            assert await client.ask(do="volume") == {"ok": True, "volume": 40}
            assert rig.wants == []
            assert await client.ask(do="volume", percent=55) == {"ok": True, "volume": 40}
            assert await client.ask(do="volume", change=-5) == {"ok": True, "volume": 40}
            assert rig.wants == [VolumeWanted(55, 0, 1), VolumeWanted(None, -5, 2)]

    within(story)


def test_a_text_is_said():
    async def story():
        async with running() as rig, rig.client() as client:
            assert await client.ask(do="say", text=" 晚饭好了\u3000来吃! 👩‍🍳\n") == {"ok": True}
            assert rig.wants == [SayWanted("晚饭好了\u3000来吃! 👩‍🍳", 1)]

    within(story)


def test_a_text_is_said_in_a_style():
    async def story():
        async with running() as rig, rig.client() as client:
            assert await client.ask(do="say", text="hi", voice="linjiajiejie", speed=2) == {"ok": True}
            assert rig.wants == [SayWanted("hi", 1, SpeechStyle("linjiajiejie", None, 2))]

    within(story)


def test_each_client_gets_the_answer_to_its_own_order():
    async def story():
        async with running() as rig, rig.client() as one, rig.client() as other:
            rig.answers = None
            asked = [asyncio.ensure_future(client.ask(do="mute")) for client in (one, other)]  # noqa: TID251 - here
            await rig.until_wanted(2)
            first, second = (event.ask for event in rig.wants)
            rig.orders.answer(second, "second")
            rig.orders.answer(second, "told twice")
            rig.orders.answer(99, "nobody asked")
            rig.orders.answer(first, "first")
            assert {(await one_asked)["why"] for one_asked in asked} == {"first", "second"}

    within(story)


def test_who_watches_is_told_of_every_change(monkeypatch):
    monkeypatch.setattr(control, "WATCH_S", BOUND_S)

    async def story():
        async with running() as rig, rig.client() as client:
            assert (await client.ask(do="watch"))["state"] == "asleep"
            for state in ("listening", "thinking"):
                rig.status["state"] = state
                rig.server.see(Snapshot(State.LISTENING, 0.0, "open", deaf=False))
                assert (await client.reply())["state"] == state
            client.writer.close()
            rig.server.see(Snapshot(State.ASLEEP, 0.0, "open", deaf=False))

    within(story)


def test_who_watches_hears_of_it_now_and_then_and_is_forgotten_when_he_goes(monkeypatch):
    monkeypatch.setattr(control, "WATCH_S", 0.001)

    async def story():
        async with running() as rig:
            async with rig.client() as client:
                await client.ask(do="watch")
                await client.reply()
            await rig.until_free()
            assert rig.server._watching == set()

    within(story)


def test_a_request_may_end_with_the_connection():
    async def story():
        async with running() as rig, rig.client() as client:
            client.send(b'{"do": "status"}')
            client.writer.write_eof()
            assert (await client.reply())["ok"]
            assert await client.reader.read() == b""

    within(story)


# ── requests ─────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("request_", "words"),
    [
        (b"", "no JSON"),
        (b"\xff\xfe", "no JSON"),
        (b"[" * 9000, "no JSON"),
        (b'{"do": "status"', "no JSON"),
        (b"9" * 6000, "no JSON"),
        (b"[]", "an object"),
        (b"{}", "an object"),
        (b'{"do": ["status"]}', "an object"),
        (b'{"do": "fly"}', "it can do: status, watch, say, volume, stop"),
        (b'{"do": "mute", "percent": 3}', "mute takes nothing more"),
        (b'{"do": "say", "words": "hi"}', "say takes instruction or speed or text or voice"),
        (b'{"do": "say", "text": "hi", "speed": 3}', "speed is a number from 0.5 to 2"),
        (b'{"do": "say", "text": "hi", "speed": true}', "speed is a number"),
        (b'{"do": "say", "text": "hi", "voice": 3}', "voice is a text"),
        (b'{"do": "say", "text": "hi", "instruction": "a\\nb"}', "instruction is a text of 500"),
        (b'{"do": "say"}', "not empty"),
        (b'{"do": "say", "text": " \\n"}', "not empty"),
        (b'{"do": "say", "text": 3}', "not empty"),
        (b'{"do": "say", "text": "\\ud800"}', "nobody can say"),
        (b'{"do": "say", "text": "a\\u0000b"}', "nobody can say"),
        (b'{"do": "say", "text": "' + b"x" * (MOST_TEXT + 1) + b'"}', "5000 characters at most"),
        (b'{"do": "volume", "percent": 101}', "percent is a whole number from 0 to 100"),
        (b'{"do": "volume", "percent": -1}', "percent is"),
        (b'{"do": "volume", "percent": true}', "percent is"),
        (b'{"do": "volume", "percent": NaN}', "percent is"),
        (b'{"do": "volume", "percent": null}', "percent is"),
        (b'{"do": "volume", "change": 1.5}', "change is a whole number from -100 to 100"),
        (b'{"do": "volume", "change": -101}', "change is"),
        (b'{"do": "volume", "percent": 3, "change": 1}', "not both"),
    ],
)
def test_what_nobody_can_do_is_refused_in_words(request_, words):
    with pytest.raises(BadRequest, match=words):
        parsed(request_)


def test_a_request_becomes_its_event():
    assert event_of(parsed(b'{"do": "listen"}'), 7) == Commanded("listen", 7)
    assert event_of(parsed(b'{"do": "volume", "percent": 0}'), 8) == VolumeWanted(0, 0, 8)


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda children: st.lists(children, max_size=3) | st.dictionaries(st.text(max_size=8), children, max_size=3),
    max_leaves=6,
)
DOINGS = st.sampled_from(["status", "say", "volume", *control.ORDERS]) | VALUES
REQUESTS = st.fixed_dictionaries({"do": DOINGS}, optional={"text": VALUES, "percent": VALUES, "change": VALUES})
NONSENSE = st.binary(max_size=200).map(lambda raw: raw.replace(b"\n", b" "))


@settings(max_examples=60)
@given(st.lists(NONSENSE | REQUESTS.map(lambda one: json.dumps(one).encode()), min_size=1, max_size=8))
def test_whatever_is_sent_gets_one_reply_and_only_orders_are_posted(raws):
    async def story():
        async with running() as rig, rig.client() as client:
            for raw in raws:
                client.send(raw + b"\n")
                told = await client.reply()
                assert told["ok"] is True or told["why"]
            assert (await client.ask(do="status"))["ok"] is True
            assert all(isinstance(event, Commanded | SayWanted | VolumeWanted) for event in rig.wants)

    within(story)


CHUNKS = st.lists(
    NONSENSE | st.sampled_from([b"\n", b'{"do": "watch"}\n', b'{"do": "mute"}\n', b'{"do": "sta', b'tus"}\n']),
    max_size=6,
)
ENDS = st.sampled_from(["close", "half-close", "abort"])


@settings(max_examples=40)
@given(st.lists(st.tuples(CHUNKS, ENDS), min_size=1, max_size=5))
def test_however_clients_come_and_go_the_next_one_is_served(clients):
    async def story():
        async with running() as rig:
            rig.answers = None
            for chunks, end in clients:
                _, writer = await asyncio.open_unix_connection(rig.path)
                for chunk in chunks:
                    writer.write(chunk)
                if end == "half-close":
                    writer.write_eof()
                    await asyncio.sleep(0)
                writer.transport.abort() if end == "abort" else writer.close()
            for ask in range(100):
                rig.orders.answer(ask, "")
            async with rig.client() as client:
                assert (await client.ask(do="status"))["ok"] is True

    within(story)


# ── rude clients ─────────────────────────────────────────────────────────────────────────────────


def test_nonsense_is_refused_and_the_conversation_goes_on():
    async def story():
        async with running() as rig, rig.client() as client:
            client.send(b"please?\n")
            assert (await client.reply())["ok"] is False
            assert (await client.ask(do="status"))["ok"] is True
            assert rig.lines == []

    within(story)


def test_a_line_without_end_is_refused_and_the_client_let_go():
    async def story():
        async with running() as rig, rig.client() as client:
            client.send(b"x" * (LONGEST_LINE + 1))
            assert "65536 bytes" in (await client.reply())["why"]
            with pytest.raises((ConnectionError, asyncio.IncompleteReadError)):
                await client.reader.readexactly(1)
            await rig.until_free()

    within(story)


def test_a_client_that_never_ends_its_line_is_let_go(monkeypatch):
    monkeypatch.setattr(control, "LINE_S", 0.01)

    async def story():
        async with running() as rig, rig.client() as client:
            client.send(b'{"do":')
            assert await client.reader.read() == b""
            await rig.until_free()

    within(story)


def test_a_client_that_never_reads_is_let_go_and_nothing_piles_up(monkeypatch):
    monkeypatch.setattr(control, "READ_S", 0.05)

    async def story():
        async with running() as rig:
            rig.status["padding"] = "x" * 100_000
            async with rig.client() as rude, rig.client() as other:
                rude.reader._transport.pause_reading()
                rude.send(b'{"do": "status"}\n' * 400)
                await rig.until_free(1)
                assert (await other.ask(do="status"))["ok"] is True

    within(story)


def test_a_client_that_is_gone_before_it_is_answered_harms_nobody():
    async def story():
        async with running() as rig:
            rig.answers = None
            async with rig.client() as client:
                client.send(b'{"do": "mute"}\n')
                await rig.until_wanted(1)
                client.writer.transport.abort()
            rig.orders.answer(1, "")
            await rig.until_free()
            rig.answers = ""
            async with rig.client() as client:
                assert (await client.ask(do="mute"))["ok"] is True

    within(story)


def test_an_order_that_nobody_answers_is_given_up(monkeypatch):
    monkeypatch.setattr(control, "ANSWER_S", 0.01)

    async def story():
        async with running() as rig, rig.client() as client:
            rig.answers = None
            assert "nobody has answered" in (await client.ask(do="mute"))["why"]
            rig.orders.answer(1, "too late")
            assert rig.orders._waiting == {}

    within(story)


def test_there_are_so_many_clients_and_no_more():
    async def story():
        async with running() as rig:
            clients = [await asyncio.open_unix_connection(rig.path) for _ in range(MOST_CLIENTS)]
            await rig.until_free(MOST_CLIENTS)
            async with rig.client() as one_more:
                assert "16 others" in (await one_more.reply())["why"]
                assert await one_more.reader.read() == b""
            for _, writer in clients:
                writer.close()
            await rig.until_free()
            async with rig.client() as client:
                assert (await client.ask(do="status"))["ok"] is True

    within(story)


def test_who_waits_when_it_ends_is_let_go():
    async def story():
        async with running() as rig:
            rig.answers = None
            reader, writer = await asyncio.open_unix_connection(rig.path)
            writer.write(b'{"do": "mute"}\n')
            await rig.until_wanted(1)
        assert await reader.read() == b""
        writer.close()

    within(story)


# ── the socket ───────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("setting", "environ", "found"),
    [
        ("/tmp/mine", {"RUNTIME_DIRECTORY": "/run/antiphon"}, ["/tmp/mine"]),
        ("auto", {}, ["/run/antiphon/control.sock"]),
        ("auto", {"RUNTIME_DIRECTORY": "/run/a:/run/b"}, ["/run/a/control.sock", "/run/antiphon/control.sock"]),
        (
            "auto",
            {"XDG_RUNTIME_DIR": "/run/user/1000"},
            ["/run/user/1000/antiphon/control.sock", "/run/antiphon/control.sock"],
        ),
    ],
)
def test_the_places_of_the_socket(setting, environ, found):
    assert [str(path) for path in places(setting, environ)] == found
    assert str(WELL_KNOWN) == "/run/antiphon"


@pytest.fixture
def path():
    """Short enough for a socket, whatever pytest's own folders are called."""
    with tempfile.TemporaryDirectory() as folder:
        yield Path(folder, "control.sock")


def test_what_a_dead_process_left_is_replaced(path):
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(path))
    with open_socket(path), socket.socket(socket.AF_UNIX) as caller:
        caller.connect(str(path))


def test_a_living_daemons_socket_is_left_to_it(path):
    with open_socket(path):
        with pytest.raises(ControlError, match="another daemon answers at the control socket"):
            open_socket(path)
        with socket.socket(socket.AF_UNIX) as caller:
            caller.connect(str(path))


def test_a_living_daemon_that_is_busy_lives(path):
    with open_socket(path):
        callers = []
        try:
            with suppress(BlockingIOError):
                while True:
                    callers.append(socket.socket(socket.AF_UNIX))
                    callers[-1].setblocking(False)
                    callers[-1].connect(str(path))
            assert len(callers) > MOST_CLIENTS
            with pytest.raises(ControlError, match="another daemon"):
                open_socket(path)
        finally:
            for caller in callers:
                caller.close()


def test_a_file_that_is_no_socket_is_left_alone(path):
    path.write_text("mine")
    with pytest.raises(ControlError, match="is there and is no socket"):
        open_socket(path)
    assert path.read_text() == "mine"


@pytest.mark.parametrize("name", ["/dev/null/control.sock", "/tmp/" + "x" * 120, "/tmp/a\0b"])
def test_a_place_where_it_cannot_be_is_said_with_the_remedy(name):
    with pytest.raises(ControlError, match=r"cannot be made \(.+\)\. Name a place .* control.socket"):
        open_socket(Path(name))


def test_without_its_socket_the_appliance_runs_on():
    async def story():
        rig = Rig(None, None, Path("/dev/null/control.sock"), {})
        await ControlServer(rig.path, rig.orders, dict, rig).serve()
        [(level, what, fields)] = rig.lines
        assert (level, what) == ("warning", "no-control")
        assert "control.socket" in fields["sentence"]

    within(story)


def test_the_socket_of_another_is_not_removed(path):
    with open_socket(path):
        with control.removed_at_the_end(path):
            path.unlink()
            other = open_socket(path)
        assert path.exists()
        other.close()
