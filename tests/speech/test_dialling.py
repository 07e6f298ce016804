"""Where the WebSockets beside the dialogue are dialled, and what may not be."""

import asyncio
import errno
import gc
import socket

import pytest
from websockets.asyncio.server import serve
from websockets.exceptions import InvalidStatus

from antiphon.errors import Refused
from antiphon.secret import Secret
from antiphon.speech.dialling import dial, dial_service, hang_up, socket_url, take_leave
from antiphon.speech.troubles import SPEAK

PATH = "/realtime/audio"


@pytest.mark.parametrize(
    ("url", "address"),
    [
        ("https://api.stepfun.com/v1", "wss://api.stepfun.com/v1/realtime/audio?model=m"),
        ("https://api.stepfun.com/step_plan/v1/", "wss://api.stepfun.com/step_plan/v1/realtime/audio?model=m"),
        ("http://127.0.0.1:8080/v1", "ws://127.0.0.1:8080/v1/realtime/audio?model=m"),
        ("wss://api.stepfun.com/v1/realtime/audio", "wss://api.stepfun.com/v1/realtime/audio?model=m"),
    ],
)
def test_the_address_is_that_of_the_services(url, address):
    assert socket_url(url, PATH, {"model": "m"}, SPEAK) == address


@pytest.mark.parametrize("url", ["", "nonsense", "ftp://a/b", "https://", "https://a:0/", "https://a:x/", "https://[/"])
def test_what_is_no_address_is_refused(url):
    with pytest.raises(Refused, match=r"speech\.url is not an address"):
        socket_url(url, PATH, {}, SPEAK)


def test_a_key_that_is_none_is_not_sent():
    with pytest.raises(Refused, match="copy it again"):
        asyncio.run(dial_service("http://127.0.0.1:1/v1", PATH, {}, Secret("a\nb", "a test"), SPEAK, None))


def test_no_other_address_is_gone_to():
    asked = []

    def elsewhere(connection, request):
        asked.append(request.path)
        response = connection.respond(302, "")
        response.headers["Location"] = "/v1/elsewhere"
        return response

    async def scene():
        async with serve(silence, "127.0.0.1", 0, process_request=elsewhere) as server:
            with pytest.raises(InvalidStatus):
                await dial_service(f"http://127.0.0.1:{port_of(server)}/v1", PATH, {}, None, SPEAK, None)

    asyncio.run(scene())
    assert asked == ["/v1" + PATH]


async def silence(connection):
    await connection.wait_closed()


def port_of(server):
    return server.sockets[0].getsockname()[1]


def test_what_is_found_out_on_the_way_is_told_in_time():
    log = []

    async def scene():
        loop = asyncio.get_running_loop()

        async def look_up(host, port, **_):
            log.append(host)
            return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", port))]

        async def refuse(*_):
            log.append("tried")
            raise ConnectionRefusedError(errno.ECONNREFUSED, "nobody")

        loop.getaddrinfo, loop.sock_connect = look_up, refuse
        await dial("ws://api.invalid/v1", None, None, named=lambda: log.append("named"))

    with pytest.raises(ConnectionRefusedError):
        asyncio.run(scene())
    assert log == ["api.invalid", "named", "tried"]


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_whoever_is_cancelled_leaves_nothing_open(host):
    """At each turn of the loop on the way to a connection, until it is there."""

    async def dialled(address, steps):
        dialling = asyncio.get_running_loop().create_task(dial(address, None, None))
        for _ in range(steps):
            if dialling.done():
                break
            await asyncio.sleep(0)
        if dialling.cancel():
            await asyncio.wait([dialling])
            return False
        hang_up(dialling.result())
        return True

    async def scene():
        async with serve(silence, "127.0.0.1", 0) as server:
            steps, address = 0, f"ws://{host}:{port_of(server)}/"
            while not await dialled(address, steps):
                steps += 1
        return steps

    assert asyncio.run(asyncio.wait_for(scene(), 60)) > 5
    gc.collect()  # what was forgotten warns now, and warnings are errors


def test_leave_is_taken_of_a_peer_that_takes_nothing_in():
    left = asyncio.Event()

    async def deaf(connection):
        connection.transport.pause_reading()
        await left.wait()
        connection.transport.abort()

    async def scene():
        async with serve(deaf, "127.0.0.1", 0) as server:
            connection = await dial(f"ws://127.0.0.1:{port_of(server)}/", None, None)
            sending = asyncio.get_running_loop().create_task(connection.send(bytes(12_000_000)))
            while not connection.paused:  # noqa: ASYNC110 - a private fact has no event to wait for
                await asyncio.sleep(0)
            await take_leave(connection)
            assert connection.transport.is_closing()
            await sending
            left.set()

    asyncio.run(asyncio.wait_for(scene(), 60))
