"""One question, one answer, and every way in which it can fail to come."""

import asyncio
import contextlib

import pytest

from antiphon.errors import Garbled, LinkError, Lost, Refused
from antiphon.links.generate import exchange as exchanges
from antiphon.links.generate.exchange import Exchange
from antiphon.links.generate.seats import LONGEST_S, MOST_LEFT, UNHEARD_S, Seats
from antiphon.links.generate.server import Server
from antiphon.links.generate.troubles import Busy, Silent
from antiphon.links.generate.wire import Form, written
from links.generate.forms import header
from links.generate.vox import WINDOW, chunk, error, play, serving, silent, speaks, until

BUSY = error("429 Too Many Requests", "Server busy; please retry shortly")
QUESTION = written("Hi.")
LONG_MS = 30_000.0
SHORT_MS = 150.0  # only where nothing at all will come


async def ask(url, seats=None, *, first_sound_ms=LONG_MS, gap_ms=LONG_MS):
    """What was heard, and how it ended: a length or an error."""
    heard = []
    async with Server(url) as server:
        exchange = Exchange(server, seats or Seats(), heard.append, first_sound_ms=first_sound_ms, gap_ms=gap_ms)
        try:
            end = await exchange.run(QUESTION)
        except LinkError as problem:
            end = problem
    return b"".join(heard), end


async def failing(exchange):
    """The error that an exchange ends with."""
    with pytest.raises(LinkError) as met:
        await exchange.run(QUESTION)
    return met.value


def fate(script, **limits):
    """Of one question to a server that plays `script`; and for how long it thinks the server is busy with it."""

    async def scene():
        seats = Seats()
        async with serving(script) as vox:
            heard, end = await ask(vox.url, seats, **limits)
            await until(lambda: not vox.open)
        now = asyncio.get_running_loop().time()
        busy_s = max((one.over_at_s - now for one in seats._left), default=0.0)
        return heard, end, busy_s

    return play(scene())


def test_an_answer_is_heard_to_its_end():
    heard, length_ms, busy_s = fate(speaks)
    assert heard == WINDOW * 2 + WINDOW[:20_000]
    assert length_ms == pytest.approx(2416.67, abs=0.01)
    assert busy_s == 0


def test_an_answer_at_another_rate_is_heard_to_its_last_sample():
    async def script(question):
        await question.write(b"HTTP/1.1 200 OK\r\ncontent-type: audio/x-wav\r\nconnection: close\r\n\r\n")
        await question.write(header(16_000), WINDOW)

    heard, length_ms, _ = fate(script)
    assert length_ms == 1500
    assert len(heard) == 72_000


def test_odd_bytes_are_carried():
    async def script(question):
        await question.begin()
        for at in range(0, 3003, 1001):
            await question.speak(WINDOW[at : at + 1001])
        await question.finish()

    assert fate(script)[0] == WINDOW[:3002]


def test_a_dead_model_behind_a_healthy_door():
    async def scene():
        loop, seats = asyncio.get_running_loop(), Seats()
        async with serving(silent) as vox, Server(vox.url) as server, asyncio.TaskGroup() as group:
            exchange = Exchange(server, seats, lambda _: None, first_sound_ms=15_000, gap_ms=LONG_MS)
            asking = group.create_task(failing(exchange))
            await until(lambda: exchange._accepted)
            exchange._patience.reschedule(loop.time())  # as if the time had passed
        return asking.result(), seats._left[0].over_at_s - loop.time()

    problem, busy_s = play(scene())
    assert type(problem) is Silent
    assert "takes questions, but its model has not answered in 15 s" in str(problem)
    assert busy_s == pytest.approx(UNHEARD_S, abs=60)


def test_a_server_that_does_not_even_take_the_question():
    heard, problem, busy_s = fate(lambda question: question.until_left(), first_sound_ms=SHORT_MS)
    assert (heard, type(problem)) == (b"", Silent)
    assert "not taken" in str(problem)
    assert busy_s > 0


def test_of_its_time_some_may_have_gone_by():
    async def scene():
        loop = asyncio.get_running_loop()
        async with serving(silent) as vox, Server(vox.url) as server:
            exchange = Exchange(server, Seats(), lambda _: None, first_sound_ms=LONG_MS, gap_ms=LONG_MS)
            with pytest.raises(LinkError) as met:
                await exchange.run(QUESTION, loop.time() + SHORT_MS / 1000)
        return str(met.value)

    assert "in 30 s" in play(scene())


def test_a_busy_server_is_asked_again():
    async def busy_twice(question):
        came.append(question.fields)
        await (speaks(question) if len(came) == 3 else question.write(BUSY))

    came = []
    heard, length_ms, busy_s = fate(busy_twice)
    assert came == [{"text": "Hi.", "streaming": "true"}] * 3
    assert (len(heard), length_ms > 0, busy_s) == (len(WINDOW) * 2 + 20_000, True, 0)


def test_a_server_that_is_busy_for_ever_has_nothing_of_ours_to_do():
    async def scene():
        seats = Seats()
        async with (
            serving(lambda question: question.write(BUSY)) as vox,
            Server(vox.url) as server,
            asyncio.TaskGroup() as group,
        ):
            exchange = Exchange(server, seats, lambda _: None, first_sound_ms=LONG_MS, gap_ms=LONG_MS)
            asking = group.create_task(failing(exchange))
            await until(lambda: exchange._busy)
            exchange._patience.reschedule(asyncio.get_running_loop().time())  # as if the time had passed
        return asking.result(), seats._left

    problem, left = play(scene())
    assert type(problem) is Busy
    assert "please retry shortly" in str(problem)
    assert left == []


def test_a_stall_in_the_middle():
    async def script(question):
        await question.begin()
        await question.speak(WINDOW)
        await question.until_left()

    heard, problem, busy_s = fate(script, gap_ms=SHORT_MS)
    assert WINDOW.startswith(heard)
    assert heard
    assert type(problem) is Lost
    assert "middle of a reply" in str(problem)
    assert 0 < busy_s <= LONGEST_S - 0.9


def test_from_the_first_sound_on_the_limit_is_that_of_a_gap():
    async def scene():
        loop = asyncio.get_running_loop()
        limits = []
        async with serving() as vox, Server(vox.url) as server:

            def hear(_pcm):
                limits.append(exchange._patience.when() - loop.time())

            exchange = Exchange(server, Seats(), hear, first_sound_ms=LONG_MS, gap_ms=100 * LONG_MS)
            await exchange.run(QUESTION)
        return limits, exchange.pieces

    limits, pieces = play(scene())
    assert min(limits) > LONG_MS / 1000
    assert max(limits) <= exchanges.LONGEST_ANSWER_MS / 1000
    assert 1 <= len(limits) <= pieces


def test_an_answer_without_sound():
    async def script(question):
        await question.begin()
        await question.finish()

    assert fate(script) == (b"", 0.0, 0.0)


@pytest.mark.parametrize("windows", [0, 2])
def test_an_answer_without_its_last_chunk(windows):
    async def script(question):
        await question.begin()
        await question.speak(*[WINDOW] * windows)

    heard, problem, busy_s = fate(script)
    assert (heard, type(problem)) == (WINDOW * windows, Lost)
    assert "broke off" in str(problem)
    assert busy_s > 0


def test_a_reset_in_the_middle():
    async def script(question):
        await question.begin()
        await question.speak(WINDOW)
        await question.write(b"%x\r\n" % len(WINDOW), WINDOW[:1000])
        question.reset()

    heard, problem, _ = fate(script)
    assert (WINDOW + WINDOW[:1000]).startswith(heard)
    assert type(problem) is Lost


def test_an_answer_that_is_no_wav():
    async def script(question):
        await question.write(b"HTTP/1.1 200 OK\r\ncontent-type: audio/wav\r\ntransfer-encoding: chunked\r\n\r\n")
        await question.write(chunk(b"ID3" + bytes(100)))
        await question.until_left()

    heard, problem, busy_s = fate(script)
    assert (heard, type(problem)) == (b"", Garbled)
    assert "not a WAV stream" in str(problem)
    assert busy_s > 0


def test_an_answer_without_end(monkeypatch):
    async def script(question):
        await question.begin()
        while True:
            await question.speak(WINDOW)

    monkeypatch.setattr(exchanges, "LONGEST_ANSWER_MS", 5000.0)
    heard, problem, _ = fate(script)
    assert len(heard) <= 48 * 5000
    assert type(problem) is Garbled


def test_an_answer_that_comes_in_drops(monkeypatch):
    async def script(question):
        await question.begin()
        while not question.writer.is_closing():
            await question.speak(WINDOW[:2])
            await asyncio.sleep(0.005)

    monkeypatch.setattr(exchanges, "LONGEST_ANSWER_MS", 200.0)
    heard, problem, busy_s = fate(script)
    assert heard
    assert type(problem) is Garbled
    assert "does not come to an end" in str(problem)
    assert busy_s > 0


@pytest.mark.parametrize(
    ("said", "kind"),
    [(error("422 Unprocessable", []), Refused), (error("500 Internal Server Error", "Generation failed"), Lost)],
)
def test_a_refused_question_holds_no_seat(said, kind):
    _, problem, busy_s = fate(lambda question: question.write(said))
    assert type(problem) is kind
    assert busy_s == 0


@pytest.mark.parametrize("said", [b"", b"HTTP/1.1 200 OK\r\ncontent"])
def test_nor_does_one_to_a_server_that_hung_up_before_it_answered(said):
    _, problem, busy_s = fate(lambda question: question.write(said))
    assert "hung up before it answered" in str(problem)
    assert busy_s == 0


async def leave(url, question, there, how, seats):
    """Ask, and stop asking when `there` is set."""
    async with Server(url) as server, asyncio.TaskGroup() as group:
        exchange = Exchange(server, seats, lambda _: None, first_sound_ms=LONG_MS, gap_ms=LONG_MS)
        asking = group.create_task(run(exchange, question))
        await there.wait()
        if how == "cancelled":
            asking.cancel()
        else:
            exchange._patience.reschedule(asyncio.get_running_loop().time())  # as if the time had passed


async def run(exchange, question):
    with contextlib.suppress(LinkError):
        await exchange.run(question)


@pytest.mark.parametrize("how", ["cancelled", "late"])
def test_a_question_that_never_left_holds_no_seat(how):
    async def scene():
        seats, there = Seats(), asyncio.Event()

        async def hang(*_, **__):
            there.set()
            await asyncio.Event().wait()

        asyncio.get_running_loop().getaddrinfo = hang
        await leave("http://nas.invalid:8000", QUESTION, there, how, seats)
        return seats._left

    assert play(scene()) == []


@pytest.mark.parametrize("how", ["cancelled", "late"])
def test_nor_does_one_of_which_only_a_part_has_left(how):
    async def scene():
        seats, there, over, ended = Seats(), asyncio.Event(), asyncio.Event(), asyncio.Event()

        async def takes_a_little(reader, writer):
            await reader.read(100)
            there.set()
            await over.wait()
            writer.transport.abort()
            with contextlib.suppress(OSError):
                await writer.wait_closed()
            ended.set()

        async with await asyncio.start_server(takes_a_little, "127.0.0.1", 0, limit=1) as server:
            url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
            await leave(url, Form("multipart/form-data; boundary=x", bytes(50_000_000)), there, how, seats)
            over.set()
            await ended.wait()
        return seats._left

    assert play(scene()) == []


def test_one_that_was_asked_again_holds_a_seat_when_it_is_left():
    async def scene():
        seats, there = Seats(), asyncio.Event()

        async def busy_once(question):
            if len(vox.questions) == 1:
                await question.write(BUSY)
                return
            there.set()
            await question.until_left()

        async with serving(busy_once) as vox:
            await leave(vox.url, QUESTION, there, "cancelled", seats)
        return [left.unheard for left in seats._left]

    assert play(scene()) == [True]


def test_a_server_that_has_gone_holds_no_seat():
    async def scene():
        seats = Seats()
        async with serving() as vox:
            pass
        _, problem = await ask(vox.url, seats)
        return problem, seats.taken(0.0)

    problem, taken = play(scene())
    assert "Nothing listens" in str(problem)
    assert taken == 0


@pytest.mark.parametrize("windows", [0, 1])
def test_who_is_cancelled_leaves_a_reply_behind(windows):
    async def script(question):
        await question.begin()
        await question.speak(*[WINDOW] * windows)
        await question.until_left()

    async def scene():
        seats, came = Seats(), asyncio.Event()
        async with serving(script) as vox, Server(vox.url) as server, asyncio.TaskGroup() as group:
            exchange = Exchange(server, seats, lambda _: came.set(), first_sound_ms=LONG_MS, gap_ms=LONG_MS)
            task = group.create_task(exchange.run(QUESTION))
            await vox.until(1)
            if windows:
                await came.wait()
            task.cancel()
            await vox.questions[0].left.wait()
        return seats._left

    (left,) = play(scene())
    assert left.unheard is (windows == 0)


def test_the_first_sound_tells_that_earlier_questions_have_begun():
    async def scene():
        seats = Seats()
        now = asyncio.get_running_loop().time()
        seats.leave(now, now, 0.0)
        async with serving() as vox:
            await ask(vox.url, seats)
        return seats.taken(now + LONGEST_S + 60)

    assert play(scene()) == 0


def test_a_whole_answer_tells_that_a_seat_is_free():
    async def scene():
        seats = Seats()
        now = asyncio.get_running_loop().time()
        for _ in range(MOST_LEFT):
            seats.leave(now, now, 0.0)
        async with serving() as vox:
            await ask(vox.url, seats)
        return seats.taken(now)

    assert play(scene()) == MOST_LEFT - 1


def test_an_answer_without_sound_tells_nothing():
    async def mute(question):
        await question.begin()
        await question.finish()

    async def scene():
        seats = Seats()
        now = asyncio.get_running_loop().time()
        seats.leave(now, now, 0.0)
        async with serving(mute) as vox:
            await ask(vox.url, seats)
        return seats._left[0].unheard

    assert play(scene())


def test_it_is_known_how_long_the_first_sound_took():
    async def scene():
        loop, took_s = asyncio.get_running_loop(), []
        async with serving() as vox, Server(vox.url) as server:
            hear = lambda _: took_s.append((exchange.took_s, loop.time() - began_s))  # noqa: E731 - as callers do
            exchange = Exchange(server, Seats(), hear, first_sound_ms=LONG_MS, gap_ms=LONG_MS)
            assert exchange.took_s == 0
            began_s = loop.time()
            await exchange.run(QUESTION)
        return took_s

    told = play(scene())
    assert 0 < told[0][0] <= told[0][1]
    assert len({took_s for took_s, _ in told}) == 1
