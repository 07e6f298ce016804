"""Recognition of a file at an address, over HTTP. What may be asked, and the jobs, are asr_file.py's."""

from collections.abc import Callable
from typing import Any

from aiohttp import web

from antiphon.simulator.stepfun.asr_file import Jobs
from antiphon.simulator.stepfun.desk import Asked, Desk
from antiphon.simulator.stepfun.handshake import Refusal
from antiphon.simulator.stepfun.judging import Denial, WrongError, entry, on_plan

MAX_BODY_BYTES = 64 * 1024


class JobServer:
    """Answers POST /audio/asr/file/submit and /query."""

    def __init__(self, desk: Desk) -> None:
        """Its faults are those of "asr-file"."""
        self._desk = desk
        self.jobs = Jobs(desk.options, desk.rng)

    async def submit(self, asked: Asked) -> web.StreamResponse:
        """Begin a job."""
        return await self._answer(asked, self.jobs.submit)

    async def query(self, asked: Asked) -> web.StreamResponse:
        """Ask how far it is."""
        return await self._answer(asked, self.jobs.query)

    async def _answer(self, asked: Asked, make: Callable[[bytes], dict[str, Any] | Refusal]) -> web.StreamResponse:
        if on_plan(asked.path):
            return self._desk.refuse(asked, Refusal(404))
        if refusal := entry(asked.path, asked.authorization, self._desk.options):
            return self._desk.refuse(asked, refusal)
        try:
            made = make(await self._desk.json(asked, MAX_BODY_BYTES))
        except WrongError as wrong:
            return self._desk.refuse(asked, Denial(400, str(wrong)))
        return self._desk.refuse(asked, made) if isinstance(made, Refusal) else await self._desk.answer(asked, made)
