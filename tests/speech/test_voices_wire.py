"""What is asked about voices, and that no answer is too odd."""

import contextlib
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from antiphon.errors import Garbled
from antiphon.speech import voices_wire as wire
from antiphon.speech.voices_wire import Clone, OwnVoice, Page, SystemVoice

ROW = {"id": "voice-tone-a", "file_id": "file-a", "created_at": 7}


def body(**fields):
    return json.dumps(fields).encode()


def test_requests_hold_what_is_documented():
    assert json.loads(wire.clone("m", "f")) == {"model": "m", "file_id": "f"}
    assert json.loads(wire.clone("m", "f", "你好"))["text"] == "你好"
    assert json.loads(wire.preview("m", "f", "Hi")) == {
        "model": "m", "file_id": "f", "sample_text": "Hi", "response_format": "wav"
    }  # fmt: skip
    assert json.loads(wire.preview("m", "f", "Hi", "calm"))["instruction"] == "calm"
    assert wire.page_path("") == "/audio/voices?limit=100&order=desc"
    assert wire.page_path("voice-tone-a&b").endswith("&after=voice-tone-a%26b")
    assert wire.page_path("voice-tone-\ud800").endswith("&after=voice-tone-%3F")
    assert wire.system_path("caf\udce9").endswith("?model=caf%3F")
    assert wire.system_path("step-tts-2") == "/audio/system_voices?model=step-tts-2"


def test_answers_are_read():
    assert wire.read_file(body(id="file-a", status="success")) == "file-a"
    assert wire.read_clone(body(id="voice-tone-a")) == Clone("voice-tone-a", False)
    assert wire.read_clone(body(id="voice-tone-a", duplicated=True)) == Clone("voice-tone-a", True)
    assert wire.read_preview(body(sample_audio="AQI=")) == b"\x01\x02"
    assert wire.read_preview(body(sample_audio="data:audio/wav;base64,AQI=")) == b"\x01\x02"


def test_a_page_says_where_the_next_begins():
    own = OwnVoice("voice-tone-a", "file-a", 7)
    assert wire.read_page(body(data=[ROW], has_more=True, last_id="voice-tone-a")) == Page((own,), "voice-tone-a")
    assert wire.read_page(body(data=[ROW], has_more=True)) == Page((own,), "voice-tone-a")
    assert wire.read_page(body(data=[ROW, 7, {}], has_more=False, last_id="voice-tone-a")) == Page((own,), "")
    assert wire.read_page(body(data=[])) == Page((), "")


def test_system_voices_have_what_is_told_of_them():
    details = {"a": {"voice-name": "A", "voice-description": "soft", "recommended_scene": "night"}, "b": 7}
    told = wire.read_system(json.dumps({"voices": ["a", "b", 7], "voices-details": details}).encode())
    assert told == (SystemVoice("a", "A", "soft", "night"), SystemVoice("b"))


READERS = [wire.read_file, wire.read_clone, wire.read_preview, wire.read_page, wire.read_system]
ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda more: (
        st.lists(more, max_size=3)
        | st.dictionaries(
            st.sampled_from(["id", "data", "voices", "voices-details", "sample_audio", "has_more", "last_id"]), more
        )
    ),
    max_leaves=8,
)


@pytest.mark.parametrize("read", READERS)
@given(said=st.binary() | ANYTHING.map(lambda tree: json.dumps(tree).encode()))
def test_no_answer_is_too_odd(read, said):
    with contextlib.suppress(Garbled):
        read(said)
