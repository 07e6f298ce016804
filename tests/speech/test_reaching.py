"""Which address of a name is connected to, and what becomes of the others, on real sockets where it matters."""

import asyncio
import contextlib
import errno
import gc
import os
import socket
from itertools import pairwise
from pathlib import Path

import pytest

from antiphon.speech.reaching import look_up, reach


def address(port, family=socket.AF_INET):
    where = ("127.0.0.1", port) if family == socket.AF_INET else ("::1", port, 0, 0)
    return family, socket.SOCK_STREAM, socket.IPPROTO_TCP, "", where


class Network:
    """In the place of loop.sock_connect: what becomes of each port, and the order in which they were tried. A port that
    is not named is never answered.
    """

    def __init__(self, **fates):
        self.fates = {int(port[1:]): fate for port, fate in fates.items()}
        self.tried = []
        self.sockets = []

    async def __call__(self, sock, where):
        self.tried.append(where[1])
        self.sockets.append(sock)
        fate = self.fates.get(where[1])
        if fate is None:
            await asyncio.Event().wait()
        elif fate:
            raise OSError(fate, os.strerror(fate))


def reached(network, *addresses):
    """The port that is connected to; every other socket must be closed."""

    async def scene():
        asyncio.get_running_loop().sock_connect = network
        made = await reach(addresses)
        for _ in range(3):
            await asyncio.sleep(0)
        assert [one for one in network.sockets if one.fileno() >= 0] == [made]
        made.close()
        return network.tried[network.sockets.index(made)]

    return asyncio.run(asyncio.wait_for(scene(), 60))


def test_the_first_that_answers_is_taken():
    network = Network(p1=0, p2=0)
    assert reached(network, address(1), address(2)) == 1
    assert network.tried == [1]


def test_one_that_fails_lets_the_next_be_tried_at_once():
    network = Network(p1=errno.ECONNREFUSED, p2=errno.EHOSTUNREACH, p3=0)
    assert reached(network, address(1), address(2), address(3)) == 3


def test_one_that_is_silent_is_overtaken():
    network = Network(p3=0)
    assert reached(network, address(1), address(2), address(3)) == 3
    assert network.tried == [1, 2, 3]


def test_families_take_turns():
    six = socket.AF_INET6
    network = Network(p5=0)
    addresses = (address(1, six), address(2, six), address(3), address(4), address(5, six))
    assert reached(network, *addresses) == 5
    assert network.tried == [1, 3, 2, 4, 5]


@pytest.mark.parametrize(
    ("fates", "told", "words"),
    [
        ({"p1": errno.ECONNREFUSED, "p2": errno.ECONNREFUSED}, errno.ECONNREFUSED, "refused"),
        ({"p1": errno.ENETUNREACH, "p2": errno.ECONNREFUSED}, None, r"\[Errno 101\].*; \[Errno 111\]"),
    ],
)
def test_where_all_fail_all_is_told(fates, told, words):
    with pytest.raises(OSError, match=words) as error:
        reached(Network(**fates), address(1), address(2))
    assert error.value.errno == told


def test_whoever_is_cancelled_leaves_nothing_open():
    """At each turn of the loop: while one waits, and when one has just been connected."""

    async def scene(steps):
        network = Network(p1=errno.ECONNREFUSED, p2=0)
        asyncio.get_running_loop().sock_connect = network
        reaching = asyncio.get_running_loop().create_task(reach([address(1), address(2)]))
        for _ in range(steps):
            await asyncio.sleep(0)
        was_cancelled = reaching.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            (await reaching).close()
        for _ in range(3):
            await asyncio.sleep(0)
        assert [one.fileno() for one in network.sockets] == [-1] * len(network.sockets)
        return was_cancelled

    outcomes = [asyncio.run(scene(steps)) for steps in range(15)]
    assert outcomes == sorted(outcomes, reverse=True)
    assert not outcomes[-1]
    gc.collect()


def test_an_address_is_looked_up_nowhere(monkeypatch):
    """Not even by the system, in our own thread: its resolver may hang."""
    monkeypatch.setattr(socket, "getaddrinfo", None)
    assert asyncio.run(look_up("::1", 80)) == [(*address(80, socket.AF_INET6)[:4], ("::1", 80))]
    assert asyncio.run(look_up("127.0.0.1", 80)) == [address(80)]


def test_an_address_of_either_version_is_reached():
    async def scene(host):
        async with await asyncio.start_server(lambda _, writer: writer.close(), host, 0) as server:
            with await reach(await look_up(host, server.sockets[0].getsockname()[1])) as made:
                return made.getpeername()[0]

    assert asyncio.run(scene("127.0.0.1")) == "127.0.0.1"
    if socket.has_ipv6 and Path("/proc/net/if_inet6").exists():
        assert asyncio.run(scene("::1")) == "::1"


def test_a_name_has_the_addresses_of_the_resolver():
    found = asyncio.run(look_up("localhost", 80))
    assert {one[4][0] for one in found} <= {"127.0.0.1", "::1"}
    assert all(before[1] == after[1] == socket.SOCK_STREAM for before, after in pairwise([*found, *found]))
