"""The relay of the failover tests: it strikes at the very event or byte it was told, and harms nothing else."""

import asyncio
import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st
from websockets.asyncio.client import connect
from websockets.asyncio.server import serve
from websockets.exceptions import ConnectionClosed

from wire_cutter import ACTS, HOST, Cut, Frames, WireCutter

BOUND_S = 20
SAID = [f'{{"number": {number}}}' + "x" * number * 40 for number in range(6)]
"""What the service says, in frames with short and with long headers."""
UPGRADE = (
    b"GET / HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
)


def within(story):
    asyncio.run(asyncio.wait_for(story(), BOUND_S))


@contextlib.asynccontextmanager
async def cutting(cut=None):
    """A service that says all of SAID and then echoes, behind a cutter."""

    async def speak(socket):
        for text in SAID:
            await socket.send(text)
        with contextlib.suppress(ConnectionClosed):
            async for text in socket:
                heard.append(text)
                await socket.send(text)

    heard = []
    async with serve(speak, HOST, 0, compression=None, ping_interval=None, close_timeout=0.1) as server:
        async with WireCutter(server.sockets[0].getsockname()[1], cut) as cutter:
            cutter.heard = heard
            yield cutter
        server.close(close_connections=True)


def dialled(cutter):
    url = f"ws://{HOST}:{cutter.port}"
    return connect(url, compression=None, ping_interval=None, close_timeout=0.1, proxy=None)


async def frames_of(socket, most=6):
    """Up to so many frames, fewer when the connection ends before."""
    frames = []
    with contextlib.suppress(ConnectionClosed):
        while len(frames) < most:
            frames.append(await socket.recv(decode=False))
    return [bytes(frame) for frame in frames]


SAID_BYTES = [text.encode() for text in SAID]


# ── telling frames apart ─────────────────────────────────────────────────────────────────────────


@given(st.lists(st.integers(1, 40), min_size=1))
def test_frames_are_found_whatever_pieces_they_come_in(sizes):
    text, long_text = b"\x81\x02hi", b"\x81\x7e\x00\x80" + bytes(128)
    ping, masked = b"\x89\x00", b"\x82\x83abcdxyz"
    more = b"\x00\x01!"  # goes on with a text that began before
    head = b"HTTP/1.1 101 Switching Protocols\r\nA: b\r\n\r\n"
    wire = b"".join((head, text, ping, long_text, more, masked))
    frames, units, at = Frames(), [], 0
    while at < len(wire):
        for size in sizes:
            units += frames.feed(wire[at : at + size])
            at += size
    assert [unit.data for unit in units] == [head, text, ping, long_text, more, masked]
    assert [unit.is_event for unit in units] == [False, True, False, True, False, True]
    assert [unit.data[unit.payload_at :] for unit in units[1:]] == [b"hi", b"", bytes(128), b"!", b"xyz"]


# ── it relays ────────────────────────────────────────────────────────────────────────────────────


def test_without_a_cut_it_only_counts():
    async def story():
        async with cutting() as cutter, dialled(cutter) as socket:
            assert await frames_of(socket) == SAID_BYTES
            await socket.send("question")
            assert await socket.recv() == "question"
            assert (cutter.counts["down"].events, cutter.counts["up"].events) == (len(SAID) + 1, 1)
            assert not cutter.struck
            assert cutter.connections == 1

    within(story)


def test_later_connections_are_neither_counted_nor_cut():
    async def story():
        async with cutting(Cut("close", event=2)) as cutter:
            for _ in range(2):
                async with dialled(cutter) as socket:
                    got = await frames_of(socket)
            assert got == SAID_BYTES
            assert cutter.counts["down"].events == 1

    within(story)


# ── at an event ──────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("act", ["close", "reset"])
@pytest.mark.parametrize("event", range(1, len(SAID) + 1))
@pytest.mark.parametrize("after", [False, True])
def test_the_connection_ends_around_the_event(act, event, after):
    async def story():
        async with cutting(Cut(act, event=event, after=after)) as cutter, dialled(cutter) as socket:
            assert await frames_of(socket) == SAID_BYTES[: event if after else event - 1]
            assert cutter.struck

    within(story)


@pytest.mark.parametrize("event", [1, 2])
def test_what_the_link_sends_is_cut_as_well(event):
    async def story():
        async with cutting(Cut("close", "up", event=event)) as cutter, dialled(cutter) as socket:
            assert await frames_of(socket) == SAID_BYTES
            for _ in range(event - 1):
                await socket.send("question")
                assert await socket.recv() == "question"
            await socket.send("question")
            assert await frames_of(socket) == []
            assert cutter.heard == ["question"] * (event - 1)

    within(story)


@pytest.mark.parametrize(("act", "error"), [("close", None), ("reset", ConnectionResetError)])
def test_a_close_is_an_end_and_a_reset_is_none(act, error):
    async def story():
        async with cutting(Cut(act, event=3)) as cutter:
            reader, writer = await asyncio.open_connection(HOST, cutter.port)
            writer.write(UPGRADE)
            with contextlib.nullcontext() if error is None else pytest.raises(error):
                while await reader.read(1000):
                    pass
            writer.close()

    within(story)


@pytest.mark.parametrize("event", [1, 4])
def test_a_stall_ends_nothing_and_lets_nothing_through(event):
    """In both directions; what comes is counted, so that nobody need wait to see that it does not leave."""

    async def story():
        async with cutting(Cut("stall", event=event)) as cutter, dialled(cutter) as socket:
            await cutter.until(lambda it: it.counts["down"].withheld >= sum(map(len, SAID_BYTES[event - 1 :])))
            await socket.send("question")
            await cutter.until(lambda it: it.counts["up"].withheld >= len("question"))
            assert await frames_of(socket, event - 1) == SAID_BYTES[: event - 1]
            assert cutter.counts["down"].events == event - 1
            assert cutter.heard == []
            assert socket.close_code is None

    within(story)


@pytest.mark.parametrize("event", [1, 3, len(SAID)])
@pytest.mark.parametrize("at", [0.0, 0.5, 1.0])
def test_one_byte_of_one_event_is_damaged(event, at):
    async def story():
        async with cutting(Cut("corrupt", event=event, at=at, flip=0x01)) as cutter, dialled(cutter) as socket:
            got = await frames_of(socket)
            assert [place for place, text in enumerate(SAID_BYTES) if got[place] != text] == [event - 1]
            wrong = [a ^ b for a, b in zip(got[event - 1], SAID_BYTES[event - 1], strict=True)]
            assert [one for one in wrong if one] == [0x01]

    within(story)


# ── at a byte ────────────────────────────────────────────────────────────────────────────────────


async def all_bytes(cutter):
    """What comes of the whole connection, by a client that only dials; it must end by itself."""
    reader, writer = await asyncio.open_connection(HOST, cutter.port)
    writer.write(UPGRADE)
    got = b""
    with contextlib.suppress(ConnectionError):
        while piece := await reader.read(1000):
            got += piece
    writer.close()
    return got


@pytest.mark.parametrize("byte", [0, 1, 17, 200, 333, 700])
def test_so_many_bytes_leave(byte):
    async def story():
        async with cutting(Cut("close", byte=byte)) as cutter:
            assert len(await all_bytes(cutter)) == byte == cutter.counts["down"].bytes

    within(story)


@pytest.mark.parametrize("byte", [0, 20, len(UPGRADE) - 1])
def test_so_many_bytes_of_the_link_leave(byte):
    async def story():
        async with cutting(Cut("close", "up", byte=byte)) as cutter:
            assert await all_bytes(cutter) == b""
            assert cutter.counts["up"].bytes == byte

    within(story)


@pytest.mark.parametrize("byte", [5, 300, 305])
def test_any_byte_may_be_damaged(byte):
    """Framing and upgrade included: what the cutter let through differs from what it was given in this byte only."""

    async def story():
        async with cutting(Cut("corrupt", byte=byte)) as cutter:
            reader, writer = await asyncio.open_connection(HOST, cutter.port)
            writer.write(UPGRADE)
            plain_reader, plain_writer = await asyncio.open_connection(HOST, cutter.service_port)
            plain_writer.write(UPGRADE)
            damaged, plain = await reader.readexactly(350), await plain_reader.readexactly(350)
            places = [place for place in range(350) if damaged[place] != plain[place]]
            assert [place for place in places if not is_date(plain, place)] == [byte]
            writer.close()
            plain_writer.close()

    within(story)


def is_date(head, place):
    """The upgrade is answered with the time of day, which may change between two of them."""
    start = head.index(b"Date:")
    return start <= place < head.index(b"\r\n", start)


# ── afterwards ───────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("act", ACTS)
def test_later_connections_are_refused(act):
    async def story():
        async with cutting(Cut(act, event=2, afterwards="refused")) as cutter, dialled(cutter) as socket:
            await cutter.until(lambda it: it.struck)
            with pytest.raises(ConnectionRefusedError):
                await asyncio.open_connection(HOST, cutter.port)
            if act == "corrupt":
                assert len(await frames_of(socket)) == len(SAID), "the one that was cut goes on"

    within(story)


@pytest.mark.parametrize("act", ACTS)
def test_later_connections_work(act):
    async def story():
        async with cutting(Cut(act, event=2)) as cutter, dialled(cutter):
            await cutter.until(lambda it: it.struck)
            async with dialled(cutter) as second:
                assert await frames_of(second) == SAID_BYTES

    within(story)


def test_later_connections_are_taken_and_never_answered():
    """The second dials, and the service, which answers at once, is not told of it."""

    async def story():
        async with cutting(Cut("stall", event=2, afterwards="stalls")) as cutter, dialled(cutter):
            await cutter.until(lambda it: it.struck)
            reader, writer = await asyncio.open_connection(HOST, cutter.port)
            writer.write(UPGRADE)
            await cutter.until(lambda it: it.connections == 2)
            async with dialled_service(cutter) as third:  # the service would have answered by now
                assert await frames_of(third) == SAID_BYTES
            assert not reader._buffer
            assert not reader.at_eof()
            writer.close()

    within(story)


def dialled_service(cutter):
    return connect(f"ws://{HOST}:{cutter.service_port}", compression=None, ping_interval=None, proxy=None)


def test_a_service_that_is_away_is_a_reset():
    async def story():
        async with cutting() as cutter:
            port = cutter.service_port
        async with WireCutter(port) as cutter:
            assert await all_bytes(cutter) == b""

    within(story)


@pytest.mark.parametrize("wrong", [{}, {"event": 1, "byte": 1}, {"byte": 1, "after": True}])
def test_a_cut_that_means_nothing_is_refused(wrong):
    with pytest.raises(ValueError, match="event"):
        Cut("close", **wrong)


def test_a_damaged_event_cannot_be_waited_for():
    with pytest.raises(ValueError, match="damaged"):
        Cut("corrupt", event=1, after=True)
