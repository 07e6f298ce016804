"""The cascade as a link, over scripts for its three services: what is told, in which order, and what is left."""

import asyncio
from dataclasses import replace

import pytest

from antiphon.conversation.effects import ToolOutput
from antiphon.conversation.events import (
    LinkAlive,
    LinkClosed,
    LinkOpened,
    NothingRecognised,
    ReplyAudio,
    ReplyEnded,
    ReplyStarted,
    ReplyText,
    ToolCalled,
    UserSaid,
)
from antiphon.conversation.history import Turn
from antiphon.errors import Lost, Refused
from antiphon.links.cascade.exchange import MOST_CHARACTERS
from antiphon.links.cascade.link import SILENCE
from antiphon.links.completions.wire import Message, Said, ToolCall
from links.cascade.scripted import LAMP, LETTER, PLAN, SPEECH, Gate, Scripted, calling, play, until

LIGHT = ToolCall("c1", "lamp", '{"on": true}')


def turn(stages, **call):
    """One turn on one call, to its end; what was told."""

    async def scene():
        async with calling(stages, **call) as (link, inbox):
            link.send_audio(SPEECH)
            link.commit_turn()
            await inbox.until(ReplyEnded, LinkClosed)
        return inbox

    return play(scene())


def sound(inbox, reply="7-1"):
    return b"".join(event.pcm for event in inbox.of(ReplyAudio) if event.reply == reply)


def test_a_turn_is_heard_answered_and_spoken():
    stages = Scripted()
    inbox = turn(stages, history=[Turn("user", "Earlier")], tools=[LAMP])
    assert inbox.events[0] == LinkOpened(7)
    assert inbox.events[1] == ReplyStarted(7, "7-1")
    assert inbox.events[2] == UserSaid(7, "7-1", "Hello?")
    assert inbox.of(ReplyText) == [ReplyText(7, "7-1", "Hi. "), ReplyText(7, "7-1", "Bye.")]
    assert sound(inbox) == LETTER * len("Hi.Bye.")
    assert inbox.events[-2:] == [ReplyEnded(7, "7-1", "completed"), LinkClosed(7)]
    assert stages.speech == [SPEECH]
    (request,) = stages.requests
    assert (request.voice, request.tools, request.stream) == ("", (LAMP,), True)
    assert request.messages == (Message("system", "Be brief."), Message("user", "Earlier\nHello?"))


def test_the_first_sentence_sounds_before_the_model_has_written_its_last():
    async def scene():
        last = Gate()
        stages = Scripted(writes=[["First. ", "S", last, "econd."]])
        async with calling(stages) as (link, inbox):
            link.send_audio(SPEECH)
            link.commit_turn()
            await last.reached.wait()
            await inbox.until(ReplyAudio)
            assert "writes econd." not in stages.log
            last.open()
            await inbox.until(ReplyEnded)
        assert stages.texts == ["First.", "Second."]
        assert stages.log.index("ReplyAudio") < stages.log.index("writes econd.")

    play(scene())


def test_the_voice_is_called_while_the_model_has_written_nothing():
    async def scene():
        first = Gate()
        stages = Scripted(writes=[[first, "Well."]])
        async with calling(stages) as (link, inbox):
            link.send_audio(SPEECH)
            link.commit_turn()
            await first.reached.wait()
            await until(lambda: "speak begins" in stages.log)
            assert "recognise ends" in stages.log
            first.open()
            await inbox.until(ReplyEnded)

    play(scene())


def test_a_turn_without_words_is_not_answered():
    stages = Scripted(hears=["  "])
    inbox = turn(stages)
    began, *nothing = inbox.events[1:4]
    assert began == ReplyStarted(7, "7-1")
    assert nothing == [NothingRecognised(7), ReplyEnded(7, "7-1", "completed")], "or the mind waits for a follow-up"
    assert stages.requests == []

    async def scene():
        stages = Scripted(hears=["", "Hello?"])
        async with calling(stages) as (link, inbox):
            link.commit_turn()
            assert inbox.of(NothingRecognised) == [NothingRecognised(7)]
            link.send_audio(SPEECH)
            link.commit_turn()
            await inbox.until(NothingRecognised, count=2)
            link.send_audio(SPEECH)
            link.commit_turn()
            await inbox.until(ReplyEnded, count=2)
        assert len(stages.requests[0].messages) == 2
        assert sound(inbox, "7-2")

    play(scene())


@pytest.mark.parametrize("where", ["recognise", "answer", "speak"])
def test_who_interrupts_ends_all_three_at_once_and_is_told_nothing_more(where):
    async def scene():
        gate = Gate()
        scripts = {
            "recognise": {"hears": [[gate, "Hello?"]]},
            "answer": {"writes": [["First. ", "S", gate, "econd."]]},
            "speak": {"speaks": [[None, gate]]},
        }
        stages = Scripted(**scripts[where])
        async with calling(stages) as (link, inbox):
            link.send_audio(SPEECH)
            link.commit_turn()
            await gate.reached.wait()
            link.cancel_reply("7-1", 0.0)
            told = list(inbox.events)
            assert told[-1] == ReplyEnded(7, "7-1", "cancelled")
            gate.open()
            running = [stage for stage in ("recognise", "answer", "speak") if f"{stage} begins" in stages.log]
            ends = [{f"{one} ends", f"{one} is cancelled", f"{one} is left"} for one in running]
            await until(lambda: all(end & {*stages.log} for end in ends))
            assert inbox.events == told
            assert f"{where} ends" not in stages.log
            link.cancel_reply("7-1", 0.0)
            assert inbox.events == told

    play(scene())


def test_the_next_question_tells_what_was_heard_of_the_reply():
    async def scene():
        gate = Gate()
        stages = Scripted(writes=[["One two three four. ", "Five six", gate], ["Yes."]])
        async with calling(stages) as (link, inbox):
            link.send_audio(SPEECH)
            link.commit_turn()
            await inbox.until(ReplyAudio, count=len("One two three four."))
            await gate.reached.wait()
            link.cancel_reply("7-1", 100.0 * len("One two"))
            link.send_audio(SPEECH)
            link.commit_turn()
            await inbox.until(ReplyEnded, count=2)
        kept = stages.requests[1].messages[2]
        assert (kept.role, kept.text) == ("assistant", "One two")

    play(scene())


def test_a_reply_that_was_heard_in_part_after_its_end_is_cut_as_well():
    async def scene():
        stages = Scripted(writes=[["one two three four"], ["Yes."]])
        async with calling(stages) as (link, inbox):
            link.send_audio(SPEECH)
            link.commit_turn()
            await inbox.until(ReplyEnded)
            length_ms = 100.0 * len("one two three four.")
            link.cancel_reply("7-1", length_ms / 2)
            assert len(inbox.of(ReplyEnded)) == 1
            link.send_audio(SPEECH)
            link.commit_turn()
            await inbox.until(ReplyEnded, count=2)
        assert "four" not in str(stages.requests[1].messages)

    play(scene())


def test_a_new_turn_ends_the_reply_that_is_on_its_way():
    async def scene():
        gate = Gate()
        stages = Scripted(writes=[[gate], ["Yes."]])
        async with calling(stages) as (link, inbox):
            link.send_audio(SPEECH)
            link.commit_turn()
            await gate.reached.wait()
            link.send_audio(SPEECH)
            link.commit_turn()
            await inbox.until(ReplyEnded, count=2)
        assert [(end.reply, end.status) for end in inbox.of(ReplyEnded)] == [("7-1", "cancelled"), ("7-2", "completed")]

    play(scene())


@pytest.mark.parametrize(
    ("scripts", "words"),
    [
        ({"hears": [[Refused("no key")]]}, "Recognising what was said: no key"),
        ({"writes": [[Lost("gone")]]}, "Answering it: gone"),
        ({"writes": [["No sentence yet", Lost("gone")]]}, "Answering it: gone"),
        ({"speaks": [[Refused("no voice")]]}, "Speaking the answer: no voice"),
        ({"writes": [[]]}, "Answering it: there answered nothing"),
        ({"writes": [["y" * (MOST_CHARACTERS + 1)]]}, "Answering it: there does not come to an end"),
    ],
)
def test_what_fails_before_the_first_sound_ends_the_call_and_says_where(scripts, words):
    inbox = turn(Scripted(**scripts))
    closed = inbox.of(LinkClosed)[0]
    assert closed.problem.sentence.startswith(words)
    assert inbox.of(ReplyEnded, ReplyAudio, ToolCalled) == []


def test_an_answer_that_makes_no_sound_is_a_failure_of_the_voice():
    class Mute(Scripted):
        async def speak(self, texts, hear, patience):
            async for _ in texts:
                patience.progress()

    assert turn(Mute()).of(LinkClosed)[0].problem.sentence.startswith("Speaking the answer: there spoke without")


def test_when_the_model_breaks_off_what_it_wrote_is_spoken_and_the_reply_has_failed():
    async def scene():
        gate, spoken = Gate(), Gate()
        stages = Scripted(writes=[["One. Two. T", gate, Lost("gone")]], speaks=[[None, spoken]])
        async with calling(stages) as (link, inbox):
            link.send_audio(SPEECH)
            link.commit_turn()
            await inbox.until(ReplyAudio)
            gate.open()
            spoken.open()
            end = await inbox.until(ReplyEnded)
        assert (end.status, end.problem.sentence) == ("failed", "Answering it: gone")
        assert stages.texts == ["One.", "Two."]
        assert sound(inbox) == LETTER * len("One.Two.")
        assert inbox.of(LinkClosed) == [LinkClosed(7)]

    play(scene())


def test_when_the_voice_breaks_off_the_model_is_left():
    async def scene():
        gate = Gate()
        stages = Scripted(writes=[["One. Two. ", "T", gate]], speaks=[[None, Lost("gone")]])
        async with calling(stages) as (link, inbox):
            link.send_audio(SPEECH)
            link.commit_turn()
            end = await inbox.until(ReplyEnded)
            assert (end.status, end.problem.sentence) == ("failed", "Speaking the answer: gone")
            assert "answer is cancelled" in stages.log
        assert sound(inbox) == LETTER * len("One.")

    play(scene())


@pytest.mark.parametrize(
    ("scripts", "words"),
    [
        ({"hears": [["gate"]]}, "Recognising what was said: there was not done within 0.5 s"),
        ({"writes": [["gate"]]}, "Answering it: there was not done within 0.5 s"),
        (
            {"writes": [["One. Two", "gate"]], "speaks": [["gate"]]},
            "Speaking the answer: there was not done within 0.5",
        ),
    ],
)
def test_what_takes_longer_than_the_turn_has_is_named(scripts, words):
    async def scene():
        opened = {
            name: [[Gate() if one == "gate" else one for one in script] for script in given]
            for name, given in scripts.items()
        }
        async with calling(Scripted(**opened), plan=replace(PLAN, first_sound_ms=500)) as (link, inbox):
            link.send_audio(SPEECH)
            link.commit_turn()
            closed = await inbox.until(LinkClosed)
        assert closed.problem.sentence.startswith(words)

    play(scene())


def test_a_model_that_is_silent_longer_than_its_sound_lasts_has_failed():
    async def scene():
        stages = Scripted(writes=[["One. ", "T", Gate()]])
        async with calling(stages, plan=replace(PLAN, gap_ms=50)) as (link, inbox):
            link.send_audio(SPEECH)
            link.commit_turn()
            end = await inbox.until(ReplyEnded)
        assert end.status == "failed"
        assert "Answering it: there fell silent in the middle of a reply, for 0.05 s" in end.problem.sentence

    play(scene())


def test_a_voice_that_falls_silent_has_failed():
    async def scene():
        stages = Scripted(writes=[["One. ", "Two."]], speaks=[[None, Gate()]])
        async with calling(stages, plan=replace(PLAN, gap_ms=50)) as (link, inbox):
            link.send_audio(SPEECH)
            link.commit_turn()
            end = await inbox.until(ReplyEnded)
        assert "Speaking the answer: there fell silent" in end.problem.sentence

    play(scene())


def test_the_time_that_there_is_sound_to_be_heard_is_not_counted_as_silence():
    """A model may think as long as the user has something to listen to: here half a minute."""

    async def scene():
        gate = Gate()
        stages = Scripted(writes=[["word " * 60 + ". ", "T", gate, "wo."]])
        async with calling(stages, plan=replace(PLAN, gap_ms=100)) as (link, inbox):
            link.send_audio(SPEECH)
            link.commit_turn()
            await gate.reached.wait()
            await inbox.until(ReplyAudio, count=200)
            asyncio.get_running_loop().call_later(0.3, gate.open)
            assert (await inbox.until(ReplyEnded)).status == "completed"

    play(scene())


def test_tools_are_called_when_the_answer_is_whole_and_sounds():
    async def scene():
        gate = Gate()
        stages = Scripted(writes=[["Well. ", Said("I look.", calls=(LIGHT,))], ["It is on."]], speaks=[[gate], []])
        async with calling(stages, tools=[LAMP]) as (link, inbox):
            link.send_audio(SPEECH)
            link.commit_turn()
            await gate.reached.wait()
            await until(lambda: "answer ends" in stages.log)
            assert inbox.of(ToolCalled) == []  # the same speech may still go to another link
            gate.open()
            await inbox.until(ReplyEnded)
            assert inbox.of(ToolCalled) == [ToolCalled(7, "7-1", "c1", "lamp", '{"on": true}')]
            assert inbox.names[-4:] == ["ReplyAudio", "ToolCalled", "ReplyAudio", "ReplyEnded"]
            link.give_tool_outputs([ToolOutput("c1", "on")], respond=True)
            assert inbox.events[-1] == ReplyStarted(7, "7-2")
            await inbox.until(ReplyEnded, count=2)
        assert stages.requests[1].messages[1:] == (
            Message("user", "Hello?"),
            Message("assistant", "Well. I look.", calls=(LIGHT,)),
            Message("tool", "on", answers="c1"),
        )
        assert sound(inbox, "7-2") == LETTER * len("It is on.")
        assert stages.speech == [SPEECH]

    play(scene())


def test_an_answer_may_be_a_tool_call_alone():
    stages = Scripted(writes=[[Said(calls=(LIGHT,))]])
    inbox = turn(stages)
    assert inbox.names == ["LinkOpened", "ReplyStarted", "UserSaid", "ToolCalled", "ReplyEnded", "LinkClosed"]
    assert inbox.of(ReplyEnded)[0].status == "completed"
    assert "speak is cancelled" in stages.log  # it had connected, and nobody has a text for it


def test_an_answer_with_nothing_to_be_said_is_one():
    inbox = turn(Scripted(writes=[["👍"]]))
    assert inbox.of(ReplyEnded) == [ReplyEnded(7, "7-1", "completed")]
    assert inbox.of(ReplyText) == [ReplyText(7, "7-1", "👍")]


def test_outputs_that_nobody_waits_for_are_told_with_the_next_question():
    async def scene():
        stages = Scripted(writes=[[Said(calls=(LIGHT,))], ["Yes."]])
        async with calling(stages) as (link, inbox):
            link.send_audio(SPEECH)
            link.commit_turn()
            await inbox.until(ReplyEnded)
            link.give_tool_outputs([ToolOutput("c1", "on")], respond=False)
            assert len(inbox.of(ReplyStarted)) == 1
            link.send_audio(SPEECH)
            link.commit_turn()
            await inbox.until(ReplyEnded, count=2)
        assert [message.role for message in stages.requests[1].messages] == [
            "system",
            "user",
            "assistant",
            "tool",
            "user",
        ]

    play(scene())


def test_a_call_lives_until_it_is_closed_and_then_tells_nothing():
    async def scene():
        stages = Scripted(hears=[[Gate()]])
        async with calling(stages) as (link, inbox):
            await inbox.until(LinkOpened)
            link.check()
            assert inbox.of(LinkAlive) == [LinkAlive(7)]
            stages.dialling = True  # nobody knows whether there is anybody
            link.check()
            assert inbox.of(LinkAlive) == [LinkAlive(7)]
            link.send_audio(SPEECH)
            link.commit_turn()
            link.close()
            await inbox.until(LinkClosed)
            link.check()
            link.send_audio(SPEECH)
            link.commit_turn()
            link.cancel_reply("7-1", 0.0)
            link.give_tool_outputs([], respond=True)
            assert inbox.events[-1] == LinkClosed(7)
            assert not link._speech

    play(scene())


def test_on_a_trial_all_three_show_that_they_work_and_nobody_is_told():
    async def scene():
        stages = Scripted(hears=[""], writes=[["Yes."]])
        async with calling(stages, trial=True) as (_, inbox):
            assert inbox.events == [LinkOpened(7)]
            assert stages.speech == [SILENCE]
            assert list(stages.requests[0].messages) == [Message("user", "Say yes.")]
            assert stages.texts == ["Yes."]

    play(scene())


@pytest.mark.parametrize(
    "scripts", [{"hears": [[Lost("gone")]]}, {"writes": [[Lost("gone")]]}, {"speaks": [[Lost("gone")]]}]
)
def test_a_trial_fails_with_any_of_them(scripts):
    async def scene():
        async with calling(Scripted(**{"hears": [""], **scripts}), trial=True) as (_, inbox):
            (closed,) = inbox.events
            assert closed.problem.sentence.endswith(": gone")

    play(scene())
