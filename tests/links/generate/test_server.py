"""The server's door and questions, on real sockets; no limit of time is tested here, as there is none."""

import asyncio
import socket
import ssl
import threading

import pytest
from aiohttp import ClientConnectorError, ClientError, ClientPayloadError, ClientResponseError, ServerDisconnectedError

from antiphon.errors import LinkError, Lost, Refused
from antiphon.links.generate.server import Server, check_address, host_of
from antiphon.links.generate.troubles import Busy
from antiphon.links.generate.wire import spoken, written
from links.generate.forms import header
from links.generate.vox import HEALTHY, STREAM, WINDOW, answer, chunk, error, play, serving
from loopback import answering, page

QUESTION = written("Hi.")


async def knock(url):
    async with Server(url) as server:
        await server.knock()
    return server


async def ask(url, form=QUESTION):
    """The whole body."""
    async with Server(url) as server, server.asking(form, lambda: None) as body:
        return await body.read()


# ── the address ──────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("url", ["http://nas:8000", "https://nas", "http://10.0.0.2:1/vox/", "http://[::1]:8000"])
def test_addresses(url):
    check_address(url)


@pytest.mark.parametrize(
    "url",
    [
        "",
        "nas:8000",
        "ws://nas:8000",
        "http://",
        "http://nas:0",
        "http://nas:99999",
        "http://nas:x",
        "http://[",
        "http://nas/?a=b",
        "http://nas/#a",
        "http://me@nas",
        "http://me:word@nas",
        "file:///etc/passwd",
    ],
)
def test_what_is_no_address_is_refused_before_anything_is_sent(url):
    with pytest.raises(Refused, match=r"generate\.urls"):
        play(knock(url))


@pytest.mark.parametrize(
    ("url", "host"),
    [
        ("http://nas:8000", "nas:8000"),
        ("http://nas/vox", "nas:80"),
        ("https://nas", "nas:443"),
        ("http://[::1]:8000", "[::1]:8000"),
        ("http://me:word@nas:8000", "nas:8000"),
        ("http://[", "the server"),
        ("nas", "the server"),
    ],
)
def test_a_server_is_named_by_host_and_port(url, host):
    assert host_of(url) == host


# ── the door ─────────────────────────────────────────────────────────────────────────────────────


def test_a_healthy_door():
    async def scene():
        async with serving() as vox:
            server = await knock(vox.url + "/")
            return server.answered, vox.knocks, vox.connections

    assert play(scene()) == (1, 1, 1)


@pytest.mark.parametrize(
    ("said", "kind", "words"),
    [
        (answer("200 OK", b"<html>Welcome to our hotel", "text/html"), Refused, "log in"),
        (answer("200 OK", b'{"status":"ill"}'), Refused, "what comes is application/json"),
        (answer("200 OK", HEALTHY * 500), Refused, "what comes is application/json"),
        (answer("200 OK", b"It works", "Text/Plain; charset=utf-8"), Refused, "what comes is text/plain"),
        (b"HTTP/1.1 200 OK\r\ncontent-length: 8\r\n\r\nIt works", Refused, "what comes has no content type"),
        (b"HTTP/1.1 200 OK\r\ncontent-length: 17\r\n\r\n<HTML> Welcome to", Refused, "log in"),
        (answer("302 Found", b"", more="location: http://login.example/\r\n"), Refused, "another address"),
        (error("404 Not Found", "Not Found"), Refused, "not vox-serve"),
        (error("503 Service Unavailable", "Server not ready"), Lost, "Server not ready"),
        (answer("500 Internal Server Error", b"Internal Server Error", "text/plain"), Lost, "Internal Server Error"),
    ],
)
def test_other_doors(said, kind, words):
    async def scene():
        async with serving(health=said) as vox:
            with pytest.raises(LinkError, match=words) as met:
                await knock(vox.url)
            return type(met.value), vox.connections

    assert play(scene()) == (kind, 1)


@pytest.mark.parametrize(
    "said", [b"", b"HTTP/1.1 200", b"SSH-2.0-OpenSSH_9.2\r\n\r\n", b"\x15\x03\x01\x00\x02\x02\x16"]
)
def test_what_is_no_http_server(said):
    async def scene():
        async with serving(health=said) as vox:
            with pytest.raises(ClientError):
                await knock(vox.url)

    play(scene())


def test_nothing_listens():
    async def scene():
        async with serving() as vox:
            pass
        async with Server(vox.url) as server:
            with pytest.raises(ClientConnectorError) as met:
                await server.knock()
        return met.value.os_error, server.answered

    error, answered = play(scene())
    assert isinstance(error, ConnectionRefusedError)
    assert answered == 0


def test_the_name_is_looked_up_once_and_that_can_be_told():
    async def scene():
        loop, looking_up = asyncio.get_running_loop(), []

        async def look_up(*_, **__):
            looking_up.append(server.looking_up)
            return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", port))]

        async with serving() as vox, Server("http://nas.invalid:8000") as server:
            port = int(vox.url.rpartition(":")[2])
            loop.getaddrinfo = look_up
            looking_up.append(server.looking_up)
            for _ in range(3):
                await server.knock()
            looking_up.append(server.looking_up)
            return looking_up, vox.knocks

    assert play(scene()) == ([False, True, False], 3)


def test_a_server_that_speaks_no_tls():
    said = page("400 Bad Request", b"Invalid HTTP request received.")
    with answering(said) as port, pytest.raises(ClientConnectorError):
        play(knock(f"https://127.0.0.1:{port}"))


def test_no_proxy_of_the_environment_is_used(monkeypatch):
    async def scene():
        async with serving() as proxy, serving() as vox:
            for name in ("http_proxy", "HTTP_PROXY", "all_proxy"):
                monkeypatch.setenv(name, proxy.url)
            await knock(vox.url)
            return proxy.connections, vox.knocks

    assert play(scene()) == (0, 1)


# ── a question ───────────────────────────────────────────────────────────────────────────────────


def test_an_answer_comes_as_it_was_sent():
    async def scene():
        async with serving() as vox:
            return await ask(vox.url), vox.questions

    body, (question,) = play(scene())
    assert body == header() + WINDOW * 2 + WINDOW[:20_000]
    assert question.fields == {"text": "Hi.", "streaming": "true"}
    assert question.headers["user-agent"] == "antiphon"
    assert question.headers["accept-encoding"] == "identity"
    assert "cookie" not in question.headers


def test_a_minute_of_speech_goes_out_whole_without_holding_the_loop():
    pcm = WINDOW * 40

    async def scene():
        turns = 0

        async def count():
            nonlocal turns
            while True:
                turns += 1
                await asyncio.sleep(0)

        async with serving() as vox, asyncio.TaskGroup() as group:
            counting = group.create_task(count())
            await ask(vox.url, spoken(pcm))
            counting.cancel()
            return vox.questions[0].speech, turns

    speech, turns = play(scene())
    assert speech == pcm
    assert turns > 10


@pytest.mark.parametrize(
    ("said", "kind", "words"),
    [
        (error("422 Unprocessable Entity", [{"loc": ["body", "text"], "msg": "Field required"}]), Refused, "Field req"),
        (error("400 Bad Request", "There was an error parsing the body"), Refused, "parsing"),
        (error("500 Internal Server Error", "Generation timed out"), Lost, "timed out"),
        (answer("500 Internal Server Error", b"Internal Server Error", "text/plain"), Lost, "Internal Server Error"),
        (error("503 Service Unavailable", "Server not ready"), Lost, "not ready"),
        (error("429 Too Many Requests", "Server busy; please retry shortly"), Busy, "please retry"),
        (answer("307 Temporary Redirect", b"", more="location: /generate\r\n"), Refused, "another address"),
        (error("405 Method Not Allowed", "Method Not Allowed"), Refused, "405"),
        (answer("200 OK", b"<html>Welcome to our hotel", "text/html"), Refused, "log in"),
        (answer("200 OK", b"{}"), Refused, "what comes is application/json"),
        (answer("200 OK", header() + WINDOW, "application/octet-stream"), Refused, "what comes is application/octet-s"),
        (answer("200 OK", b"Hello", "text/plain"), Refused, "what comes is text/plain"),
        (b"HTTP/1.1 200 OK\r\ncontent-length: 44\r\n\r\n" + header(), Refused, "what comes has no content type"),
    ],
)
def test_whatever_is_no_speech_is_explained_and_not_asked_again(said, kind, words):
    async def scene():
        async with serving(lambda question: question.write(said)) as vox:
            with pytest.raises(LinkError, match=words) as met:
                await ask(vox.url)
            return type(met.value), len(vox.questions)

    assert play(scene()) == (kind, 1)


@pytest.mark.parametrize(
    ("said", "kind"),
    [
        (b"", ServerDisconnectedError),
        (STREAM[:30], ServerDisconnectedError),
        (STREAM + chunk(header()) + chunk(WINDOW), ClientPayloadError),
        (STREAM + chunk(header())[:20], ClientPayloadError),
        (STREAM + chunk(header()) + b"not a chunk\r\n", (ClientPayloadError, ClientResponseError)),
        (answer("200 OK", header() + WINDOW, "audio/wav")[:-1], ClientPayloadError),
    ],
)
def test_an_answer_that_is_cut_off_is_known_and_not_asked_again(said, kind):
    async def scene():
        async with serving(lambda question: question.write(said)) as vox:
            with pytest.raises(kind):
                await ask(vox.url)
            return len(vox.questions)

    assert play(scene()) == 1


def test_it_is_told_when_all_of_the_question_is_on_its_way():
    form = spoken(WINDOW * 40)

    async def scene():
        came = []
        async with serving(lambda question: question.write(STREAM)) as vox, Server(vox.url) as server:
            async with server.asking(form, lambda: came.append(len(vox.questions))):
                pass
            return came

    assert set(play(scene())) == {0}  # before the server had it


def test_leaving_early_hangs_up():
    async def speaks_on(question):
        await question.begin()
        await question.until_left()

    async def scene():
        async with serving(speaks_on) as vox, Server(vox.url) as server:
            async with server.asking(QUESTION, lambda: None) as body:
                await body.readany()
            await vox.questions[0].left.wait()

    play(scene())


def test_no_connection_is_used_twice_so_none_can_be_stale():
    async def scene():
        async with serving() as vox, Server(vox.url) as server:
            await server.knock()
            for _ in range(2):
                async with server.asking(QUESTION, lambda: None) as body:
                    await body.read()
            return vox.connections, server.answered

    assert play(scene()) == (3, 3)


def test_a_certificate_is_checked():
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain("tests/data/tls/good.pem")
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def shake_hands():
            client, _ = listener.accept()
            with client, pytest.raises(OSError):
                context.wrap_socket(client, server_side=True)

        thread = threading.Thread(target=shake_hands)
        thread.start()
        with pytest.raises(ClientConnectorError):
            play(knock(f"https://127.0.0.1:{listener.getsockname()[1]}"))
        thread.join(20)
        assert not thread.is_alive()
