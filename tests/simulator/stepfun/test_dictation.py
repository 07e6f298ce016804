"""Live recognition: its turns, the text that grows and is replaced, and each error it has."""

import asyncio
import base64
import json
import random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as some
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

from antiphon.pcm import bytes_of
from antiphon.simulator.stepfun.agenda import End, Ping
from antiphon.simulator.stepfun.dictation import Dictation, Mute
from antiphon.simulator.stepfun.dictations import DictationRecord
from antiphon.simulator.stepfun.faults import Fault, Kind
from antiphon.simulator.stepfun.options import DEFAULT_KEY, SimulatorOptions
from simulator.stepfun.test_server import run, service

PATH = "/v1/realtime/asr/stream"
RATE_HZ = 16_000
FORMAT = {"type": "pcm", "codec": "pcm_s16le", "rate": RATE_HZ, "bits": 16, "channel": 1}
VAD = {"type": "server_vad", "silence_duration_ms": 300, "threshold": 0.5}
INPUT = {"format": FORMAT, "transcription": {"model": "stepaudio-2.5-asr-stream", "language": "en"}}
TEXT = "Turn on the light."
ENDED = ["input_audio_buffer.committed", "conversation.item.created"]
DELTA = "conversation.item.input_audio_transcription.delta"
COMPLETED = "conversation.item.input_audio_transcription.completed"


def tone(seconds):
    return (8000 * np.sin(np.arange(round(seconds * RATE_HZ)) * 0.1)).astype(np.int16)


def silence(seconds):
    return np.zeros(round(seconds * RATE_HZ), np.int16)


TURN = np.concatenate([silence(0.5), tone(1.5), silence(0.5)])


def session(**changes):
    return {"session": {"audio": {"input": INPUT | changes}}}


class Bench:
    """One session, without a socket or a clock."""

    def __init__(self, *faults, set_to=None, **options):
        self.record = DictationRecord(0, PATH, 0.0)
        self.now = 0.0
        options = SimulatorOptions(**({"transcripts": (TEXT,)} | options))
        self.dictation = Dictation(options, self.record, faults, random.Random(1), 0.0)
        self.said = self.dictation.agenda.take()
        if set_to is not None:
            self.say("session.update", **session(**set_to))

    def say(self, kind, **fields):
        return self.receive(json.dumps({"type": kind, **fields}))

    def receive(self, frame):
        self.dictation.receive(frame, self.now)
        return self.run(0.0)

    def run(self, seconds):
        until, before = self.now + seconds, len(self.said)
        while True:
            self.dictation.tick(self.now)
            self.said += self.dictation.agenda.take()
            due = self.dictation.agenda.deadline
            if due is None or due > until:
                break
            self.now = due
        self.now = until
        return self.said[before:]

    def speak(self, samples):
        heard = []
        for first in range(0, len(samples), RATE_HZ // 50):
            piece = bytes_of(samples[first : first + RATE_HZ // 50])
            heard += self.say("input_audio_buffer.append", audio=base64.b64encode(piece).decode())
            heard += self.run(0.02)
        return heard

    def all(self, kind):
        return [event for event in self.said if isinstance(event, dict) and event["type"] == kind]


def types(said):
    """Repeated types once, pings left out."""
    names = [event["type"] for event in said if isinstance(event, dict)]
    return [name for place, name in enumerate(names) if place == 0 or names[place - 1] != name]


def error(said):
    (found,) = [event["error"] for event in said if isinstance(event, dict) and event["type"] == "error"]
    return found["type"], found["code"], found.get("param")


# ── turns ────────────────────────────────────────────────────────────────────────────────────────


def test_a_turn_found_by_the_service():
    bench = Bench(set_to={"turn_detection": VAD})
    bench.speak(TURN)
    bench.run(1.0)
    started, stopped = "input_audio_buffer.speech_started", "input_audio_buffer.speech_stopped"
    assert types(bench.said) == ["session.created", "session.updated", started, DELTA, stopped, *ENDED, COMPLETED]
    (begin,), (end,), (done,) = bench.all(started), bench.all(stopped), bench.all(COMPLETED)
    assert (begin["audio_start_ms"], end["audio_start_ms"], done["transcript"]) == (500, 2300, TEXT)
    (turn,) = bench.record.turns
    assert {event["item_id"] for event in (begin, end, done, *bench.all(DELTA))} == {turn.item}
    assert bench.record.heard(turn).tolist() == TURN[8000:36_800].tolist()
    assert (turn.text, turn.completed_s is not None) == (TEXT, True)
    assert {event["meta"]["session_id"] for event in bench.said} == {bench.record.session}


def test_the_text_so_far_is_replaced_and_its_tail_may_change():
    bench = Bench(set_to={"turn_detection": VAD})
    bench.speak(TURN)
    shown = [(event["text"], event["stash"]) for event in bench.all(DELTA)]
    assert shown == [("", "tu"), ("turn", " o"), ("turn on", " th"), ("turn on the", " lig")]


def test_turns_are_told_apart_and_read_how_long_they_were_when_nothing_is_scripted():
    bench = Bench(set_to={"turn_detection": VAD})
    bench.speak(np.concatenate([TURN, TURN]))
    bench.run(1.0)
    first, second = bench.record.turns
    assert [event["previous_item_id"] for event in bench.all(ENDED[0])] == ["", first.item]
    assert (second.text, first.end_frame <= second.first_frame) == ("(1.8 seconds of speech)", True)
    assert bench.all(DELTA)[-1]["stash"].endswith("words so far)")


def test_the_client_commits_where_the_service_does_not_listen():
    bench = Bench(set_to={})
    bench.speak(tone(1.2))
    assert types(bench.say("input_audio_buffer.commit")) == ENDED
    assert bench.run(1.0)[-1]["transcript"] == TEXT
    assert error(bench.say("input_audio_buffer.commit"))[:2] == ("invalid_request_error", "invalid_value")


def test_silence_reads_as_nothing():
    bench = Bench(set_to={})
    bench.speak(silence(1.0))
    bench.say("input_audio_buffer.commit")
    assert bench.run(1.0)[-1]["transcript"] == ""


def test_a_commit_is_ignored_while_the_service_listens():
    bench = Bench(set_to={"turn_detection": VAD})
    bench.speak(tone(1.0))
    assert bench.say("input_audio_buffer.commit") == []
    assert bench.record.ignored_commits == 1


def test_completed_may_come_twice():
    bench = Bench(set_to={}, dictation_twice=True)
    bench.speak(tone(1.0))
    bench.say("input_audio_buffer.commit")
    assert [event["transcript"] for event in bench.run(1.0)] == [TEXT, TEXT]


def test_speech_stopped_may_name_its_field_right():
    bench = Bench(set_to={"turn_detection": VAD}, dictation_stop_slip=False)
    bench.speak(TURN)
    assert bench.all("input_audio_buffer.speech_stopped")[0]["audio_end_ms"] == 2300


@pytest.mark.parametrize(
    ("kind", "seen"),
    [(Kind.NO_STOP, [DELTA]), (Kind.NO_SPEECH, [DELTA, "input_audio_buffer.speech_stopped", *ENDED, COMPLETED])],
)
def test_faults_of_turns(kind, seen):
    bench = Bench(Fault(kind, 1), set_to={"turn_detection": VAD})
    bench.speak(TURN)
    bench.run(1.0)
    assert types(bench.said)[3:] == seen
    assert [event["transcript"] for event in bench.all(COMPLETED)] == [""][: len(seen) - 1]


@pytest.mark.parametrize(
    ("detail", "kind"), [("", "risk"), ("internal_error", "internal_error"), ("x", "internal_error")]
)
def test_a_turn_may_be_refused(detail, kind):
    bench = Bench(Fault(Kind.DICTATION_ERROR, 1, detail), set_to={})
    bench.speak(tone(1.0))
    bench.say("input_audio_buffer.commit")
    assert error(bench.run(1.0))[:2] == (kind, detail or "risk_blocked")


# ── complaints ───────────────────────────────────────────────────────────────────────────────────


def test_settings_are_echoed_and_merged():
    bench = Bench(set_to={"turn_detection": VAD})
    (told,) = bench.say("session.update", session={"audio": {"input": {"turn_detection": None}}})
    assert told["session"]["audio"]["input"] == INPUT | {"turn_detection": None}
    assert bench.record.settings.vad is None
    bench.speak(tone(0.5))
    changed = FORMAT | {"rate": 8000}
    assert error(bench.say("session.update", **session(format=changed)))[1] == "invalid_value"


def test_sound_before_the_settings_is_refused():
    assert error(Bench().say("input_audio_buffer.append", audio="AAAA")) == (
        "invalid_request_error",
        "missing_param",
        "session",
    )


VALUES = some.none() | some.booleans() | some.integers() | some.text(max_size=5) | some.just([]) | some.just({})
PARTS = some.dictionaries(some.sampled_from(["format", "transcription", "turn_detection", "x"]), VALUES)
EVENTS = some.builds(
    lambda kind, part, value: {"type": kind, "session": {"audio": {"input": part}}, "audio": value},
    some.sampled_from(["session.update", "input_audio_buffer.append", "input_audio_buffer.commit", "session.finish"]),
    PARTS,
    VALUES | some.just("AAAA"),
)


@given(some.lists(EVENTS | some.text() | some.binary(), max_size=8), some.booleans())
def test_whatever_a_client_says_is_answered(frames, narrow):
    bench = Bench(set_to={})
    wanted = {"session.update": "session", "input_audio_buffer.append": "audio"}
    for frame in frames:
        if isinstance(frame, dict):
            keys = ("type", wanted.get(frame["type"])) if narrow else frame.keys()
            bench.receive(json.dumps({key: frame[key] for key in frame if key in keys}))
        else:
            bench.receive(frame)
    assert len(bench.all("error")) == len(bench.record.complaints)


def test_there_is_no_finish():
    bench = Bench(set_to={})
    assert types(bench.say("session.finish")) == ["transcript.response.error"]


def test_an_error_names_the_event():
    bench = Bench(set_to={})
    told = bench.receive(json.dumps({"type": "input_audio_buffer.clear", "event_id": "c7"}))
    assert told[0]["error"]["event_id"] == "c7"
    assert bench.record.complaints == ["unknown event type"]
    assert error(bench.receive(b"\x00"))[1] == "invalid_value"


def test_it_has_no_mouth():
    mute = Mute()
    mute.spoken("x", silence(0.1), 0.0)
    mute.failed("x", "y", 0.0)
    assert mute.take_wanted() == []


# ── life ─────────────────────────────────────────────────────────────────────────────────────────


def test_a_silent_client_is_given_up():
    bench = Bench(set_to={}, dictation_idle_s=5.0)
    bench.run(4.0)
    bench.speak(tone(0.1))
    bench.run(4.0)
    assert not bench.all("error")
    last = bench.run(2.0)
    assert error(last[:1])[:2] == ("invalid_request_error", "max_idle_timeout")
    assert last[1] == End(1000, "max_idle_timeout")


def test_it_pings():
    bench = Bench(dictation_ping_s=5.0, dictation_pong_s=3.0)
    (ping,) = bench.run(6.0)
    assert isinstance(ping, Ping)
    assert ping.wait_s == 3.0
    ping.missed(6.0)
    refused, end = bench.run(0.0)
    assert (refused["error"]["code"], end) == ("pong_timeout", End(1000, "pong_timeout"))


def caller(simulator, path=PATH, **settings):
    headers = {"Authorization": f"Bearer {DEFAULT_KEY}"}
    return connect(simulator.url(path), additional_headers=headers, proxy=None, compression=None, **settings)


async def until_closed(socket):
    events = []
    try:
        while True:
            events.append(json.loads(await socket.recv()))
    except ConnectionClosed as closed:
        return events, closed.rcvd.code


def test_over_a_socket():
    async def scene():
        async with service(transcripts=(TEXT,)) as simulator, caller(simulator) as socket:
            await socket.send(json.dumps({"type": "session.update", **session()}))
            sound = base64.b64encode(bytes_of(tone(1.0))).decode()
            await socket.send(json.dumps({"type": "input_audio_buffer.append", "audio": sound}))
            await socket.send(json.dumps({"type": "input_audio_buffer.commit"}))
            while (event := json.loads(await socket.recv()))["type"] != COMPLETED:
                pass
            await socket.close()
            await simulator.stop()
            (record,) = simulator.dictations
            return event["transcript"], record

    transcript, record = run(scene)
    assert (transcript, record.frames, record.settings.language) == (TEXT, RATE_HZ, "en")
    assert record.closed_s is not None


def test_pings_that_are_answered_keep_a_client_until_it_is_idle():
    async def scene():
        options = {"dictation_ping_s": 0.01, "dictation_pong_s": 30.0, "dictation_idle_s": 0.2}
        async with service(**options) as simulator, caller(simulator) as socket:
            return await until_closed(socket)

    events, code = run(scene)
    assert (events[-1]["error"]["code"], code) == ("max_idle_timeout", 1000)


def test_a_client_that_answers_no_ping_is_given_up():
    async def scene():
        options = {"dictation_ping_s": 0.01, "dictation_pong_s": 0.05, "require_key": False}
        async with service(**options) as simulator:
            port = int(simulator.url("").rsplit(":", 1)[1])
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(
                f"GET {PATH} HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Version: 13\r\n\r\n".encode()
            )
            heard = await reader.read()
            writer.close()
            return heard

    heard = run(scene)
    assert heard.index(b"session.created") < heard.index(b"pong_timeout")
