"""StepFun's HTTP services: one session, and requests that are asked again where that may help. It knows no body.

Whoever asks gives a `Patience`: the time that the whole matter may take. What is refused for now (429, 503, a broken
connection) is asked again with a pause that doubles and varies by chance, as long as there is time; what the owner must
mend is raised at once.
"""

import asyncio
import math
import random
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from types import SimpleNamespace, TracebackType
from typing import Any, Final, Self, TypeVar
from urllib.parse import urlsplit

from aiohttp import ClientError, ClientResponse, ClientSession, ClientTimeout, DummyCookieJar, TraceConfig

from antiphon.errors import LinkError, Problem
from antiphon.secret import Secret
from antiphon.speech import troubles
from antiphon.speech.keys import authorization, without_key
from antiphon.speech.meanings import Busy
from antiphon.speech.sse import EventStream

T = TypeVar("T")
MAX_ERROR_BYTES = 4096
AFTER_END_S: Final = 0.1
"""So soon a body ends that has said all; then its connection is good for the next request."""
PAUSE_FIRST_S: Final = 0.3
PAUSE_MOST_S: Final = 4.0


class Patience:
    """The time a request may take, retries included: to `by_s` of the loop's clock until its first byte of worth, then
    `gap_ms` from each to the next.
    """

    def __init__(self, by_s: float, gap_ms: float, most_broken: int | None = None) -> None:
        """`most_broken`: one that is busy is asked again all the same, but no more tries than this may come to
        anything else, as where somebody else can be asked; None: as many as there is time for.
        """
        self.by_s = by_s
        self.gap_ms = gap_ms
        self.most_broken = math.inf if most_broken is None else most_broken
        self.began = False
        """Something of worth has come: it is not asked again."""
        self.met: LinkError | None = None
        """What the last try came to, where it is worth more than that time is up."""
        self.broken = 0
        """How many tries came to anything but a busy service."""
        self._timeout = asyncio.timeout_at(by_s)

    async def __aenter__(self) -> Self:
        """From here on it counts; TimeoutError is raised where the block ends late."""
        await self._timeout.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Over."""
        await self._timeout.__aexit__(kind, error, trace)

    def progress(self) -> None:
        """Something of worth has come, or is awaited from now on."""
        self.began = True
        if not self._timeout.expired():  # it may be ending it, while another task gets the last of it
            self._timeout.reschedule(asyncio.get_running_loop().time() + self.gap_ms / 1000)

    def met_with(self, error: LinkError) -> bool:
        """A try has come to `error`: whether another may help."""
        self.met = error
        self.broken += not isinstance(error, Busy)
        return error.problem().may_pass and self.broken <= self.most_broken

    def rest(self) -> None:
        """Nothing is awaited of the service: until there is progress, no time counts."""
        if self.began and not self._timeout.expired():
            self._timeout.reschedule(None)


class Service:
    """One of StepFun's HTTP services; an async context. Each request has a connection of its own or a kept one."""

    def __init__(self, url: str, key: Secret | None, where: troubles.Where, proxy: str | None = None) -> None:
        """`url` without the last part, as https://api.stepfun.com/v1; `proxy` for https only. `where` names the
        settings for errors. Without a key no Authorization is sent: a simulator may ask for none.
        """
        self.host = urlsplit(url).hostname or "the server"
        self.where = where
        self._url, self._key, self._proxy = url.rstrip("/"), key, proxy
        self._path = urlsplit(url).path
        self._http: ClientSession | None = None
        self._dialling: set[object] = set()  # requests that have no connection yet
        self._chance = random.Random()  # noqa: S311 (spreads retries; nobody gains by guessing it)

    @property
    def dialling(self) -> bool:
        """A request waits for its connection: nobody knows yet whether there is anybody."""
        return bool(self._dialling)

    async def __aenter__(self) -> Self:
        """Nothing is connected yet. Raises Refused for a key that is none."""
        watch = TraceConfig()
        watch.on_connection_create_end.append(self._connected)
        watch.on_connection_reuseconn.append(self._connected)
        self._http = ClientSession(
            trace_configs=[watch],
            timeout=ClientTimeout(total=None, sock_connect=None),
            cookie_jar=DummyCookieJar(),
            headers={"User-Agent": "antiphon", "Accept-Encoding": "identity", **authorization(self._key)},
            trust_env=False,
        )
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Every connection is closed."""
        if self._http is not None:
            await self._http.close()

    @asynccontextmanager
    async def ask(
        self,
        method: str,
        path: str,
        patience: Patience,
        *,
        body: Callable[[], Any] | None = None,
        headers: Mapping[str, str] | None = None,
        wanted: Callable[[str], bool] = lambda _: True,
    ) -> AsyncIterator[ClientResponse]:
        """The answer with status 200 and a Content-Type that is `wanted`. Raises LinkError, in words; TimeoutError is
        left to whoever holds the patience. `body` makes the request's body anew for each try.

        Leaving the block hangs up, unless all of the answer was read. What the block raises as LinkError gets stars for
        the key; an OSError of it is taken for the connection's, so files are written outside.
        """
        response = await self.persist(lambda: self._once(method, path, body, headers, wanted), patience)
        try:
            yield response
        except LinkError as error:
            raise self._told(error) from error
        except (ClientError, OSError, UnicodeError) as error:
            raise self.explained(error) from error
        finally:
            response.close() if not response.content.at_eof() else response.release()

    async def persist(self, attempt: Callable[[], Awaitable[T]], patience: Patience) -> T:
        """What `attempt` gives. Where it raises what may pass, and nothing of worth has come, it is tried again after a
        pause that doubles and varies by chance, as long as the patience lasts; else that is raised.
        """
        loop, pause_s = asyncio.get_running_loop(), PAUSE_FIRST_S
        while True:
            try:
                return await attempt()
            except LinkError as error:
                if error is patience.met:  # the attempt has persisted itself, as far as it may
                    raise
                may_help = patience.met_with(error) and not patience.began
                wait_s = pause_s * self._chance.uniform(0.5, 1.5)
                if not may_help or loop.time() + wait_s >= patience.by_s:
                    raise
            await asyncio.sleep(wait_s)
            pause_s = min(2 * pause_s, PAUSE_MOST_S)

    async def _once(
        self,
        method: str,
        path: str,
        body: Callable[[], Any] | None,
        headers: Mapping[str, str] | None,
        wanted: Callable[[str], bool],
    ) -> ClientResponse:
        assert self._http is not None
        dial = object()
        self._dialling.add(dial)
        try:
            response = await self._http.request(
                method,
                self._url + path,
                trace_request_ctx=dial,
                data=None if body is None else body(),
                headers=headers,
                proxy=self._proxy if self._url.startswith("https:") else None,
                allow_redirects=False,
            )
        except (ClientError, OSError, UnicodeError) as error:  # the last: a host that cannot be a name
            raise self.explained(error) from error
        finally:
            self._dialling.discard(dial)
        if response.status == 200 and wanted(response.headers.get("Content-Type", "")):
            return response
        try:
            said = await beginning(response)
        finally:
            response.close()
        raise self._told(troubles.explain_status(response.status, said, self.host, self.where, self._path))

    async def _connected(self, _session: ClientSession, context: SimpleNamespace, _what: object) -> None:
        self._dialling.discard(context.trace_request_ctx)

    def explained(self, error: Exception) -> LinkError:
        """What aiohttp or the system raised, with one sentence."""
        return self._told(troubles.explain(error, self.host, self.where))

    def _told(self, error: LinkError) -> LinkError:
        """Services like to quote the key."""
        return type(error)(without_key(self._key, str(error)))


def told(key: Secret | None, error: LinkError) -> Problem:
    """The error as a problem that holds no key."""
    problem = error.problem()
    return Problem(problem.fault, without_key(key, problem.sentence))


async def events(response: ClientResponse) -> AsyncGenerator[str]:
    """The data of each server-sent event of the answer, as it comes. Raises Garbled, and what aiohttp raises."""
    stream = EventStream()
    while piece := await response.content.readany():
        for data in stream.take(piece):
            yield data
    for data in stream.end():
        yield data


async def see_out(response: ClientResponse) -> None:
    """All has been said, and nobody listens to what may still come: its connection is kept, if the body ends now."""
    with suppress(ClientError, OSError):  # a TimeoutError is one
        async with asyncio.timeout(AFTER_END_S):
            while await response.content.readany():
                pass


async def beginning(response: ClientResponse) -> bytes:
    """The body, as far as it matters, and as far as it came."""
    body = b""
    with suppress(ClientError, OSError):
        while len(body) < MAX_ERROR_BYTES and (more := await response.content.read(MAX_ERROR_BYTES - len(body))):
            body += more
    return body
