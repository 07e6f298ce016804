"""One vox-serve as an HTTP server: its address, its door, its questions. What is in the bodies is wire.py's.

Nothing here has a time limit: whoever asks sets his own. No address but the owner's is gone to, no proxy is used, and
each request has a connection of its own: the server closes idle ones after 5 s, a POST on one that has just been
closed could not be told from one that was taken, and a POST that was taken must not be sent again.
"""

import io
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Final, Self
from urllib.parse import urlsplit

from aiohttp import ClientResponse, ClientSession, ClientTimeout, DummyCookieJar, StreamReader, TCPConnector
from aiohttp.abc import ResolveResult
from aiohttp.resolver import ThreadedResolver

from antiphon.links.generate import troubles
from antiphon.links.generate.wire import Form, is_healthy, media_type

MAX_BODY_BYTES = 4096
"""Of a body that should be short, no more than this is read."""

_SPEECH: Final = frozenset({"audio/wav", "audio/x-wav", "audio/wave", "audio/vnd.wave"})


class Server:
    """Open between `async with`; its errors are aiohttp's and the system's, and LinkError for what it answers."""

    def __init__(self, url: str) -> None:
        self.host = host_of(url)
        """As the owner knows it: "name:port"."""
        self.answered = 0
        """Requests to which something was said, whatever it was."""
        self._url = url
        self._http: ClientSession | None = None
        self._resolver: _Resolver | None = None

    async def __aenter__(self) -> Self:
        """Raises Refused when the address cannot be used; nothing is connected yet."""
        check_address(self._url)
        self._resolver = _Resolver()
        self._http = ClientSession(
            # A call looks the name up once: what was reached before can be reached without the network's DNS.
            connector=TCPConnector(force_close=True, resolver=self._resolver, ttl_dns_cache=None),
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

    @property
    def looking_up(self) -> bool:
        """The DNS has not said yet who the host is: when time is over, that is why."""
        return self._resolver is not None and self._resolver.asking

    async def knock(self) -> None:
        """GET /health: somebody is there, and it is vox-serve. It proves nothing about the model behind it."""
        assert self._http is not None
        async with self._http.get(self._address("/health"), allow_redirects=False) as response:
            self.answered += 1
            body = await _beginning(response)
        if response.status != 200 or not is_healthy(body):
            raise troubles.explain_status(response.status, _kind(response), body, self.host)

    @asynccontextmanager
    async def asking(self, form: Form, gone_out: Callable[[], None]) -> AsyncIterator[StreamReader]:
        """POST /generate: the answer's body, once it is known to be speech. Raises Busy for a server that is.

        `gone_out` is called when all of the form may be on its way: before that the server has no question.
        Leaving early hangs up, which the server takes no notice of: it makes the reply to its end.
        """
        assert self._http is not None
        url, content = self._address("/generate"), {"Content-Type": form.content_type}
        body = _Body(form.body, gone_out)
        async with self._http.post(url, data=body, headers=content, allow_redirects=False) as response:
            self.answered += 1
            try:
                await self._check(response)
                yield response.content
            finally:
                response.close()

    async def _check(self, response: ClientResponse) -> None:
        kind = _kind(response)
        if response.status != 200 or kind not in _SPEECH:
            raise troubles.explain_status(response.status, kind, await _beginning(response), self.host)

    def _address(self, path: str) -> str:
        return self._url.rstrip("/") + path


class _Resolver(ThreadedResolver):
    """The system's, which knows .local; and it tells whether it still waits for an answer."""

    asking = False

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        """See AbstractResolver."""
        self.asking = True
        try:
            return await super().resolve(host, port, family)
        finally:
            self.asking = False


class _Body(io.BytesIO):
    """A form's, sent piece by piece: a minute of speech must not hold the loop."""

    def __init__(self, body: bytes, gone_out: Callable[[], None]) -> None:
        super().__init__(body)
        self._length = len(body)
        self._gone_out = gone_out

    def read(self, size: int | None = -1, /) -> bytes:
        """The next piece; the last one is announced."""
        piece = super().read(size)
        if self.tell() == self._length:
            self._gone_out()
        return piece


def _kind(response: ClientResponse) -> str:
    """The library would take no Content-Type for one."""
    return media_type(response.headers.get("Content-Type", ""))


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
