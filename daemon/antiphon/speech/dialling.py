"""How StepFun's WebSockets are dialled and hung up, one after the other: what the library is told, and why."""

import asyncio
import logging
import ssl
from collections.abc import Callable
from contextlib import suppress
from functools import cache
from typing import Any, Final
from urllib.parse import urlencode, urlsplit, urlunsplit

from websockets.asyncio.client import ClientConnection, connect
from websockets.uri import parse_uri

from antiphon.errors import Refused
from antiphon.secret import Secret
from antiphon.speech.keys import authorization
from antiphon.speech.meanings import Where
from antiphon.speech.reaching import HEAD_START_S, look_up, reach

MAX_MESSAGE_BYTES: Final = 16 * 2**20
"""The library's 1 MiB would end a reply that comes in one piece after 16 s of it; this is four minutes."""
MAX_FRAMES_WAITING: Final = 64
"""Frames read ahead of us before the service is held back."""
PING_S: Final = 20.0
CLOSE_TIMEOUT_S: Final = 1.0
"""How long our goodbye may wait for theirs."""

FORGOTTEN: Final = AttributeError
"""What aborting a transport raises that the peer has closed while it still had data to send: asyncio has let go of its
loop, and does not know it (CPython's selector_events.py, 3.11 to 3.13). The library aborts when it cannot send.
"""

# The library would write the Authorization header into its debug log, and the traceback of a ping that failed onto the
# owner's terminal; what has failed is raised to us as well.
_QUIET: Final = logging.getLogger("antiphon.websockets")
_QUIET.setLevel(logging.CRITICAL)

_SCHEMES: Final = {"http": "ws", "https": "wss", "ws": "ws", "wss": "wss"}


class _Connect(connect):
    """The library's connect, but one that goes nowhere else than it was sent."""

    def process_redirect(self, exc: Exception) -> Exception | str:
        """No address but the owner's: a redirect is a refusal."""
        return exc


async def dial(
    address: str,
    key: Secret | None,
    proxy: str | None,
    *,
    named: Callable[[], None] = lambda: None,
    ping_interval_s: float = PING_S,
    ping_timeout_s: float = PING_S,
    max_ahead_bytes: int = 2**15,
) -> ClientConnection:
    """A WebSocket to `address`, made without a limit of its own; whoever gets it hangs up. `named` is called when the
    host's name is known to have an address; what may wait in the library is `max_ahead_bytes`. Whoever is cancelled
    leaves nothing open, unless there is a `proxy`: that is reached in the library's way.

    Raises Refused for a key that is none, and what socket_troubles.explain knows.
    """
    headers, uri = authorization(key), parse_uri(address)
    tls = _tls() if uri.secure else None
    way: dict[str, Any]
    if proxy is None:
        addresses = await look_up(uri.host, uri.port)
        named()
        way = {"proxy": None, "sock": await reach(addresses)}
    else:
        named()
        way = {"proxy": proxy, "happy_eyeballs_delay": HEAD_START_S}
    return await _Connect(
        address,
        additional_headers=headers,
        user_agent_header="antiphon",
        compression=None,  # base64 of sound does not shrink, and costs a Pi dearly
        max_size=MAX_MESSAGE_BYTES,
        max_queue=MAX_FRAMES_WAITING,
        write_limit=max_ahead_bytes,
        open_timeout=None,
        ping_interval=ping_interval_s,
        ping_timeout=ping_timeout_s,
        close_timeout=CLOSE_TIMEOUT_S,
        logger=_QUIET,
        ssl=tls,
        **way,
    )


async def dial_service(
    url: str, path: str, query: dict[str, str], key: Secret | None, where: Where, proxy: str | None
) -> ClientConnection:
    """The same to the WebSocket at `path` of the services at `url`, as https://api.stepfun.com/v1; through a proxy what
    is encrypted alone. Raises Refused for an address that is none, too.
    """
    address = socket_url(url, path, query, where)
    return await dial(address, key, proxy if address.startswith("wss:") else None)


def hang_up(socket: ClientConnection) -> None:
    """At once: no goodbye is waited for."""
    with suppress(FORGOTTEN):
        socket.transport.abort()


async def take_leave(socket: ClientConnection) -> None:
    """Say goodbye, and hang up when that is answered, or after CLOSE_TIMEOUT_S. The library gives a peer time for its
    answer alone: one that takes nothing in would hold us for as long as TCP lasts.
    """
    try:
        with suppress(TimeoutError, FORGOTTEN):
            async with asyncio.timeout(CLOSE_TIMEOUT_S):
                await socket.close()
    finally:
        hang_up(socket)


def socket_url(url: str, path: str, query: dict[str, str], where: Where) -> str:
    """The address of the WebSocket at `path` of the services at `url`. Raises Refused for what is no address."""
    try:
        parts = urlsplit(url)
        sound = parts.scheme in _SCHEMES and parts.hostname and parts.port != 0
    except ValueError:
        sound = False
    if not sound:
        raise Refused(f"{where.url} is not an address: give one like https://api.stepfun.com/v1")
    whole = parts.path.rstrip("/").removesuffix(path) + path
    return urlunsplit((_SCHEMES[parts.scheme], parts.netloc, whole, urlencode(query, errors="replace"), ""))


@cache
def _tls() -> ssl.SSLContext:
    """It reads every root certificate: once is enough."""
    return ssl.create_default_context()
