"""A reply: what comes of an exchange becomes events and memory, until it is hushed."""

from antiphon.conversation.events import ReplyAudio, ReplyText, ToolCalled, UserSaid
from antiphon.links.cascade.reply import Reply
from antiphon.links.completions.memory import Memory
from antiphon.links.completions.wire import Message, ToolCall
from antiphon.ports import LinkCounters
from links.cascade.scripted import LAMP

LIGHT = ToolCall("c1", "lamp", "{}")


def reply():
    told, memory, counters = [], Memory("", ()), LinkCounters()
    return Reply(7, "7-1", memory, counters, told.append), told, memory, counters


def say_all(one):
    one.heard("Hello?")
    asked = one.question([LAMP])
    one.wrote("Hi.")
    one.sounds(bytes(480))
    one.calls((LIGHT,))
    return asked


def test_all_of_it_is_told_and_remembered():
    one, told, memory, counters = reply()
    asked = say_all(one)
    assert told == [
        UserSaid(7, "7-1", "Hello?"),
        ReplyText(7, "7-1", "Hi."),
        ReplyAudio(7, "7-1", bytes(480)),
        ToolCalled(7, "7-1", "c1", "lamp", "{}"),
    ]
    assert (asked.messages, asked.tools, asked.voice) == ((Message("user", "Hello?"),), [LAMP], "")
    assert memory.messages() == (Message("user", "Hello?"), Message("assistant", "Hi."))
    assert (one.length_ms, counters.received) == (10.0, 1)


def test_once_hushed_nothing_more_is_told_and_nothing_remembered():
    one, told, memory, counters = reply()
    one.hushed = True
    say_all(one)
    assert told == []
    assert memory.messages() == ()
    assert (one.length_ms, counters.received) == (0.0, 0)
