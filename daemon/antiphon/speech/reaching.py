"""A TCP connection to whichever address of a name answers first. It knows no protocol and no service.

asyncio can race addresses by itself (create_connection with happy_eyeballs_delay), but whoever is cancelled just as one
has won leaves its socket open there (CPython's staggered.py, 3.11 to 3.13).
"""

import asyncio
from collections import deque
from collections.abc import Sequence
from contextlib import ExitStack
from ipaddress import ip_address
from itertools import zip_longest
from socket import AF_INET, AF_INET6, IPPROTO_TCP, SOCK_STREAM, socket
from typing import Any, Final, TypeAlias

HEAD_START_S: Final = 0.25
"""The next address is tried as well after so long: an IPv6 that leads nowhere must not cost the call. RFC 8305,
section 5."""

Address: TypeAlias = tuple[int, int, int, str, Any]
"""As getaddrinfo gives them."""


async def look_up(host: str, port: int) -> Sequence[Address]:
    """The addresses of a name, or the one that `host` is, about which nobody is asked. Raises gaierror, and
    UnicodeError for what can be no name.
    """
    try:
        family = AF_INET if ip_address(host).version == 4 else AF_INET6
    except ValueError:
        return await asyncio.get_running_loop().getaddrinfo(host, port, type=SOCK_STREAM)
    return [(family, SOCK_STREAM, IPPROTO_TCP, "", (host, port))]


async def reach(addresses: Sequence[Address]) -> socket:
    """A connection to the first that answers, each tried a little later than the one before, or when one has failed.

    Whoever is cancelled leaves nothing open. Raises OSError; of several failures all, in words.
    """
    waiting = deque(_by_turns(addresses))
    trying: set[asyncio.Task[socket]] = set()
    failures: list[OSError] = []
    try:
        while waiting or trying:
            if waiting:
                trying.add(asyncio.get_running_loop().create_task(_connect(waiting.popleft()), name="dialling"))
            done, _ = await asyncio.wait(
                trying, timeout=HEAD_START_S if waiting else None, return_when=asyncio.FIRST_COMPLETED
            )
            for task in done:
                trying.remove(task)
                try:
                    return task.result()
                except OSError as error:
                    failures.append(error)
    finally:
        for task in trying:
            _drop(task)
    if len({error.errno for error in failures}) == 1:
        raise failures[0]
    raise OSError("; ".join(map(str, failures)) or "a name without an address")


async def _connect(address: Address) -> socket:
    family, kind, protocol, _, where = address
    with ExitStack() as unless_connected:
        made = unless_connected.enter_context(socket(family, kind, protocol))
        made.setblocking(False)
        await asyncio.get_running_loop().sock_connect(made, where)
        unless_connected.pop_all()
    return made


def _drop(task: asyncio.Task[socket]) -> None:
    """Nobody wants its connection, which may be there already."""
    if not task.cancel() and not task.cancelled() and task.exception() is None:
        task.result().close()


def _by_turns(addresses: Sequence[Address]) -> list[Address]:
    """An address of each family by turns, that of the first address first. RFC 8305, section 4."""
    families: dict[int, list[Address]] = {}
    for address in addresses:
        families.setdefault(address[0], []).append(address)
    return [address for turn in zip_longest(*families.values()) for address in turn if address is not None]
