"""Memory: what the model that answers in text is told of the conversation."""

from antiphon.conversation.effects import ToolOutput
from antiphon.conversation.history import MAX_TURNS, Turn
from antiphon.links.cascade.memory import FASTEST, Memory
from antiphon.links.completions.wire import Message, ToolCall

LAMP = ToolCall("c1", "lamp", '{"on": true}')
CLOCK = ToolCall("c2", "clock", "{}")


def asked(*texts):
    """A memory in which these were said in turn, by the user first."""
    memory = Memory("", ())
    for number, text in enumerate(texts):
        if number % 2:
            memory.began(f"r{number}")
            memory.said(f"r{number}", text)
        else:
            memory.heard(text)
    return memory


def texts(memory):
    return [(message.role, message.text) for message in memory.messages()]


def test_it_begins_with_what_it_is_told_and_with_what_was_said_before():
    memory = Memory("Be brief.", [Turn("user", "Hello"), Turn("assistant", "Hi.")])
    memory.heard("How are you?")
    assert texts(memory) == [("system", "Be brief."), ("user", "Hello"), ("assistant", "Hi."), ("user", "How are you?")]


def test_without_instructions_there_is_no_such_message():
    assert texts(asked("Hello")) == [("user", "Hello")]


def test_a_reply_comes_in_pieces():
    memory = asked("Hello", "Hi")
    memory.said("r1", " there.")
    memory.said("r9", "Nobody's.")
    assert texts(memory) == [("user", "Hello"), ("assistant", "Hi there.")]


def test_of_a_reply_that_was_interrupted_about_what_was_heard_stays():
    memory = asked("Count", "one two three four five six seven eight")
    memory.cut("r1", 2000, 4000)
    assert texts(memory)[1] == ("assistant", "one two three four")


def test_nothing_stays_of_a_reply_that_nobody_heard():
    memory = asked("Count", "one two")
    memory.cut("r1", 0, 4000)
    assert texts(memory) == [("user", "Count")]
    memory = asked("Count", "one two")
    memory.cut("r1", 0, 0)
    assert texts(memory) == [("user", "Count")]


def test_text_that_ran_ahead_of_its_sound_was_not_heard():
    memory = asked("Tell", "word " * 200)
    memory.cut("r1", 1000, 1000)  # all the sound that came was heard, and it was a second
    ((_, _), (_, kept)) = texts(memory)
    assert 0 < len(kept) <= FASTEST


def test_a_tool_call_is_told_with_its_output_and_before_what_was_said_to_it():
    memory = asked("Light, please", "Well.")
    memory.called("r1", [LAMP, CLOCK])
    memory.answered([ToolOutput("c2", "noon"), ToolOutput("c1", "on")])
    memory.began("r2")
    memory.said("r2", "It is on.")
    assert memory.messages()[1:] == (
        Message("assistant", "Well.", calls=(LAMP, CLOCK)),
        Message("tool", "on", answers="c1"),
        Message("tool", "noon", answers="c2"),
        Message("assistant", "It is on."),
    )


def test_a_call_without_an_output_is_not_told_yet():
    memory = asked("Light, please", "")
    memory.called("r1", [LAMP, CLOCK])
    assert texts(memory) == [("user", "Light, please")]
    memory.heard("And now?")
    memory.answered([ToolOutput("c1", "on"), ToolOutput("c9", "whose?")])
    assert [message.role for message in memory.messages()] == ["user", "assistant", "tool", "user"]
    assert memory.messages()[1].calls == (LAMP,)


def test_an_output_belongs_to_the_latest_call_of_its_id():
    memory = asked("Light", "", "Light again", "")
    memory.called("r1", [LAMP])
    memory.called("r3", [LAMP])
    memory.answered([ToolOutput("c1", "on")])
    assert [message.role for message in memory.messages()] == ["user", "user", "assistant", "tool"]


def test_an_interrupted_reply_keeps_its_calls():
    memory = asked("Light", "I shall light it for you.")
    memory.called("r1", [LAMP])
    memory.cut("r1", 0, 1000)
    memory.answered([ToolOutput("c1", "on")])
    assert memory.messages()[1:] == (Message("assistant", "", calls=(LAMP,)), Message("tool", "on", answers="c1"))


def test_only_the_last_turns_are_told():
    memory = asked(*(f"turn {number}" for number in range(MAX_TURNS + 5)))
    assert [text for _, text in texts(memory)] == [f"turn {number}" for number in range(5, MAX_TURNS + 5)]
