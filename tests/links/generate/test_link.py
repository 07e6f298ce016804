"""The LAN link against a small server of our own, good and bad, on real sockets."""

import asyncio
import contextlib
import gc
from pathlib import Path

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
from antiphon.links.generate.exchange import Exchange
from antiphon.links.generate.link import GenerateLinkMaker, GeneratePlan
from antiphon.links.generate.probe import PROBE
from antiphon.links.generate.question import SLICE_MS
from antiphon.links.generate.seats import MOST_LEFT
from antiphon.pcm import bytes_of, samples_of
from antiphon.ports import LinkCounters
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


def maker_for(url, *, speaks=True, **limits):
    """Of calls to a server that is known to speak, unless a test is about that."""
    maker = GenerateLinkMaker(
        GeneratePlan(**{"url": url, "open_timeout_ms": LONG_MS, "first_sound_ms": LONG_MS, "gap_ms": LONG_MS, **limits})
    )
    maker._known.speaks = speaks
    return maker


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


def test_a_resolver_that_is_silent_is_not_taken_for_a_silent_server():
    async def scene():
        async def silence(*_, **__):
            await asyncio.Event().wait()

        asyncio.get_running_loop().getaddrinfo = silence
        async with calling(maker_for("http://nas.invalid:8000", open_timeout_ms=SHORT_MS)) as (_, inbox):
            await inbox.until(LinkClosed)
        return inbox.problem

    problem = play(scene())
    assert problem.may_pass
    assert "No DNS server answers about nas.invalid:8000" in problem.sentence


@pytest.mark.parametrize("trial", [False, True])
def test_where_nobody_is_nothing_is_counted(trial):
    async def scene():
        async with serving() as vox:
            pass
        async with calling(maker_for(vox.url), trial=trial) as (link, inbox):
            await inbox.until(LinkClosed)
        return link.counters

    assert play(scene()) == LinkCounters()


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
    monkeypatch.setattr("antiphon.links.generate.probe.PROBE_ENDS_S", 1.0 - LONG_MS / 1000)

    async def scene():
        async with serving(speaks_on) as vox:
            maker = maker_for(vox.url)
            async with calling(maker, trial=True) as (_, inbox):
                await inbox.until(LinkOpened)
                await vox.questions[0].left.wait()
            return len(maker._known.seats._left)

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
            return vox.connections, asyncio.all_tasks() == before, maker._known.seats.taken(0.0)

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
    assert inbox.kinds[1:4] == ["ReplyStarted", "ServiceComplained", "ReplyAudio"]
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
            return inbox, len(maker._known.seats._left)

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
            return len(vox.questions), len(maker._known.seats._left)

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
            return inbox, len(maker._known.seats._left)

    inbox, left = play(scene())
    assert inbox.problem is None
    assert left == 1


# ── a server that is busy with what nobody hears ─────────────────────────────────────────────────


def busy_maker(url, left=MOST_LEFT, **limits):
    """Of calls to a server that is well known, but may not be done with replies that we left before they sounded."""
    maker = maker_for(url, **limits)
    maker._known.took_s = 60.0
    now = asyncio.get_running_loop().time()
    for _ in range(left):
        maker._known.seats.leave(now, now, 0.0)
    return maker


def left_behind(maker):
    """As far as it reckons."""
    return maker._known.seats.taken(asyncio.get_running_loop().time())


def test_with_seven_left_behind_the_next_question_waits_for_a_word_and_is_answered():
    async def scene():
        async with serving(silent) as vox:
            maker = busy_maker(vox.url, left=0)
            async with calling(maker) as (link, inbox):
                for turn in range(MOST_LEFT):
                    link.send_audio(SPEECH)
                    link.commit_turn()
                    await vox.until(turn + 1)
                    link.cancel_reply(f"3-{turn + 1}", 0.0)
                    await vox.questions[turn].left.wait()
                before = left_behind(maker)
                vox.script = speaks
                await one_turn(link, inbox, MOST_LEFT + 1)
                await one_turn(link, inbox, MOST_LEFT + 2)
            return before, speech_in(vox)[MOST_LEFT:], inbox.of(ReplyEnded)[-2:], left_behind(maker)

    before, asked, ended, after = play(scene())
    assert before == MOST_LEFT
    assert asked == [False, True, True]
    assert [event.status for event in ended] == ["completed"] * 2
    assert after < MOST_LEFT


def test_so_it_does_when_the_seventh_is_left_by_the_turn_itself():
    async def scene():
        async with serving(silent) as vox, calling(busy_maker(vox.url, left=MOST_LEFT - 1)) as (link, inbox):
            link.send_audio(SPEECH)
            link.commit_turn()
            await vox.until(1)
            vox.script = speaks
            await one_turn(link, inbox, 2)
            return speech_in(vox)

    assert play(scene()) == [True, False, True]


def test_so_it_does_when_the_server_is_found_to_be_busy_at_the_last_moment():
    async def scene():
        async with serving() as vox:
            maker = maker_for(vox.url)
            async with calling(maker) as (link, inbox):
                link.send_audio(WINDOW * 50)  # takes a while to be made ready
                link.commit_turn()
                await until(lambda: link._asked.task)
                maker._known.seats = busy_maker(vox.url)._known.seats
                await inbox.until(ReplyEnded)
            return speech_in(vox)

    assert play(scene()) == [False, True]


def test_it_waits_for_the_end_of_the_word_whose_seat_it_may_need():
    async def scene():
        go_on = asyncio.Event()

        async def slowly(question):
            await question.begin()
            await question.speak(WINDOW)
            await go_on.wait()
            asked.append(len(vox.questions))
            vox.script = speaks
            await question.finish()

        asked = []
        async with serving(slowly) as vox, calling(busy_maker(vox.url)) as (link, inbox):
            link.send_audio(SPEECH)
            link.commit_turn()
            await until(lambda: link._known.took_s < 60)  # it has sounded
            for _ in range(10):
                await asyncio.sleep(0)
            go_on.set()
            await inbox.until(ReplyEnded)
        return asked, inbox.of(ReplyEnded)[0].status

    assert play(scene()) == ([1], "completed")


async def talks_on(question):
    """A word that has no end."""
    await question.begin()
    await question.speak(WINDOW)
    await question.until_left()


@pytest.mark.parametrize("script", [silent, talks_on])
@pytest.mark.parametrize("spoken", [True, False])
def test_where_no_word_ends_in_time_the_call_does_and_no_speech_was_sent(script, spoken):
    async def scene():
        async with serving(script) as vox:
            maker = busy_maker(vox.url, first_sound_ms=SHORT_MS)
            async with calling(maker) as (link, inbox):
                link.send_audio(SPEECH)
                if spoken or script is talks_on:
                    link.commit_turn()
                await inbox.until(LinkClosed)
            return inbox.problem, speech_in(vox)

    problem, asked = play(scene())
    assert "still busy with 7 replies that nobody hears" in problem.sentence
    assert problem.may_pass
    assert asked == [False]


def test_a_server_that_has_gone_is_not_busy_when_it_is_back():
    async def scene():
        async with serving() as vox:
            pass
        maker = busy_maker(vox.url)
        async with calling(maker) as (_, inbox):
            await inbox.until(LinkClosed)
        return inbox.problem, left_behind(maker)

    gone, left = play(scene())
    assert "Nothing listens" in gone.sentence
    assert left == 0


def test_a_trial_shows_that_a_seat_is_free():
    async def scene():
        async with serving() as vox:
            maker = busy_maker(vox.url)
            async with calling(maker, 5, trial=True) as (_, inbox):
                await inbox.until(LinkOpened)
            async with calling(maker, 6) as (link, inbox):
                await one_turn(link, inbox)
            return speech_in(vox), left_behind(maker)

    assert play(scene()) == ([False, True], MOST_LEFT - 1)


# ── how long a turn waits ────────────────────────────────────────────────────────────────────────


def test_what_comes_before_the_question_is_taken_from_its_time(monkeypatch):
    async def scene():
        loop, limits, word = asyncio.get_running_loop(), [], asyncio.Event()

        class Recorded(Exchange):
            async def run(self, form, by_s=None):
                limits.append(by_s)
                return await super().run(form, by_s)

        async def late(question):
            await question.begin()
            await word.wait()
            vox.script = speaks
            await question.speak(WINDOW)
            await question.finish()

        monkeypatch.setattr("antiphon.links.generate.link.Exchange", Recorded)
        async with serving(late) as vox, calling(maker_for(vox.url, speaks=False)) as (link, inbox):
            link.send_audio(SPEECH)
            before = loop.time()
            link.commit_turn()
            due_s = link._asked.due_s
            await vox.until(1)
            link._asked.due_s = later_s = loop.time() + 20  # as if time had passed
            word.set()
            await inbox.until(ReplyEnded)
        return due_s - before, limits == [later_s]

    allowed_s, kept = play(scene())
    assert allowed_s == pytest.approx(LONG_MS / 1000, abs=1)
    assert kept


def test_its_first_sound_is_not_held_back_beyond_that():
    async def scene():
        loop, speak = asyncio.get_running_loop(), asyncio.Event()

        async def late(question):
            await question.begin()
            await speak.wait()
            await question.speak(WINDOW)
            await question.until_left()

        async with serving(late) as vox:
            maker = maker_for(vox.url, gap_ms=VERY_LONG_MS)
            maker._known.cushion.hold_ms = 60_000.0
            async with calling(maker) as (link, inbox):
                link.send_audio(SPEECH)
                link.commit_turn()
                await vox.until(1)
                link._asked.due_s = loop.time()  # as if time had passed
                speak.set()
                await inbox.until(ReplyAudio)

    play(scene())


def test_a_word_is_waited_for_as_long_as_the_model_is_known_to_need():
    async def scene():
        async with serving(silent) as vox:
            maker = maker_for(vox.url, speaks=False, first_sound_ms=2 * SHORT_MS)
            maker._known.took_s = SHORT_MS / 1000
            async with calling(maker) as (link, inbox):
                link.send_audio(SPEECH)
                await inbox.until(LinkClosed)
            return inbox.problem.sentence

    assert "its model has not answered in 0.3 s" in play(scene())


def test_a_slow_model_that_had_too_little_time_is_called_slow():
    async def scene():
        async with serving(silent) as vox:
            maker = maker_for(vox.url, first_sound_ms=SHORT_MS)
            maker._known.took_s = 10.0
            async with calling(maker) as (link, inbox):
                link.send_audio(SPEECH)
                link.commit_turn()
                await inbox.until(LinkClosed)
            return inbox.problem

    problem = play(scene())
    assert "needs about 10 s before it speaks, and the question had only 0" in problem.sentence
    assert "raise generate.first_sound_ms" in problem.sentence
    assert problem.may_pass


@pytest.mark.parametrize("trial", [True, False])
def test_it_is_remembered_how_long_it_took(trial):
    async def scene():
        async with serving() as vox:
            maker = maker_for(vox.url)
            async with calling(maker, trial=trial) as (link, inbox):
                await inbox.until(LinkOpened)
                if not trial:
                    await one_turn(link, inbox)
            return maker._known.took_s

    assert 0 < play(scene()) < LONG_MS / 1000


# ── a server that is not known to speak ──────────────────────────────────────────────────────────


def speech_in(vox):
    """Which of its questions were in speech, in order."""
    return ["audio" in question.fields for question in vox.questions]


def test_no_speech_is_sent_before_the_model_has_spoken():
    async def scene():
        before = []
        committed = asyncio.Event()

        async def loading(question):
            await question.begin()
            await committed.wait()
            before.append(len(vox.questions))
            await speaks(question)

        async def speaks(question):
            await question.speak(WINDOW)
            await question.until_left()  # its end is not waited for

        async with serving(loading) as vox:
            async with calling(maker_for(vox.url, speaks=False)) as (link, inbox):
                await inbox.until(LinkOpened)  # the door has opened
                link.send_audio(SPEECH[:1000])
                await vox.until(1)
                link.send_audio(SPEECH[1000:])
                link.commit_turn()
                assert inbox.events[-1] == ReplyStarted(3, "3-1")
                committed.set()
                await inbox.until(ReplyAudio)
            return before[0], vox.questions

    before, (probe, question) = play(scene())
    assert before == 1
    assert probe.fields == {"text": PROBE, "streaming": "true"}
    assert question.speech == at_16_khz(SPEECH)


def test_who_says_nothing_needs_no_answer():
    async def scene():
        async with serving() as vox:
            async with calling(maker_for(vox.url, speaks=False)) as (link, inbox):
                await inbox.until(LinkOpened)
                link.commit_turn()
                await inbox.until(NothingRecognised)
            return vox.questions

    assert play(scene()) == []


def test_a_model_that_does_not_speak_is_known_before_the_turn_is_over():
    async def scene():
        async with serving(silent) as vox:
            async with calling(maker_for(vox.url, speaks=False, first_sound_ms=2 * SHORT_MS)) as (link, inbox):
                link.send_audio(SPEECH)
                await inbox.until(LinkClosed)
            return inbox.problem.sentence

    assert "its model has not answered in 0.15 s" in play(scene())


def test_a_model_that_does_not_speak_never_gets_any():
    inbox, vox = fate(silent, speaks=False, first_sound_ms=2 * SHORT_MS)
    assert "its model has not answered in 0.15 s: it may be dead, or still loading" in inbox.problem.sentence
    assert inbox.problem.may_pass
    assert speech_in(vox) == [False]


@pytest.mark.parametrize("trial", [True, False])
def test_one_that_has_spoken_is_asked_at_once(trial):
    async def scene():
        async with serving() as vox:
            maker = maker_for(vox.url, speaks=False)
            async with calling(maker, 1, trial=trial) as (link, inbox):
                if trial:
                    await inbox.until(LinkOpened)
                else:
                    await one_turn(link, inbox)
            before = len(vox.questions)
            async with calling(maker, 2) as (link, inbox):
                await one_turn(link, inbox)
                await one_turn(link, inbox, 2)
            return speech_in(vox)[before:]

    assert play(scene()) == [True, True]


def test_after_a_failure_it_must_speak_again():
    async def scene():
        async with serving(lambda question: question.write(b"")) as vox:
            maker = maker_for(vox.url)
            async with calling(maker, 1) as (link, inbox):
                link.send_audio(SPEECH)
                link.commit_turn()
                await inbox.until(LinkClosed)
            vox.script = speaks
            async with calling(maker, 2) as (link, inbox):
                await one_turn(link, inbox)
            return speech_in(vox)

    assert play(scene()) == [True, False, True]


def test_so_must_one_whose_door_was_shut():
    async def scene():
        async with serving() as vox:
            maker = maker_for(vox.url)
            vox.health = error("503 Service Unavailable", "Server not ready")
            async with calling(maker, 1) as (_, inbox):
                await inbox.until(LinkClosed)
            vox.health = WELL
            async with calling(maker, 2) as (link, inbox):
                await one_turn(link, inbox)
            return speech_in(vox)

    assert play(scene()) == [False, True]


def test_so_must_one_that_was_left_before_it_answered():
    async def scene():
        async with serving(silent) as vox, calling(maker_for(vox.url)) as (link, inbox):
            link.send_audio(SPEECH)
            link.commit_turn()
            await vox.until(1)
            vox.script = speaks
            link.send_audio(SPEECH)  # its answer has still to come, and will tell
            await until(lambda: not link._more.is_set())
            assert [task.get_name() for task in asyncio.all_tasks()].count("reply 3-1") == 1
            link.cancel_reply("3-1", 0.0)
            link.send_audio(SPEECH)
            await vox.until(2)  # while the user speaks
            await one_turn(link, inbox, 2)
            return speech_in(vox), inbox.of(ReplyEnded)[1].status

    assert play(scene()) == ([True, False, True], "completed")


@pytest.mark.parametrize("how", ["cancelled", "asked anew", "closed"])
@pytest.mark.parametrize(("took_s", "doubted"), [(0.0, True), (60.0, False)])
def test_it_is_in_doubt_only_if_it_had_as_long_as_it_needs(how, took_s, doubted):
    async def scene():
        async with serving(silent) as vox:
            maker = maker_for(vox.url)
            maker._known.took_s = took_s
            async with calling(maker) as (link, _):
                link.send_audio(SPEECH)
                link.commit_turn()
                await vox.until(1)
                if how == "cancelled":
                    link.cancel_reply("3-1", 0.0)
                elif how == "asked anew":
                    link.send_audio(SPEECH)
                    link.commit_turn()
                else:
                    link.close()
                return maker._known.speaks

    assert play(scene()) is not doubted


def test_one_that_was_interrupted_is_known_to_speak():
    async def scene():
        async with serving(speaks_on) as vox, calling(maker_for(vox.url)) as (link, inbox):
            link.send_audio(SPEECH)
            link.commit_turn()
            await inbox.until(ReplyAudio)
            link.cancel_reply("3-1", 0.0)
            vox.script = speaks
            await one_turn(link, inbox, 2)
            return speech_in(vox)

    assert play(scene()) == [True, True]


def test_so_is_one_that_answers_without_a_sound():
    async def scene():
        async with serving(mute) as vox, calling(maker_for(vox.url)) as (link, inbox):
            await one_turn(link, inbox, 1)
            await one_turn(link, inbox, 2)
            return speech_in(vox)

    assert play(scene()) == [True, True]


# ── holding back ─────────────────────────────────────────────────────────────────────────────────


def held(script, hold_ms):
    """The pieces of a reply whose first sound is held back for `hold_ms`; and how long that of the next will be."""

    async def scene():
        told = asyncio.Event()
        async with serving(lambda question: script(question, told)) as vox:
            maker = maker_for(vox.url)
            maker._known.cushion.hold_ms = hold_ms
            async with calling(maker) as (link, inbox):
                link.send_audio(SPEECH)
                link.commit_turn()
                await inbox.until(ReplyAudio)
                told.set()
                await inbox.until(ReplyEnded)
            return [event.pcm for event in inbox.of(ReplyAudio)], maker._known.cushion.hold_ms

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
            maker._known.cushion.hold_ms = 20.0
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
            maker._known.cushion.hold_ms = 60_000.0
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
            assert link._question.empty

    play(scene())


def test_a_turn_that_comes_whole_does_not_hold_the_loop():
    async def scene():
        async with serving() as vox, calling(maker_for(vox.url)) as (link, inbox):
            await inbox.until(LinkOpened)
            link.send_audio(WINDOW * 50)
            link.commit_turn()
            turns = 0
            while not vox.questions:
                await asyncio.sleep(0)
                turns += 1
            return turns

    assert play(scene()) >= 50_000 / SLICE_MS - 1


BUSY = error("429 Too Many Requests", "Server busy; please retry shortly")
VERY_LONG_MS = 300_000  # longer than a test may last


@pytest.mark.parametrize(
    ("place", "trial"),
    [
        ("name", False),
        ("door", False),
        ("probe", True),
        ("probe", False),
        ("busy", True),
        ("busy", False),
        ("question", False),
        ("kept", False),
    ],
)
@pytest.mark.parametrize("how", ["close", "cancel"])
def test_wherever_a_call_is_ended_it_ends_at_once(place, trial, how):
    async def scene():
        there = asyncio.Event()

        async def hang(*_, **__):
            there.set()
            await asyncio.Event().wait()

        async def shut(reader, _writer):
            there.set()
            await reader.read()

        async def busy(question):
            there.set()
            await question.write(BUSY)

        async def silence(question):
            there.set()
            await silent(question)

        url = "http://nas.invalid:8000"
        if place == "name":
            asyncio.get_running_loop().getaddrinfo = hang
        async with serving(busy if place == "busy" else silence, shut if place == "door" else WELL) as vox:
            limits = dict.fromkeys(("open_timeout_ms", "first_sound_ms", "gap_ms"), VERY_LONG_MS)
            speaks = place in ("question", "kept")
            maker = maker_for(url if place == "name" else vox.url, speaks=speaks, **limits)
            inbox = Inbox()
            link = maker(3, (), inbox, trial=trial)
            link.check()
            async with asyncio.TaskGroup() as group:
                task = group.create_task(link.run())
                link.send_audio(WINDOW * 50 if place == "kept" else SPEECH)
                link.commit_turn()
                if place == "kept":
                    await until(lambda: link._asked.task)
                else:
                    await there.wait()
                link.close() if how == "close" else task.cancel()
            told = list(inbox.events)
            link.check()
            assert inbox.events == told
            await until(lambda: not vox.open)
        return inbox

    inbox = play(scene())
    assert inbox.events[0] == LinkAlive(3)
    assert inbox.problem is None


def holding():
    """How many tasks and open files there are."""
    return len(asyncio.all_tasks()), len(list(Path("/proc/self/fd").iterdir()))


def test_an_outage_leaves_nothing_behind():
    async def scene():
        async with serving() as vox:
            pass
        maker = maker_for(vox.url, speaks=False)
        before = holding()
        for call in range(200):
            async with calling(maker, call, trial=True) as (_, inbox):
                await inbox.until(LinkClosed)
        return before, holding()

    before, after = play(scene())
    assert before == after


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
