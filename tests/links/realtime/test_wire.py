"""JSON to messages and back: every event of StepFun's reference, and every way in which the service strays from it."""

import base64
import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from antiphon.links.realtime import messages as m
from antiphon.links.realtime.wire import MAX_PARTS, SERVER_EVENTS, decode, encode

PCM = b"\x01\x00\xff\x7f"
VAD = m.ServerVad(silence_ms=600, prefix_padding_ms=500, energy_threshold=2500)


def said(message):
    return json.loads(encode(message))


def text_item(role, **content):
    return {"type": "conversation.item.create", "item": {"type": "message", "role": role, "content": [content]}}


# ── out ──────────────────────────────────────────────────────────────────────────────────────────


def test_session_update_always_says_who_finds_the_turns():
    session = said(m.UpdateSession("Be brief.", "linjiajiejie", VAD))["session"]
    assert session == {
        "modalities": ["text", "audio"],
        "instructions": "Be brief.",
        "voice": "linjiajiejie",
        "input_audio_format": "pcm16",
        "output_audio_format": "pcm16",
        "turn_detection": {
            "type": "server_vad",
            "prefix_padding_ms": 500,
            "silence_duration_ms": 600,
            "energy_awakeness_threshold": 2500,
        },
    }
    own = said(m.UpdateSession("", "", None))["session"]
    assert "tools" not in own
    assert own["turn_detection"] is None
    assert "turn_detection" in own
    assert "voice" not in own


def test_tools_are_offered_in_the_nested_shape():
    schema = {"type": "object", "properties": {"seconds": {"type": "integer"}}}
    offers = (
        m.FunctionTool("set_timer", "Start a timer", schema),
        m.WebSearch(5, 3),
        m.Retrieval("1646", "recipes", "Use {{knowledge}} to answer {{query}}"),
        m.Retrieval("7", "", ""),
    )
    search = {"description": "search the web", "options": {"top_k": 5, "timeout_seconds": 3}}
    library = {"vector_store_id": "1646", "prompt_template": "Use {{knowledge}} to answer {{query}}"}
    assert said(m.UpdateSession("", "", None, offers))["session"]["tools"] == [
        {
            "type": "function",
            "function": {"name": "set_timer", "description": "Start a timer", "parameters": schema},
        },
        {"type": "web_search", "function": search},
        {"type": "retrieval", "function": {"description": "recipes", "options": library}},
        {"type": "retrieval", "function": {"options": {"vector_store_id": "7"}}},
    ]


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        (m.AppendAudio(PCM), {"type": "input_audio_buffer.append", "audio": "AQD/fw=="}),
        (m.CommitAudio(), {"type": "input_audio_buffer.commit"}),
        (m.ClearAudio(), {"type": "input_audio_buffer.clear"}),
        (m.AddText("user", "hello"), text_item("user", type="input_text", text="hello")),
        (m.AddText("assistant", "hi"), text_item("assistant", type="text", text="hi")),
        (m.AddAudio(PCM), text_item("user", type="input_audio", audio="AQD/fw==")),
        (
            m.AddToolOutput("call_0_15", "{}"),
            {
                "type": "conversation.item.create",
                "item": {"type": "function_call_output", "call_id": "call_0_15", "output": "{}"},
            },
        ),
        (m.DeleteItem("i"), {"type": "conversation.item.delete", "item_id": "i"}),
        (
            m.TruncateItem("i", 0, 1200, event_id="t-1"),
            {
                "type": "conversation.item.truncate",
                "item_id": "i",
                "content_index": 0,
                "audio_end_ms": 1200,
                "event_id": "t-1",
            },
        ),
        (m.CreateResponse(), {"type": "response.create"}),
        (m.CancelResponse(event_id="c-9"), {"type": "response.cancel", "event_id": "c-9"}),
    ],
)
def test_requests_as_the_reference_writes_them(message, expected):
    assert said(message) == expected


@given(st.text())
def test_any_text_can_be_sent(text):
    frame = encode(m.AddText("user", text))
    assert frame.isascii()
    assert json.loads(frame)["item"]["content"][0]["text"] == text


# ── in ───────────────────────────────────────────────────────────────────────────────────────────

IDS = {"response_id": "R", "item_id": "I", "output_index": 0, "content_index": 0}
SPOKEN = {"id": "I", "type": "message", "role": "assistant", "content": [{"type": "audio", "transcript": "Hi, there."}]}
RESPONSES = {
    "session.created": (
        {"session": {"id": "s", "model": "big", "voice": "v", "max_response_output_tokens": "4096"}},
        m.SessionCreated(m.Session("s", "big", "v", "", 4096)),
    ),
    "session.updated": (
        {"session": {"voice": "w", "turn_detection": {"type": "server_vad"}, "max_response_output_tokens": 4096}},
        m.SessionUpdated(m.Session("", "", "w", "server_vad", 4096)),
    ),
    "input_audio_buffer.speech_started": ({"audio_start_ms": "1000", "item_id": "i"}, m.SpeechStarted("i")),
    "input_audio_buffer.speech_stopped": ({"audio_end_ms": 2000, "item_id": "i"}, m.SpeechStopped("i")),
    "input_audio_buffer.committed": ({"previous_item_id": "h", "item_id": "i"}, m.Committed("i")),
    "input_audio_buffer.cleared": ({}, m.Cleared()),
    "conversation.item.created": (
        {
            "item": {
                "id": "i",
                "type": "message",
                "role": "user",
                "content": [{"type": "input_text", "transcript": "ho"}],
            }
        },
        m.ItemCreated(m.Item("i", "message", "user", "ho")),
    ),
    "conversation.item.deleted": ({"item_id": "i"}, m.ItemDeleted("i")),
    "conversation.item.truncated": ({"item_id": "i", "audio_end_ms": 5}, m.ItemTruncated("i")),
    "conversation.item.input_audio_transcription.delta": (
        {"item_id": "i", "content_index": 0, "delta": "hel"},
        m.Transcript("i", "hel", final=False),
    ),
    "conversation.item.input_audio_transcription.completed": (
        {"item_id": "i", "transcript": "hello"},
        m.Transcript("i", "hello", final=True),
    ),
    "conversation.item.input_audio_transcription.failed": (
        {"item_id": "i", "error": {"message": "too noisy"}},
        m.TranscriptFailed("i", "too noisy"),
    ),
    "response.created": ({"response": {"id": "R", "status_details": None, "output": []}}, m.ResponseCreated("R")),
    "response.output_item.added": (
        {"response_id": "R", "item": {"id": "I", "type": "message", "role": "assistant", "content": []}},
        m.OutputItem("R", m.Item("I", "message", "assistant", ""), done=False),
    ),
    "response.output_item.created": (
        {"response_id": "R", "item": {"id": "I", "type": "function_call", "name": "x", "arguments": None}},
        m.OutputItem("R", m.Item("I", "function_call", name="x"), done=False),
    ),
    "response.output_item.done": (
        {"response_id": "R", "item": SPOKEN},
        m.OutputItem("R", m.Item("I", "message", "assistant", "Hi, there."), done=True),
    ),
    "response.content_part.added": (
        {**IDS, "part": {"type": "audio", "audio": "", "transcript": ""}},
        m.ContentPart("R", "I", "audio", done=False),
    ),
    "response.content_part.done": (
        {**IDS, "part": {"type": "thinking"}},
        m.ContentPart("R", "I", "thinking", done=True),
    ),
    "response.audio_transcript.delta": ({**IDS, "delta": "Hi"}, m.TextDelta("R", "I", "Hi")),
    "response.audio_transcript.done": ({**IDS, "transcript": "Hi!"}, m.TextDone("R", "I", "Hi!")),
    "response.text.delta": ({**IDS, "delta": "Hi"}, m.TextDelta("R", "I", "Hi")),
    "response.text.done": ({**IDS, "text": "Hi!"}, m.TextDone("R", "I", "Hi!")),
    "response.audio.delta": ({**IDS, "delta": base64.b64encode(PCM).decode()}, m.AudioDelta("R", "I", 0, PCM)),
    "response.audio.done": ({"response_id": "R", "item_id": "I"}, m.AudioDone("R", "I")),
    "response.thinking.delta": ({**IDS, "delta": "hm"}, m.Thinking("R", "hm", done=False)),
    "response.thinking.done": ({**IDS, "thinking": "hmm"}, m.Thinking("R", "hmm", done=True)),
    "response.function_call_arguments.delta": (
        {"response_id": "R", "item_id": "I", "call_id": "c", "name": "set_timer", "arguments": '{"sec'},
        m.ToolCall("R", "c", "set_timer", '{"sec', done=False, item="I"),
    ),
    "response.function_call_arguments.done": (
        {"call_id": "c", "name": "set_timer", "arguments": "{}"},
        m.ToolCall("", "c", "set_timer", "{}", done=True),
    ),
    "response.done": (
        {"response": {"id": "R", "status": "completed", "status_details": None, "output": [SPOKEN]}},
        m.ResponseDone("R", "completed", "", "Hi, there."),
    ),
    "response.cancelled": ({"response": {"id": "R", "status": "cancelled"}}, m.ResponseCancelled("R")),
    "rate_limits.updated": ({"rate_limits": [{"name": "requests"}]}, m.RateLimits()),
    "error": (
        {"error": {"type": "invalid_request_error", "code": "invalid_param", "message": "no", "event_id": "c-1"}},
        m.ServiceError("invalid_request_error", "invalid_param", "no", "c-1"),
    ),
}


def test_the_list_of_events_is_whole():
    assert set(RESPONSES) == SERVER_EVENTS


@pytest.mark.parametrize("kind", sorted(RESPONSES))
def test_events_as_the_service_writes_them(kind):
    fields, expected = RESPONSES[kind]
    frame = json.dumps({"event_id": "e", "type": kind, **fields})
    assert decode(frame) == expected
    assert decode(frame.encode()) == expected


@pytest.mark.parametrize("kind", sorted(SERVER_EVENTS - {"response.audio.delta"}))
@pytest.mark.parametrize("null", [False, True])
def test_ids_and_indexes_may_be_left_out(kind, null):
    """Only what a message is nothing without is needed: the piece in a delta."""
    fields = {"type": kind, "delta": "piece"}
    if null:
        fields |= dict.fromkeys(["event_id", "response_id", "item_id", "content_index", "response", "item", "session"])
    assert isinstance(decode(json.dumps(fields)), type(RESPONSES[kind][1]))


@pytest.mark.parametrize(
    ("event", "expected"),
    [
        ({"type": "error", "error": {"message": "m"}}, m.ServiceError("", "", "m", "")),
        ({"type": "error", "message": "m", "code": 429}, m.ServiceError("", "429", "m", "")),
        ({"type": "error", "error": "m"}, m.ServiceError("", "", "m", "")),
        ({"type": "error"}, m.ServiceError("", "", "", "")),
        ({"error": {"type": "server_error", "message": "m"}}, m.ServiceError("server_error", "", "m", "")),
        (
            {
                "type": "invalid_request_error",
                "code": "invalid_value",
                "message": "m",
                "param": "type",
                "event_id": "c",
            },
            m.ServiceError("invalid_request_error", "invalid_value", "m", "c"),
        ),
        ({"type": "error", "error": {"type": "server_error"}}, m.ServiceError("server_error", "", "server_error", "")),
    ],
)
def test_errors_with_and_without_their_envelope(event, expected):
    assert decode(json.dumps(event)) == expected


@pytest.mark.parametrize(("details", "why"), [("content_filter", "content_filter"), ({"reason": "x"}, "x"), (7, "")])
def test_the_end_of_a_response_is_not_missed_for_its_details(details, why):
    event = {"type": "response.done", "response": {"id": "R", "status": "failed", "status_details": details}}
    assert decode(json.dumps(event)) == m.ResponseDone("R", "failed", why, "")


def test_thinking_is_not_part_of_what_an_item_says():
    content = [{"type": "thinking", "text": "hm"}, {"type": "text", "text": "Yes"}]
    event = {"type": "response.output_item.done", "item": {"id": "I", "type": "message", "content": content}}
    assert decode(json.dumps(event)).item.text == "Yes"


@pytest.mark.parametrize(("index", "read"), [("3", 3), (2.0, 2), (None, 0), ("x", 0), ("9" * 30, 0)])
def test_numbers_may_be_strings(index, read):
    event = {"type": "response.audio.delta", "content_index": index, "delta": ""}
    assert decode(json.dumps(event)) == m.AudioDelta("", "", read, b"")


def test_half_a_surrogate_pair_is_made_writable():
    message = decode(r'{"type":"response.text.delta","delta":"a\ud800b"}')
    assert message.text.encode() == b"a?b"


def test_what_we_do_not_know_is_named():
    assert decode('{"type":"output_audio_buffer.started"}') == m.Unknown("output_audio_buffer.started")
    assert len(decode(json.dumps({"type": "x" * 9000})).type) == 100


@pytest.mark.parametrize(
    ("frame", "why"),
    [
        (b"\xff\xfe", "UTF-8"),
        ("", "JSON"),
        ("{", "JSON"),
        ('\ufeff{"type":"response.done"}', "JSON"),
        ("[" * 200_000, "too many parts"),
        ("[" * 60_000, "nested"),
        ('{"a":' * 20_000 + "1" + "}" * 20_000, "nested"),
        ('{"type":"response.done","a":[' + "[]," * MAX_PARTS + "[]]}", "too many parts"),
        ('{"type":"response.audio.delta","content_index":' + "9" * 5000 + ',"delta":""}', "JSON"),
        ('{"type":"response.audio.delta","content_index":1e999,"delta":""}', "content_index"),
        ('{"type":"response.audio.delta","content_index":NaN,"delta":""}', "content_index"),
        ('{"type":"response.audio.delta","content_index":true,"delta":""}', "content_index"),
        ("[]", "not an object"),
        ("null", "not an object"),
        ('"text"', "not an object"),
        ("{}", "no type"),
        ('{"type":null}', "no type"),
        ('{"type":5}', "type"),
        ('{"type":["error"]}', "type"),
        ('{"type":"response.audio.delta"}', "delta is missing"),
        ('{"type":"response.audio.delta","delta":"A"}', "base64"),
        ('{"type":"response.audio.delta","delta":"AA=A"}', "base64"),
        ('{"type":"response.audio.delta","delta":"\u00e9\u00e9=="}', "base64"),
        ('{"type":"response.audio.delta","delta":"AA AA"}', "base64"),
        ('{"type":"response.audio.delta","delta":7}', "delta"),
        ('{"type":"response.text.delta"}', "delta is missing"),
        ('{"type":"response.done","response":"R"}', "response"),
        ('{"type":"response.done","response":{"id":1}}', "id"),
        ('{"type":"response.done","response":{"output":{}}}', "output"),
        ('{"type":"response.done","response":{"output":[1]}}', "output"),
        ('{"type":"session.created","session":[]}', "session"),
        ('{"type":"conversation.item.created","item":{"content":"x"}}', "content"),
        ('{"type":"error","error":{"message":{}}}', "message"),
        ('{"type":"error","error":[]}', "error"),
    ],
)
def test_nonsense_is_called_so(frame, why):
    message = decode(frame)
    assert isinstance(message, m.Malformed)
    assert why in message.why


def test_a_long_piece_of_sound_is_not_nonsense():
    pcm = bytes(2_000_000)
    event = {"type": "response.audio.delta", "delta": base64.b64encode(pcm).decode()}
    assert decode(json.dumps(event)).pcm == pcm


json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=20)
    | st.sampled_from(sorted(SERVER_EVENTS)),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.sampled_from([*IDS, "type", "delta", "id", "response", "item", "error", "message"]), inner)
    ),
    max_leaves=12,
)


@given(st.lists(st.binary(max_size=200) | st.text(max_size=200) | json_values.map(json.dumps), max_size=10))
@settings(max_examples=200, deadline=None)
def test_any_frame_becomes_some_message(frames):
    for frame in frames:
        assert decode(frame) is not None
