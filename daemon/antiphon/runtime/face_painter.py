"""Floor 4. Paints the mind's state on the lamps, and sleeps until the picture changes. It decides no picture."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import TypeAlias

from antiphon.faces import Rgb, face, next_change, word
from antiphon.ports import Lamps
from antiphon.snapshot import Snapshot

Pause: TypeAlias = Callable[[asyncio.Event, float | None], Awaitable[None]]
"""Waits until the event is set, at most so many seconds (None: for ever)."""


async def pause(woken: asyncio.Event, timeout_s: float | None) -> None:
    """Wait until `woken` is set, at most `timeout_s`."""
    try:
        async with asyncio.timeout(timeout_s):
            await woken.wait()
    except TimeoutError:
        pass  # it is time for the next picture


class FacePainter:
    """A Watcher. `see` is called on the loop that runs `run`."""

    def __init__(
        self, lamps: Lamps, brightness: float, now: Callable[[], float] = time.monotonic, pause: Pause = pause
    ) -> None:
        """`brightness` is 0 to 1; `now` is the machine's clock."""
        self._lamps = lamps
        self._brightness = brightness
        self._now = now
        self._pause = pause
        self._snapshot: Snapshot | None = None
        self._woken = asyncio.Event()
        self._shown: tuple[Sequence[Rgb], str] | None = None

    def see(self, snapshot: Snapshot) -> None:
        """The state has changed: paint it next."""
        self._snapshot = snapshot
        self._woken.set()

    async def run(self) -> None:
        """Paint for ever; cancel it to stop. Closing the lamps is left to whoever opened them."""
        while True:
            self._woken.clear()
            await self._pause(self._woken, self._paint())

    def _paint(self) -> float | None:
        """Show what is to be seen now, if it is new; how many seconds it stays so."""
        if self._snapshot is None:
            return None
        now_s, count = self._now(), self._lamps.count
        picture = face(self._snapshot, now_s, count, self._brightness), word(self._snapshot)
        if picture != self._shown:
            self._lamps.show(*picture)
            self._shown = picture
        due_s = next_change(self._snapshot, now_s, count)
        return None if due_s is None else due_s - now_s
