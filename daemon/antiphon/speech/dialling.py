"""How StepFun's WebSockets beside the dialogue are dialled, one after the other: what the library is told, and why."""

import logging
import ssl
from functools import cache
from typing import Any, Final
from urllib.parse import urlencode, urlsplit, urlunsplit

from websockets.asyncio.client import connect

from antiphon.errors import Refused
from antiphon.secret import Secret
from antiphon.speech.meanings import Where
from antiphon.speech.service import authorization

MAX_MESSAGE_BYTES: Final = 16 * 2**20
"""At the end the whole of the sound may come once more, in one frame: this is four minutes of it."""
MAX_FRAMES_WAITING: Final = 64
PING_INTERVAL_S: Final = 20.0
PING_TIMEOUT_S: Final = 20.0
CLOSE_TIMEOUT_S: Final = 1.0
HEAD_START_S: Final = 0.25
"""Of a name's addresses the next is tried as well after so long. RFC 8305, section 5."""

# The library would write the Authorization header into its debug log.
_QUIET: Final = logging.getLogger("antiphon.websockets")
_QUIET.setLevel(logging.WARNING)

_SCHEMES: Final = {"http": "ws", "https": "wss", "ws": "ws", "wss": "wss"}


class Dialling(connect):
    """The library's connect, but one that goes nowhere else than it was sent."""

    def process_redirect(self, exc: Exception) -> Exception | str:
        """No address but the owner's: a redirect is a refusal."""
        return exc


def dial(url: str, path: str, query: dict[str, str], key: Secret | None, where: Where, proxy: str | None) -> Dialling:
    """A connection that is made when it is entered, without a limit of its own. `url` is that of the HTTP services, as
    https://api.stepfun.com/v1. Raises Refused for an address or a key that is none.
    """
    address = socket_url(url, path, query, where)
    options: dict[str, Any] = {"proxy": proxy, "ssl": _tls()} if address.startswith("wss:") else {"proxy": None}
    return Dialling(
        address,
        additional_headers=authorization(key),
        user_agent_header="antiphon",
        compression=None,  # base64 of sound does not shrink, and costs a Pi dearly
        max_size=MAX_MESSAGE_BYTES,
        max_queue=MAX_FRAMES_WAITING,
        open_timeout=None,
        ping_interval=PING_INTERVAL_S,
        ping_timeout=PING_TIMEOUT_S,
        close_timeout=CLOSE_TIMEOUT_S,
        happy_eyeballs_delay=HEAD_START_S,
        logger=_QUIET,
        **options,
    )


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
    return urlunsplit((_SCHEMES[parts.scheme], parts.netloc, whole, urlencode(query), ""))


@cache
def _tls() -> ssl.SSLContext:
    """It reads every root certificate: once is enough."""
    return ssl.create_default_context()
