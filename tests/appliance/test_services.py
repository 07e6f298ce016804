"""The whole appliance, and StepFun's other services for an answer: what is asked of them, and what the room hears."""

import base64
import io
import json
import threading
import wave
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import numpy as np
import pytest

from antiphon.pcm import LINK_RATE_HZ, bytes_of
from antiphon.simulator.speech import synthesise
from antiphon.simulator.stepfun import voices
from antiphon.simulator.stepfun.faults import Fault, Kind
from antiphon.simulator.stepfun.options import SimulatorOptions, Timing
from antiphon.simulator.stepfun.script import Reply
from antiphon.staging import KEY
from appliance.scenery import (
    LONG_REPLY,
    PATIENCE_S,
    QUESTION,
    REPLY,
    WAKE,
    ends_well,
    places_of,
    played,
    staged,
    story,
    take_turn,
)
from loopback import stepfun, tone

pytestmark = pytest.mark.appliance

PATIENT = (
    "chat.first_sound_ms=60000",
    "chat.gap_ms=60000",
    "cascade.first_sound_ms=60000",
    "cascade.gap_ms=60000",
    "conversation.link_silence_ms=30000",
    "conversation.answer_ms=60000",
    "conversation.thinking_ms=60000",
)
"""Only what a scene does to a service is a failure of it, however busy this machine is."""
WITH_KEY = {"STEPFUN_API_KEY": KEY}
CHAT_VOICE = "wenrounansheng"


def sound_of(reply, voice):
    """What the service sends for `reply`, sample by sample."""
    return synthesise(reply, voices.speaker(voice), LINK_RATE_HZ)


def samples_in(url):
    """Of a clip, as a data URL of a WAV file at 24 kHz."""
    with wave.open(io.BytesIO(base64.b64decode(url.partition(",")[2]))) as file:
        assert (file.getframerate(), file.getnchannels(), file.getsampwidth()) == (LINK_RATE_HZ, 1, 2)
        return np.frombuffer(file.readframes(file.getnframes()), "<i2")


@contextmanager
def chat_model(reply):
    """A chat model that answers every question with the samples `reply`; yields its url, and what it was asked."""
    asked = []
    sound = base64.b64encode(bytes_of(reply)).decode()
    chunks = [{"audio": {"transcript": "Yes."}}, {"audio": {"data": sound}}]

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            asked.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(200)
            self.send_header("Content-Type", "text/event-stream")
            self.end_headers()
            for delta in chunks:
                choice = {"index": 0, "delta": delta, "finish_reason": ""}
                self.wfile.write(f"data: {json.dumps({'choices': [choice]})}\n\n".encode())
            self.wfile.write(b"data: [DONE]\n\n")

        def log_message(self, *_):
            """Nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        thread = threading.Thread(target=server.serve_forever, args=(0.05,), name="chat model")
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/v1", asked
        finally:
            server.shutdown()
            thread.join(20)
            assert not thread.is_alive()


def assert_asked(stage, spoken, asked):
    """Every sample from the first word to the last is in the question, once."""
    [clip] = asked["messages"][-1]["content"]
    verdict = stage.verdict(spoken, samples_in(clip["input_audio"]["data"]))
    assert verdict.whole, str(verdict)
    assert verdict.first_frame <= spoken.first_frame, str(verdict)
    assert verdict.last_frame >= spoken.last_frame, str(verdict)


# ── a chat model that hears and speaks ───────────────────────────────────────────────────────────


@pytest.mark.parametrize("stream", ["true", "false"])
def test_a_chat_model_is_heard_to_the_sample(stream):
    with staged("links=[chat]", f"chat.stream={stream}", *PATIENT, replies=(LONG_REPLY,)) as stage:
        turn = take_turn(stage)
        assert ends_well(stage)
        assert len(places_of(sound_of(LONG_REPLY, CHAT_VOICE), played(stage))) == 1
        assert [line["status"] for line in stage.service.said("chat")] == [200]
        assert [line["link"] for line in turn.lines if line["what"] == "turn-over"] == ["chat"]
        assert "sorry" not in turn.story


def test_a_chat_model_is_asked_every_sample():
    reply = tone("", "", LINK_RATE_HZ)
    with chat_model(reply) as (url, asked):
        given = ("links=[chat]", f"chat.url={url}", *PATIENT)
        with staged(*given, simulate=None, environ=WITH_KEY) as stage:
            turn = take_turn(stage)
            assert ends_well(stage)
            [question] = asked
            assert_asked(stage, turn.spoken, question)
            assert len(places_of(reply, played(stage))) == 1


def test_a_chat_model_asks_the_clock_and_speaks_of_it():
    with staged("links=[chat]", *PATIENT, simulate=("--call", "get_time")) as stage:
        turn = take_turn(stage)
        assert [(line["tool"], int(line["failed"])) for line in stage.daemon.said("tool")] == [("get_time", 0)]
        assert turn.story.index("tool") < turn.story.index("sounded")
        assert ends_well(stage)
        assert [line["status"] for line in stage.service.said("chat")] == [200, 200]
        assert len(places_of(sound_of(REPLY, CHAT_VOICE), played(stage))) == 1, "spoken once"


def test_the_dialogue_is_cut_off_as_it_thinks_and_a_chat_model_answers_the_same_words():
    """The reply is not begun when the connection breaks: who is asked next hears all from the wake word on."""
    reply = sound_of(REPLY, CHAT_VOICE)
    cut = Fault(Kind.CUT_AT_EVENT, at=8, connections=(0,))
    with (
        stepfun(SimulatorOptions(timing=Timing.quick(), faults=(cut,))) as cloud,
        chat_model(reply) as (url, asked),
    ):
        given = ("links=[realtime, chat]", f"realtime.url={cloud.url()}", f"chat.url={url}", *PATIENT)
        with staged(*given, simulate=None, environ=WITH_KEY) as stage:
            spoken = stage.speak(WAKE, QUESTION)
            stage.daemon.wait_for("heard", timeout_s=PATIENCE_S)
            stage.daemon.wait_for("asleep", timeout_s=PATIENCE_S)
            assert ends_well(stage)
            [question] = asked
            assert_asked(stage, spoken, question)
            assert [line["link"] for line in stage.daemon.said("turn-over")] == ["realtime", "chat"]
            sound = played(stage)
            assert len(places_of(reply, sound)) == 1
            assert not places_of(tone("", "", LINK_RATE_HZ), sound)
            assert "sorry" not in story(stage)


# ── three services in a row ──────────────────────────────────────────────────────────────────────

CASCADE_VOICE = "linjiajiejie"
SENTENCES = ("It is ten.", "The sun is shining on the hills.")


def test_a_cascade_is_heard_to_the_sample_sentence_by_sentence():
    reply = np.concatenate([sound_of(sentence, CASCADE_VOICE) for sentence in SENTENCES])
    with staged("links=[cascade]", *PATIENT, replies=(" ".join(SENTENCES),)) as stage:
        turn = take_turn(stage)
        assert ends_well(stage)
        assert len(places_of(reply, played(stage))) == 1
        said = [[line["status"] for line in stage.service.said(one)] for one in ("asr", "chat")]
        assert said == [[200], [200]]
        assert [line["text"].strip() for line in stage.service.said("sentence")] == [*SENTENCES]
        assert [line["link"] for line in turn.lines if line["what"] == "turn-over"] == ["cascade"]
        assert "sorry" not in turn.story


def test_a_cascade_on_the_step_plan_gets_the_whole_turn():
    """The recording is as long as what was said, and it is asked for with the plan's own addresses."""
    options = SimulatorOptions(keys={KEY: "plan"}, timing=Timing.quick(), replies=(Reply("It is ten."),))
    with stepfun(options) as service:
        given = ("links=[cascade]", f"cascade.url={service.speech_url('/step_plan/v1')}", *PATIENT)
        with staged(*given, simulate=None, environ=WITH_KEY) as stage:
            turn = take_turn(stage)
            assert ends_well(stage)
            (heard,), (asked,), (spoken,) = service.recognised, service.chats, service.utterances
            assert {one.path.partition("/v1")[0] for one in (heard, asked, spoken)} == {"/step_plan"}
            [over] = [line for line in turn.lines if line["what"] == "turn-over"]
            assert heard.clip.seconds * 1000 == pytest.approx(over["speech_ms"], abs=1)
            assert heard.clip.seconds >= turn.spoken.ends_s - turn.spoken.begins_s
            assert len(places_of(tone("", "", LINK_RATE_HZ), played(stage))) == 1
            assert "sorry" not in turn.story


def test_the_cascade_has_no_model_and_the_next_link_answers_the_same_words():
    reply = sound_of(REPLY, CHAT_VOICE)
    fault = Fault(Kind.CHAT_STATUS, at=503)
    with (
        stepfun(SimulatorOptions(timing=Timing.quick(), faults=(fault,))) as service,
        chat_model(reply) as (url, asked),
    ):
        links = ("links=[cascade, chat]", f"cascade.url={service.speech_url()}", f"chat.url={url}")
        with staged(*links, *PATIENT, "cascade.first_sound_ms=1000", simulate=None, environ=WITH_KEY) as stage:
            turn = take_turn(stage)
            assert ends_well(stage)
            [question] = asked
            assert_asked(stage, turn.spoken, question)
            assert next(line["link"] for line in stage.daemon.said("turn-over")) == "cascade"
            assert len(places_of(reply, played(stage))) == 1
            assert not service.utterances or not service.utterances[0].texts
