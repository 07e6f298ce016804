"""Floor 4. A speech service that is loaded when somebody first wants a text said: most days nobody does."""

import asyncio
from collections.abc import Callable

from antiphon.conversation.events import SpeechOver, SpeechStyle
from antiphon.ports import Post, Speech


class LateSpeech:
    """A ports.Speech. Its HTTP client costs 8 MB, and on a small board a second of the start."""

    def __init__(self, load: Callable[[], Speech]) -> None:
        """`load` is called once, on a thread of its own, as it may take its time."""
        self._load = load
        self._speech: Speech | None = None
        self._loading = asyncio.Lock()

    async def make(self, say: int, text: str, post: Post, style: SpeechStyle | None = None) -> None:
        """See ports.Speech."""
        try:
            async with self._loading:
                if self._speech is None:
                    self._speech = await asyncio.to_thread(self._load)
        except asyncio.CancelledError:
            post(SpeechOver(say))
            raise
        await self._speech.make(say, text, post, style)
