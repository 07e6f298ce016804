"""Floor 4. Paints the mind's state on the lamps, and sleeps until the picture changes. It decides no picture."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import TypeAlias

from antiphon.faces import Rgb, face, next_change, word
from antiphon.night import Brightness
from antiphon.ports import Lamps
from antiphon.runtime.wall import second_of_day
from antiphon.snapshot import Snapshot

Pause: TypeAlias = Callable[[asyncio.Event, float | None], Awaitable[None]]
"""Waits until the event is set, at most so many seconds (None: for ever)."""

CLOCK_BELIEVED_S = 60.0
"""The clock on the wall may jump: it is set after the start, daylight saving begins, the owner moves. So whoever waits
for the night looks at it once a minute."""


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
        self,
        lamps: Lamps,
        brightness: Brightness,
        now: Callable[[], float] = time.monotonic,
        pause: Pause = pause,
        second_of_day: Callable[[], int | None] = second_of_day,
        *,
        dimmable: bool = True,
    ) -> None:
        """`now` is the machine's clock, `second_of_day` the one on the wall. `dimmable`: as `faces.face`."""
        self._lamps = lamps
        self._brightness = brightness
        self._dimmable = dimmable
        self._now = now
        self._pause = pause
        self._second_of_day = second_of_day
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
        brightness, day_or_night_s = self._by_the_clock()
        colours = face(self._snapshot, now_s, count, brightness, dimmable=self._dimmable)
        picture = colours, word(self._snapshot)
        if picture != self._shown:
            self._lamps.show(*picture)
            self._shown = picture
        # In the dark nothing moves.
        due_s = next_change(self._snapshot, now_s, count, dimmable=self._dimmable) if brightness else None
        waits_s = [day_or_night_s, None if due_s is None else due_s - now_s]
        return min((wait_s for wait_s in waits_s if wait_s is not None), default=None)

    def _by_the_clock(self) -> tuple[float, float | None]:
        """How bright it is to be, and for how many seconds that may be believed."""
        night = self._brightness.night
        if night is None:
            return self._brightness.by_day, None
        second = self._second_of_day()
        lasts_s = CLOCK_BELIEVED_S if second is None else min(CLOCK_BELIEVED_S, night.changes_in_s(second))
        return self._brightness.at(second), lasts_s
