"""A service of StepFun's: what is asked again, how long, and how it ends when nobody wants it any more."""

import asyncio

import pytest

from antiphon.errors import Garbled, Lost, Refused
from antiphon.secret import Secret
from antiphon.speech import service
from antiphon.speech.meanings import Where
from antiphon.speech.service import Patience, Service, events, told
from loopback import answering
from speech.tts import EVENTS, STREAM, answer, chunk, error, event_bytes, says, serving, speaks, streams

KEY = Secret("sk-of-the-test", "a test")
HTTPS = "https://127.0.0.1:{}/v1"
LONG_MS = 30_000.0
SHORT_MS = 150.0  # only where nothing at all will come


@pytest.fixture(autouse=True)
def _at_once(monkeypatch):
    monkeypatch.setattr(service, "PAUSE_FIRST_S", 0.0)


@pytest.fixture
def _once(monkeypatch):
    """A pause that no patience has room for."""
    monkeypatch.setattr(service, "PAUSE_FIRST_S", 1e6)


def run(scene):
    """With a bound that only a hang meets."""

    async def bounded():
        async with asyncio.timeout(30):
            return await scene

    return asyncio.run(bounded())


def patience(first_ms=LONG_MS, gap_ms=LONG_MS):
    return Patience(asyncio.get_running_loop().time() + first_ms / 1000, gap_ms)


async def get(url, key=KEY, wait=None, method="GET", **more):
    wait = wait or patience()
    async with Service(url, key, Where()) as there, wait, there.ask(method, "/thing", wait, **more) as response:
        return await response.read()


def test_it_is_known_whether_there_is_anybody():
    async def asked(url, seen):
        async with Service(url, None, Where()) as there:
            assert not there.dialling
            wait = patience()

            async def ask():
                async with wait, there.ask("GET", "/thing", wait) as response:
                    await response.read()

            asking = asyncio.get_running_loop().create_task(ask())
            await seen(there)
            asking.cancel()
            await asyncio.wait([asking])
            assert not there.dialling

    async def dials(there):
        while not there.dialling:  # noqa: ASYNC110 - nobody tells
            await asyncio.sleep(0)

    async def scene():
        met = asyncio.Event()

        async def thinks(asked):
            met.set()
            await asked.until_left()

        async def connected(there):
            await met.wait()
            assert not there.dialling

        async with serving(thinks) as service:
            await asked(service.url, connected)
        with answering(None) as port:  # it does not even say who it is
            await asked(HTTPS.format(port), dials)

    run(scene())


def fate(*scripts, first_ms=LONG_MS, **more):
    """The answer, or what was raised, and what the service was asked."""

    async def scene():
        async with serving(*scripts) as there:
            try:
                end = await get(there.url, wait=patience(first_ms), **more)
            except (Refused, Lost, Garbled, TimeoutError) as met:
                end = met
        return end, there.asked

    return run(scene())


def test_it_is_asked_with_the_key():
    end, [asked] = fate(says(answer(200, b"{}")), headers={"X-Mine": "1"})
    assert end == b"{}"
    assert (asked.method, asked.target) == ("GET", "/v1/thing")
    assert asked.headers["authorization"] == "Bearer sk-of-the-test"
    assert asked.headers["x-mine"] == "1"


def test_without_a_key_none_is_sent():
    _, [asked] = fate(says(answer(200, b"{}")), key=None)
    assert "authorization" not in asked.headers


def test_a_key_that_cannot_be_one_is_not_sent():
    end, asked = fate(says(answer(200, b"{}")), key=Secret("sk-\n-two lines", "a file"))
    assert str(end) == "The API key holds characters that no key has: copy it again"
    assert asked == []


def test_a_body_is_made_anew_for_each_try():
    made = []

    async def script(asked):
        await asked.write(answer(200, asked.body))

    end, asked = fate(
        says(error(503, "overloaded")), script, method="POST", body=lambda: made.append(1) or b"%d" % len(made)
    )
    assert (end, [one.body for one in asked]) == (b"2", [b"1", b"2"])


# ── asked again ──────────────────────────────────────────────────────────────────────────────────


def test_what_may_pass_is_asked_again_until_it_does():
    async def hangs_up(asked):
        asked.writer.close()

    end, asked = fate(
        says(error(503, "x")), says(error(429, "x")), hangs_up, says(error(500, "x")), says(answer(200, b"y"))
    )
    assert (end, len(asked)) == (b"y", 5)


@pytest.mark.parametrize(("most_broken", "asked"), [(0, 2), (1, 4), (None, 5)])
def test_where_somebody_else_can_be_asked_only_who_is_busy_is_asked_again(most_broken, asked):
    async def hangs_up(asked):
        asked.writer.close()

    scripts = [says(error(503, "x")), hangs_up, says(error(429, "x")), hangs_up, says(answer(200, b"y"))]

    async def scene():
        wait = Patience(asyncio.get_running_loop().time() + LONG_MS / 1000, LONG_MS, most_broken)
        async with serving(*scripts) as there:
            try:
                end = await get(there.url, wait=wait, method="POST")
            except Lost as met:
                end = met
        return end, there.asked

    end, met = run(scene())
    assert len(met) == asked
    assert (end == b"y") is (most_broken is None)


@pytest.mark.parametrize("status", [400, 401, 402, 403, 404, 451])
def test_what_is_the_owners_to_mend_is_not_asked_again(status):
    end, asked = fate(says(error(status, "no")))
    assert isinstance(end, Refused)
    assert len(asked) == 1


def test_pauses_double_and_vary_and_end_with_the_patience(monkeypatch):
    """On a clock that stands still but for the pauses."""
    monkeypatch.setattr(service, "PAUSE_FIRST_S", 0.3)
    pauses = []

    async def scene():
        loop = asyncio.get_running_loop()
        now = loop.time()
        monkeypatch.setattr(loop, "time", lambda: now + sum(pauses))

        async def pause(seconds):
            pauses.append(seconds)

        monkeypatch.setattr(service.asyncio, "sleep", pause)
        there = Service("http://127.0.0.1:1/v1", None, Where())

        async def overloaded():
            raise Lost("overloaded")

        with pytest.raises(Lost, match="overloaded"):
            await there.persist(overloaded, Patience(now + 20.0, 1000.0))
        monkeypatch.undo()

    asyncio.run(scene())
    middles = [0.3, 0.6, 1.2, 2.4, 4.0, 4.0, 4.0, 4.0, 4.0, 4.0, 4.0, 4.0, 4.0, 4.0]
    assert all(0.5 * middle <= pause <= 1.5 * middle for pause, middle in zip(pauses, middles, strict=False))
    assert 10.0 < sum(pauses) < 20.0
    assert len(set(pauses)) == len(pauses)


def test_nothing_is_asked_again_once_something_has_come():
    async def scene():
        wait, tries = patience(), []
        there = Service("http://127.0.0.1:1/v1", None, Where())

        async def breaks():
            tries.append(1)
            wait.progress()
            raise Lost("broken")

        async with wait:
            with pytest.raises(Lost, match="broken"):
                await there.persist(breaks, wait)
        return tries

    assert run(scene()) == [1]


@pytest.mark.parametrize("head", [b"", STREAM])
def test_patience_ends_what_never_comes(head):
    async def silent(asked):
        await asked.write(head)
        await asked.until_left()

    end, asked = fate(silent, first_ms=SHORT_MS)
    assert type(end) is TimeoutError
    assert len(asked) <= 1


def test_patience_ends_what_stops():
    async def stalls(asked):
        await asked.write(STREAM, chunk(b"a"))
        await asked.until_left()

    async def listen(url):
        wait = patience(gap_ms=SHORT_MS)
        async with Service(url, KEY, Where()) as asking, wait, asking.ask("GET", "/x", wait) as response:
            assert await response.content.readany() == b"a"
            wait.progress()
            await response.content.readany()

    async def scene():
        async with serving(stalls) as there:
            with pytest.raises(TimeoutError):
                await listen(there.url)

    run(scene())


@pytest.mark.usefixtures("_once")
def test_patience_knows_what_was_met_last():
    async def scene():
        wait = patience()
        async with serving(says(error(503, "x"))) as there:
            with pytest.raises(Lost):
                await get(there.url, wait=wait)
        return wait.met

    assert "is overloaded (503)" in str(run(scene()))


# ── the answer ───────────────────────────────────────────────────────────────────────────────────


def test_an_answer_is_heard_as_it_comes():
    async def scene():
        more = asyncio.Event()

        async def script(asked):
            await asked.write(EVENTS, chunk(event_bytes("one")))
            await more.wait()
            await asked.write(chunk(event_bytes("two")[:5]), chunk(event_bytes("two")[5:].rstrip()), chunk(b""))

        said = []
        async with serving(script) as there:
            wait = patience()
            async with Service(there.url, KEY, Where()) as asking, wait, asking.ask("GET", "/x", wait) as response:
                async for data in events(response):
                    said.append(data)
                    more.set()
        return said

    assert run(scene()) == ["one", "two"]


@pytest.mark.usefixtures("_once")
def test_an_answer_of_another_kind_is_none():
    end, asked = fate(says(answer(200, b'{"error":{"message":"hm"}}')), wanted=lambda kind: kind == "audio/pcm")
    assert (type(end), len(asked)) == (Garbled, 1)
    assert "does not answer with speech (200)" in str(end)


def test_an_answer_that_breaks_off():
    async def breaks_off(asked):
        await asked.write(STREAM, chunk(b"a"))

    end, _ = fate(breaks_off)
    assert type(end) is Lost
    assert "broke off in the middle" in str(end)


def test_no_other_address_is_gone_to():
    end, asked = fate(says(answer(302, b"", more="location: http://127.0.0.1:1/\r\n")))
    assert "another address (302)" in str(end)
    assert len(asked) == 1


def test_leaving_early_hangs_up():
    async def scene():
        scripts = []

        async def goes_on(asked):
            scripts.append(asked)
            await asked.write(STREAM, chunk(b"a"))
            await asked.until_left()

        async with serving(goes_on) as there:
            wait = patience()
            async with Service(there.url, KEY, Where()) as asking, wait:
                async with asking.ask("GET", "/x", wait) as response:
                    await response.content.readany()
                await scripts[0].left.wait()  # while the session lives on

    run(scene())


def test_being_cancelled_hangs_up():
    async def scene():
        met = asyncio.Event()

        async def silent(asked):
            met.set()
            await asked.until_left()

        async with serving(silent) as there:
            task = asyncio.get_running_loop().create_task(get(there.url))
            await met.wait()
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            assert (await asyncio.wait_for(there.over(), 10)) is None

    run(scene())


# ── secrets and ways ─────────────────────────────────────────────────────────────────────────────


@pytest.mark.usefixtures("_once")
@pytest.mark.parametrize("status", [401, 503])
def test_the_key_never_gets_into_a_sentence(status):
    end, _ = fate(says(error(status, "Incorrect API key provided: sk-of-the-test")))
    assert str(end).endswith("(Incorrect API key provided: ***)")


def test_what_is_raised_while_listening_has_no_key_either():
    async def scene():
        async with serving(speaks(b"a")) as there:
            wait = patience()
            async with Service(there.url, KEY, Where()) as asking, wait:
                with pytest.raises(Refused) as met:
                    async with asking.ask("GET", "/x", wait):
                        raise Refused("no sk-of-the-test")
        return str(met.value)

    assert run(scene()) == "no ***"


def test_a_problem_has_no_key():
    assert told(KEY, Lost("no sk-of-the-test")).sentence == "no ***"
    assert told(None, Lost("no")).sentence == "no"


@pytest.mark.usefixtures("_once")
@pytest.mark.parametrize(
    ("url", "words"),
    [("https://a..b/v1", "cannot be a name: check speech.url"), ("http://127.0.0.1:1/v1", "Nothing listens")],
)
def test_nobody_there(url, words):
    with pytest.raises((Refused, Lost), match=words):
        run(get_at(url))


async def get_at(url):
    return await get(url, wait=patience())


@pytest.mark.parametrize("answers", [True, False])
def test_a_proxy_that_does_not_let_it_through(answers):
    async def scene():
        lines = []

        async def refuse(reader, writer):
            lines.append((await reader.readuntil(b"\r\n\r\n")).split(b"\r\n")[0])
            writer.write(b"HTTP/1.1 403 Forbidden\r\ncontent-length: 0\r\n\r\n")
            await writer.drain()
            writer.close()

        server = await asyncio.start_server(refuse, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        if not answers:
            server.close()
        wait = patience()
        there = Service("https://api.stepfun.example/v1", KEY, Where(), f"http://127.0.0.1:{port}")
        async with there, wait:
            with pytest.raises(Lost, match=r"The proxy of realtime\.proxy did not connect to api\.stepfun\.example"):
                await there._once("GET", "/x", None, None, lambda _: True)
        server.close()
        await server.wait_closed()
        return lines

    assert run(scene()) == [b"CONNECT api.stepfun.example:443 HTTP/1.1"] * answers


def test_the_environment_s_proxy_is_not_used(monkeypatch):
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    end, _ = fate(streams("one"))
    assert end == event_bytes("one")
