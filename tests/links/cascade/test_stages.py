"""The cascade on StepFun's services as they are simulated, which take only what is documented."""

import asyncio
from contextlib import asynccontextmanager
from dataclasses import replace

import pytest

from antiphon.conversation.effects import ToolOutput
from antiphon.conversation.events import (
    LinkClosed,
    ReplyAudio,
    ReplyEnded,
    ReplyStarted,
    ReplyText,
    ToolCalled,
    UserSaid,
)
from antiphon.conversation.history import Turn
from antiphon.links.cascade.link import CascadeLinkMaker
from antiphon.pcm import bytes_of
from antiphon.secret import Secret
from antiphon.simulator.stepfun.faults import parse_fault
from antiphon.simulator.stepfun.options import SimulatorOptions, Timing
from antiphon.simulator.stepfun.script import Reply
from antiphon.simulator.stepfun.script import ToolCall as Call
from antiphon.simulator.stepfun.server import StepFunSimulator
from links.cascade.scripted import LAMP, PLAN, Inbox, play, until
from loopback import tone

KEY = "sk-0123456789"
SOUND = bytes_of(tone("", "", 24_000))
"""How the simulated voice says anything, and how the user speaks here."""
STEPFUN = replace(
    PLAN,
    recognise_model="stepaudio-2.5-asr",
    language="en",
    hotwords=("Antiphon",),
    chat_model="stepaudio-2.5-chat",
    speak_model="stepaudio-2.5-tts",
    voice="linjiajiejie",
    instruction="calm",
)
ANSWER = Reply("One is here. Two is (not) there.")
FAMILIES = {"/v1": "normal", "/step_plan/v1": "plan"}


@asynccontextmanager
async def calling(*faults, path="/v1", scope=None, replies=(ANSWER,), options=(), tools=(), history=(), **plan):
    """A call on the simulated services; yields link, inbox and service. At the end it is closed."""
    given = SimulatorOptions(
        keys={KEY: scope or FAMILIES[path]},
        timing=Timing.quick(),
        quick_connections=0,
        faults=tuple(map(parse_fault, faults)),
        replies=tuple(replies),
        **dict(options),
    )
    async with StepFunSimulator(given, synthesise=tone) as service:
        inbox = Inbox([])
        wanted = replace(STEPFUN, **{"url": service.speech_url(path), **plan})
        link = CascadeLinkMaker(wanted, Secret(KEY, "the test"), lambda: tools)(7, history, inbox, trial=False)
        async with asyncio.TaskGroup() as group:
            group.create_task(link.run())
            try:
                yield link, inbox, service
            finally:
                link.close()


def ask(link):
    link.send_audio(SOUND)
    link.send_audio(SOUND)
    link.commit_turn()


def turn(*faults, **given):
    """One turn to its end; the inbox and the service."""

    async def scene():
        async with calling(*faults, **given) as (link, inbox, service):
            ask(link)
            await inbox.until(ReplyEnded, LinkClosed)
        return inbox, service

    return play(scene())


def sound(inbox, reply="7-1"):
    return b"".join(event.pcm for event in inbox.of(ReplyAudio) if event.reply == reply)


@pytest.mark.parametrize("path", FAMILIES)
def test_a_turn_is_heard_answered_and_spoken(path):
    inbox, service = turn(path=path, history=[Turn("user", "Hi."), Turn("assistant", "Hello.")], tools=[LAMP])
    assert inbox.of(UserSaid) == [UserSaid(7, "7-1", "This lasts one point three seconds.")]
    assert "".join(event.text for event in inbox.of(ReplyText)) == ANSWER.text
    assert sound(inbox) == 2 * SOUND
    assert inbox.of(ReplyEnded) == [ReplyEnded(7, "7-1", "completed")]
    (heard,), (asked,), (spoken,) = service.recognised, service.chats, service.utterances
    assert (heard.path, asked.path, spoken.path) == tuple(
        path + service for service in ("/audio/asr/sse", "/chat/completions", "/realtime/audio")
    )
    assert (heard.model, heard.language, heard.hotwords, heard.rate_hz) == (
        "stepaudio-2.5-asr",
        "en",
        ("Antiphon",),
        24_000,
    )
    assert (asked.model, asked.voice, asked.stream, asked.tools) == ("stepaudio-2.5-chat", "", True, ("lamp",))
    assert [message.text for message in asked.messages] == [
        "Be brief.",
        "Hi.",
        "Hello.",
        "This lasts one point three seconds.",
    ]
    assert (spoken.model, spoken.creation.voice, spoken.creation.instruction) == (
        "stepaudio-2.5-tts",
        "linjiajiejie",
        "calm",
    )
    assert spoken.text.split("\n") == ["One is here.", "Two is, not, there.", ""]


@pytest.mark.parametrize(
    "text",
    [
        "First. And then a s",
        "As far as I know, and I may be wrong here, it is so bec",
        "第一。还有",
        "# Title\nAnd the r",
    ],
)
def test_the_first_piece_sounds_while_the_model_still_writes(text):
    """The simulated model stops for ever within its second sentence, and the first is heard all the same."""

    async def scene():
        stall = len(text.split(" ") if text.isascii() else text) + 1  # it writes by the word, Chinese by the character
        async with calling(f"chat-stall={stall}", replies=[Reply(f"{text} never told")]) as (link, inbox, service):
            ask(link)
            await inbox.until(ReplyAudio)
            assert "never" not in "".join(event.text for event in inbox.of(ReplyText))
            assert not [line for line in service.log if line["what"] == "chat_told"]
            await until(lambda: len(sound(inbox)) == len(SOUND))
            link.cancel_reply("7-1", 100.0)
            assert inbox.events[-1] == ReplyEnded(7, "7-1", "cancelled")
            (spoken,) = service.utterances
            await until(lambda: spoken.closed_s is not None)
            assert inbox.events[-1] == ReplyEnded(7, "7-1", "cancelled")

    play(scene())


def test_silence_is_not_answered():
    async def scene():
        async with calling() as (link, inbox, service):
            link.send_audio(bytes(48_000))
            link.commit_turn()
            assert (await inbox.until(ReplyEnded)).status == "completed"
        assert service.chats == service.utterances == []

    play(scene())


def test_tools_are_called_and_what_came_of_them_is_answered():
    async def scene():
        replies = [Reply("Let me see.", (Call("lamp", '{"on": true}'),)), Reply("It is on.")]
        async with calling(replies=replies, tools=[LAMP]) as (link, inbox, service):
            ask(link)
            await inbox.until(ReplyEnded)
            (called,) = inbox.of(ToolCalled)
            assert (called.reply, called.name, called.arguments) == ("7-1", "lamp", '{"on": true}')
            link.give_tool_outputs([ToolOutput(called.tool_call, "done")], respond=True)
            await inbox.until(ReplyEnded, count=2)
            assert [event.reply for event in inbox.of(ReplyStarted)] == ["7-1", "7-2"]
        assert (sound(inbox), sound(inbox, "7-2")) == (SOUND, SOUND)
        *_, call, output = service.chats[1].messages
        assert call.calls == ((called.tool_call, "lamp", '{"on": true}'),)
        assert (output.text, output.answers) == ("done", called.tool_call)

    play(scene())


@pytest.mark.parametrize(
    ("fault", "given", "words"),
    [
        ("asr-status=401", {}, ("Recognising", "API key (401)")),
        ("asr-status=402", {}, ("Recognising", "cascade.url", "/step_plan/v1")),
        ("asr-status=451", {}, ("Recognising", "content rules")),
        ("asr-error-event=1:content blocked", {}, ("Recognising", "content rules")),
        (None, {"recognise_model": "step-asr"}, ("Recognising", "cascade.recognise_model")),
        ("chat-status=402", {}, ("Answering", "cascade.url", "/step_plan/v1")),
        ("chat-status=404", {}, ("Answering", "cascade.chat_model")),
        ("chat-status=451", {}, ("Answering", "content rules")),
        ("chat-error-event=2:content blocked", {}, ("Answering", "content rules")),
        (None, {"chat_model": "step-nine"}, ("Answering", "cascade.chat_model")),
        (None, {"options": {"blocked": ("Two",)}, "replies": [Reply("Well Two.")]}, ("Answering", "content rules")),
        ("stream-status=402", {"options": {}}, ("Speaking", "cascade.url", "/step_plan/v1")),
        ("stream-error=0:401", {}, ("Speaking", "API key")),
        (None, {"voice": "nobody"}, ("Speaking", "cascade.voice")),
        (None, {"speak_model": "step-tts-9"}, ("Speaking", "cascade.speak_model")),
        (None, {"scope": "plan"}, ("Recognising", "cascade.url", "/step_plan/v1")),
        (None, {"path": "/step_plan/v1", "chat_model": "step-audio-2"}, ("Answering", "cascade.chat_model")),
    ],
)
def test_what_is_refused_says_in_which_stage_and_what_to_mend(fault, given, words):
    inbox, _ = turn(*[] if fault is None else [fault], **given)
    (closed,) = inbox.of(LinkClosed)
    assert closed.problem.fault == ("blocked" if "content rules" in words else "refused")
    assert all(word in closed.problem.sentence for word in words), closed.problem.sentence
    assert KEY not in closed.problem.sentence
    assert not inbox.of(ReplyEnded, ReplyAudio)


@pytest.mark.parametrize("stage", ["asr", "chat", "stream"])
@pytest.mark.parametrize("status", [429, 503])
def test_what_may_pass_is_tried_again_inside_the_turns_time(stage, status):
    inbox, service = turn(f"{stage}-status={status}@0")
    assert inbox.of(ReplyEnded) == [ReplyEnded(7, "7-1", "completed")]
    assert sound(inbox) == 2 * SOUND
    assert (len(service.recognised), len(service.chats), len(service.utterances)) == (1, 1, 1)


@pytest.mark.parametrize(
    ("fault", "words"),
    [("asr-status=503", "Recognising"), ("chat-status=429", "Answering"), ("stream-status=503", "Speaking")],
)
def test_and_no_longer(fault, words):
    inbox, _ = turn(fault, first_sound_ms=2500)
    (closed,) = inbox.of(LinkClosed)
    assert closed.problem.fault == "lost"
    assert words in closed.problem.sentence


def test_a_voice_that_breaks_off_has_failed_and_what_came_was_told():
    inbox, _ = turn(f"stream-cut={len(SOUND) // 2}")
    (end,) = inbox.of(ReplyEnded)
    assert end.status == "failed"
    assert "Speaking the answer" in end.problem.sentence
    assert SOUND.startswith(sound(inbox))
    assert sound(inbox)
