"""The frames of the speech WebSocket: what is written, and that nothing that is read is too odd."""

import base64
import io
import json
import wave

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from antiphon.speech import stream_wire as wire
from antiphon.speech.stream_wire import (
    Connected,
    Create,
    Created,
    Failed,
    Finish,
    Finished,
    Flush,
    Flushed,
    Malformed,
    Other,
    Samples,
    Say,
    SentenceBegun,
    SentenceEnded,
    SoundCame,
    decode,
    encode,
)

SOUND = bytes(range(200))


def event(kind, **data):
    return json.dumps({"event_id": "1", "type": kind, "data": {"session_id": "S", **data}})


def b64(data):
    return base64.b64encode(data).decode()


def wav(pcm, size=None):
    file = io.BytesIO()
    with wave.open(file, "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(2)
        out.setframerate(24_000)
        out.writeframes(pcm)
    data = file.getvalue()
    return data if size is None else data[:40] + size.to_bytes(4, "little") + data[44:]


def test_what_is_as_the_service_has_it_is_left_out():
    asked = json.loads(encode(Create("S", "v")))
    assert asked == {
        "type": "tts.create",
        "data": {"session_id": "S", "voice_id": "v", "response_format": "pcm", "sample_rate": 24000, "mode": "default"},
    }
    asked = json.loads(encode(Create("S", "v", "calm", 1.5)))["data"]
    assert (asked["instruction"], asked["speed_ratio"]) == ("calm", 1.5)


def test_text_goes_as_it_is():
    assert json.loads(encode(Say("S", "你好 \n\ud800"))) == {
        "type": "tts.text.delta",
        "data": {"session_id": "S", "text": "你好 \n?"},
    }
    encode(Create("S", "voice-tone-\udce9", "calm\ud800")).encode()  # as a socket does
    assert json.loads(encode(Flush("S"))) == {"type": "tts.text.flush", "data": {"session_id": "S"}}
    assert json.loads(encode(Finish("S"))) == {"type": "tts.text.done", "data": {"session_id": "S"}}


@pytest.mark.parametrize(
    ("frame", "message"),
    [
        (event("tts.connection.done"), Connected("S")),
        (event("tts.response.created"), Created()),
        (event("tts.response.sentence.start", text="Hi.", started_at=1), SentenceBegun("Hi.")),
        (event("tts.response.sentence.start", text="Hi.", request_id="S-tts.1", timestamp=98), SentenceBegun("Hi.")),
        (event("tts.response.sentence.start", sentence_id="x", started_at="1"), SentenceBegun("")),
        (event("tts.response.sentence.end", text="Hi.", ended_at=2), SentenceEnded()),
        (event("tts.response.audio.delta", status="unfinished", audio=b64(SOUND)), SoundCame(SOUND, False)),
        (event("tts.response.audio.delta", status="finished", audio="", duration=0.1), SoundCame(b"", False)),
        (event("tts.response.audio.delta", audio=None), SoundCame(b"", False)),
        (event("tts.response.audio.delta", audio=b64(wav(SOUND))), SoundCame(SOUND, True)),
        (event("tts.response.audio.delta", audio=b64(wav(SOUND, 0))), SoundCame(SOUND, True)),
        (event("tts.response.audio.delta", audio=b64(wav(SOUND, 2**32 - 1))), SoundCame(SOUND, True)),
        (event("tts.response.audio.delta", audio="?"), Malformed("its sound is no base64")),
        (event("tts.text.flushed"), Flushed()),
        (event("tts.response.audio.done", audio=b64(SOUND)), Finished(SOUND, False)),
        (event("tts.response.audio.done"), Finished(b"", False)),
        (event("tts.response.audio.done", audio=7), Finished(b"", False)),
        (
            event("tts.response.error", code="503", message="overloaded", details={"error": "x"}),
            Failed("503", "overloaded", "x"),
        ),
        (event("tts.response.error", code=503), Failed("503", "", "")),
        (event("tts.response.subtitle", items=[]), Other("tts.response.subtitle")),
        ("[]", Malformed("it has no type")),
        ("{", Malformed("it is no JSON")),
        (b"\xff", Malformed("it is no JSON")),
        ("[" * 90_000, Malformed("it is no JSON")),
        (json.dumps({"type": "tts.connection.done"}), Malformed("it names no session")),
    ],
)
def test_a_frame_is_read(frame, message):
    assert decode(frame) == message


@settings(max_examples=500)
@given(st.text() | st.binary())
def test_no_frame_is_too_odd(frame):
    assert isinstance(decode(frame), wire.Malformed | wire.Other)


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda more: st.lists(more, max_size=3) | st.dictionaries(st.text(max_size=8), more, max_size=3),
    max_leaves=6,
)
KINDS = [
    "tts.connection.done",
    "tts.response.created",
    "tts.response.sentence.start",
    "tts.response.audio.delta",
    "tts.response.audio.done",
    "tts.response.error",
    "tts.text.flushed",
]


@settings(max_examples=500)
@given(
    st.sampled_from(KINDS),
    st.dictionaries(st.sampled_from(["session_id", "text", "audio", "code", "message", "details"]), ANYTHING)
    | ANYTHING,
)
def test_no_field_is_too_odd(kind, data):
    decode(json.dumps({"type": kind, "data": data}))


@given(st.binary(max_size=99), st.lists(st.integers(1, 9), min_size=1))
def test_samples_are_whole_each_once(sound, steps):
    samples, heard, at = Samples(), b"", 0
    while at < len(sound):
        step = steps[at % len(steps)]
        heard += samples.take(SoundCame(sound[at : at + step], False))
        at += step
    assert heard == sound[: len(sound) // 2 * 2]


def test_all_of_it_at_the_end_is_not_heard_again():
    samples = Samples()
    assert samples.take(SoundCame(SOUND, False)) == SOUND
    assert samples.end(Finished(SOUND, False)) == b""
    assert Samples().end(Finished(SOUND, False)) == SOUND, "where nothing came before, it is the sound"
    halved = Samples()
    assert halved.take(SoundCame(SOUND[:1], False)) == b""
    assert halved.end(Finished(SOUND, False)) == SOUND, "half a sample is none"


def test_a_file_of_its_own_does_not_go_on_with_half_a_sample():
    samples = Samples()
    assert samples.take(SoundCame(b"\x01\x02\x03", False)) == b"\x01\x02"
    assert samples.take(SoundCame(b"\x05\x06\x07", True)) == b"\x05\x06"
    assert samples.take(SoundCame(b"\x08\x09", False)) == b"\x08\x09"
