"""Text to speech over real WebSockets, beside the realtime service: the order, the sound, and each way it can end."""

import asyncio
import base64
import json
import random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as some
from websockets.exceptions import ConnectionClosed, InvalidStatus

from antiphon.errors import DeviceError
from antiphon.pcm import bytes_of
from antiphon.simulator.stepfun.agenda import End
from antiphon.simulator.stepfun.faults import Fault, Kind
from antiphon.simulator.stepfun.options import DEFAULT_KEY, SimulatorOptions, Timing
from antiphon.simulator.stepfun.server import StepFunSimulator
from antiphon.simulator.stepfun.tts_stream import SpeechStream
from antiphon.simulator.stepfun.utterances import UtteranceRecord
from simulator.stepfun.bench import voice
from simulator.stepfun.test_server import client, run, service

PATHS = ("/v1/realtime/audio", "/step_plan/v1/realtime/audio")
MODEL = "stepaudio-2.5-tts"
WELL = {"voice_id": "linjiajiejie", "response_format": "pcm"}
HELLO = ("Hello there. ", "How are you today?")


class Caller:
    """A client of one utterance."""

    def __init__(self, socket):
        self.socket = socket
        self.events = []
        self.session = ""

    async def hear(self, kind=None):
        """Events up to the first of `kind`, or to the close; the close code, or that event."""
        try:
            while True:
                event = json.loads(await self.socket.recv())
                self.events.append(event)
                self.session = self.session or event["data"]["session_id"]
                if event["type"] == kind:
                    return event
        except ConnectionClosed as closed:
            return closed.rcvd.code if closed.rcvd else None

    async def say(self, kind, **data):
        await self.socket.send(json.dumps({"type": kind, "data": {"session_id": self.session, **data}}))

    async def create(self, **changes):
        await self.hear("tts.connection.done")
        await self.say("tts.create", **(WELL | changes))

    async def speak(self, *texts, **changes):
        """A whole utterance; the close code."""
        await self.create(**changes)
        for text in texts:
            await self.say("tts.text.delta", text=text)
        await self.say("tts.text.done")
        return await self.hear()

    def types(self):
        """Repeated types once."""
        names = [event["type"].removeprefix("tts.") for event in self.events]
        return [name for place, name in enumerate(names) if place == 0 or names[place - 1] != name]

    def all(self, kind):
        return [event["data"] for event in self.events if event["type"] == f"tts.{kind}"]

    def sound(self):
        return b"".join(base64.b64decode(data["audio"]) for data in self.all("response.audio.delta"))


def scene(*texts, faults=(), create=(), path=PATHS[0], model=MODEL, script=None, **changes):
    """One utterance of `texts`: the caller, the close code, and the record."""

    async def play():
        async with service(*faults, **changes) as simulator:
            async with client(simulator, path, model) as socket:
                caller = Caller(socket)
                code = await (script(caller) if script else caller.speak(*texts, **dict(create)))
            return caller, code, simulator.utterances[0]

    return run(play)


SENTENCE = ["response.sentence.start", "response.audio.delta", "response.sentence.end"]


@pytest.mark.parametrize("path", PATHS)
def test_an_utterance_sentence_by_sentence(path):
    caller, code, record = scene(*HELLO, path=path)
    assert code == 1000
    assert caller.types() == ["connection.done", "response.created", *SENTENCE, *SENTENCE, "response.audio.done"]
    assert [data["text"] for data in caller.all("response.sentence.start")] == ["Hello there.", "How are you today?"]
    wanted = np.concatenate([voice("Hello there."), voice("How are you today?")])
    assert caller.sound() == bytes_of(wanted)
    assert (record.text, record.path, record.model) == ("".join(HELLO), path, MODEL)
    assert [text for _, text in record.texts] == list(HELLO)
    assert [sentence.frames for sentence in record.sentences] == [4800, 9600]
    assert caller.all("response.audio.done")[0]["audio"] == ""
    assert {data["session_id"] for data in (event["data"] for event in caller.events)} == {record.session}


def test_texts_make_no_sentence_until_a_flush():
    async def script(caller):
        await caller.create()
        await caller.say("tts.text.delta", text="Wait a")
        await caller.say("tts.text.delta", text=" moment.")
        await caller.say("tts.text.flush")
        await caller.hear("tts.response.sentence.end")
        await caller.say("tts.text.done")
        return await caller.hear()

    caller, code, record = scene(script=script)
    assert code == 1000
    assert caller.types()[2:] == ["text.flushed", *SENTENCE, "response.audio.done"]
    assert [sentence.text for sentence in record.sentences] == ["Wait a moment."]
    assert len(record.flushes) == 1


def test_done_speaks_what_is_left_and_an_utterance_may_be_empty():
    assert scene("No mark")[0].sound() == bytes_of(voice("No mark"))
    caller, code, _ = scene()
    assert (caller.types(), code) == (["connection.done", "response.created", "response.audio.done"], 1000)


# ── handshake ────────────────────────────────────────────────────────────────────────────────────


def status(path=PATHS[0], model=MODEL, key=DEFAULT_KEY, faults=(), **changes):
    async def play():
        async with service(*faults, **changes) as simulator:
            with pytest.raises(InvalidStatus) as refused:
                async with client(simulator, path, model, key):
                    pass
            return refused.value.response.status_code, json.loads(refused.value.response.body)["error"]["type"]

    return run(play)


def test_upgrades_are_refused_as_those_of_the_dialogue():
    assert status(key="sk-other") == (401, "invalid_api_key")
    assert status(key="sk-plan", keys={"sk-plan": "plan"}) == (402, "quota_exceeded")
    assert status(model="stepaudio-2.5-realtime")[0] == 400
    assert status(PATHS[1], "step-tts-2") == (404, "model_invalid")
    assert status("/v1/realtime/asr/stream", "stepaudio-2.5-asr-stream")[0] == 400
    assert status("/step_plan/v1/realtime/asr/stream")[0] == 404
    assert status(faults=[Fault(Kind.STREAM_STATUS, 503)])[0] == 503


def test_the_turnstile_is_the_same():
    async def play():
        async with service(quick_connections=1) as simulator:
            async with client(simulator):
                with pytest.raises(InvalidStatus, match="429"):
                    async with client(simulator, PATHS[0], MODEL):
                        pass
            return simulator.statuses

    assert run(play) == [101, 429]


def test_faults_strike_the_utterance_that_they_name():
    async def play():
        async with service(Fault(Kind.STREAM_STATUS, 429, connections=(1,))) as simulator:
            for _ in range(3):
                try:
                    async with client(simulator, PATHS[0], MODEL) as socket:
                        await Caller(socket).speak("Hello.")
                except InvalidStatus:
                    pass
            return simulator.statuses, [record.number for record in simulator.utterances]

    assert run(play) == ([101, 429, 101], [0, 2])


# ── the ends of an utterance ─────────────────────────────────────────────────────────────────────


async def outlast(caller):
    """Speak, and hear all that comes until the service says it has ended, by word or by silence."""
    await caller.create()
    await caller.say("tts.text.delta", text="Hello there. How are you?")
    await caller.say("tts.text.done")
    return await caller.hear("tts.response.error")


@pytest.mark.parametrize(("detail", "code"), [("", "503"), ("451", "451"), ("x", "x")])
def test_an_error_of_the_service_in_place_of_a_sentence(detail, code):
    caller, error, _ = scene(script=outlast, faults=[Fault(Kind.STREAM_ERROR, 2, detail)])
    assert (error["data"]["code"], error["data"].keys()) == (code, {"session_id", "code", "message", "details"})
    assert caller.types()[-4:] == [*SENTENCE, "response.error"]


def test_words_that_are_blocked():
    _, error, _ = scene(script=outlast, blocked=("are you",))
    assert (error["data"]["code"], error["data"]["details"]) == ("451", {"error": "censorship_blocked"})


def test_an_error_may_close_the_connection_at_once():
    async def script(caller):
        await outlast(caller)
        return await caller.hear()

    assert scene(script=script, faults=[Fault(Kind.STREAM_ERROR, 1)], stream_error_closes=True)[1] == 1000


def test_sound_that_cannot_be_made_is_an_error():
    def mute(_text, _voice, _rate_hz):
        raise DeviceError("flite", "is not installed", "Install it.")

    async def play():
        options = SimulatorOptions(timing=Timing.quick())
        async with (
            StepFunSimulator(options, synthesise=mute) as simulator,
            client(simulator, PATHS[0], MODEL) as socket,
        ):
            return await outlast(Caller(socket))

    assert run(play)["data"]["code"] == "500"


def test_the_stream_is_cut_at_a_byte_of_its_sound():
    caller, code, _ = scene("Hello there.", faults=[Fault(Kind.STREAM_CUT, 7001)])
    assert (len(caller.sound()), code) == (7000, None)  # whole samples leave
    assert caller.types()[-1] == "response.audio.delta"


def test_a_cut_before_the_first_byte():
    assert scene("Hello there.", faults=[Fault(Kind.STREAM_CUT)])[0].types()[-1] == "response.sentence.start"


def test_a_stall_says_no_more_and_keeps_the_connection():
    async def script(caller):
        await caller.create()
        await caller.say("tts.text.delta", text="Hello there. And more.")
        while len(caller.sound()) < 5000:
            await caller.hear("tts.response.audio.delta")
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.2):
                await caller.hear()
        await (await caller.socket.ping())
        return len(caller.sound())

    assert scene(script=script, faults=[Fault(Kind.STREAM_STALL, 5000)])[1] == 5000


def test_general_faults_strike_it_too():
    assert scene("Hello.", faults=[Fault(Kind.CLOSE_AT_EVENT, 3)])[1] == 1011


# ── complaints ───────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("kind", "data"),
    [
        ("tts.text.delta", {"text": "x"}),
        ("tts.text.done", {}),
        ("tts.create", WELL | {"session_id": "another"}),
        ("tts.create", WELL | {"voice": "linjiajiejie"}),
    ],
)
def test_a_complaint_has_a_code_that_is_a_string_and_the_utterance_goes_on(kind, data):
    async def script(caller):
        await caller.hear("tts.connection.done")
        await caller.say(kind, **data)
        error = await caller.hear("tts.response.error")
        await caller.say("tts.create", **WELL)
        await caller.say("tts.text.delta", text="Hello.")
        await caller.say("tts.text.done")
        return error["data"]["code"], await caller.hear()

    caller, said, record = scene(script=script)
    assert said == ("400", 1000)
    assert (len(record.complaints), caller.sound()) == (1, bytes_of(voice("Hello.")))


def test_an_utterance_is_created_once_and_nothing_follows_its_end():
    async def script(caller):
        await caller.create()
        await caller.say("tts.create", **WELL)
        await caller.hear("tts.response.error")
        await caller.say("tts.text.delta", text="Hello.")
        await caller.say("tts.text.done")
        await caller.say("tts.text.delta", text="More.")
        return await caller.hear()

    _, code, record = scene(script=script)
    assert (record.text, code) == ("Hello.", 1000)
    assert record.complaints == ["the utterance has been created already", "the utterance has been finished"]


class Bench:
    """One utterance, without a socket or a clock."""

    def __init__(self, *faults, **options):
        self.record = UtteranceRecord(0, 0, MODEL, PATHS[0], 0.0)
        self.stream = SpeechStream(SimulatorOptions(**options), self.record, faults, random.Random(1), 0.0)
        self.now = 0.0
        self.said = []

    def say(self, kind, **data):
        self.receive(json.dumps({"type": kind, "data": {"session_id": self.record.session, **data}}))

    def receive(self, frame):
        self.stream.receive(frame, self.now)
        self.run(0.0)

    def run(self, seconds):
        until = self.now + seconds
        while True:
            self.stream.tick(self.now)
            for wish in self.stream.responder.take_wanted():
                self.stream.responder.spoken(wish.response, voice(wish.text), self.now)
            self.said += self.stream.agenda.take()
            due = self.stream.agenda.deadline
            if due is None or due > until:
                break
            self.now = due
        self.now = until

    def types(self):
        return [event["type"].removeprefix("tts.") for event in self.said if not isinstance(event, End)]


def test_a_client_that_says_nothing_for_a_minute_is_finished():
    bench = Bench()
    bench.say("tts.create", **WELL)
    bench.run(59.0)
    bench.say("tts.text.delta", text="Hello. And no mark")
    bench.run(60.0)
    assert "response.audio.done" not in bench.types()  # the minute begins when the last sound has gone
    bench.run(2.0)
    assert (bench.record.idle, bench.record.sentences[-1].text) == (True, "And no mark")
    assert (bench.types()[-1], bench.said[-1]) == ("response.audio.done", End(1000))


def test_a_client_that_never_creates_is_let_go():
    bench = Bench(stream_idle_s=5.0)
    bench.run(5.0)
    assert (bench.types(), bench.said[-1]) == (["connection.done", "response.audio.done"], End(1000))


@pytest.mark.parametrize(
    ("fault", "end"),
    [(Fault(Kind.STREAM_ERROR, 1), [End(1000)]), (Fault(Kind.STREAM_STALL, 100), [])],
)
def test_an_error_leaves_the_connection_until_it_is_idle_and_a_stall_for_ever(fault, end):
    bench = Bench(fault)
    bench.say("tts.create", **WELL)
    bench.say("tts.text.delta", text="Hello. More")
    bench.run(10.0)
    assert not any(isinstance(event, End) for event in bench.said)
    bench.say("tts.text.done")  # nobody listens any more
    bench.run(300.0)
    assert [event for event in bench.said if isinstance(event, End)] == end
    assert bench.types()[-1] == ("response.error" if end else "response.audio.delta")


VALUES = some.none() | some.booleans() | some.integers() | some.text(max_size=5) | some.just([]) | some.just({})
DATA = some.dictionaries(some.sampled_from([*WELL, "text", "mode", "instruction", "voice_label", "x"]), VALUES)
KINDS = some.sampled_from(["tts.create", "tts.text.delta", "tts.text.flush", "tts.text.done", "x"])


@given(some.lists(some.tuples(KINDS, DATA, some.booleans()) | some.text() | some.binary(), max_size=8))
def test_whatever_a_client_says_is_answered(frames):
    bench = Bench()
    for frame in frames:
        if isinstance(frame, tuple):
            kind, data, right = frame
            well = WELL if kind == "tts.create" else {"text": "x"} if kind == "tts.text.delta" else {}
            bench.say(kind, **(well if right else well | data))
        else:
            bench.receive(frame)
    assert bench.types().count("response.error") == len(bench.record.complaints)
