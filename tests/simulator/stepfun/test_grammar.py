"""What a client may say, and the complaint about all else."""

import base64
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from antiphon.simulator.stepfun import grammar
from antiphon.simulator.stepfun.grammar import ComplaintError

TEXT = {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "hi"}]}


@pytest.mark.parametrize("frame", [b"\0\1", "", "{", "[]", "3", "null", '{"a":' + "[" * 100_000])
def test_what_is_no_json_object_in_a_text_frame_is_refused(frame):
    with pytest.raises(ComplaintError, match="invalid event format"):
        grammar.decoded(frame)


@pytest.mark.parametrize(
    "event",
    [
        {},
        {"type": 3},
        {"type": "session.close"},
        {"type": "response.cancel", "event_id": 7},
        {"type": "response.cancel", "response_id": "R"},
        {"type": "session.update"},
        {"type": "input_audio_buffer.commit", "audio": ""},
        {"type": "conversation.item.truncate", "item_id": "a", "content_index": 0},
    ],
)
def test_unknown_types_and_keys_are_refused(event):
    with pytest.raises(ComplaintError, match="invalid event format"):
        grammar.checked(event)


def test_a_documented_event_passes():
    assert grammar.checked({"type": "response.cancel", "event_id": "c-1"}) == "response.cancel"


@given(st.dictionaries(st.text(), st.none() | st.booleans() | st.integers() | st.text() | st.lists(st.integers())))
def test_no_object_makes_it_fall_over(event):
    with pytest.raises(ComplaintError):
        grammar.checked(event | {"type": "session.update", "no such key": 1})


def test_audio_is_base64_of_whole_samples():
    assert grammar.audio(base64.b64encode(b"\1\2\3\4").decode()) == b"\1\2\3\4"
    for wrong in (None, 3, "AAA*", "A"):
        with pytest.raises(ComplaintError, match="invalid event format"):
            grammar.audio(wrong)
    with pytest.raises(ComplaintError, match="音频内容不完整") as odd:
        grammar.audio(base64.b64encode(b"\1\2\3").decode())
    assert odd.value.code == "invalid_param"


def test_an_append_of_more_than_15_mb_is_refused():
    with pytest.raises(ComplaintError, match="15 MB"):
        grammar.audio(base64.b64encode(bytes(grammar.MAX_APPEND_BYTES + 2)).decode())


def test_items_by_role():
    assert grammar.item(TEXT, system_items=False) == ("user", "hi", b"")
    spoken = {"type": "message", "role": "user", "content": [{"type": "input_audio", "audio": "AAAA" * 2}]}
    assert grammar.item(spoken, system_items=False) == ("user", "", bytes(6))
    earlier = {"type": "message", "role": "assistant", "content": [{"type": "text", "text": "yes"}]}
    assert grammar.item(earlier, system_items=False) == ("assistant", "yes", b"")
    output = {"type": "function_call_output", "call_id": "call_0_1", "output": "{}"}
    assert grammar.item(output, system_items=False) == ("tool", "{}", b"")


@pytest.mark.parametrize(
    ("item", "message"),
    [
        (None, "invalid event format"),
        ({"type": "function_call", "name": "x"}, "item.type must be message or function_call_output"),
        (TEXT | {"role": "system"}, "item.role must be user or assistant"),
        (TEXT | {"content": []}, "invalid event format"),
        (TEXT | {"content": [{"type": "text", "text": "hi"}]}, "invalid event format"),
        (TEXT | {"content": [{"type": "input_text"}]}, "invalid event format"),
        (TEXT | {"content": [{"type": "input_text", "text": "hi", "transcript": "hi"}]}, "invalid event format"),
        (TEXT | {"status": "completed"}, "invalid event format"),
        ({"type": "function_call_output", "output": "{}"}, "invalid event format"),
        (
            {"type": "function_call_output", "call_id": "c", "output": "{}", "status": "completed"},
            "invalid event format",
        ),
    ],
)
def test_items_that_are_refused(item, message):
    with pytest.raises(ComplaintError, match=message):
        grammar.item(item, system_items=False)


def test_system_items_by_switch():
    assert grammar.item(TEXT | {"role": "system"}, system_items=True)[0] == "system"


def test_a_request_takes_instructions_from_either_place():
    assert grammar.request({}) == (None, "")
    assert grammar.request({"response": {"instructions": "greet", "modalities": ["text"]}}) == (("text",), "greet")
    assert grammar.request({"session": {"instructions": "greet"}}) == (None, "greet")
    assert grammar.request({"response": {"tools": ["anything"], "metadata": {}, "voice": "x"}}) == (None, "")


@pytest.mark.parametrize(
    "event",
    [
        {"response": {"modalities": ["audio"]}},
        {"response": {"conversation": "none"}},
        {"response": {"tool_choice": "auto"}},
        {"response": {"voice": 3}},
        {"response": {"output_audio_format": "g711_ulaw"}},
        {"response": []},
        {"session": {"voice": "x"}},
        {"response": {"instructions": 3}},
    ],
)
def test_requests_that_are_refused(event):
    with pytest.raises(ComplaintError, match="invalid event format"):
        grammar.request(json.loads(json.dumps(event)))
