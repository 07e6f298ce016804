"""Floor 4. Orders to the mind, and its answers: each order is an event with a number, and whoever gives it may wait.

The control socket gives orders, and so do tools; all numbers come from here, so that one answer finds its asker.
"""

import asyncio
from collections.abc import Callable
from itertools import count

from antiphon.conversation.events import Event
from antiphon.ports import Post


class Orders:
    """All on the loop's thread."""

    def __init__(self, post: Post) -> None:
        """Orders go to `post`; the mind's answers are to come to `answer`."""
        self.post = post
        """May be set anew, as where those who give orders are made before there is anybody to take them."""
        self._asks = count(1)
        self._waiting: dict[int, asyncio.Future[str]] = {}

    async def order(self, make: Callable[[int], Event], limit_s: float) -> str:
        """Give the order that `make` makes with its number; the mind's answer: "", or one sentence that says what is
        wrong. Nobody waits longer than `limit_s`.
        """
        ask = next(self._asks)
        future: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self._waiting[ask] = future
        try:
            self.post(make(ask))
            async with asyncio.timeout(limit_s):
                return await future
        except TimeoutError:
            return f"nobody has answered for {limit_s:g} s: see what the daemon's log says (journalctl -u antiphon)"
        finally:
            del self._waiting[ask]

    def answer(self, ask: int, problem: str) -> None:
        """What has become of an order: one sentence, "" when it is done or under way. Nobody may wait for it by now."""
        future = self._waiting.get(ask)
        if future is not None and not future.done():
            future.set_result(problem)
