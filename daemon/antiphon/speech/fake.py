"""A Speech with no service behind it: it plays a script, and keeps what it was asked. For tests, and for the shell."""

import asyncio
from collections.abc import Sequence

from antiphon.conversation.events import SpeechMade, SpeechOver, SpeechStyle
from antiphon.errors import Problem
from antiphon.ports import Post


class FakeSpeech:
    """ports.Speech that gives every text the same `pieces`, and then ends with `problem`."""

    def __init__(self, pieces: Sequence[bytes] = (), problem: Problem | None = None, *, endless: bool = False) -> None:
        """`pieces` are mono s16le 24 kHz. `endless`: after them it goes on, silently, until it is cancelled."""
        self._pieces, self._problem, self._endless = tuple(pieces), problem, endless
        self.texts: list[str] = []
        """What it was asked to say, in order."""
        self.styles: list[SpeechStyle | None] = []
        """How, for each."""
        self.cancelled = 0
        """How often somebody wanted no more of it."""

    async def make(self, say: int, text: str, post: Post, style: SpeechStyle | None = None) -> None:
        """See ports.Speech."""
        self.texts.append(text)
        self.styles.append(style)
        problem: Problem | None = None
        try:
            for pcm in self._pieces:
                post(SpeechMade(say, pcm))
                await asyncio.sleep(0)
            if self._endless:
                await asyncio.Event().wait()
            problem = self._problem
        except asyncio.CancelledError:
            self.cancelled += 1
            raise
        finally:
            post(SpeechOver(say, problem))
