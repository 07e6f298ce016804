"""One connection: requests that come, answers that leave, and how it ends."""

import asyncio

import pytest

from antiphon.simulator.voxserve.connection import Connection, OverError
from antiphon.simulator.voxserve.faults import Ending, Kind
from antiphon.simulator.voxserve.http1 import NotHttpError
from simulator.voxserve.bench import get, run


def scene(play):
    """Run `play(connection, reader, writer)` with both ends of a connection."""

    async def whole():
        accepted = asyncio.Queue()
        loop = asyncio.get_running_loop()
        server = await loop.create_server(lambda: Connection(accepted.put_nowait), "127.0.0.1", 0)
        reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
        connection = await accepted.get()
        try:
            return await play(connection, reader, writer)
        finally:
            writer.close()
            connection.abort()
            await connection.gone.wait()
            server.close()
            await server.wait_closed()

    return run(whole)


def test_a_request_and_its_answer():
    async def play(connection, reader, writer):
        writer.write(get("/a"))
        request = await connection.request(None)
        await connection.send(b"body", before=b"<", after=b">")
        connection.close()
        return request.path, await reader.read(), connection.sent

    assert scene(play) == ("/a", b"<body>", 4)


def test_who_expects_a_word_gets_it():
    async def play(connection, reader, writer):
        writer.write(b"POST / HTTP/1.1\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n")
        async with asyncio.TaskGroup() as group:
            request = group.create_task(connection.request(None))
            word = await reader.readuntil(b"\r\n\r\n")
            writer.write(b"ab")
        return word, request.result().body

    assert scene(play) == (b"HTTP/1.1 100 Continue\r\n\r\n", b"ab")


def test_nonsense_is_no_request():
    async def play(connection, _reader, writer):
        writer.write(b"NONSENSE\r\n\r\n")
        with pytest.raises(NotHttpError):
            await connection.request(None)

    scene(play)


def test_who_says_nothing_is_not_waited_for():
    async def play(connection, _reader, _writer):
        with pytest.raises(OverError):
            await connection.request(0.001)

    scene(play)


def test_a_client_that_hangs_up_is_noticed_at_once_and_told_of():
    async def play(connection, _reader, writer):
        told = []
        connection.call_when_gone(lambda: told.append("then"))
        writer.close()
        await connection.gone.wait()
        connection.call_when_gone(lambda: told.append("now"))
        with pytest.raises(OverError):
            await connection.send(b"x")
        with pytest.raises(OverError):
            await connection.request(None)
        return told

    assert scene(play) == ["then", "now"]


def test_a_client_that_only_ends_its_side_has_hung_up():
    async def play(connection, _reader, writer):
        writer.write_eof()
        await connection.gone.wait()

    scene(play)


def test_a_cut_leaves_what_was_allowed_and_then_ends():
    async def play(connection, reader, _writer):
        connection.ending = Ending(Kind.CUT, 2, on_wire=False)
        with pytest.raises(OverError):
            await connection.send(b"body", before=b"<", after=b">")
        return await reader.read(), connection.sent

    assert scene(play) == (b"<bo", 2)


def test_a_reset_is_an_error_at_the_other_side():
    async def play(connection, reader, _writer):
        connection.ending = Ending(Kind.RESET, 0, on_wire=True)
        with pytest.raises(OverError):
            await connection.send(b"body")
        with pytest.raises(ConnectionResetError):
            await reader.read()

    scene(play)


def test_a_stall_lasts_until_the_client_hangs_up():
    async def play(connection, reader, writer):
        connection.ending = Ending(Kind.STALL, 1, on_wire=False)
        async with asyncio.TaskGroup() as group:
            sending = group.create_task(stalled(connection))
            got = await reader.readexactly(1)
            assert not sending.done()
            writer.close()
        return got, sending.result()

    async def stalled(connection):
        try:
            await connection.send(b"body")
        except OverError:
            return "over"

    assert scene(play) == (b"b", "over")


def test_a_client_that_reads_slowly_is_waited_for():
    async def play(connection, reader, _writer):
        size = 64 * 1024 * 1024
        async with asyncio.TaskGroup() as group:
            sending = group.create_task(connection.send(bytes(size)))
            await asyncio.sleep(0)
            assert not sending.done()
            got = 0
            while got < size:
                got += len(await reader.read(1024 * 1024))
        return got == size

    assert scene(play)
