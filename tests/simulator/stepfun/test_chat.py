"""What may be asked of chat completions, and how the others are refused."""

import contextlib
import json

import pytest
from hypothesis import given, settings

from antiphon.simulator.stepfun import chat
from antiphon.simulator.stepfun.handshake import Refusal
from antiphon.simulator.stepfun.judging import WrongError
from antiphon.simulator.stepfun.options import SimulatorOptions
from simulator.stepfun.http_bench import base64_of, mp3_of, wav_of
from simulator.stepfun.test_asr import ANY_JSON

NORMAL, PLAN = "/v1/chat/completions", "/step_plan/v1/chat/completions"
WAV = "data:audio/wav;base64," + base64_of(wav_of(1.5))
MP3 = "data:audio/mpeg;base64," + base64_of(mp3_of(1.5))
AUDIO = {"voice": "wenrounansheng", "format": "wav"}
TOOL = {
    "type": "function",
    "function": {"name": "get_weather", "description": "weather", "parameters": {"type": "object", "properties": {}}},
}
CALL = {"id": "call-1", "type": "function", "index": 0, "function": {"name": "get_weather", "arguments": "{}"}}


def heard(url=WAV, text=""):
    parts = [{"type": "text", "text": text}] if text else []
    return {"role": "user", "content": [*parts, {"type": "input_audio", "input_audio": {"data": url}}]}


def said(text="Hello."):
    return {"role": "user", "content": text}


def called(content=None, *calls):
    return {"role": "assistant", "content": content, "tool_calls": list(calls or [CALL])}


def told(call="call-1", content="{}"):
    return {"role": "tool", "tool_call_id": call, "content": content}


def question(*messages, **changes):
    asked = {"model": "step-audio-2", "modalities": ["text", "audio"], "audio": AUDIO}
    asked |= {"messages": list(messages or [heard()])} | changes
    return {name: value for name, value in asked.items() if value is not ...}


def written(*messages, **changes):
    return question(
        *messages or [said()], **({"model": "stepaudio-2.5-chat", "modalities": ["text"], "audio": ...} | changes)
    )


def verdict(asked, path=NORMAL, **options):
    return chat.judge(path, json.dumps(asked).encode(), SimulatorOptions(**options))


def refused(asked, **options):
    with pytest.raises(WrongError) as wrong:
        verdict(asked, **options)
    return str(wrong.value)


def test_a_question_with_sound_is_granted():
    granted = verdict(
        question(
            {"role": "system", "content": "Be brief."},
            heard(),
            {"role": "assistant", "content": "Yes."},
            heard(MP3, "What is this?"),
            tools=[TOOL],
            stream=True,
            audio=AUDIO | {"format": "pcm"},
        )
    )
    assert [message.role for message in granted.messages] == ["system", "user", "assistant", "user"]
    assert (granted.voice, granted.stream, granted.tools, granted.segments) == (
        "wenrounansheng",
        True,
        ("get_weather",),
        2,
    )
    assert (granted.last.text, [clip.kind for clip in granted.last.clips]) == ("What is this?", ["mp3"])


def test_a_question_for_text_is_granted():
    assert verdict(written(), PLAN).voice == ""
    assert verdict(written(heard(), modalities=...), PLAN).last.clips[0].seconds == 1.5
    assert verdict(question(said(), modalities=["text"], audio=...)).voice == ""


def test_calls_are_replayed_and_answered():
    granted = verdict(question(said(), called("Let me see."), told(), heard()))
    assert granted.messages[1].calls == (("call-1", "get_weather", "{}"),)
    assert granted.messages[2].answers == "call-1"
    both = called(None, CALL, CALL | {"id": "call-2", "index": 1})
    assert verdict(question(said(), both, told("call-2"), told())).last.answers == "call-1"


@pytest.mark.parametrize(
    ("asked", "path", "refusal"),
    [
        (written(model="gpt"), NORMAL, Refusal(400)),
        (written(model=["gpt"]), NORMAL, Refusal(400)),
        (question(), PLAN, Refusal(404)),
        (written(model="stepaudio-3-chat-preview"), PLAN, Refusal(404)),
    ],
)
def test_models_are_known_and_sold(asked, path, refusal):
    assert verdict(asked, path) == refusal


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"temperature": 0.5}, "temperature is not valid"),
        ({"tool_choice": "auto"}, "tool_choice is not valid"),
        ({"stream_options": {}}, "stream_options is not valid"),
        ({"modalities": ...}, "modalities is required"),
        ({"modalities": ["audio"]}, "modalities is not valid"),
        ({"modalities": ["text", "text"]}, "modalities is not valid"),
        ({"modalities": ["text"]}, "audio is not valid without"),
        ({"audio": ...}, "audio is required"),
        ({"audio": {"voice": "wenrounansheng"}}, "audio.format is required"),
        ({"audio": AUDIO | {"format": "pcm"}}, "audio.format is pcm when stream"),
        ({"audio": AUDIO, "stream": True}, "audio.format is pcm when stream"),
        ({"audio": AUDIO | {"format": "mp3"}}, "audio.format is pcm when stream"),
        ({"audio": AUDIO | {"speed": 1}}, "audio.speed is not valid"),
        ({"audio": AUDIO | {"voice": "linjiajiejie"}}, "voice linjiajiejie is not valid"),
        ({"audio": AUDIO | {"voice": "voice-tone-Ab12"}}, "is not valid"),
        ({"stream": 1}, "stream is not true or false"),
        ({"model": "stepaudio-2.5-chat"}, "does not support audio"),
        ({"messages": []}, "messages is not an array"),
        ({"messages": {}}, "messages is not an array"),
        ({"tools": []}, "tools is not an array"),
        ({"tools": [TOOL["function"] | {"type": "function"}]}, "tools[0].function is required"),
        ({"tools": [{"type": "web_search"}]}, "tools[0].function is required"),
        ({"tools": [TOOL, TOOL]}, "a name twice"),
        ({"tools": [{"type": "function", "function": {"name": "a", "strict": True}}]}, "function.strict is not valid"),
        ({"tools": [{"type": "function", "function": {"name": "a", "parameters": {}}}]}, "schema of an object"),
    ],
)
def test_what_is_wrong_with_a_field_is_said(changes, words):
    assert words in refused(question(**changes))


@pytest.mark.parametrize(
    ("messages", "words"),
    [
        ([{"role": "developer", "content": "x"}], "messages[0].role is not valid"),
        ([said() | {"name": "me"}], "messages[0].name is not valid"),
        ([{"role": "system", "content": [{"type": "text", "text": "x"}]}, said()], "messages[0].content is not a text"),
        ([said("")], "content is not a text"),
        ([{"role": "user", "content": []}], "not a text or an array"),
        ([{"role": "user", "content": [{"type": "image_url", "image_url": {}}]}], "content[0].type is not valid"),
        ([heard() | {"content": [{"type": "text", "text": "x", "more": 1}]}], "content[0].more is not valid"),
        ([heard(base64_of(wav_of(1)))], "is not a data URL"),
        ([heard(WAV.replace("wav", "ogg"))], "is not a data URL"),
        ([heard(WAV + "*")], "is not base64"),
        ([heard(WAV.replace("wav", "mpeg"))], "not a mp3 file"),
        ([heard("data:audio/wav;base64," + base64_of(b"no sound"))], "not a wav file"),
        (
            [{"role": "user", "content": [{"type": "input_audio", "input_audio": {"data": WAV, "format": "wav"}}]}],
            "format",
        ),
        ([said(), {"role": "assistant", "content": "Yes."}], "the last message"),
        ([{"role": "system", "content": "x"}], "the last message"),
        ([said(), {"role": "assistant", "content": None}, said()], "content is not a text"),
        ([said(), {"role": "assistant", "content": [{"type": "text", "text": "x"}]}, said()], "content is not a text"),
        ([said(), called() | {"audio": {"id": "x"}}, told()], "messages[1].audio is not valid"),
        ([said(), called(), said()], "before the tool call call-1 is answered"),
        ([said(), told()], "answers no call"),
        ([said(), called(), told("call-2")], "answers no call"),
        ([said(), called(), told(), told()], "answers no call"),
        ([said(), called(), told(content={})], "content is not a text"),
        ([said(), called(None, CALL | {"type": "x"}), told()], "tool_calls[0] is not valid"),
        (
            [said(), called(None, CALL | {"function": {"name": "a", "arguments": {}}}), told()],
            "arguments is not a text",
        ),
    ],
)
def test_what_is_wrong_with_a_message_is_said(messages, words):
    assert words in refused(question(*messages))


def test_the_context_is_bounded():
    long = "data:audio/wav;base64," + base64_of(wav_of(26, 8000))
    assert verdict(question(heard(long))).segments == 2
    assert verdict(question(*[heard()] * 30)).segments == 30
    assert "30 audio segments" in refused(question(*[heard()] * 31))
    assert "30 audio segments" in refused(question(*[heard()] * 29, heard(long)))
    assert "larger than" in refused(question(said("x" * chat.MAX_BODY_BYTES)))


def test_the_first_generation_takes_no_wav_in_the_context():
    def asked(*messages):
        return question(*messages, model="step-1o-audio", audio=AUDIO | {"voice": "jingdiannvsheng"})

    assert verdict(asked(heard(MP3), heard())).segments == 2
    assert "does not support wav" in refused(asked(heard(), heard(MP3)))
    assert "does not support wav" in refused(asked(heard()), first_generation_wav="none")


def test_moderation_refuses():
    assert verdict(question(said("a bad word")), blocked=("bad",)) == Refusal(451)


@settings(max_examples=300, deadline=None)
@given(ANY_JSON, ANY_JSON)
def test_any_value_anywhere_is_granted_or_refused(value, other):
    for asked in (
        question(messages=[value, said()]),
        question(messages=[{"role": "user", "content": [value]}]),
        question(messages=[said(), called(None, CALL | {"function": value}), told(other)]),
        question(tools=[{"type": "function", "function": value}], stream=other),
        question(audio=value, modalities=other),
        question(model=value),
    ):
        with contextlib.suppress(WrongError):
            assert verdict(asked) is not None
