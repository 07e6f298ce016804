"""The speech WebSocket on real sockets: against a scripted service, good and bad, and against the simulated one."""

import asyncio
import base64
import contextlib
import itertools
import json
import random
from collections import deque

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from websockets.asyncio.server import serve
from websockets.exceptions import ConnectionClosed, ConnectionClosedError

from antiphon.errors import Garbled, Lost, Refused
from antiphon.pcm import bytes_of
from antiphon.secret import Secret
from antiphon.simulator.stepfun.options import DEFAULT_KEY, SimulatorOptions, Timing
from antiphon.simulator.stepfun.server import StepFunSimulator
from antiphon.speech import service as session
from antiphon.speech import stream
from antiphon.speech.service import Patience
from antiphon.speech.stream import SpeechStream, StreamPlan
from loopback import answering

KEY = Secret("sk-of-the-test", "a test")
IDS = itertools.count()
LONG_MS = 30_000.0
SHORT_MS = 200.0  # only where nothing at all will come


@pytest.fixture(autouse=True)
def _at_once(monkeypatch):
    monkeypatch.setattr(session, "PAUSE_FIRST_S", 0.001)
    monkeypatch.setattr(stream, "PAUSE_FIRST_S", 0.001)


def sound(number):
    return bytes([number, 0]) * 500


class Peer:
    """The service's end of one socket."""

    def __init__(self, socket):
        self.socket = socket
        self.told = []

    async def tell(self, kind, **data):
        await self.socket.send(
            json.dumps({"event_id": str(next(IDS)), "type": kind, "data": {"session_id": "S", **data}})
        )

    async def asked(self):
        message = json.loads(await self.socket.recv())
        self.told.append(message)
        return message["type"].removeprefix("tts."), message["data"]

    async def begin(self):
        await self.tell("tts.connection.done")
        kind, data = await self.asked()
        assert kind == "create"
        await self.tell("tts.response.created")
        return data

    async def speak(self, pcm):
        await self.tell("tts.response.audio.delta", status="unfinished", audio=base64.b64encode(pcm).decode())

    async def until_done(self):
        """All the text of the utterance."""
        texts = []
        while True:
            kind, data = await self.asked()
            if kind == "text.done":
                return texts
            if kind == "text.delta":
                texts.append(data["text"])

    async def end(self, pcm=b""):
        await self.tell("tts.response.audio.done", audio=base64.b64encode(pcm).decode())
        await self.socket.close()


class Service:
    def __init__(self, scripts):
        self.scripts, self.peers, self.problems = scripts, [], []

    async def met(self, socket):
        peer = Peer(socket)
        self.peers.append(peer)
        script = self.scripts[min(len(self.peers), len(self.scripts)) - 1]
        try:
            await script(peer)
        except ConnectionClosed:
            pass
        except AssertionError as error:
            self.problems.append(error)

    @property
    def texts(self):
        """By socket."""
        return [
            "".join(one["data"]["text"] for one in peer.told if one["type"] == "tts.text.delta") for peer in self.peers
        ]


def plan(url, **more):
    return StreamPlan(url, "stepaudio-2.5-tts", "linjiajiejie", **more)


def fate(*scripts, texts=("Hello.",), first_ms=LONG_MS, gap_ms=LONG_MS, most_broken=None, **more):
    """What was heard, the error, and the service."""

    async def scene():
        heard, error = [], None
        service = Service(scripts)

        async def given():
            for text in texts:
                if isinstance(text, asyncio.Event):
                    await text.wait()
                elif isinstance(text, Exception):
                    raise text
                else:
                    yield text

        async with asyncio.timeout(30), serve(service.met, "127.0.0.1", 0) as server:
            port = server.sockets[0].getsockname()[1]
            patience = Patience(asyncio.get_running_loop().time() + first_ms / 1000, gap_ms, most_broken)
            try:
                async with patience:
                    speaker = SpeechStream(plan(f"http://127.0.0.1:{port}/v1", **more), KEY)
                    await speaker.run(given(), heard.append, patience)
            except (Lost, Refused, Garbled, TimeoutError) as problem:
                error = problem
        assert service.problems == []
        return b"".join(heard), error, service

    return asyncio.run(scene())


async def good(peer):
    await peer.begin()
    for number, _ in enumerate(await peer.until_done()):
        await peer.speak(sound(number + 1))
    await peer.end(b"\x7f\x7f" * 999)


def test_texts_are_spoken_in_order_and_once():
    heard, error, service = fate(good, texts=["One. ", "Two."])
    assert (heard, error, service.texts) == (sound(1) + sound(2), None, ["One. Two."])


def test_it_is_asked_as_documented():
    _, _, service = fate(good, instruction="calm", speed=1.25)
    [peer] = service.peers
    assert peer.socket.request.path == "/v1/realtime/audio?model=stepaudio-2.5-tts"
    assert peer.socket.request.headers["Authorization"] == "Bearer sk-of-the-test"
    created, *rest = peer.told
    assert created["data"]["instruction"] == "calm"
    assert created["data"]["speed_ratio"] == 1.25
    assert [one["type"] for one in rest] == ["tts.text.delta", "tts.text.flush", "tts.text.done"]
    assert {one["data"]["session_id"] for one in peer.told} == {"S"}


def test_no_text_is_no_sound_and_no_fault():
    heard, error, service = fate(good, texts=[])
    assert (heard, error, service.texts) == (b"", None, [""])


def test_a_long_text_is_cut_and_blanks_are_kept():
    text = "This is a sentence of forty characters. " * 60
    _, error, service = fate(good, texts=["A", " ", "b ", text])
    assert error is None
    assert service.texts == ["A b " + text]
    assert all(len(one["data"].get("text", "")) <= 1000 for one in service.peers[0].told)


def test_the_first_sentence_sounds_while_the_next_is_written():
    more = asyncio.Event()

    async def as_it_comes(peer):
        await peer.begin()
        assert (await peer.asked())[0] == "text.delta"
        await peer.speak(sound(1))
        more.set()
        await peer.until_done()
        await peer.speak(sound(2))
        await peer.end()

    heard, error, _ = fate(as_it_comes, texts=["One. ", more, "Two."])
    assert (heard, error) == (sound(1) + sound(2), None)


def test_sound_that_comes_only_at_the_end_is_heard():
    async def late(peer):
        await peer.begin()
        await peer.until_done()
        await peer.end(sound(3))

    assert fate(late)[:2] == (sound(3), None)


def test_a_frame_that_comes_twice_is_heard_once():
    async def twice(peer):
        await peer.begin()
        await peer.until_done()
        frame = json.dumps({"type": "tts.response.audio.delta", "event_id": "9", "data": {"audio": "AQIDBA=="}})
        await peer.socket.send(frame)
        await peer.socket.send(frame)
        await peer.end()

    assert fate(twice)[:2] == (b"\x01\x02\x03\x04", None)


# ── pauses ───────────────────────────────────────────────────────────────────────────────────────


def test_a_long_pause_ends_an_utterance_and_the_rest_is_another(monkeypatch):
    monkeypatch.setattr(stream, "IDLE_S", 0.2)
    more = asyncio.Event()

    async def first(peer):
        await good(peer)
        more.set()

    heard, error, service = fate(first, good, texts=["One.", more, "Two."])
    assert (heard, error, service.texts) == (sound(1) * 2, None, ["One.", "Two."])


def test_a_pause_before_the_first_text_costs_nothing(monkeypatch):
    monkeypatch.setattr(stream, "IDLE_S", 0.2)
    more = asyncio.Event()

    async def warm(peer):
        await peer.begin()
        with contextlib.suppress(ConnectionClosed):
            await peer.socket.recv()
        more.set()

    heard, error, service = fate(warm, good, texts=[more, "One."])
    assert (heard, error, service.texts) == (sound(1), None, ["", "One."])


def test_an_utterance_that_the_service_ends_goes_on_in_another():
    more = asyncio.Event()

    async def ends(peer):
        await peer.begin()
        await peer.asked()
        await peer.speak(sound(1))
        await peer.end()
        more.set()

    heard, error, service = fate(ends, good, texts=["One.", more, "Two."])
    assert (heard, error, service.texts) == (sound(1) * 2, None, ["One.", "Two."])


def test_while_texts_are_waited_for_no_time_counts():
    more = asyncio.Event()

    async def flushes(peer):
        await peer.begin()
        await peer.asked()
        await peer.speak(sound(1))
        await peer.tell("tts.response.sentence.end", text="One.")
        await peer.tell("tts.text.flushed")
        asyncio.get_running_loop().call_later(0.5, more.set)
        await peer.until_done()
        await peer.speak(sound(2))
        await peer.end()

    assert fate(flushes, texts=["One.", more, "Two."], gap_ms=SHORT_MS)[:2] == (sound(1) + sound(2), None)


# ── failures ─────────────────────────────────────────────────────────────────────────────────────


def complains(code, message="", **details):
    async def script(peer):
        await peer.begin()
        await peer.asked()
        await peer.tell("tts.response.error", code=code, message=message, details=details)
        await peer.socket.wait_closed()

    return script


def test_an_overloaded_service_is_asked_again_with_the_same_text():
    heard, error, service = fate(complains("503", "The engine is currently overloaded"), good)
    assert (heard, error, service.texts) == (sound(1), None, ["Hello.", "Hello."])


@pytest.mark.parametrize(
    ("code", "message", "details", "kind", "words"),
    [
        ("503", "The engine is currently overloaded", {}, Lost, "is overloaded (503): try it again later"),
        ("451", "blocked", {}, Refused, "content rules (451)"),
        ("400", "voice x is not valid", {}, Refused, "check speech.model and speech.voice (voice x is not valid)"),
        ("censorship_blocked", "no", {}, Refused, "content rules"),
        ("x", "no", {"error": "censorship_block"}, Refused, "content rules"),
        ("strange", "hm", {}, Lost, "(hm)"),
    ],
)
def test_what_it_complains_of_is_told_in_words(monkeypatch, code, message, details, kind, words):
    monkeypatch.setattr(stream, "PAUSE_FIRST_S", 1e6)  # that no patience has room for
    heard, error, _ = fate(complains(code, message, **details))
    assert heard == b""
    assert isinstance(error, kind)
    assert words in str(error)


def test_after_the_first_sound_there_is_no_second_try():
    async def breaks(peer):
        await peer.begin()
        await peer.asked()
        await peer.speak(sound(1))
        await peer.socket.close(1011, "oh sk-of-the-test")

    heard, error, service = fate(breaks)
    assert (heard, type(error), len(service.peers)) == (sound(1), Lost, 1)
    assert "sk-of-the-test" not in str(error)


def test_where_another_can_be_asked_it_is_tried_no_more_often_than_that():
    async def breaks(peer):
        await peer.begin()
        await peer.asked()
        await peer.socket.close(1011)

    heard, error, service = fate(breaks, complains("503", "overloaded"), breaks, most_broken=1)
    assert (heard, type(error), len(service.peers)) == (b"", Lost, 3), "who is busy is no broken one"


def test_an_end_without_any_sound_is_tried_twice():
    async def dumb(peer):
        await peer.begin()
        await peer.until_done()
        await peer.end()

    heard, error, service = fate(dumb)
    assert (heard, len(service.peers)) == (b"", 2)
    assert "without a sound" in str(error)


def test_one_that_is_silent():
    async def silent(peer):
        await peer.begin()
        await peer.socket.wait_closed()

    assert isinstance(fate(silent, first_ms=SHORT_MS)[1], TimeoutError)


def test_one_that_never_lets_us_speak(monkeypatch):
    monkeypatch.setattr(stream, "OPEN_S", 0.1)

    async def closed(peer):
        await peer.socket.wait_closed()

    _, error, service = fate(closed, most_broken=0)
    assert "did not answer in time" in str(error)
    assert service.texts[0] == ""


def test_nonsense_without_end_is_ended():
    async def nonsense(peer):
        await peer.begin()
        await peer.asked()
        await peer.speak(sound(1))
        for number in range(200):
            await peer.socket.send(f"nonsense {number}")
        await peer.socket.wait_closed()

    heard, error, _ = fate(nonsense)
    assert (heard, type(error)) == (sound(1), Garbled)


def test_what_is_wrong_with_the_texts_is_raised_as_it_is():
    wrong = Lost("the one who writes has gone")
    _, error, service = fate(good, texts=["Hel", wrong])
    assert error is wrong
    assert len(service.peers) == 1


def test_whoever_wants_no_more_hangs_up():
    async def scene():
        left, came = asyncio.Event(), asyncio.Event()

        async def goes_on(peer):
            await peer.begin()
            await peer.asked()
            await peer.speak(sound(1))
            await peer.socket.wait_closed()
            left.set()

        async def texts():
            yield "Hello."

        service = Service([goes_on])
        async with asyncio.timeout(30), serve(service.met, "127.0.0.1", 0) as server:
            url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1"
            patience = Patience(asyncio.get_running_loop().time() + 30, LONG_MS)

            async def run():
                async with patience:
                    await SpeechStream(plan(url), KEY).run(texts(), lambda _: came.set(), patience)

            task = asyncio.get_running_loop().create_task(run())
            await came.wait()
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            await left.wait()

    asyncio.run(scene())


def test_an_address_that_is_none():
    async def scene():
        async def texts():
            yield "Hello."

        patience = Patience(asyncio.get_running_loop().time() + 30, LONG_MS)
        with pytest.raises(Refused, match=r"speech\.url is not an address"):
            await SpeechStream(plan("nonsense"), KEY).run(texts(), lambda _: None, patience)

    asyncio.run(scene())


EVENTS = st.sampled_from(
    [
        ("tts.response.created", {}),
        ("tts.response.sentence.start", {"text": "x"}),
        ("tts.response.sentence.end", {}),
        ("tts.text.flushed", {}),
        ("tts.response.audio.delta", {"audio": 7}),
        ("tts.response.audio.delta", {}),
        ("tts.response.subtitle", {"items": None}),
        ("unheard.of", {}),
    ]
)


@settings(max_examples=40, deadline=None)
@given(st.lists(st.one_of(EVENTS, st.integers(1, 99), st.text(max_size=9)), max_size=30), st.booleans())
def test_whatever_comes_each_sound_is_heard_once_and_it_ends(script, ends):
    async def odd(peer):
        await peer.begin()
        await peer.until_done()
        for what in script:
            if isinstance(what, int):
                await peer.speak(sound(what))
            elif isinstance(what, str):
                await peer.socket.send(what)
            else:
                await peer.tell(what[0], **what[1])
        if ends:
            await peer.end(b"\x7f\x7f")

    expected = b"".join(sound(what) for what in script if isinstance(what, int))
    heard, error, service = fate(odd, most_broken=0)  # nobody dials while the service is taken down
    if expected:
        assert heard == expected
        assert (error is None) == ends
        assert len(service.peers) == 1
    elif ends:
        assert (heard, error) == (b"\x7f\x7f", None)
    else:
        assert heard == b""
        assert error is not None


def test_it_is_known_whether_there_is_anybody():
    async def scene():
        begun, more = asyncio.Event(), asyncio.Event()

        async def texts():
            await more.wait()
            yield "Never."

        async def speak(url):
            speaker, patience = SpeechStream(plan(url), KEY), Patience(asyncio.get_running_loop().time() + 20, LONG_MS)
            return speaker, asyncio.get_running_loop().create_task(speaker.run(texts(), [].append, patience))

        async def met(socket):
            begun.set()
            await socket.wait_closed()

        async with asyncio.timeout(30), serve(met, "127.0.0.1", 0) as server:
            speaker, speaking = await speak(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1")
            await begun.wait()
            while speaker.dialling:  # noqa: ASYNC110 - nobody tells
                await asyncio.sleep(0)
            speaking.cancel()
            with answering(None) as port:  # it does not even say who it is
                speaker, dialling = await speak(f"https://127.0.0.1:{port}/v1")
                while not speaker.dialling:  # noqa: ASYNC110 - nobody tells
                    await asyncio.sleep(0)
                dialling.cancel()
                await asyncio.wait([speaking, dialling])
                assert not speaker.dialling

    asyncio.run(scene())


# ── the simulated service ────────────────────────────────────────────────────────────────────────

SPOKEN = (9000 * np.sin(np.arange(12_000) / 9)).astype(np.int16)


@pytest.mark.parametrize("path", ["/v1", "/step_plan/v1"])
def test_the_simulated_service_speaks(path):
    async def scene():
        heard = []

        async def texts():
            yield "One sentence. "
            yield "And another."

        options = SimulatorOptions(timing=Timing.quick(), quick_connections=0)
        async with asyncio.timeout(30), StepFunSimulator(options, synthesise=lambda *_: SPOKEN) as service:
            patience = Patience(asyncio.get_running_loop().time() + 20, LONG_MS)
            async with patience:
                speaker = SpeechStream(plan(service.speech_url(path)), Secret(DEFAULT_KEY, "a test"))
                await speaker.run(texts(), heard.append, patience)
        return b"".join(heard)

    assert asyncio.run(scene()) == bytes_of(SPOKEN) * 2


# ── ten thousand utterances, without a socket ────────────────────────────────────────────────────


class Transport:
    def abort(self):
        pass


class Line:
    """A socket of memory, that gives these frames and then breaks."""

    def __init__(self, frames, chance):
        self.frames, self.chance, self.transport = deque(frames), chance, Transport()

    async def recv(self):
        if self.chance.random() < 0.3:
            await asyncio.sleep(0)
        if not self.frames:
            raise ConnectionClosedError(None, None)
        return self.frames.popleft()

    async def send(self, frame):
        pass


def frame_of(kind, **data):
    return json.dumps({"event_id": str(next(IDS)), "type": kind, "data": data})


def nonsense(chance):
    odd = {"type": chance.choice([7, "tts.response.audio.delta"]), "data": chance.choice([None, [], {"audio": 7}])}
    return chance.choice([chance.randbytes(20), "{", "[]", "null", json.dumps(odd)])


def made_up(chance):
    """Frames of an utterance, the sound in them, and whether it ends well."""
    frames, sound = [frame_of("tts.connection.done", session_id="S"), frame_of("tts.response.created")], b""
    for _ in range(chance.randrange(25)):
        kind = chance.random()
        if kind < 0.5:
            pcm = chance.randbytes(chance.randrange(60))
            frames += [frame_of("tts.response.audio.delta", audio=base64.b64encode(pcm).decode())] * chance.choice(
                [1, 2]
            )
            sound += pcm
        elif kind < 0.7:
            frames.append(frame_of(chance.choice(["tts.response.sentence.end", "tts.text.flushed", "x"]), text=None))
        elif kind < 0.95:
            frames.append(nonsense(chance))
        else:
            frames.append(frame_of("tts.response.error", code=chance.choice(["503", 503, None, "x"]), message=[]))
            return frames, sound, False
    ends = chance.random() < 0.7
    if ends:
        again = chance.choice([b"", sound])
        frames.append(frame_of("tts.response.audio.done", audio=base64.b64encode(again).decode()))
    return frames, sound, ends


async def lived_through(chance):
    frames, sound, ends = made_up(chance)

    async def texts():
        for text in ["One. ", "Two."][: chance.randrange(1, 3)]:
            yield text

    async def dialled():
        return Line(frames, chance)

    heard, given, well = [], stream._Texts(texts()), True
    patience = Patience(asyncio.get_running_loop().time() + 60, LONG_MS)
    async with patience, asyncio.TaskGroup() as group:
        group.create_task(given.fill())
        utterance = stream._Utterance(plan("http://127.0.0.1:1/v1"), None, given, heard.append, patience)
        try:
            await utterance._live(dialled())
        except (Lost, Refused, Garbled, ConnectionClosedError):
            well = False
    assert b"".join(heard) == sound[: len(sound) // 2 * 2]
    assert well == ends


def test_of_ten_thousand_utterances_each_sound_is_heard_once():
    async def all_of_them():
        for seed in range(10_000):
            try:
                await lived_through(random.Random(seed))
            except AssertionError as error:
                error.add_note(f"seed {seed}")
                raise

    asyncio.run(all_of_them())
