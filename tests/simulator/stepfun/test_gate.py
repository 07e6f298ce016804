"""The gate: bytes counted, cut, withheld, reset, over real sockets on loopback."""

import asyncio

import pytest

from antiphon.simulator.stepfun.gate import Gate


def through(cut_at_byte, act):
    """What a client reads to the end of a connection on which the server does `act(gate)`."""

    async def served():
        gates = []

        class Server(asyncio.Protocol):
            def connection_made(self, transport):
                gates.append(Gate(transport, cut_at_byte))
                act(gates[0])

        server = await asyncio.get_running_loop().create_server(Server, "127.0.0.1", 0)
        async with server, asyncio.timeout(10):
            reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
            try:
                return await reader.read(), gates[0]
            finally:
                gates[0].abort()
                writer.close()

    return asyncio.run(served())


def write_thrice(gate):
    for piece in (b"abc", bytearray(b"def"), memoryview(b"ghi")):
        gate.write(piece)


@pytest.mark.parametrize("count", range(10))
def test_the_stream_ends_at_the_exact_byte(count):
    heard, gate = through(count, write_thrice)
    assert heard == b"abcdefghi"[:count]
    assert gate.shut


def test_without_a_cut_all_leaves():
    def act(gate):
        write_thrice(gate)
        gate.write_eof()

    heard, gate = through(None, act)
    assert (heard, gate.shut) == (b"abcdefghi", False)


def test_what_was_written_before_a_cut_arrives():
    def act(gate):
        gate.write(b"x" * 1_000_000)
        gate.cut()
        gate.write(b"never")

    assert through(None, act)[0] == b"x" * 1_000_000


def test_a_stalled_stream_neither_speaks_nor_ends():
    def act(gate):
        gate.write(b"abc")
        gate.stall()
        gate.write(b"def")
        gate.write_eof()
        asyncio.get_running_loop().call_later(0.05, gate.close)  # or the test would wait for ever

    heard, gate = through(None, act)
    assert (heard, gate.shut) == (b"abc", True)


def test_a_reset_is_an_error_on_the_other_side():
    with pytest.raises(ConnectionResetError):
        through(None, lambda gate: asyncio.get_running_loop().call_soon(gate.reset))
