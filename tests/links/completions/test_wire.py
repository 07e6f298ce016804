"""Bodies as the service's reference has them; answers with all their oddities, cut anywhere; and nonsense."""

import base64
import contextlib
import itertools
import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from antiphon.errors import Garbled
from antiphon.links.completions.wav import pcm_of, wav_file
from antiphon.links.completions.wire import (
    PIECE_BYTES,
    ChunkStream,
    Clip,
    Message,
    Request,
    Said,
    Stopped,
    ToolCall,
    body,
    clip_bytes,
    is_answer,
    whole_answer,
)
from antiphon.pcm import bytes_of
from antiphon.ports import ToolSpec
from links.completions.chunks import BEGIN, DONE, END, calling, data, piece, sounding, spoken, whole

PCM = bytes_of(np.arange(-3000, 3000, dtype=np.int16))
WEATHER = ToolSpec("get_weather", "The weather", {"type": "object", "properties": {"city": {"type": "string"}}})


def asked(*messages, model="step-audio-2", **request):
    return json.loads(body(model, Request(messages, **request)))


def heard(*chunks):
    """The whole of a stream, its pieces joined."""
    stream = ChunkStream()
    said = [*(stream.take(data(one)) for one in chunks), stream.end()]
    return Said(
        "".join(one.text for one in said),
        b"".join(one.pcm for one in said),
        tuple(call for one in said for call in one.calls),
        said[-1].finish,
    )


def told(answer):
    return list(whole_answer(data(answer)))


# ── bodies ───────────────────────────────────────────────────────────────────────────────────────


def test_a_streamed_question_asks_for_bare_samples():
    assert asked(Message("user", "Hi."), voice="wenrounansheng") == {
        "model": "step-audio-2",
        "modalities": ["text", "audio"],
        "audio": {"voice": "wenrounansheng", "format": "pcm"},
        "stream": True,
        "messages": [{"role": "user", "content": "Hi."}],
    }


def test_a_whole_answer_is_asked_for_as_wav():
    request = asked(Message("user", "Hi."), voice="v", stream=False)
    assert (request["stream"], request["audio"]["format"]) == (False, "wav")


def test_text_alone_names_no_voice():
    request = asked(Message("user", "Hi."), model="stepaudio-2.5-chat")
    assert (request["modalities"], "audio" in request) == (["text"], False)


def test_speech_is_a_data_url_of_a_wav():
    clip = Clip(PCM)
    request = asked(Message("user", "What is this?", clips=(clip,)), voice="v")
    text, sound = request["messages"][0]["content"]
    assert text == {"type": "text", "text": "What is this?"}
    assert list(sound["input_audio"]) == ["data"]
    kind, _, wav = sound["input_audio"]["data"].partition(",")
    assert (sound["type"], kind) == ("input_audio", "data:audio/wav;base64")
    assert pcm_of(base64.b64decode(wav)) == PCM
    assert len(json.dumps(sound)) <= clip_bytes(len(PCM)) <= len(json.dumps(sound)) + 60


def test_a_clip_is_not_printed():
    assert "pcm" not in repr(Clip(PCM))


def test_every_role_has_its_form():
    call = ToolCall("call-1", "get_weather", '{"city": "Oslo"}')
    messages = asked(
        Message("system", "Be brief."),
        Message("user", clips=(Clip(PCM),)),
        Message("assistant", calls=(call,)),
        Message("tool", "Rain.", answers="call-1"),
        Message("assistant", "It rains."),
    )["messages"]
    assert [message["role"] for message in messages] == ["system", "user", "assistant", "tool", "assistant"]
    assert messages[0]["content"] == "Be brief."
    assert [part["type"] for part in messages[1]["content"]] == ["input_audio"]
    function = {"name": "get_weather", "arguments": '{"city": "Oslo"}'}
    calls = [{"id": "call-1", "type": "function", "function": function}]
    assert messages[2] == {"role": "assistant", "content": None, "tool_calls": calls}
    assert messages[3] == {"role": "tool", "tool_call_id": "call-1", "content": "Rain."}
    assert messages[4] == {"role": "assistant", "content": "It rains."}


def test_tools_are_nested():
    tools = asked(Message("user", "Hi."), tools=[WEATHER])["tools"]
    parameters = {"type": "object", "properties": {"city": {"type": "string"}}}
    function = {"name": "get_weather", "description": "The weather", "parameters": parameters}
    assert tools == [{"type": "function", "function": function}]


def test_half_a_character_does_not_stop_a_question():
    assert asked(Message("user", "a\ud800b"))["messages"][0]["content"] == "a?b"


@pytest.mark.parametrize(
    ("kind", "stream", "fits"),
    [
        ("text/event-stream; charset=utf-8", True, True),
        ("application/json", True, False),
        ("application/json;charset=UTF-8", False, True),
        ("text/html", False, False),
        ("", True, True),
    ],
)
def test_what_may_be_the_answer(kind, stream, fits):
    assert is_answer(kind, stream=stream) is fits


# ── streams ──────────────────────────────────────────────────────────────────────────────────────


def test_a_stream_as_it_is_documented():
    assert heard(BEGIN, spoken("Once "), sounding(PCM[:100]), spoken("more."), sounding(PCM[100:]), END, DONE) == Said(
        "Once more.", PCM, (), "stop"
    )


def test_pieces_come_in_their_order_and_text_before_its_sound():
    stream = ChunkStream()
    both = piece(audio={"transcript": "Hi.", "data": base64.b64encode(PCM).decode()})
    assert stream.take(data(both)) == Said("Hi.", PCM)


def test_half_a_sample_waits_for_its_other_half():
    stream = ChunkStream()
    assert [stream.take(data(sounding(PCM[a:b]))).pcm for a, b in [(0, 3), (3, 4), (4, 9)]] == [
        PCM[:2],
        PCM[2:4],
        PCM[4:8],
    ]


def test_text_of_a_model_that_only_writes():
    assert heard(piece(content="Hel"), piece(content="lo."), END) == Said("Hello.", b"", (), "stop")


def test_what_is_written_and_spoken_is_told_once():
    both = piece(content="Hi.", audio={"transcript": "Hi."})
    assert heard(both, both).text == "Hi.Hi."
    assert heard(spoken("Hi."), piece(content="Hi.")).text == "Hi."


def test_reasoning_is_never_spoken():
    assert heard(piece(reasoning="He wants to", reasoning_content="know"), spoken("Yes."), END).text == "Yes."


@pytest.mark.parametrize(
    "oddity",
    [
        {},
        {"choices": []},
        {"choices": None, "usage": {}},
        {"choices": [None]},
        {"choices": [{"index": 0, "finish_reason": None}]},
        {"choices": [{"delta": None}]},
        {"choices": [{"delta": {"audio": None, "content": None, "tool_calls": None, "role": None}}]},
        {"choices": [{"delta": {"audio": {"id": "a", "expires_at": 7}}}], "service_tier": "x"},
        {"choices": [{"delta": {"audio": {"data": "", "transcript": None}}}]},
        {"error": None, "choices": [{"delta": {"content": 7}}]},
    ],
)
def test_odd_chunks_do_no_harm(oddity):
    assert heard(oddity, spoken("Hi."), oddity, sounding(PCM), oddity, END, oddity, DONE) == Said(
        "Hi.", PCM, (), "stop"
    )


@pytest.mark.parametrize("again", [[], [whole(transcript="Hi.", wav=PCM)], [spoken("Hi."), sounding(PCM)]])
def test_all_of_it_at_once_is_told_where_no_piece_was(again):
    at_once = whole(transcript="Hi.")
    at_once["choices"][0]["message"]["audio"] = {"transcript": "Hi.", "data": base64.b64encode(PCM).decode()}
    pieces = [spoken("Hi."), sounding(PCM)]
    assert (
        heard(BEGIN, at_once, *again, DONE) == heard(BEGIN, *pieces, at_once, END, DONE) == Said("Hi.", PCM, (), "stop")
    )


def test_nothing_is_told_after_done():
    stream = ChunkStream()
    assert not stream.over
    stream.take(DONE)
    assert stream.over
    assert stream.take(data(spoken("more"))) == Said()


CALL = ToolCall("call-1", "get_weather", '{"city": "Oslo"}')


def split_call(*pieces, index=0):
    """A call in pieces, of which only the first has id and name."""
    first = {"id": "call-1", "type": "function", "function": {"name": "get_weather", "arguments": pieces[0]}}
    rest = [{"function": {"arguments": more}} for more in pieces[1:]]
    if index is not None:
        for one in [first, *rest]:
            one["index"] = index
    return [piece(tool_calls=[one]) for one in [first, *rest]]


@pytest.mark.parametrize("finish", ["", "tool_calls", "stop", None])
@pytest.mark.parametrize(
    "chunks",
    [
        [calling("get_weather", CALL.arguments)],
        [calling("get_weather", {"city": "Oslo"})],
        split_call("", '{"city":', ' "Oslo"}'),
        split_call('{"ci', 'ty": "Oslo"', "}", index=None),
        [calling("get_weather", CALL.arguments)] * 2,
    ],
)
def test_a_call_comes_in_one_piece_or_in_several(chunks, finish):
    said = heard(BEGIN, *chunks, piece(finish), DONE)
    assert said.calls == (CALL,)
    assert said.finish == (finish or "tool_calls")


def test_calls_are_told_whole_and_once_at_the_end():
    stream = ChunkStream()
    for chunk in split_call('{"city":', ' "Oslo"}'):
        assert stream.take(data(chunk)) == Said()
    stream.take(data(piece("tool_calls")))
    assert stream.end() == Said(calls=(CALL,), finish="tool_calls")


@pytest.mark.parametrize("indices", [(0, 1), (0, 0), (None, None)])
def test_two_calls_are_told_apart(indices):
    first, second = (calling("get_time", "{}", f"call-{n}", index) for n, index in enumerate(indices))
    assert [call.id for call in heard(first, second, DONE).calls] == ["call-0", "call-1"]


def test_pieces_of_two_calls_may_be_mixed():
    one, two = split_call('{"a"', ": 1}"), split_call('{"b"', ": 2}", index=1)
    two[0]["choices"][0]["delta"]["tool_calls"][0]["id"] = "call-2"
    calls = heard(one[0], two[0], two[1], one[1]).calls
    assert [(call.id, call.arguments) for call in calls] == [("call-1", '{"a": 1}'), ("call-2", '{"b": 2}')]


def test_a_call_without_id_or_arguments_gets_them():
    assert heard(calling("get_time", None, None)).calls == (ToolCall("call-0", "get_time", "{}"),)


def test_no_two_calls_have_the_same_id():
    nameless = calling("get_time", None, None, 1)
    assert [call.id for call in heard(calling("f", "{}", "call-0"), nameless, DONE).calls] == ["call-0", "call-1"]
    late = [calling("f", "{}", "call-7"), nameless, calling("f", "{}", "call-7", 1)]
    assert [call.id for call in heard(*late, DONE).calls] == ["call-7", "call-0"]


def test_half_a_character_can_be_written():
    assert heard('{"choices": [{"delta": {"content": "a\\ud800b"}}]}').text == "a?b"


def test_speech_and_a_call_come_together():
    said = heard(spoken("Let me see."), calling("get_weather", CALL.arguments), sounding(PCM), DONE)
    assert (said.text, said.pcm, said.calls, said.finish) == ("Let me see.", PCM, (CALL,), "tool_calls")


@pytest.mark.parametrize(
    ("chunk", "words"),
    [
        ("Hello", "no JSON"),
        ("[1]", "no JSON object"),
        ("[" * 100_000, "no JSON"),
        (piece(audio={"data": "*"}), "no base64"),
        (piece(audio={"data": "A"}), "no base64"),
        (piece(tool_calls=[7]), "tool call that is none"),
        (piece(tool_calls=[{"id": "a"}]), "without a name"),
        (piece(tool_calls=[{"index": n, "function": {"name": "f"}} for n in range(65)]), "more tool calls"),
    ],
)
def test_nonsense_is_named(chunk, words):
    with pytest.raises(Garbled, match=words):
        heard(chunk)


@pytest.mark.parametrize(
    ("chunk", "told"),
    [
        (piece("content_filter"), ("", "content_filter", "")),
        ({"error": {"message": "busy", "type": "t", "code": "c"}}, ("busy", "t", "c")),
        ({"error": {"message": None, "code": 7}}, ("", "", "")),
        ({"error": "busy"}, ("busy", "", "")),
    ],
)
def test_a_service_that_ends_its_answer_is_heard(chunk, told):
    with pytest.raises(Stopped) as stopped:
        heard(spoken("Well"), chunk)
    assert (stopped.value.message, stopped.value.kind, stopped.value.code) == told


NAMES = ["choices", "delta", "message", "audio", "data", "transcript", "content", "tool_calls", "function", "error"]
NAMES += ["name", "arguments", "id", "index", "finish_reason", "type"]
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(NAMES),
            inner,
            max_size=4,
        )
    ),
    max_leaves=20,
)


@settings(max_examples=300)
@given(st.lists(JSON.map(json.dumps) | st.text(max_size=20), max_size=6))
def test_whatever_comes_is_told_or_named(chunks):
    stream = ChunkStream()
    with contextlib.suppress(Garbled, Stopped):
        assert all(len(stream.take(chunk).pcm) % 2 == 0 for chunk in chunks)
        assert stream.end().finish


@settings(max_examples=100)
@given(st.lists(st.integers(0, len(PCM)), max_size=8))
def test_sound_is_heard_once_however_it_is_cut(cuts):
    edges = [0, *sorted(cuts), len(PCM)]
    chunks = [sounding(PCM[a:b]) for a, b in itertools.pairwise(edges)]
    assert heard(BEGIN, *chunks, END, DONE).pcm == PCM


# ── whole answers ────────────────────────────────────────────────────────────────────────────────


def test_a_whole_answer_is_told_in_pieces():
    pcm = PCM * 5
    said = told(whole(wav=wav_file(pcm), transcript="Hello."))
    assert said[0] == Said("Hello.")
    assert [len(one.pcm) for one in said[1:-1]] == [PIECE_BYTES, PIECE_BYTES, len(pcm) - 2 * PIECE_BYTES]
    assert b"".join(one.pcm for one in said) == pcm
    assert said[-1] == Said(finish="stop")


def test_a_whole_answer_with_a_call_as_it_is_documented():
    call = {"id": "call-1", "type": "function", "index": 0}
    call["function"] = {"name": "get_weather", "arguments": '{"city": "Oslo"}'}
    said = told(whole(None, wav=wav_file(PCM), transcript="Let me see.", tool_calls=[call]))
    assert said == [Said("Let me see."), Said(pcm=PCM), Said(calls=(CALL,), finish="tool_calls")]


def test_a_whole_answer_in_text():
    assert told(whole(content="Hello.", reasoning="Hm.")) == [Said("Hello."), Said(finish="stop")]


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        ("nonsense", "no JSON"),
        ({}, "without a message"),
        ({"choices": []}, "without a message"),
        (whole(wav=b"abc"), "no WAV"),
        (whole(audio={"data": "&"}), "no base64"),
        (whole(tool_calls=[{}]), "tool call that is none"),
    ],
)
def test_a_whole_answer_that_is_none(answer, words):
    with pytest.raises(Garbled, match=words):
        told(answer)


def test_a_whole_answer_that_is_held_back():
    with pytest.raises(Stopped) as stopped:
        told(whole("content_filter", content=""))
    assert stopped.value.kind == "content_filter"


@settings(max_examples=200)
@given(JSON.map(json.dumps))
def test_whatever_comes_whole_is_told_or_named(text):
    with contextlib.suppress(Garbled, Stopped):
        assert list(whole_answer(text))[-1].finish
