"""The chat link against a server of our own, good and bad, on real sockets."""

import asyncio
import base64
import contextlib

import numpy as np
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
    ServiceComplained,
    ToolCalled,
)
from antiphon.conversation.history import Turn
from antiphon.links.chat import link as module
from antiphon.links.chat.link import ChatLinkMaker, ChatPlan
from antiphon.links.completions.wav import wav_file
from antiphon.pcm import bytes_of, frames_in
from antiphon.ports import LinkCounters, ToolSpec
from antiphon.secret import Secret
from antiphon.speech import service as speech_service
from links.completions.chunks import (
    BEGIN,
    DONE,
    END,
    STREAM,
    calling,
    events,
    gives,
    piece,
    sounding,
    spoken,
    streams,
    streams_and_waits,
    whole,
)
from loopback import answering
from speech.tts import error, says, serving

LONG_MS = 30_000
SHORT_MS = 200  # only where nothing at all will come
KEY = Secret("sk-0123456789", "the test")
QUESTION = bytes_of(np.random.default_rng(5).integers(-8000, 8000, 12_000).astype(np.int16))
REPLY = bytes_of(np.random.default_rng(6).integers(-8000, 8000, 24_000).astype(np.int16))
TIME = ToolSpec("get_time", "The time", {"type": "object", "properties": {}})


async def well(asked):
    """A reply of a second, in two pieces, with its words ahead."""
    chunks = [BEGIN, spoken("It is "), sounding(REPLY[:9001]), spoken("noon."), sounding(REPLY[9001:]), END, DONE]
    await streams(*chunks)(asked)


class Inbox:
    """Keeps what is posted, and can be waited on."""

    def __init__(self):
        self.events = []
        self._changed = asyncio.Event()

    def __call__(self, event):
        self.events.append(event)
        self._changed.set()

    def of(self, kind):
        return [event for event in self.events if isinstance(event, kind)]

    async def until(self, kind, count=1):
        while len(self.of(kind)) < count:
            self._changed.clear()
            await self._changed.wait()

    @property
    def kinds(self):
        names = [type(event).__name__ for event in self.events]
        return [name for name, before in zip(names, ["", *names], strict=False) if name != before]

    def speech(self, reply):
        return b"".join(event.pcm for event in self.of(ReplyAudio) if event.reply == reply)

    def text(self, reply):
        return "".join(event.text for event in self.of(ReplyText) if event.reply == reply)

    @property
    def problem(self):
        """Why the call ended; it must have ended once, last."""
        assert self.of(LinkClosed) == self.events[-1:]
        return self.events[-1].problem


def play(scene):
    return asyncio.run(asyncio.wait_for(scene, 20))


def maker_for(url, tools=(), key=KEY, **plan):
    given = {
        "model": "step-audio-2",
        "voice": "wenrounansheng",
        "instructions": "Be brief.",
        "stream": True,
        "clips": 3,
        "first_sound_ms": LONG_MS,
        "gap_ms": LONG_MS,
        **plan,
    }
    return ChatLinkMaker(ChatPlan(url=url, **given), key, lambda: tools)


@contextlib.asynccontextmanager
async def calling_(maker, history=(), call=3):
    """A running, open call, closed at the end."""
    inbox = Inbox()
    link = maker(call, history, inbox, trial=False)
    async with asyncio.TaskGroup() as group:
        group.create_task(link.run())
        try:
            await inbox.until(LinkOpened)
            yield link, inbox
        finally:
            link.close()


async def ask(link, inbox, turn=1, question=QUESTION):
    """Ask, and wait for the reply's end."""
    link.send_audio(question)
    link.commit_turn()
    await inbox.until(ReplyEnded, turn)


def one_turn(*scripts, turns=1, tools=(), history=(), **plan):
    """So many turns on one call, and what the server was asked."""

    async def scene():
        async with serving(*scripts) as service:
            async with calling_(maker_for(service.url, tools, **plan), history) as (link, inbox):
                for turn in range(turns):
                    await ask(link, inbox, turn + 1)
            return inbox, service.asked, link.counters

    return play(scene())


def fate(*scripts, **plan):
    """How a call ends by itself, when one question is asked on it."""

    async def scene():
        async with serving(*scripts) as service:
            async with calling_(maker_for(service.url, **plan)) as (link, inbox):
                link.send_audio(QUESTION)
                link.commit_turn()
                await inbox.until(LinkClosed)
            return inbox, service

    return play(scene())


# ── a turn ───────────────────────────────────────────────────────────────────────────────────────


def test_a_turn_is_asked_and_answered():
    inbox, asked, counters = one_turn(well)
    assert inbox.kinds == [
        "LinkOpened",
        "ReplyStarted",
        "ReplyText",
        "ReplyAudio",
        "ReplyText",
        "ReplyAudio",
        "ReplyEnded",
        "LinkClosed",
    ]
    assert inbox.of(ReplyStarted) == [ReplyStarted(3, "3-1")]
    assert inbox.speech("3-1") == REPLY
    assert inbox.text("3-1") == "It is noon."
    assert inbox.of(ReplyEnded) == [ReplyEnded(3, "3-1", "completed")]
    assert inbox.problem is None
    assert (counters.sent, counters.received) == (1, 5)
    (question,) = asked
    assert question.headers["authorization"] == "Bearer sk-0123456789"
    assert question.fields["audio"] == {"voice": "wenrounansheng", "format": "pcm"}
    assert [message["role"] for message in question.fields["messages"]] == ["system", "user"]
    assert "tools" not in question.fields


def test_the_question_is_sent_as_it_was_said():
    _, (asked,), _ = one_turn(well)
    sent = asked.fields["messages"][-1]["content"][0]["input_audio"]["data"]
    assert base64.b64decode(sent.partition(",")[2]) == wav_file(QUESTION)


def test_a_whole_reply_is_played_when_it_is_there():
    inbox, (asked,), _ = one_turn(gives(whole(wav=wav_file(REPLY), transcript="Noon.")), stream=False)
    assert (inbox.speech("3-1"), inbox.text("3-1")) == (REPLY, "Noon.")
    assert asked.fields["stream"] is False
    assert asked.fields["audio"]["format"] == "wav"


def test_the_conversation_goes_with_the_next_question():
    history = (Turn("user", "Hi."), Turn("assistant", "Hello."))
    _, asked, _ = one_turn(well, turns=3, clips=2, history=history)
    assert [message["role"] for message in asked[2].fields["messages"]] == [
        "system",
        "user",
        "assistant",
        "user",
        "assistant",
        "user",
    ]
    assert asked[2].fields["messages"][2]["content"] == "Hello.\nIt is noon."


def test_a_model_that_takes_no_wav_before_the_question_gets_none():
    _, asked, _ = one_turn(well, turns=2, model="step-1o-audio", clips=5)
    assert [message["role"] for message in asked[1].fields["messages"]] == ["system", "assistant", "user"]


def test_a_turn_without_sound_is_asked_of_nobody():
    async def scene():
        async with serving(well) as service:
            async with calling_(maker_for(service.url)) as (link, inbox):
                link.commit_turn()
                await inbox.until(NothingRecognised)
            return inbox.kinds, service.asked

    assert play(scene()) == (["LinkOpened", "NothingRecognised", "LinkClosed"], [])


def test_of_a_turn_that_is_too_long_its_end_is_asked(monkeypatch):
    monkeypatch.setattr(module, "_MOST_BYTES", 1000)
    inbox, (asked,), _ = one_turn(well)
    sent = asked.fields["messages"][-1]["content"][0]["input_audio"]["data"]
    assert base64.b64decode(sent.partition(",")[2]) == wav_file(QUESTION[-1000:])
    (complaint,) = inbox.of(ServiceComplained)
    assert "0.5 s were left out" in complaint.problem.sentence


def test_opening_costs_nothing_and_a_check_is_answered_at_once():
    async def scene():
        inbox = Inbox()
        link = maker_for("http://127.0.0.1:1/v1")(3, (), inbox, trial=False)
        running = asyncio.get_running_loop().create_task(link.run())
        await inbox.until(LinkOpened)
        link.check()
        link.close()
        await running
        return inbox.events, link.counters

    assert play(scene()) == ([LinkOpened(3), LinkAlive(3), LinkClosed(3)], LinkCounters())


def test_one_that_waits_for_a_connection_gives_no_sign_of_life():
    async def scene():
        with answering(None) as port:  # it does not even say who it is
            async with calling_(maker_for(f"https://127.0.0.1:{port}/v1")) as (link, inbox):
                link.send_audio(QUESTION)
                link.commit_turn()
                while not link._there.dialling:  # noqa: ASYNC110 - nobody tells
                    await asyncio.sleep(0)
                link.check()
                assert not inbox.of(LinkAlive)

    async def answers():
        asked, over = asyncio.Event(), asyncio.Event()

        async def thinks(_):
            asked.set()
            await over.wait()

        async with serving(thinks) as service, calling_(maker_for(service.url)) as (link, inbox):
            link.send_audio(QUESTION)
            link.commit_turn()
            await asked.wait()
            link.check()
            assert inbox.of(LinkAlive)
            over.set()

    play(scene())
    play(answers())


def tried(script, **plan):
    """What comes of a trial, and what was asked."""

    async def scene():
        async with serving(script) as service:
            inbox = Inbox()
            link = maker_for(service.url, [TIME], **plan)(3, (Turn("user", "Hi."),), inbox, trial=True)
            async with asyncio.TaskGroup() as group:
                group.create_task(link.run())
                await inbox.until((LinkOpened, LinkClosed))
                link.close()
            return inbox.events, service.asked

    return play(scene())


@pytest.mark.parametrize("script", [streams_and_waits(BEGIN, spoken("Yes.")), streams_and_waits(sounding(REPLY))])
def test_on_a_trial_the_model_must_say_a_word_and_is_not_heard_to_its_end(script):
    events, (asked,) = tried(script)
    assert events == [LinkOpened(3), LinkClosed(3)]
    assert asked.fields["messages"] == [{"role": "user", "content": "Say yes."}]
    assert asked.left.is_set()


@pytest.mark.parametrize(
    ("script", "words"),
    [
        (says(error("402 No", "You exceeded your current quota", "quota_exceeded")), "chat.url"),
        (streams(BEGIN, END, DONE), "chat.model"),
        (streams_and_waits(BEGIN), "chat.first_sound_ms"),
    ],
)
def test_a_trial_that_fails_says_why(script, words):
    events, _ = tried(script, first_sound_ms=LONG_MS if words != "chat.first_sound_ms" else SHORT_MS)
    (closed,) = events
    assert words in closed.problem.sentence


# ── interruptions ────────────────────────────────────────────────────────────────────────────────


def test_a_cancelled_reply_hangs_up_at_once_and_is_cut_to_what_was_heard():
    async def scene():
        goes_on = streams_and_waits(spoken("One two three four"), sounding(REPLY))
        async with serving(goes_on, well) as service:
            async with calling_(maker_for(service.url)) as (link, inbox):
                link.send_audio(QUESTION)
                link.commit_turn()
                await inbox.until(ReplyAudio)
                link.cancel_reply("3-1", 500.0)
                await service.asked[0].left.wait()
                await ask(link, inbox, turn=2)
            return inbox, service.asked

    inbox, asked = play(scene())
    assert [end.status for end in inbox.of(ReplyEnded)] == ["cancelled", "completed"]
    assert inbox.speech("3-2") == REPLY
    assert asked[1].fields["messages"][2] == {"role": "assistant", "content": "One two"}


def test_a_reply_that_is_over_can_still_be_cut():
    async def scene():
        async with serving(well) as service:
            async with calling_(maker_for(service.url)) as (link, inbox):
                await ask(link, inbox)
                link.cancel_reply("3-1", 400.0)
                await ask(link, inbox, turn=2)
            return inbox, service.asked

    inbox, asked = play(scene())
    assert [end.status for end in inbox.of(ReplyEnded)] == ["completed", "completed"]
    assert asked[1].fields["messages"][2]["content"] == "It"


def test_another_reply_is_not_cancelled():
    async def scene():
        async with (
            serving(streams_and_waits(sounding(REPLY))) as service,
            calling_(maker_for(service.url)) as (link, inbox),
        ):
            link.send_audio(QUESTION)
            link.commit_turn()
            await inbox.until(ReplyAudio)
            link.cancel_reply("2-1", 0.0)
            return list(inbox.of(ReplyEnded))

    assert play(scene()) == []


def test_a_new_turn_ends_the_reply_that_is_on_its_way():
    async def scene():
        async with serving(streams_and_waits(sounding(REPLY)), well) as service:
            async with calling_(maker_for(service.url)) as (link, inbox):
                link.send_audio(QUESTION)
                link.commit_turn()
                await inbox.until(ReplyAudio)
                await ask(link, inbox, turn=2)
            return inbox

    inbox = play(scene())
    assert [(end.reply, end.status) for end in inbox.of(ReplyEnded)] == [("3-1", "cancelled"), ("3-2", "completed")]


@pytest.mark.parametrize("waits_for", [ReplyStarted, ReplyAudio])
def test_who_closes_in_the_middle_hangs_up_and_hears_no_more(waits_for):
    async def scene():
        async with serving(streams_and_waits(sounding(REPLY))) as service:
            async with calling_(maker_for(service.url)) as (link, inbox):
                link.send_audio(QUESTION)
                link.commit_turn()
                await inbox.until(waits_for)
            for asked in service.asked:
                await asked.left.wait()
            link.send_audio(QUESTION)
            link.commit_turn()
            link.cancel_reply("3-1", 0.0)
            link.give_tool_outputs([ToolOutput("call-1", "Noon.")], respond=True)
            link.check()
            return inbox, link

    inbox, link = play(scene())
    assert inbox.problem is None
    assert not inbox.of(ReplyEnded)
    assert not link._speech
    assert not link._memory.messages()


# ── tools ────────────────────────────────────────────────────────────────────────────────────────


TOOL_TURN = streams(BEGIN, spoken("Let me see."), calling("get_time", '{"zone": "Oslo"}'), sounding(REPLY), DONE)


def test_the_model_is_told_of_the_tools():
    _, (asked,), _ = one_turn(well, tools=[TIME])
    assert [tool["function"]["name"] for tool in asked.fields["tools"]] == ["get_time"]


def test_what_is_said_beside_a_call_sounds_and_the_call_is_told_before_the_end():
    inbox, _, _ = one_turn(TOOL_TURN, tools=[TIME])
    assert inbox.kinds == [
        "LinkOpened",
        "ReplyStarted",
        "ReplyText",
        "ReplyAudio",
        "ToolCalled",
        "ReplyEnded",
        "LinkClosed",
    ]
    assert inbox.of(ToolCalled) == [ToolCalled(3, "3-1", "call-1", "get_time", '{"zone": "Oslo"}')]
    assert inbox.of(ReplyEnded) == [ReplyEnded(3, "3-1", "completed")]


def test_a_call_in_a_whole_answer():
    call = {"id": "call-1", "type": "function", "index": 0, "function": {"name": "get_time", "arguments": "{}"}}
    answer = whole(None, wav=wav_file(REPLY), transcript="Let me see.", tool_calls=[call])
    inbox, _, _ = one_turn(gives(answer), stream=False)
    assert inbox.speech("3-1") == REPLY
    assert inbox.of(ToolCalled) == [ToolCalled(3, "3-1", "call-1", "get_time", "{}")]


def test_a_call_without_speech_is_a_reply():
    inbox, _, _ = one_turn(streams(calling("get_time", "{}"), DONE))
    assert inbox.kinds == ["LinkOpened", "ReplyStarted", "ToolCalled", "ReplyEnded", "LinkClosed"]
    assert inbox.problem is None


def given(*, respond):
    async def scene():
        async with serving(TOOL_TURN, well) as service:
            async with calling_(maker_for(service.url, [TIME])) as (link, inbox):
                await ask(link, inbox)
                link.give_tool_outputs([ToolOutput("call-1", "12:00")], respond=respond)
                if not respond:
                    link.send_audio(QUESTION)
                    link.commit_turn()
                await inbox.until(ReplyEnded, 2)
            return inbox, service.asked

    return play(scene())


def test_what_came_of_a_tool_is_answered_in_a_reply_of_its_own():
    inbox, asked = given(respond=True)
    assert [start.reply for start in inbox.of(ReplyStarted)] == ["3-1", "3-2"]
    assert inbox.speech("3-2") == REPLY
    *_, call, output = asked[1].fields["messages"]
    function = {"name": "get_time", "arguments": '{"zone": "Oslo"}'}
    assert call["content"] == "Let me see."
    assert call["tool_calls"] == [{"id": "call-1", "type": "function", "function": function}]
    assert output == {"role": "tool", "tool_call_id": "call-1", "content": "12:00"}


def test_what_nobody_waits_for_is_remembered():
    inbox, asked = given(respond=False)
    assert len(inbox.of(ReplyStarted)) == len(asked) == 2
    assert [message["role"] for message in asked[1].fields["messages"]] == [
        "system",
        "user",
        "assistant",
        "tool",
        "user",
    ]


# ── what goes wrong ──────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("script", "fault", "words"),
    [
        (says(error("401 No", "Incorrect API key provided: sk-0123456789", "invalid_api_key")), "refused", "API key"),
        (says(error("402 No", "You exceeded your current quota", "quota_exceeded")), "refused", "chat.url"),
        (says(error("404 No", "model not found", "model_invalid")), "refused", "chat.model"),
        (says(error("400 No", "voice is not valid")), "refused", "chat.voice"),
        (says(error("451 No", "no", "censorship_blocked")), "blocked", "content rules"),
        (streams(spoken("Well"), piece("content_filter")), "blocked", "content rules"),
        (streams(BEGIN, spoken("Noon."), END, DONE), "lost", "chat.model"),
        (streams(BEGIN), "lost", "broke off"),
        (streams("nonsense"), "garbled", "chat.url"),
    ],
)
def test_a_failure_before_the_first_sound_ends_the_call(script, fault, words):
    inbox, _ = fate(script)
    assert inbox.problem.fault == fault
    assert words in inbox.problem.sentence
    assert "sk-0123456789" not in inbox.problem.sentence
    assert not inbox.of(ReplyEnded)
    assert not inbox.of(ReplyAudio)


def test_a_service_that_stays_silent_ends_the_call():
    inbox, service = fate(streams_and_waits(BEGIN, spoken("Well")), first_sound_ms=SHORT_MS)
    assert "chat.first_sound_ms" in inbox.problem.sentence
    assert service.asked[0].left.is_set()


def test_a_whole_answer_that_is_slow_says_why():
    async def waits(asked):
        await asked.until_left()

    inbox, _ = fate(waits, first_sound_ms=SHORT_MS, stream=False)
    assert "chat.stream" in inbox.problem.sentence


def test_a_busy_service_is_asked_again():
    inbox, asked, _ = one_turn(says(error("503 Busy", "The engine is currently overloaded")), well)
    assert len(asked) == 2
    assert inbox.speech("3-1") == REPLY


@pytest.mark.parametrize(("pause_s", "asked"), [(1e6, 1), (0.0, 2)])
def test_a_service_that_stays_busy_is_said_to_be(monkeypatch, pause_s, asked):
    """There is no time to ask again; or there is, and then nothing comes."""
    monkeypatch.setattr(speech_service, "PAUSE_FIRST_S", pause_s)

    async def waits(asked):
        await asked.until_left()

    busy = says(error("503 Busy", "The engine is currently overloaded"))
    inbox, service = fate(busy, waits, first_sound_ms=LONG_MS if asked == 1 else 2000)
    assert "overloaded (503)" in inbox.problem.sentence
    assert len(service.asked) == asked


def test_a_connection_that_breaks_is_not_tried_for_long():
    """Somebody else can be asked."""

    async def hangs_up(asked):
        asked.writer.transport.abort()

    inbox, service = fate(hangs_up)
    assert len(service.asked) == 2
    assert inbox.problem.fault == "lost"


async def cut(asked):
    """Sound, and then the cable is pulled."""
    await asked.write(STREAM, events(spoken("It is"), sounding(REPLY)))
    asked.writer.transport.abort()


@pytest.mark.parametrize(
    ("script", "words"),
    [
        (cut, "127.0.0.1"),
        (streams(sounding(REPLY)), "broke off"),
        (streams(sounding(REPLY), piece("content_filter")), "content rules"),
    ],
)
def test_a_failure_after_the_first_sound_ends_the_reply_alone(script, words):
    async def scene():
        async with serving(script, well) as service:
            async with calling_(maker_for(service.url)) as (link, inbox):
                await ask(link, inbox)
                await ask(link, inbox, turn=2)
            return inbox

    inbox = play(scene())
    failed, completed = inbox.of(ReplyEnded)
    assert (failed.status, completed.status) == ("failed", "completed")
    assert words in failed.problem.sentence
    assert inbox.speech("3-1") == inbox.speech("3-2") == REPLY
    assert inbox.problem is None


def test_a_service_that_falls_silent_ends_the_reply():
    async def scene():
        async with serving(streams_and_waits(sounding(REPLY))) as service:
            async with calling_(maker_for(service.url, gap_ms=SHORT_MS)) as (link, inbox):
                await ask(link, inbox)
            return inbox.of(ReplyEnded)

    (failed,) = play(scene())
    assert failed.status == "failed"
    assert "fell silent" in failed.problem.sentence


def test_a_key_that_is_none_is_found_before_anybody_is_asked():
    async def scene():
        inbox = Inbox()
        await maker_for("http://127.0.0.1:1/v1", key=Secret("sk-\u00e9", "x"))(3, (), inbox, trial=False).run()
        return inbox.events

    (closed,) = play(scene())
    assert "copy it again" in closed.problem.sentence


def test_a_voice_that_the_model_has_not_is_found_before_anybody_is_asked():
    async def scene():
        inbox = Inbox()
        await maker_for("http://127.0.0.1:1/v1", voice="linjiajiejie")(3, (), inbox, trial=False).run()
        return inbox.events

    (closed,) = play(scene())
    assert closed.problem.fault == "refused"
    assert "chat.voice" in closed.problem.sentence
    assert "wenrounansheng" in closed.problem.sentence


def test_the_longest_question_is_two_minutes():
    assert frames_in(120_000, 24_000) * 2 == module._MOST_BYTES
