"""Answers, whole and in chunks."""

import base64
import json
import random

import pytest

from antiphon.simulator.stepfun import chat_reply
from antiphon.simulator.stepfun.chat_reply import Answer, Chunks
from antiphon.simulator.stepfun.options import SimulatorOptions
from antiphon.simulator.stepfun.script import Reply, Script, ToolCall
from simulator.stepfun.test_chat import called, heard, question, said, told, verdict, written

SPOKEN, WRITTEN = verdict(question()), verdict(written())
CALL = ToolCall("get_weather", '{"city": "Beijing"}')
CALL_TOLD = (CALL.name, CALL.arguments)
PCM = bytes(range(250)) * 200


def answer(*replies, asked=SPOKEN, script=None, **options):
    return chat_reply.answer(asked, script or Script(replies), SimulatorOptions(**options), random.Random(1))


def chunks(made, asked=SPOKEN, pcm=PCM):
    events = list(Chunks(asked, 3, random.Random(1), 6400).all(made, pcm))
    assert events[-1] == ("[DONE]", 0)
    told = [json.loads(data) for data, _ in events[:-1]]
    assert {one["id"] for one in told} == {"chat-3"}
    assert {one["object"] for one in told} == {"chat.completion.chunk"}
    return told


def deltas(told):
    return [one["choices"][0]["delta"] for one in told]


@pytest.mark.parametrize(
    ("messages", "text"),
    [
        ([heard()], "I heard you speak for one point five seconds."),
        ([heard(text="And this?")], "I heard you speak for one point five seconds. You wrote: And this?"),
        ([said()], "You wrote: Hello."),
        ([said(), called(), told()], "The tool has answered."),
    ],
)
def test_without_a_script_it_tells_what_it_heard(messages, text):
    assert answer(asked=verdict(question(*messages))) == Answer(text, (), "", "stop")


def test_a_script_goes_round():
    script = Script([Reply("One."), Reply("Two.")])
    assert [answer(script=script).text for _ in range(3)] == ["One.", "Two.", "One."]


@pytest.mark.parametrize("asked", [heard(), said()])
def test_a_call_is_made_when_spoken_to_and_its_result_is_answered(asked):
    script = Script([Reply(calls=(CALL,), to="speech"), Reply("It says {output}.", to="tool")])
    assert [one[1:] for one in answer(script=script, asked=verdict(question(asked))).calls] == [CALL_TOLD]
    made = answer(script=script, asked=verdict(question(asked, called(), told())))
    assert (made.text, made.calls) == (f"It says {verdict(question(asked, called(), told())).last.text}.", ())


def test_moderation_ends_an_answer():
    made = answer(Reply("This is a bad word.", (CALL,)), blocked=("bad",))
    assert made == Answer("This is a", (), "", "content_filter")


def test_a_whole_answer_with_sound_and_a_call():
    made = chat_reply.whole(SPOKEN, answer(Reply("Let me check.", (CALL,))), b"RIFF", 0)
    [choice] = made["choices"]
    assert choice["finish_reason"] is None
    [call] = choice["message"].pop("tool_calls")
    assert choice["message"] == {
        "role": "assistant",
        "audio": {"data": base64.b64encode(b"RIFF").decode(), "transcript": "Let me check."},
    }
    assert (call["type"], call["index"]) == ("function", 0)
    assert call["function"] == {"name": "get_weather", "arguments": '{"city": "Beijing"}'}
    assert call["id"].startswith("call-")
    assert made["usage"]["total_tokens"] == made["usage"]["prompt_tokens"] + 3


def test_a_whole_answer_in_text():
    [choice] = chat_reply.whole(WRITTEN, answer(Reply("Yes.", thinking="Hm.")), b"", 0)["choices"]
    assert choice["finish_reason"] == "stop"
    assert choice["message"] == {"role": "assistant", "content": "Yes.", "reasoning": "Hm."}
    [choice] = chat_reply.whole(WRITTEN, answer(Reply(calls=(CALL,))), b"", 0)["choices"]
    assert (choice["finish_reason"], choice["message"]["content"]) == ("tool_calls", "")


def test_a_call_alone_has_no_sound():
    [choice] = chat_reply.whole(SPOKEN, answer(Reply(calls=(CALL,))), b"", 0)["choices"]
    assert set(choice["message"]) == {"role", "tool_calls"}


def test_chunks_are_as_odd_as_they_were_seen():
    told = chunks(answer(Reply("One two three.")))
    assert (told[0]["created"], told[1]["created"]) == (0, chat_reply.CREATED)
    assert told[0]["usage"] == {"prompt_tokens": 0, "completion_tokens": 0, "total_tokens": 0}
    assert [delta["role"] for delta in deltas(told)] == ["assistant"] + [""] * (len(told) - 1)
    assert [one["choices"][0]["finish_reason"] for one in told] == [""] * (len(told) - 1) + ["stop"]
    written = [one["usage"]["completion_tokens"] for one in told]
    assert written == sorted(written)
    assert written[-1] == 3


def test_sound_comes_in_pieces_that_are_decoded_alone():
    audio = [delta["audio"] for delta in deltas(chunks(answer(Reply("One two three.")))) if "audio" in delta]
    pieces = [base64.b64decode(one["data"], validate=True) for one in audio if "data" in one]
    assert b"".join(pieces) == PCM
    assert any(len(piece) % 2 for piece in pieces)
    assert "".join(one["transcript"] for one in audio if "transcript" in one) == "One two three."
    assert not any({"data", "transcript"} <= set(one) for one in audio)


def test_a_long_text_is_not_all_said_before_it_sounds():
    audio = [delta["audio"] for delta in deltas(chunks(answer(Reply("word " * 40)))) if "audio" in delta]
    kinds = [next(iter(one)) for one in audio]
    assert kinds.index("data") < len(kinds) - 1 - kinds[::-1].index("transcript")


def test_text_and_reasoning_in_chunks():
    told = deltas(chunks(answer(Reply("Yes \u597d\u7684."), thinking="Hm, so."), WRITTEN, b""))
    assert [one["content"] for one in told if "content" in one] == ["", "Yes ", "\u597d", "\u7684", ".", ""]
    assert [one["reasoning"] for one in told if "reasoning" in one] == ["Hm, ", "so."]


@pytest.mark.parametrize("asked", [SPOKEN, WRITTEN])
def test_calls_come_in_parts(asked):
    made = answer(Reply("Look.", (CALL, ToolCall("get_time"))))
    told = chunks(made, asked, b"")
    parts = [part for delta in deltas(told) for part in delta.get("tool_calls", ())]
    for at, (identity, name, arguments) in enumerate(made.calls):
        mine = [part for part in parts if part["index"] == at]
        assert (mine[0]["id"], mine[0]["function"]["name"]) == (identity, name)
        assert "".join(part["function"]["arguments"] for part in mine) == arguments
        assert len(mine) > 1
    assert told[-1]["choices"][0]["finish_reason"] == "tool_calls"
