"""The mouth of text to speech over a WebSocket, without a socket: fields, files, subtitles, and what is late."""

import base64
import io
import random
import wave

import numpy as np
import pytest

from antiphon.pcm import bytes_of
from antiphon.simulator.stepfun.agenda import Agenda, End
from antiphon.simulator.stepfun.options import SimulatorOptions
from antiphon.simulator.stepfun.tts_speaker import Speaker
from antiphon.simulator.stepfun.tts_stream_grammar import creation
from antiphon.simulator.stepfun.utterances import UtteranceRecord
from antiphon.simulator.stepfun.wording import Wording
from simulator.stepfun.bench import tone

SOUND = tone(1.0)
MODEL = "stepaudio-2.5-tts"


class Bench:
    """A speaker whose sound is made at once, unless it is told to wait."""

    def __init__(self, wish=(), model=MODEL, **options):
        self.agenda, self.now = Agenda(), 0.0
        rng, options = random.Random(1), SimulatorOptions(**options)
        self.record = UtteranceRecord(0, 0, model, "/v1/realtime/audio", 0.0, session="S")
        self.speaker = Speaker(options, self.agenda, Wording(options, rng), rng, self.record, lambda _kind: None)
        data = {"session_id": "S", "voice_id": "wenrounansheng", "response_format": "pcm", **dict(wish)}
        self.speaker.begin(creation(data, model))
        self.said = []

    def say(self, *sentences):
        for text in sentences:
            self.speaker.say(text, self.now)
        self.make()

    def make(self):
        self.wishes = self.speaker.take_wanted()
        for wish in self.wishes:
            self.speaker.spoken(wish.response, SOUND, self.now)

    def run(self, seconds=60.0):
        until = self.now + seconds
        while (due := self.agenda.deadline) is not None and due <= until:
            self.now = due
            self.agenda.run(due)
            self.said += [(due, event) for event in self.agenda.take()]
        self.said += [(self.now, event) for event in self.agenda.take()]
        self.now = until
        return [event if isinstance(event, End) else event["type"] for _, event in self.said]

    def all(self, kind):
        return [event["data"] for _, event in self.said if isinstance(event, dict) and event["type"] == f"tts.{kind}"]

    def deltas(self):
        return self.all("response.audio.delta")


def order(bench, *kinds):
    """The order of those events."""
    return [event["type"].rpartition("tts.")[2] for _, event in bench.said if event["type"].endswith(kinds)]


def test_sound_comes_in_order_faster_than_it_sounds():
    bench = Bench()
    bench.say("One.", "Two.")
    bench.run()
    first, second = bench.record.sentences
    assert (first.first_audio_s, first.done_s) == (pytest.approx(0.66), second.first_audio_s)
    assert second.done_s - second.first_audio_s == pytest.approx(0.25)  # a second of sound, four times as fast
    assert b"".join(base64.b64decode(data["audio"]) for data in bench.deltas()) == 2 * bytes_of(SOUND)
    assert {data["audio"] for data in bench.deltas() if data["status"] == "finished"} == {""}
    assert (bench.wishes[0].speaker, bench.wishes[0].rate_hz) == ("rms", 24_000)


def test_a_sentence_waits_for_the_one_before_it():
    bench = Bench()
    bench.speaker.say("One.", 0.0)
    bench.speaker.say("Two.", 0.0)
    one, two = bench.speaker.take_wanted()
    bench.speaker.spoken(two.response, SOUND, 0.0)
    assert (bench.run(), bench.speaker.busy) == ([], True)
    bench.speaker.spoken(one.response, SOUND, bench.now)
    bench.run()
    assert [data["text"] for data in bench.all("response.sentence.start")] == ["One.", "Two."]


def test_each_delta_of_wav_is_a_file():
    bench = Bench({"response_format": "wav", "sample_rate": 16_000}, stream_done_audio=True)
    bench.say("One.")
    bench.speaker.finish(0.0)
    bench.run()
    heard = b""
    for data in bench.deltas()[:-1]:
        with wave.open(io.BytesIO(base64.b64decode(data["audio"]))) as file:
            assert file.getframerate() == 16_000
            heard += file.readframes(file.getnframes())
    assert heard == bytes_of(SOUND)
    (done,) = bench.all("response.audio.done")
    with wave.open(io.BytesIO(base64.b64decode(done["audio"]))) as file:
        assert file.readframes(file.getnframes()) == heard
    assert bench.said[-1][1] == End(1000)
    assert bench.speaker.over


def test_the_last_delta_of_a_sentence_may_have_sound():
    bench = Bench(stream_finished="audio")
    bench.say("One.")
    bench.run()
    assert bench.deltas()[-1]["status"] == "finished"
    assert b"".join(base64.b64decode(data["audio"]) for data in bench.deltas()) == bytes_of(SOUND)
    assert bench.deltas()[-1]["audio"]


@pytest.mark.parametrize(
    ("fields", "marks", "duration"),
    [("new", {"request_id", "timestamp"}, False), ("old", {"started_at"}, True)],
)
def test_fields_of_the_newer_and_of_the_older_page(fields, marks, duration):
    bench = Bench(stream_fields=fields)
    bench.say("One.")
    bench.run()
    (start,), (end,) = bench.all("response.sentence.start"), bench.all("response.sentence.end")
    assert start.keys() - {"session_id", "text"} == marks
    assert ("ended_at" in end, "duration" in bench.deltas()[0]) == (fields == "old", duration)


def test_or_of_both():
    bench = Bench(stream_fields="mixed")
    bench.say(*["One."] * 8)
    bench.run()
    assert {"started_at" in start for start in bench.all("response.sentence.start")} == {True, False}


def test_subtitles_count_over_all_sentences():
    bench = Bench({"timestamp": True})
    bench.say("Good day.", "Two.")
    bench.run()
    first, second = bench.all("response.subtitle")
    assert [item["text"] for item in first["items"]] == ["Good", "day."]
    assert (first["items"][1]["end_time"], second["items"][0]["start_time"]) == (1000, 1000)
    (event, _) = [event for _, event in bench.said if event["type"] == "tts.response.subtitle"]
    assert "timestamp" in event


def test_subtitles_may_be_late_but_come_before_the_end():
    bench = Bench({"timestamp": True}, stream_subtitles="late")
    bench.say("One.", "Two.")
    bench.run()
    bench.speaker.finish(bench.now)
    bench.run()
    del bench.said[-1]
    assert order(bench, "sentence.end", "subtitle", "audio.done") == [
        "response.sentence.end",
        "response.sentence.end",
        "response.subtitle",
        "response.subtitle",
        "response.audio.done",
    ]


def test_a_flush_may_be_told_when_its_sound_has_gone():
    at_once, late = Bench(), Bench(stream_flushed="after-audio")
    for bench in (at_once, late):
        bench.say("One.")
        bench.speaker.flushed(bench.now)
        bench.run()
    assert order(at_once, "flushed", "sentence.end") == ["text.flushed", "response.sentence.end"]
    assert order(late, "flushed", "sentence.end") == ["response.sentence.end", "text.flushed"]


def test_directions_are_not_spoken_by_the_newer_models():
    bench = Bench()
    bench.say("(softly) One.", "(sighs)", "!")
    bench.run()
    assert [wish.text for wish in bench.wishes] == ["One."]
    assert [sentence.frames for sentence in bench.record.sentences] == [24_000, 0, 0]
    older = Bench(model="step-tts-2")
    older.say("(sighs)")
    assert [wish.text for wish in older.wishes] == ["(sighs)"]


def test_sound_that_cannot_be_made_ends_it():
    bench = Bench()
    bench.say("One.")
    bench.speaker.say("Two.", bench.now)
    (wish,) = bench.speaker.take_wanted()
    bench.speaker.failed(wish.response, "no such voice", bench.now)
    bench.speaker.failed(wish.response, "no such voice", bench.now)
    bench.speaker.spoken(wish.response, np.zeros(0, np.int16), bench.now)
    assert bench.run() == ["tts.response.error"]
