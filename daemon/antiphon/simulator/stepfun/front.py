"""The front of StepFun's HTTP services: takes over connections that carry them, and sends each request to its service.

What a request may ask for is each service's judge's; who hangs up is noted here.
"""

import asyncio
import logging
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from typing import TypeAlias

from aiohttp import web

from antiphon.simulator.stepfun.desk import Asked, Desk
from antiphon.simulator.stepfun.handshake import Refusal
from antiphon.simulator.stepfun.judging import NORMAL, PLAN, Denial

Answer: TypeAlias = Callable[[Asked], Awaitable[web.StreamResponse]]
"""What a service does with a request of its own."""

_END_S = 0.2  # whoever is answered may be answered to the end; the library takes 0 for ever


class Front:
    """Knows each service's desk and answer by method and path, the family's prefix (/v1) left out."""

    def __init__(self, over: asyncio.Event, most_at_once: int) -> None:
        """Nothing runs before the first connection. `over` is set when the simulator ends; of more requests at once
        than `most_at_once` (0 is no limit) the newest is answered 429.
        """
        self._over, self._most = over, most_at_once
        self.at_once: Counter[str] = Counter()
        """By service, how many requests have been open at the same time, at most."""
        self._open: Counter[str] = Counter()
        self._routes: dict[tuple[str, str], tuple[Desk, Answer]] = {}
        self._counts: dict[str, int] = {}
        self._traces = 0
        self._http: web.Server | None = None

    def serve(self, desk: Desk, routes: Mapping[str, Answer]) -> None:
        """Give `desk` the requests of these routes, each a method and a path: "POST /audio/speech"."""
        for route, answer in routes.items():
            method, _, path = route.partition(" ")
            self._routes[method, path] = (desk, answer)

    def adopt(self, transport: asyncio.Transport, first: bytes) -> None:
        """The connection speaks HTTP, and `first` has come of it: it is ours from here on."""
        if self._http is None:
            self._http = web.Server(self._answer, access_log=None, logger=_logger())
            self._over.clear()
        protocol = self._http()
        transport.set_protocol(protocol)
        protocol.connection_made(transport)
        protocol.data_received(first)

    async def stop(self) -> None:
        """End what still runs."""
        self._over.set()
        if self._http is not None:
            await self._http.shutdown(_END_S)
            self._http = None

    async def _answer(self, request: web.BaseRequest) -> web.StreamResponse:
        self._traces += 1
        trace = f"simulated-http-{self._traces}"
        response = await self._answered(request, trace)
        if not response.prepared:
            response.headers["X-Trace-Id"] = trace
        return response

    async def _answered(self, request: web.BaseRequest, trace: str) -> web.StreamResponse:
        method, path, ours = self._route(request)
        found = self._routes.get((method, path))
        if found is None:
            there = any(known == path for _, known in self._routes)
            refusal = Denial(405, "The method is not allowed here") if there else Refusal(404)
            return web.Response(status=refusal.status, body=refusal.body.encode(), content_type="application/json")
        desk, answer = found
        number = self._counts.get(desk.service, 0)
        self._counts[desk.service] = number + 1
        asked = Asked(request, number, trace)
        self._open[desk.service] += 1
        try:
            return await self._served(desk, answer, asked, ours=ours)
        finally:
            self._open[desk.service] -= 1

    async def _served(self, desk: Desk, answer: Answer, asked: Asked, *, ours: bool) -> web.StreamResponse:
        service, number = desk.service, asked.number
        self.at_once[service] = max(self.at_once[service], self._open[service])
        if not ours:
            return desk.refuse(asked, Refusal(404))
        if asked.http.method == "POST" and asked.http.query_string:
            return desk.refuse(asked, Denial(400, "the query is not valid"))
        if self._most and self._open.total() > self._most:
            return desk.refuse(asked, Refusal(429))
        if status := desk.fault(number, "status"):
            return desk.refuse(asked, Refusal(status.at))
        try:
            return await answer(asked)
        except ConnectionError:
            desk.note("hung_up", service=service, request=number)
            raise

    def _route(self, request: web.BaseRequest) -> tuple[str, str, bool]:
        """Method, path without the family's prefix, and whether that prefix is one of ours."""
        for prefix in (NORMAL, PLAN):
            if request.path.startswith(f"{prefix}/"):
                return request.method, request.path.removeprefix(prefix), True
        meant = (path for _, path in self._routes if request.path.endswith(path))
        return request.method, max(meant, key=len, default=request.path), False


def _logger() -> logging.Logger:
    """The library's, but for clients that hang up: they do so on purpose here, and it is noted."""
    logger = logging.Logger("antiphon.simulator")  # noqa: LOG001 (its own, so that nobody else's level counts)
    logger.addHandler(logging.StreamHandler())
    logger.addFilter(lambda record: not (record.exc_info and isinstance(record.exc_info[1], ConnectionError)))
    return logger
