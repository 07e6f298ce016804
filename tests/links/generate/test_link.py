"""The LAN link against a small server of our own, good and bad, on real sockets."""

import asyncio
import contextlib
import gc

import numpy as np
import pytest

from antiphon.audio.resample import Resampler
from antiphon.conversation.events import (
    LinkAlive,
    LinkClosed,
    LinkOpened,
    NothingRecognised,
    ReplyAudio,
    ReplyEnded,
    ReplyStarted,
    ServiceComplained,
)
from antiphon.links.generate.link import PROBE, GenerateLinkMaker, GeneratePlan
from antiphon.links.generate.seats import MOST_LEFT
from antiphon.pcm import bytes_of, samples_of
from links.generate.vox import WELL, WINDOW, answer, error, play, serving, silent, speaks, until

LONG_MS = 30_000
SHORT_MS = 150  # only where nothing at all will come

SPEECH = bytes_of(np.random.default_rng(5).integers(-8000, 8000, 30_000).astype(np.int16))
REPLY = WINDOW * 2 + WINDOW[:20_000]


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
        """What happened, pieces of one reply counted once."""
        names = [type(event).__name__ for event in self.events]
        return [
            name for name, before in zip(names, ["", *names], strict=False) if (name, before) != ("ReplyAudio",) * 2
        ]

    def speech(self, reply):
        return b"".join(event.pcm for event in self.of(ReplyAudio) if event.reply == reply)

    @property
    def problem(self):
        """Why the call ended; it must have ended once, last."""
        assert self.of(LinkClosed) == self.events[-1:]
        return self.events[-1].problem


def maker_for(url, **limits):
    return GenerateLinkMaker(
        GeneratePlan(**{"url": url, "open_timeout_ms": LONG_MS, "first_sound_ms": LONG_MS, "gap_ms": LONG_MS, **limits})
    )


@contextlib.asynccontextmanager
async def calling(maker, call=3, *, trial=False):
    """A running call, closed at the end."""
    inbox = Inbox()
    link = maker(call, (), inbox, trial=trial)
    async with asyncio.TaskGroup() as group:
        group.create_task(link.run())
        try:
            yield link, inbox
        finally:
            link.close()


def fate(script=speaks, health=WELL, *, trial=False, turn=SPEECH, **limits):
    """How a call ends by itself, when one question is asked on it."""

    async def scene():
        async with serving(script, health) as vox:
            maker = maker_for(vox.url, **limits)
            async with calling(maker, trial=trial) as (link, inbox):
                if turn:
                    link.send_audio(turn)
                    link.commit_turn()
                await inbox.until(LinkClosed)
            assert vox.url.removeprefix("http://") in inbox.problem.sentence
            return inbox, vox

    return play(scene())


def at_16_khz(pcm):
    resampler = Resampler(24_000, 16_000)
    return bytes_of(np.concatenate([resampler.take(samples_of(pcm)), resampler.flush()]))


async def one_turn(link, inbox, turn=1):
    """Ask, and hear the reply to its end."""
    link.send_audio(SPEECH)
    link.commit_turn()
    await inbox.until(ReplyEnded, turn)


# ── opening ──────────────────────────────────────────────────────────────────────────────────────


def test_a_call_opens_when_the_door_does():
    async def scene():
        async with serving() as vox:
            async with calling(maker_for(vox.url)) as (link, inbox):
                await inbox.until(LinkOpened)
            return inbox, vox, link.counters.sent

    inbox, vox, sent = play(scene())
    assert inbox.events == [LinkOpened(3), LinkClosed(3)]
    assert (vox.knocks, vox.questions, sent) == (1, [], 1)


@pytest.mark.parametrize(
    ("health", "words"),
    [
        (answer("200 OK", b"<html>Welcome to our hotel</html>", "text/html"), "log in"),
        (answer("302 Found", b"", more="location: http://login.example/\r\n"), "another address"),
        (error("404 Not Found", "Not Found"), "not vox-serve"),
        (error("503 Service Unavailable", "Server not ready"), "Server not ready"),
        (b"", "hung up"),
        (b"SSH-2.0-OpenSSH_9.2\r\n\r\n", "does not speak HTTP"),
    ],
)
@pytest.mark.parametrize("trial", [False, True])
def test_other_doors_end_the_call_before_anything_is_asked(health, words, trial):
    inbox, vox = fate(health=health, trial=trial)
    assert words in inbox.problem.sentence
    assert vox.questions == []
    assert not inbox.of(LinkOpened)


def test_a_door_that_stays_shut():
    async def shut(reader, _writer):
        await reader.read()

    inbox, _ = fate(health=shut, open_timeout_ms=SHORT_MS)
    assert "did not answer in time" in inbox.problem.sentence


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("http://antiphon.invalid:8000", "antiphon.invalid:8000"),
        ("ws://127.0.0.1:8000", "generate.urls"),
        ("http://127.0.0.1:1", "Nothing listens at 127.0.0.1:1"),
        ("http://localhost:1", "Nothing listens at localhost:1"),
        (f"http://{'x' * 80}.example", "generate.urls"),
    ],
)
def test_no_server_at_all(url, words):
    async def scene():
        async with calling(maker_for(url)) as (_, inbox):
            await inbox.until(LinkClosed)
        return inbox

    inbox = play(scene())
    assert words in inbox.problem.sentence
    assert len(inbox.events) == 1


# ── a trial ──────────────────────────────────────────────────────────────────────────────────────


def test_on_a_trial_the_model_must_speak():
    async def scene():
        async with serving() as vox:
            async with calling(maker_for(vox.url), trial=True) as (link, inbox):
                await inbox.until(LinkOpened)
                finished = [question.fields for question in vox.questions]
            return inbox, finished, link.counters

    inbox, asked, counters = play(scene())
    assert inbox.events == [LinkOpened(3), LinkClosed(3)]
    assert asked == [{"text": PROBE, "streaming": "true"}]
    assert counters.sent == 2
    assert counters.received >= 1


def test_a_trial_hears_the_probe_to_its_end():
    async def scene():
        go_on = asyncio.Event()

        async def slowly(question):
            await question.begin()
            await question.speak(WINDOW)
            await go_on.wait()
            opened.append(list(inbox.events))
            await question.finish()

        opened = []
        async with serving(slowly) as vox, calling(maker_for(vox.url), trial=True) as (_, inbox):
            await vox.until(1)
            go_on.set()
            await inbox.until(LinkOpened)
        return opened

    assert play(scene()) == [[]]


def test_a_dead_model_does_not_pass_a_trial():
    inbox, _ = fate(silent, trial=True, turn=b"", first_sound_ms=SHORT_MS)
    assert "in 0.15 s" in inbox.problem.sentence
    assert inbox.problem.may_pass
    assert not inbox.of(LinkOpened)


async def mute(question):
    """An answer without sound."""
    await question.begin()
    await question.finish()


def test_nor_does_one_that_makes_no_sound():
    inbox, _ = fate(mute, trial=True, turn=b"")
    assert "without a sound" in inbox.problem.sentence


def test_a_probe_that_is_answered_at_length_is_left_and_holds_a_seat(monkeypatch):
    monkeypatch.setattr("antiphon.links.generate.link.PROBE_ENDS_S", 0.2 - LONG_MS / 1000)

    async def scene():
        async with serving(speaks_on) as vox:
            maker = maker_for(vox.url)
            async with calling(maker, trial=True) as (_, inbox):
                await inbox.until(LinkOpened)
                await vox.questions[0].left.wait()
            return len(maker._seats._left)

    assert play(scene()) == 1


def test_trials_without_end_leave_nothing_behind():
    async def scene():
        before = asyncio.all_tasks()
        async with serving(mute) as vox:
            maker = maker_for(vox.url)
            for call in range(100):
                async with calling(maker, call, trial=True) as (_, inbox):
                    await inbox.until(LinkClosed)
                assert not inbox.of(LinkOpened)
            vox.script = speaks
            async with calling(maker, trial=True) as (_, inbox):
                await inbox.until(LinkOpened)
            await until(lambda: not vox.open)
            return vox.connections, asyncio.all_tasks() == before, maker._seats.taken(0.0)

    assert play(scene()) == (202, True, 0)


# ── a turn ───────────────────────────────────────────────────────────────────────────────────────


def test_a_turn_is_sent_whole_and_its_reply_heard_whole():
    async def scene():
        async with serving() as vox:
            async with calling(maker_for(vox.url)) as (link, inbox):
                await inbox.until(LinkOpened)
                for at in range(0, len(SPEECH), 960):
                    link.send_audio(SPEECH[at : at + 960])
                link.commit_turn()
                await inbox.until(ReplyEnded)
            return inbox, vox.questions, link.counters

    inbox, (question,), counters = play(scene())
    assert inbox.kinds == ["LinkOpened", "ReplyStarted", "ReplyAudio", "ReplyEnded", "LinkClosed"]
    assert inbox.events[1] == ReplyStarted(3, "3-1")
    assert inbox.events[-2:] == [ReplyEnded(3, "3-1", "completed"), LinkClosed(3)]
    assert inbox.speech("3-1") == REPLY
    assert set(question.fields) == {"text", "streaming", "audio"}
    heard, said = samples_of(question.speech), samples_of(at_16_khz(SPEECH))
    assert len(heard) == len(said)
    assert np.abs(heard.astype(int) - said).max() <= 1
    assert counters.sent == 2


def test_several_turns_and_calls_have_replies_of_their_own():
    async def scene():
        replies = []
        async with serving() as vox:
            maker = maker_for(vox.url)
            for call in (7, 8):
                async with calling(maker, call) as (link, inbox):
                    for turn in (1, 2):
                        await one_turn(link, inbox, turn)
                replies += [event.reply for event in inbox.of(ReplyStarted)]
            return replies, [question.speech for question in vox.questions]

    replies, said = play(scene())
    assert replies == ["7-1", "7-2", "8-1", "8-2"]
    assert said == [at_16_khz(SPEECH)] * 4


def test_what_comes_before_the_call_is_open_is_answered_then():
    async def scene():
        async with serving() as vox:
            inbox = Inbox()
            link = maker_for(vox.url)(3, (), inbox, trial=False)
            link.send_audio(SPEECH)
            link.commit_turn()
            async with asyncio.TaskGroup() as group:
                group.create_task(link.run())
                await inbox.until(ReplyEnded)
                link.close()
        return inbox

    inbox = play(scene())
    assert inbox.kinds == ["ReplyStarted", "LinkOpened", "ReplyAudio", "ReplyEnded", "LinkClosed"]


def test_nothing_said_is_not_asked():
    async def scene():
        async with serving() as vox:
            async with calling(maker_for(vox.url)) as (link, inbox):
                await inbox.until(LinkOpened)
                link.commit_turn()
                await inbox.until(NothingRecognised)
                await one_turn(link, inbox)
            return len(vox.questions)

    assert play(scene()) == 1


def test_too_long_a_turn_is_shortened_and_that_is_said():
    async def scene():
        async with serving() as vox:
            async with calling(maker_for(vox.url)) as (link, inbox):
                await inbox.until(LinkOpened)
                link.send_audio(WINDOW * 65)
                link.commit_turn()
                await inbox.until(ReplyEnded)
            return inbox, vox.questions[0].speech

    inbox, said = play(scene())
    assert inbox.kinds[1:3] == ["ServiceComplained", "ReplyStarted"]
    (complaint,) = inbox.of(ServiceComplained)
    assert "A server on the LAN takes a minute of speech at most" in complaint.problem.sentence
    assert 50 <= len(said) / 32_000 <= 60


def test_an_answer_without_sound_fails_and_the_call_goes_on():
    async def mute_at_first(question):
        await question.begin()
        if len(asked) > 0:
            await question.speak(WINDOW)
        asked.append(question)
        await question.finish()

    asked = []

    async def scene():
        async with serving(mute_at_first) as vox, calling(maker_for(vox.url)) as (link, inbox):
            await one_turn(link, inbox, 1)
            await one_turn(link, inbox, 2)
        return inbox.of(ReplyEnded)

    first, second = play(scene())
    assert (first.status, second.status) == ("failed", "completed")
    assert "without a sound" in first.problem.sentence


# ── a reply that fails ───────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("said", "words"),
    [
        (error("422 Unprocessable Entity", [{"loc": ["body", "text"], "msg": "Field required"}]), "Field required"),
        (error("500 Internal Server Error", "Generation timed out"), "Generation timed out"),
        (answer("500 Internal Server Error", b"Internal Server Error", "text/plain"), "Internal Server Error"),
        (answer("200 OK", b"<html>", "text/html"), "log in"),
        (answer("307 Temporary Redirect", b"", more="location: /generate\r\n"), "another address"),
        (b"", "hung up"),
    ],
)
def test_a_question_that_fails_ends_the_call(said, words):
    inbox, vox = fate(lambda question: question.write(said))
    assert words in inbox.problem.sentence
    assert inbox.kinds == ["ReplyStarted", "LinkOpened", "LinkClosed"]
    assert len(vox.questions) == 1


def test_a_dead_model_ends_the_call():
    inbox, _ = fate(silent, first_sound_ms=SHORT_MS)
    assert "in 0.15 s" in inbox.problem.sentence
    assert inbox.problem.may_pass
    assert inbox.kinds == ["ReplyStarted", "LinkOpened", "LinkClosed"]


def test_what_came_of_a_broken_reply_is_told_before_its_end():
    async def breaks_off(question):
        await question.begin()
        await question.speak(WINDOW)

    inbox, _ = fate(breaks_off)
    assert inbox.kinds == ["ReplyStarted", "LinkOpened", "ReplyAudio", "LinkClosed"]
    assert inbox.speech("3-1") == WINDOW
    assert "broke off" in inbox.problem.sentence


def test_a_server_that_falls_silent():
    async def stalls(question):
        await question.begin()
        await question.speak(WINDOW)
        await question.until_left()

    inbox, _ = fate(stalls, gap_ms=SHORT_MS)
    assert WINDOW.startswith(inbox.speech("3-1"))
    assert inbox.speech("3-1")
    assert "middle of a reply" in inbox.problem.sentence


# ── interruption ─────────────────────────────────────────────────────────────────────────────────


async def speaks_on(question):
    """A reply that has only begun."""
    await question.begin()
    await question.speak(WINDOW, WINDOW)
    await question.until_left()


def test_a_cancelled_reply_is_hung_up_on_and_the_next_turn_answered():
    async def scene():
        async with serving(speaks_on) as vox:
            maker = maker_for(vox.url)
            async with calling(maker) as (link, inbox):
                link.send_audio(SPEECH)
                link.commit_turn()
                await inbox.until(ReplyAudio)
                link.cancel_reply("3-1", 500.0)
                link.cancel_reply("3-1", 500.0)
                assert inbox.events[-1] == ReplyEnded(3, "3-1", "cancelled")
                await vox.questions[0].left.wait()
                vox.script = speaks
                await one_turn(link, inbox, 2)
            return inbox, len(maker._seats._left)

    inbox, left = play(scene())
    assert [(event.reply, event.status) for event in inbox.of(ReplyEnded)] == [
        ("3-1", "cancelled"),
        ("3-2", "completed"),
    ]
    assert left == 1


def test_one_that_is_cancelled_before_it_was_asked_is_never_asked():
    async def scene():
        async with serving() as vox:
            maker = maker_for(vox.url)
            async with calling(maker) as (link, inbox):
                await inbox.until(LinkOpened)
                link.send_audio(SPEECH)
                link.commit_turn()
                link.cancel_reply("3-1", 0.0)
                await one_turn(link, inbox, 2)
            return len(vox.questions), len(maker._seats._left)

    assert play(scene()) == (1, 0)


def test_a_cancel_of_another_reply_or_of_an_old_one_does_nothing():
    async def scene():
        async with serving() as vox, calling(maker_for(vox.url)) as (link, inbox):
            await one_turn(link, inbox)
            before = list(inbox.events)
            link.cancel_reply("3-1", 0.0)
            link.cancel_reply("2-9", 0.0)
            assert inbox.events == before

    play(scene())


def test_a_new_turn_ends_the_reply_before_it():
    async def scene():
        async with serving(speaks_on) as vox, calling(maker_for(vox.url)) as (link, inbox):
            link.send_audio(SPEECH)
            link.commit_turn()
            await inbox.until(ReplyAudio)
            vox.script = speaks
            await one_turn(link, inbox, 2)
        return [(event.reply, event.status) for event in inbox.of(ReplyEnded)]

    assert play(scene()) == [("3-1", "cancelled"), ("3-2", "completed")]


def test_closing_in_the_middle_of_a_reply():
    async def scene():
        async with serving(speaks_on) as vox:
            maker = maker_for(vox.url)
            async with calling(maker) as (link, inbox):
                link.send_audio(SPEECH)
                link.commit_turn()
                await inbox.until(ReplyAudio)
                link.close()
                await inbox.until(LinkClosed)
                link.send_audio(SPEECH)
                link.commit_turn()
                link.cancel_reply("3-1", 0.0)
                link.check()
                link.close()
            await vox.questions[0].left.wait()
            return inbox, len(maker._seats._left)

    inbox, left = play(scene())
    assert inbox.problem is None
    assert left == 1


def test_with_seven_replies_left_behind_no_more_are_asked_for_until_the_server_starts_anew():
    async def scene():
        async with serving(speaks_on) as vox:
            maker = maker_for(vox.url)
            async with calling(maker) as (link, inbox):
                for turn in range(MOST_LEFT + 1):
                    link.send_audio(SPEECH)
                    link.commit_turn()
                    if turn < MOST_LEFT:
                        await inbox.until(ReplyAudio, turn + 1)
                        link.cancel_reply(f"3-{turn + 1}", 0.0)
                await inbox.until(LinkClosed)
            asked = len(vox.questions)
            refusals = [inbox.problem]
            for trial in (False, True):
                async with calling(maker, 4, trial=trial) as (_, inbox):
                    await inbox.until(LinkClosed)
                refusals.append(inbox.problem)
        async with calling(maker, 5) as (_, inbox):  # the server is down
            await inbox.until(LinkClosed)
        return asked, refusals, inbox.problem, maker._seats.taken(0.0)

    asked, refusals, gone, left = play(scene())
    assert asked == MOST_LEFT
    assert all("busy with 7 replies that nobody hears" in problem.sentence for problem in refusals)
    assert all(problem.may_pass for problem in refusals)
    assert "Nothing listens" in gone.sentence
    assert left == 0


# ── holding back ─────────────────────────────────────────────────────────────────────────────────


def held(script, hold_ms):
    """The pieces of a reply whose first sound is held back for `hold_ms`; and how long that of the next will be."""

    async def scene():
        told = asyncio.Event()
        async with serving(lambda question: script(question, told)) as vox:
            maker = maker_for(vox.url)
            maker._cushion.hold_ms = hold_ms
            async with calling(maker) as (link, inbox):
                link.send_audio(SPEECH)
                link.commit_turn()
                await inbox.until(ReplyAudio)
                told.set()
                await inbox.until(ReplyEnded)
            return [event.pcm for event in inbox.of(ReplyAudio)], maker._cushion.hold_ms

    return play(scene())


def test_the_first_sound_is_held_until_enough_is_there():
    async def script(question, told):
        await question.begin()
        await question.speak(WINDOW, WINDOW)
        await told.wait()
        await question.speak(WINDOW)
        await question.finish()

    pieces, hold_ms = held(script, 60_000.0)
    assert pieces[0] == WINDOW * 2
    assert b"".join(pieces[1:]) == WINDOW
    assert hold_ms < 60_000


def test_or_until_the_reply_is_over():
    async def script(question, _told):
        await question.begin()
        await question.speak(WINDOW)
        await question.finish()

    assert held(script, 60_000.0) == ([WINDOW], 60_000.0)


def test_or_until_it_has_been_held_long_enough():
    async def scene():
        async with serving(one_window) as vox:
            maker = maker_for(vox.url)
            maker._cushion.hold_ms = 20.0
            async with calling(maker) as (link, inbox):
                link.send_audio(SPEECH)
                link.commit_turn()
                await inbox.until(ReplyAudio)
            return inbox.speech("3-1")

    async def one_window(question):
        await question.begin()
        await question.speak(WINDOW)
        await question.until_left()

    assert WINDOW.startswith(play(scene()))


def test_what_is_held_of_a_cancelled_reply_is_never_told():
    async def scene():
        async with serving(speaks_one) as vox:
            maker = maker_for(vox.url)
            maker._cushion.hold_ms = 60_000.0
            async with calling(maker) as (link, inbox):
                link.send_audio(SPEECH)
                link.commit_turn()
                await until(lambda: link._asked.held)
                link.cancel_reply("3-1", 0.0)
                vox.script = speaks
                await one_turn(link, inbox, 2)
            return inbox

    async def speaks_one(question):
        await question.begin()
        await question.speak(WINDOW)
        await question.until_left()

    assert play(scene()).speech("3-1") == b""


# ── life ─────────────────────────────────────────────────────────────────────────────────────────


def test_a_call_shows_life_whenever_it_is_asked():
    async def scene():
        async with serving() as vox, calling(maker_for(vox.url)) as (link, inbox):
            await inbox.until(LinkOpened)
            link.check()
            assert inbox.events[-1] == LinkAlive(3)

    play(scene())


def test_what_was_asked_is_let_go():
    async def scene():
        async with serving() as vox, calling(maker_for(vox.url)) as (link, inbox):
            await one_turn(link, inbox)
            assert link._asked is None
            assert link._question.take().pcm == b""

    play(scene())


def test_no_socket_and_no_task_outlives_a_call():
    async def scene():
        before = asyncio.all_tasks()
        async with serving() as vox:
            maker = maker_for(vox.url)
            for call in range(3):
                async with calling(maker, call) as (link, inbox):
                    await one_turn(link, inbox)
            await until(lambda: not vox.open)
            return asyncio.all_tasks() == before

    assert play(scene())
    gc.collect()  # an unclosed socket would be a warning, and so an error


def test_a_cancelled_call_says_that_it_is_over():
    async def scene():
        async with serving(speaks_on) as vox:
            inbox = Inbox()
            link = maker_for(vox.url)(3, (), inbox, trial=False)
            async with asyncio.TaskGroup() as group:
                task = group.create_task(link.run())
                link.send_audio(SPEECH)
                link.commit_turn()
                await inbox.until(ReplyAudio)
                task.cancel()
        return inbox.problem

    assert play(scene()) is None
