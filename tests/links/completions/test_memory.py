"""What the model is told of a conversation: sound inside the limits, texts in order, and what was heard."""

import json

import pytest

from antiphon.conversation.effects import ToolOutput
from antiphon.conversation.history import MAX_TURN_CHARACTERS, Turn
from antiphon.links.completions.memory import LONGEST_MS, MAX_CONTEXT_BYTES, MAX_TEXT_BYTES, MOST_TURNS, Memory
from antiphon.links.completions.pace import FASTEST
from antiphon.links.completions.wire import Clip, Message, Request, ToolCall, body
from antiphon.pcm import LINK_RATE_HZ, frames_in

CALL = ToolCall("call-1", "get_time", "{}")
LAMP = ToolCall("call-2", "lamp", '{"on": true}')


def pcm(ms, value=0):
    return bytes([value, 0]) * frames_in(ms, LINK_RATE_HZ)


def memory(*history, clips=3, instructions="", only_asked=False):
    return Memory(instructions, history, clips, only_asked=only_asked)


def say(of, reply, text, ms):
    of.said(reply, text)
    of.sounded(reply, ms)


def exchange(of, number, question=b"", ms=1000.0):
    """One question and its answer."""
    of.asked(question or pcm(10, number))
    of.began(f"r{number}")
    say(of, f"r{number}", f"Answer {number}.", ms)


def outline(of):
    """Who says what: texts as they are, sound as the first byte of each clip."""
    return [(m.role[0], m.text, *(clip.pcm[0] for clip in m.clips)) for m in of.messages()]


def test_a_first_question_stands_alone():
    talk = memory(instructions=" Be brief. ")
    talk.asked(pcm(10))
    assert talk.messages() == (Message("system", "Be brief."), Message("user", clips=(Clip(pcm(10)),)))


def test_without_instructions_there_is_no_system_message():
    talk = memory(instructions=" ")
    talk.asked(pcm(10))
    assert [message.role for message in talk.messages()] == ["user"]


def test_what_was_said_before_the_call_is_told_as_text():
    talk = memory(Turn("user", "Hi."), Turn("assistant", "Hello."))
    talk.asked(pcm(10, 7))
    assert outline(talk) == [("u", "Hi."), ("a", "Hello."), ("u", "", 7)]


def test_the_last_turns_are_told_as_sound_and_of_older_ones_the_answers():
    talk = memory(clips=3)
    for number in (1, 2, 3, 4):
        exchange(talk, number)
    talk.asked(pcm(10, 5))
    assert outline(talk) == [
        ("a", "Answer 1.\nAnswer 2."),
        ("u", "", 3),
        ("a", "Answer 3."),
        ("u", "", 4),
        ("a", "Answer 4."),
        ("u", "", 5),
    ]


def test_what_somebody_wrote_down_is_told_as_text():
    talk = memory(Turn("user", "Hi."), Turn("assistant", "Hello."))
    talk.heard("What time is it?")
    talk.began("r1")
    talk.said("r1", "It is ")
    talk.said("r1", "noon.")
    talk.said("r9", "Nobody's.")
    assert outline(talk)[2:] == [("u", "What time is it?"), ("a", "It is noon.")]
    for number in range(MOST_TURNS):
        talk.heard(f"Turn {number}.")
    assert outline(talk)[0][1].startswith("Turn 0.\n")


def test_one_clip_is_the_question_alone():
    talk = memory(clips=1)
    exchange(talk, 1)
    talk.asked(pcm(10, 2))
    assert outline(talk) == [("a", "Answer 1."), ("u", "", 2)]


def test_a_question_that_was_not_answered_is_one_with_the_next():
    talk = memory(Turn("user", "And now?"))
    talk.asked(pcm(10, 1))
    talk.began("r1")
    talk.asked(pcm(10, 2))
    assert outline(talk) == [("u", "And now?", 1, 2)]


def test_there_are_30_segments_at_most():
    talk = memory(clips=30)
    for number in range(1, 31):
        exchange(talk, number)
    talk.asked(pcm(10, 31))
    assert [clip for _, _, *clips in outline(talk) for clip in clips] == list(range(2, 32))


def test_a_long_clip_is_several_segments():
    talk = memory(clips=30)
    for number in range(1, 29):
        exchange(talk, number)
    talk.asked(pcm(25_001, 29))  # two segments: with the 28 before it they are 30
    assert [clip for _, _, *clips in outline(talk) for clip in clips] == list(range(1, 30))
    talk.began("r29")
    talk.asked(pcm(25_000, 30))
    assert [clip for _, _, *clips in outline(talk) for clip in clips] == list(range(2, 31))


def test_the_context_is_never_too_large():
    talk = memory(clips=30)
    for number in range(1, 6):
        exchange(talk, number, pcm(40_000, number))
    talk.asked(pcm(60_000, 6))
    assert [clip for _, _, *clips in outline(talk) for clip in clips] == [4, 5, 6]
    assert len(body("step-audio-2", Request(talk.messages(), voice="v"))) <= MAX_CONTEXT_BYTES


def test_the_longest_question_with_all_texts_is_still_inside_the_limits():
    talk = memory(*[Turn("assistant", "\u9633" * MAX_TURN_CHARACTERS)] * MOST_TURNS, clips=30)
    talk.asked(pcm(LONGEST_MS, 1))
    assert len(body("step-audio-2", Request(talk.messages(), voice="v"))) <= MAX_CONTEXT_BYTES


def test_of_sound_there_are_no_holes():
    talk = memory(clips=30)
    exchange(talk, 1, pcm(10, 1))
    exchange(talk, 2, pcm(100_000, 2))
    talk.asked(pcm(60_000, 3))
    assert [clip for _, _, *clips in outline(talk) for clip in clips] == [3]


def test_old_turns_are_forgotten():
    talk = memory(*[Turn("user", "a"), Turn("assistant", "b")] * MOST_TURNS)
    talk.asked(pcm(10, 1))
    assert len(talk.messages()) == MOST_TURNS


def test_texts_that_are_too_long_are_forgotten_the_oldest_first():
    talk = memory()
    for number in range(3):
        talk.asked(pcm(10, number))
        talk.began(f"r{number}")
        talk.called(f"r{number}", [CALL])
        talk.answered([ToolOutput("call-1", "x" * (MAX_TEXT_BYTES // 2))])
    talk.asked(pcm(10, 9))
    assert sum(len(message.text) for message in talk.messages()) <= MAX_TEXT_BYTES
    assert talk.messages()[-1].role == "user"


def test_a_reply_is_bounded():
    talk = memory()
    talk.began("r1")
    for _ in range(3):
        say(talk, "r1", "a" * MAX_TURN_CHARACTERS, 1.0)
    assert len(talk.messages()[0].text) == MAX_TURN_CHARACTERS


# ── interruptions ────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("heard_ms", "kept"), [(500, "One two"), (1000, "One two three four"), (9999, "One two three four"), (0, "")]
)
def test_of_an_interrupted_reply_what_was_heard_is_kept(heard_ms, kept):
    talk = memory()
    talk.asked(pcm(10, 1))
    talk.began("r1")
    say(talk, "r1", "One two three four", 1000.0)
    talk.cut("r1", heard_ms)
    talk.asked(pcm(10, 2))
    answers = [("a", kept)] if kept else []
    assert outline(talk) == ([("u", "", 1), *answers, ("u", "", 2)] if kept else [("u", "", 1, 2)])


def test_text_that_ran_ahead_of_its_sound_was_not_heard():
    talk = memory()
    talk.began("r1")
    say(talk, "r1", "word " * 200, 1000.0)
    talk.cut("r1", 1000)  # all the sound that came was heard, and it was a second
    [(_, kept)] = outline(talk)
    assert 0 < len(kept) <= FASTEST


def test_of_a_reply_without_sound_nothing_was_heard():
    talk = memory()
    talk.began("r1")
    say(talk, "r1", "Words ahead of their sound.", 0.0)
    talk.cut("r1", 100)
    assert talk.messages() == ()


def test_a_reply_may_be_cut_twice():
    talk = memory()
    talk.began("r1")
    say(talk, "r1", "One two three four", 1000.0)
    talk.cut("r1", 500)
    talk.cut("r1", 500)
    assert outline(talk) == [("a", "One two")]


def test_another_reply_is_not_cut():
    talk = memory()
    exchange(talk, 1)
    talk.cut("r2", 0)
    assert outline(talk)[-1] == ("a", "Answer 1.")


# ── tools ────────────────────────────────────────────────────────────────────────────────────────


def test_a_call_and_what_came_of_it_follow_each_other():
    talk = memory()
    talk.asked(pcm(10, 1))
    talk.began("r1")
    say(talk, "r1", "Let me see.", 500.0)
    talk.called("r1", [CALL])
    talk.answered([ToolOutput("call-1", "Noon.")])
    assert talk.messages()[1:] == (
        Message("assistant", "Let me see.", calls=(CALL,)),
        Message("tool", "Noon.", answers="call-1"),
    )
    talk.began("r2")
    say(talk, "r2", "It is noon.", 500.0)
    assert talk.messages()[-1] == Message("assistant", "It is noon.")


def test_what_comes_of_a_call_late_takes_its_place():
    talk = memory()
    talk.asked(pcm(10, 1))
    talk.began("r1")
    talk.called("r1", [CALL])
    talk.asked(pcm(10, 2))
    assert outline(talk) == [("u", "", 1, 2)]
    talk.answered([ToolOutput("call-1", "Noon.")])
    assert [message.role for message in talk.messages()] == ["user", "assistant", "tool", "user"]


def test_of_several_calls_those_are_told_whose_outputs_are_known():
    talk = memory()
    talk.heard("Light, and the time, please.")
    talk.began("r1")
    talk.called("r1", [LAMP, CALL])
    talk.answered([ToolOutput("call-1", ""), ToolOutput("call-9", "whose?")])
    assert talk.messages()[1:] == (Message("assistant", "", calls=(CALL,)), Message("tool", "", answers="call-1"))
    talk.answered([ToolOutput("call-2", "on")])
    assert [(m.text, m.answers) for m in talk.messages()[2:]] == [("on", "call-2"), ("", "call-1")]


def test_an_interrupted_reply_keeps_its_calls():
    talk = memory()
    talk.began("r1")
    say(talk, "r1", "I shall light it for you.", 1000.0)
    talk.called("r1", [LAMP])
    talk.cut("r1", 0)
    talk.answered([ToolOutput("call-2", "on")])
    assert talk.messages() == (Message("assistant", "", calls=(LAMP,)), Message("tool", "on", answers="call-2"))


def test_a_model_that_takes_sound_in_the_last_message_alone_gets_none_before_what_came_of_a_tool():
    talk = memory(Turn("user", "Hi."), clips=1, only_asked=True)
    talk.asked(pcm(10, 1))
    assert outline(talk) == [("u", "Hi.", 1)]
    talk.began("r1")
    talk.called("r1", [CALL])
    talk.answered([ToolOutput("call-1", "")])
    assert outline(talk) == [("u", "Hi."), ("a", ""), ("t", "")]
    alone = memory(clips=1, only_asked=True)
    alone.asked(pcm(10, 1))
    alone.began("r1")
    alone.called("r1", [CALL])
    alone.answered([ToolOutput("call-1", "Noon.")])
    assert [message.role for message in alone.messages()] == ["assistant", "tool"]


def test_where_the_question_cannot_be_told_again_roles_take_turns_all_the_same():
    talk = memory(clips=1, only_asked=True)
    exchange(talk, 1)
    talk.asked(pcm(10, 2))
    talk.began("r2")
    talk.called("r2", [CALL])
    talk.answered([ToolOutput("call-1", "Noon.")])
    assert outline(talk) == [("a", "Answer 1."), ("t", "Noon.")]
    assert talk.messages()[0].calls == (CALL,)


def test_where_ids_repeat_the_latest_call_is_meant():
    talk = memory()
    for number, noon in ((1, "One."), (2, "Two.")):
        talk.asked(pcm(10, number))
        talk.began(f"r{number}")
        talk.called(f"r{number}", [CALL])
        talk.answered([ToolOutput("call-1", noon)])
    assert [message.text for message in talk.messages() if message.role == "tool"] == ["One.", "Two."]


def test_what_came_of_no_call_is_not_told():
    talk = memory()
    exchange(talk, 1)
    talk.answered([ToolOutput("call-7", "Noon.")])
    assert [message.role for message in talk.messages()] == ["user", "assistant"]


def test_it_can_be_sent():
    talk = memory(Turn("user", "Hi."), instructions="Be brief.")
    exchange(talk, 1)
    assert json.loads(body("m", Request(talk.messages())))["messages"][0]["role"] == "system"
