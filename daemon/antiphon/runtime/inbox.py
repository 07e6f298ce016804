"""Floor 4. The one door: every event, from whatever thread, waits here until the mind takes it."""

import asyncio
from collections import deque

from antiphon.conversation.events import Event


class Inbox:
    """First in, first out. Made on the loop's thread; `post` is safe on any."""

    def __init__(self) -> None:
        self._events: deque[Event] = deque()
        self._loop = asyncio.get_running_loop()
        self._filled = asyncio.Event()
        self._open = True  # set by the loop's thread only
        self.posted = 0
        """How many events have come in all."""

    def post(self, event: Event) -> None:
        """Put an event in; never blocks. After `close` it is dropped: nobody is left to decide about it."""
        if not self._open:
            return
        self._events.append(event)
        self.posted += 1
        self._loop.call_soon_threadsafe(self._filled.set)

    def take(self) -> Event | None:
        """The oldest event, or None."""
        return self._events.popleft() if self._events else None

    async def wait(self) -> None:
        """Return when there is an event to take, or when the inbox is closed."""
        while not self._events and self._open:
            self._filled.clear()
            if not self._events:  # one may have come in between
                await self._filled.wait()

    def close(self) -> None:
        """Take no more, and forget what nobody has taken."""
        self._open = False
        self._events.clear()
        self._filled.set()
