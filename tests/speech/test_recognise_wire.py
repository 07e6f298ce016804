"""What is sent and what is made of what comes: any cut of the sound is the same body, and nothing said breaks it."""

import base64
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from antiphon.errors import Garbled
from antiphon.speech.recognise_wire import Asking, Body, Delta, Done, Failed, joined, read

ASKING = Asking("stepaudio-2.5-asr", "zh", ("\u9636\u8dc3", 'a "b"'))


def whole(body, *pieces):
    return b"".join([body.head, *(text for piece in pieces for text in body.take(piece)), body.end()])


@given(st.lists(st.binary(max_size=100), max_size=20))
def test_any_cut_of_the_sound_is_the_same_body(pieces):
    sound = b"".join(pieces)
    sent = whole(Body(ASKING, "mp3", 0), *pieces)
    assert len(sent) == Body(ASKING, "mp3", 0).size(len(sound))
    audio = json.loads(sent)["audio"]
    assert base64.b64decode(audio["data"], validate=True) == sound
    assert audio["input"]["transcription"]["hotwords"] == ["\u9636\u8dc3", 'a "b"']
    assert audio["input"]["format"] == {"type": "mp3"}


def test_what_is_not_set_is_not_sent():
    fields = json.loads(whole(Body(Asking("m"), "pcm", 8000), b"ab"))["audio"]["input"]
    assert fields["transcription"] == {"model": "m", "enable_itn": True, "enable_timestamp": False}
    assert fields["format"] == {"type": "pcm", "codec": "pcm_s16le", "rate": 8000, "bits": 16, "channel": 1}


def test_pieces_are_small_however_much_comes():
    body = Body(ASKING, "wav", 0)
    assert max(map(len, body.take(bytes(10_000_000)))) == 64 * 1024


@pytest.mark.parametrize(
    ("said", "event"),
    [
        ({"type": "transcript.text.delta", "delta": "on"}, Delta("on")),
        ({"type": "transcript.text.done", "text": ""}, Done("")),
        (
            {"type": "transcript.text.done", "text": "On.", "usage": {"type": "tokens", "total_tokens": 4, "x": True}},
            Done("On.", {"total_tokens": 4}),
        ),
        ({"type": "error", "message": "no"}, Failed("no")),
        ({"type": "error"}, Failed("")),
        ({"error": {"message": "no", "type": "model_invalid"}}, Failed("no", "model_invalid")),
        ({"type": "something.new"}, None),
        ({"type": "transcript.text.delta"}, None),
        ({}, None),
    ],
)
def test_what_comes(said, event):
    assert read(json.dumps(said)) == event


@pytest.mark.parametrize("data", ["[DONE]", "", "  "])
def test_an_end_that_says_nothing(data):
    assert read(data) is None


@pytest.mark.parametrize("data", ["{", "[1]", "null", "[" * 100_000, '{"timestamp": 00}'])
def test_nonsense(data):
    with pytest.raises(Garbled):
        read(data)


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(),
        lambda inner: (
            st.lists(inner)
            | st.dictionaries(st.sampled_from(["type", "delta", "text", "usage", "error", "message"]), inner)
        ),
    )
)
def test_nothing_said_breaks_it(said):
    try:
        read(json.dumps(said))
    except Garbled:
        assert not isinstance(said, dict)


@pytest.mark.parametrize(
    ("texts", "text"),
    [
        (["One.", " Two. ", "", "Three."], "One. Two. Three."),
        (["\u4e00\u3002", "\u4e8c\u3002"], "\u4e00\u3002\u4e8c\u3002"),
        (["", ""], ""),
        ([], ""),
    ],
)
def test_parts_are_joined_as_they_are_written(texts, text):
    assert joined(texts) == text
