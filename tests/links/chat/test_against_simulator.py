"""The chat link against the simulated service, which takes only what is documented: they share no wire code."""

import asyncio
import hashlib

import numpy as np
import pytest

from antiphon.conversation.effects import ToolOutput
from antiphon.conversation.events import LinkClosed, ReplyEnded, ToolCalled
from antiphon.conversation.history import Turn
from antiphon.links.completions.wav import wav_file
from antiphon.pcm import bytes_of
from antiphon.simulator.stepfun.faults import parse_fault
from antiphon.simulator.stepfun.options import SimulatorOptions, Timing
from antiphon.simulator.stepfun.script import Reply
from antiphon.simulator.stepfun.script import ToolCall as Call
from antiphon.simulator.stepfun.server import StepFunSimulator
from links.chat.test_link import QUESTION, TIME, ask, calling_, maker_for, play
from loopback import SPOKEN_MS, tone

HISTORY = (Turn("user", "Hi."), Turn("assistant", "Hello."))
SOUND = bytes_of(tone("", "", 24_000))


def scene(*faults, turns=1, replies=(), path="/v1", respond=True, options=(), **plan):
    """So many turns on one call; what happened, what was granted, and how all requests were answered."""

    async def in_loop():
        given = SimulatorOptions(
            keys={"sk-0123456789": "normal"},
            timing=Timing.quick(),
            quick_connections=0,
            faults=tuple(map(parse_fault, faults)),
            replies=tuple(replies),
            **dict(options),
        )
        async with StepFunSimulator(given, synthesise=tone) as service:
            async with calling_(maker_for(service.speech_url(path), [TIME], **plan), HISTORY) as (link, inbox):
                for turn in range(turns):
                    if (called := inbox.of(ToolCalled)) and turn:
                        link.give_tool_outputs([ToolOutput(one.tool_call, "Noon.") for one in called], respond=respond)
                        await inbox.until(ReplyEnded, turn + 1)
                        continue
                    asking = asyncio.get_running_loop().create_task(ask(link, inbox, turn + 1))
                    ending = asyncio.get_running_loop().create_task(inbox.until(LinkClosed))
                    await asyncio.wait([asking, ending], return_when=asyncio.FIRST_COMPLETED)
                    for task in (asking, ending):
                        task.cancel()
            return inbox, service.chats, [line["status"] for line in service.log if line["what"] == "chat"]

    return play(in_loop())


@pytest.mark.parametrize("stream", [True, False])
@pytest.mark.parametrize(
    ("model", "voice"),
    [
        ("step-audio-2", "wenrounansheng"),
        ("step-audio-2-mini", "qingchunshaonv"),
        ("step-1o-audio", "linjiajiejie"),
    ],
)
def test_every_model_that_speaks_answers(model, voice, stream):
    inbox, (asked,), statuses = scene(model=model, voice=voice, stream=stream)
    assert inbox.speech("3-1") == SOUND
    assert inbox.text("3-1") == "I heard you speak for zero point five seconds."
    assert [(end.reply, end.status) for end in inbox.of(ReplyEnded)] == [("3-1", "completed")]
    assert statuses == [200]
    assert (asked.model, asked.voice, asked.stream, asked.tools) == (model, voice, stream, ("get_time",))
    assert [message.role for message in asked.messages] == ["system", "user", "assistant", "user"]
    (clip,) = asked.last.clips
    assert clip.sha256 == hashlib.sha256(wav_file(QUESTION)).hexdigest()


@pytest.mark.parametrize(("model", "clips", "sent"), [("step-audio-2", 2, 2), ("step-1o-audio", 1, 1)])
def test_the_last_turns_go_as_sound(model, clips, sent):
    voice = "wenrounansheng" if model == "step-audio-2" else "linjiajiejie"
    inbox, asked, statuses = scene(turns=3, model=model, voice=voice, clips=3 if sent == 1 else clips)
    assert statuses == [200, 200, 200]
    assert sum(len(message.clips) for message in asked[2].messages) == sent
    assert inbox.speech("3-3") == SOUND


@pytest.mark.parametrize("stream", [True, False])
@pytest.mark.parametrize("words", ["", "Let me see."])
def test_a_tool_is_called_and_what_came_of_it_answered(words, stream):
    replies = [Reply(words, (Call("get_time", '{"zone": "Oslo"}'),)), Reply("It is noon.")]
    inbox, asked, statuses = scene(turns=2, replies=replies, stream=stream)
    (called,) = inbox.of(ToolCalled)
    assert (called.reply, called.name, called.arguments) == ("3-1", "get_time", '{"zone": "Oslo"}')
    assert inbox.speech("3-1") == (SOUND if words else b"")
    assert (inbox.speech("3-2"), inbox.text("3-2")) == (SOUND, "It is noon.")
    assert statuses == [200, 200]
    *_, call, output = asked[1].messages
    assert call.calls == ((called.tool_call, "get_time", '{"zone": "Oslo"}'),)
    assert (call.text, output.text, output.answers) == (words, "Noon.", called.tool_call)


@pytest.mark.parametrize("wav", ["last", "none"])
def test_a_model_that_takes_no_wav_before_the_last_message_answers_what_came_of_a_tool(wav):
    """Where it takes none at all, there is nothing that can be asked."""
    replies = [Reply("", (Call("get_time", "{}"),)), Reply("It is noon.")]
    plan = {"model": "step-1o-audio", "voice": "linjiajiejie", "options": {"first_generation_wav": wav}}
    if wav == "none":
        inbox, _, statuses = scene(replies=replies, **plan)
        assert statuses == [400]
        assert "chat.model" in inbox.problem.sentence
        return
    inbox, asked, statuses = scene(turns=2, replies=replies, **plan)
    assert statuses == [200, 200]
    assert inbox.text("3-2") == "It is noon."
    assert [message.role for message in asked[1].messages][-2:] == ["assistant", "tool"]
    assert not any(message.clips for message in asked[1].messages)


@pytest.mark.parametrize(
    ("fault", "plan", "words"),
    [
        ("chat-status=401", {}, "API key"),
        ("chat-status=402", {}, "chat.url"),
        ("chat-status=451", {}, "content rules"),
        ("chat-error-event=2:The engine is currently overloaded", {}, "overloaded"),
        ("chat-cut=2", {}, "127.0.0.1"),
        (None, {"model": "step-audio-2-mini", "voice": "linjiajiejie"}, "chat.voice"),
        (None, {"model": "stepaudio-2.5-chat"}, "chat.model"),
        (None, {"model": "step-audio-9"}, "chat.model"),
        (None, {"path": "/step_plan/v1"}, "chat.url"),
    ],
)
def test_what_is_refused_is_told_in_words(fault, plan, words):
    inbox, _, _ = scene(*[] if fault is None else [fault], **plan)
    assert words in inbox.problem.sentence
    assert "sk-0123456789" not in inbox.problem.sentence
    assert not inbox.of(ReplyEnded)


def test_a_busy_service_is_asked_again():
    inbox, asked, statuses = scene("chat-status=429@0", "chat-status=503@1")
    assert statuses == [429, 503, 200]
    assert len(asked) == 1
    assert inbox.speech("3-1") == SOUND


def test_what_is_held_back_in_the_middle_is_said_to_be():
    inbox, _, _ = scene(replies=[Reply("Well, forbidden words.")], options={"blocked": ("forbidden",)})
    (ended,) = inbox.of(ReplyEnded)
    assert ended.status == "failed"
    assert "content rules" in ended.problem.sentence


def test_reasoning_is_not_spoken():
    inbox, _, _ = scene(replies=[Reply("Yes.", thinking="What does he want?")])
    assert inbox.text("3-1") == "Yes."


def test_the_tone_is_as_long_as_it_says():
    assert len(SOUND) == SPOKEN_MS * 48
    assert np.frombuffer(SOUND, "<i2").any()
