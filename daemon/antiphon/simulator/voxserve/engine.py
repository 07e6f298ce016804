"""Runs the model process of `batch` by the clock, and hands what is made to those who wait for it.

It knows jobs and windows, and neither HTTP nor sockets. Nobody who stops waiting changes what is made.
"""

import asyncio
import time
from collections.abc import Callable
from typing import TypeAlias

from antiphon.simulator.voxserve.batch import Batch, Died, Job, Made

Coming: TypeAlias = "asyncio.Queue[Made | None]"
"""What is made of one request, window by window; None is put in by who waits no more."""


class Engine:
    """The model process. `run` is its task."""

    def __init__(self, batch: Batch) -> None:
        """`batch` says what is made when."""
        self._batch = batch
        self._made: dict[int, Coming] = {}
        self._wake = asyncio.Event()

    @property
    def dead(self) -> bool:
        """True when the model process has died."""
        return self._batch.dead

    def ask(self, job: Job, made: Coming) -> None:
        """Have `job` made; what is made of it is put into `made`. Raises FullError."""
        self._batch.add(job, time.monotonic())
        self._made[job.number] = made
        self._wake.set()

    def tell(self) -> None:
        """Send the process a message it drops. Raises FullError."""
        self._batch.take_in(time.monotonic())

    def kill(self) -> None:
        """End the process; all that it was making never comes."""
        self._batch.die()

    async def run(self, died: Callable[[int, str, float], None]) -> None:
        """For ever. `died(number, why, now)` is told once, when the process dies of a request."""
        while True:
            self._wake.clear()
            for happening in self._batch.advance(time.monotonic()):
                if isinstance(happening, Died):
                    died(happening.number, happening.why, happening.at_s)
                else:
                    self._made[happening.number].put_nowait(happening)
                    if happening.last:
                        del self._made[happening.number]
            due = self._batch.deadline
            try:
                async with asyncio.timeout(None if due is None else max(0.0, due - time.monotonic())):
                    await self._wake.wait()
            except TimeoutError:
                pass
