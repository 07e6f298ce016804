"""The life of one call, whatever service is at its other end: it ends once, and LinkClosed is its last word.

A plain object that a link holds. It knows no socket, and not why calls end; its methods belong to the loop's thread.
"""

import asyncio
from collections.abc import Callable, Coroutine

from antiphon.conversation.events import LinkClosed, LinkEvent
from antiphon.errors import Problem
from antiphon.ports import Post


class Life:
    """Of the call with this number; what it tells is posted by `post`."""

    def __init__(self, call: int, post: Post) -> None:
        self._call = call
        self._post = post
        self._end = asyncio.Event()
        self.problem: Problem | None = None
        """Why the call has ended; None before that, and when we asked for it."""

    @property
    def over(self) -> bool:
        """The call has ended, or is about to: nothing more is told of it but LinkClosed."""
        return self._end.is_set()

    async def run(self, live: Callable[[], Coroutine[None, None, None]]) -> None:
        """Live until `end`, whatever becomes of `live`; then, or when cancelled, end it and post LinkClosed."""
        try:
            async with asyncio.TaskGroup() as group:
                task = group.create_task(live(), name=f"call {self._call}")
                await self._end.wait()
                task.cancel()
        finally:
            self._end.set()
            self._post(LinkClosed(self._call, self.problem))

    def end(self, problem: Problem | None) -> None:
        """End the call soon; of several reasons the first stands."""
        if not self.over:
            self.problem = problem
            self._end.set()

    def tell(self, event: LinkEvent) -> None:
        """Post an event of the call, unless it is over."""
        if not self.over:
            self._post(event)
