"""One vox-serve as an HTTP server: its address, its door, its questions. What is in the bodies is wire.py's.

Nothing here has a time limit: whoever asks sets his own. No address but the owner's is gone to, no proxy is used, and
each request has a connection of its own: the server closes idle ones after 5 s, a POST on one that has just been
closed could not be told from one that was taken, and a POST that was taken must not be sent again.
"""

import io
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final, Self
from urllib.parse import urlsplit

from aiohttp import ClientResponse, ClientSession, ClientTimeout, DummyCookieJar, StreamReader, TCPConnector
from aiohttp.resolver import ThreadedResolver

from antiphon.links.generate import troubles
from antiphon.links.generate.wire import Form, is_healthy

MAX_BODY_BYTES = 4096
"""Of a body that should be short, no more than this is read."""

_SPEECH: Final = frozenset({"audio/wav", "audio/x-wav", "audio/wave", "audio/vnd.wave"})


class Server:
    """Open between `async with`; its errors are aiohttp's and the system's, and LinkError for what it answers."""

    def __init__(self, url: str) -> None:
        self.host = host_of(url)
        """As the owner knows it: "name:port"."""
        self.asked = 0
        """Requests sent."""
        self._url = url
        self._http: ClientSession | None = None

    async def __aenter__(self) -> Self:
        """Raises Refused when the address cannot be used; nothing is connected yet."""
        check_address(self._url)
        self._http = ClientSession(
            connector=TCPConnector(force_close=True, resolver=ThreadedResolver()),  # the system's, which knows .local
            timeout=ClientTimeout(total=None, sock_connect=None),
            cookie_jar=DummyCookieJar(),
            headers={"User-Agent": "antiphon", "Accept-Encoding": "identity"},
            auto_decompress=False,
            trust_env=False,
        )
        return self

    async def __aexit__(self, *_: object) -> None:
        """Hang up whatever is still open."""
        assert self._http is not None
        await self._http.close()

    async def knock(self) -> None:
        """GET /health: somebody is there, and it is vox-serve. It proves nothing about the model behind it."""
        assert self._http is not None
        self.asked += 1
        async with self._http.get(self._address("/health"), allow_redirects=False) as response:
            body = await _beginning(response)
        if response.status != 200 or not is_healthy(body):
            raise troubles.explain_status(response.status, body, self.host)

    @asynccontextmanager
    async def asking(self, form: Form) -> AsyncIterator[StreamReader]:
        """POST /generate: the answer's body, once it is known to be speech. Raises Busy for a server that is.

        Leaving early hangs up, which the server takes no notice of: it makes the reply to its end.
        """
        assert self._http is not None
        self.asked += 1
        url, content = self._address("/generate"), {"Content-Type": form.content_type}
        body = io.BytesIO(form.body)  # sent piece by piece: a minute of speech must not hold the loop
        async with self._http.post(url, data=body, headers=content, allow_redirects=False) as response:
            try:
                await self._check(response)
                yield response.content
            finally:
                response.close()

    async def _check(self, response: ClientResponse) -> None:
        if response.status != 200 or response.content_type not in _SPEECH:
            raise troubles.explain_status(response.status, await _beginning(response), self.host)

    def _address(self, path: str) -> str:
        return self._url.rstrip("/") + path


async def _beginning(response: ClientResponse) -> bytes:
    """The body, as far as it matters."""
    body = b""
    while len(body) < MAX_BODY_BYTES and (more := await response.content.read(MAX_BODY_BYTES - len(body))):
        body += more
    return body


def check_address(url: str) -> None:
    """Refused unless `url` is http:// or https:// with a host, and nothing that only a page's address has."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise troubles.not_an_address() from None
    odd = parts.query or parts.fragment or parts.username or parts.password or port == 0
    if parts.scheme not in ("http", "https") or not parts.hostname or odd:
        raise troubles.not_an_address()


def host_of(url: str) -> str:
    """ "name:port" of an address; "the server" when it has none."""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError:
        return "the server"
    if not host:
        return "the server"
    name = f"[{host}]" if ":" in host else host
    return f"{name}:{port or (443 if parts.scheme == 'https' else 80)}"
