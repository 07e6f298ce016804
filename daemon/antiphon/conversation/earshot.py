"""What the mind knows of the ear: whether it is open, whether it should be, and whether it lets speech out."""

from antiphon.conversation.effects import CloseEar, Effect, OpenEar, RestEar, StreamEar
from antiphon.errors import Problem

RETRY_S = 1.0
"""A microphone that cannot be opened is tried again this often."""


class Earshot:
    """Facts come in by `opened` and `closed`; wishes go out as effects."""

    def __init__(self) -> None:
        self.open = False
        """The capture stream runs: a fact, not a wish."""
        self.wanted = True
        """The owner wants to be heard: false while muted."""
        self.streaming = False
        """Every sample comes to the mind."""
        self.closing = 0
        """So many times it was told to close, and has not said yet that it has."""
        self.problem: Problem | None = None
        """Why it was closed last where nobody wished that."""
        self._failed = False
        self.deadline: float | None = None
        """When `tick` has something to do."""

    def opened(self) -> None:
        """The capture stream runs."""
        self.open, self._failed, self.deadline = True, False, None

    def closed(self, problem: Problem | None, now: float) -> bool:
        """The capture stream has ended; True when that is news to the owner: a first failure, and nobody's wish."""
        self.open = self.streaming = False
        if problem is None:
            self.closing = max(0, self.closing - 1)
            return False
        self.problem = problem
        if self.wanted:
            self.deadline = now + RETRY_S
        news, self._failed = not self._failed, True
        return news

    def stream(self, wanted: bool, preroll_ms: float = 0.0, after_s: float | None = None) -> list[Effect]:
        """Let speech out, or no longer; where it begins, nothing from before `after_s`."""
        was, self.streaming = self.streaming, wanted
        if wanted == was:
            return []
        return [StreamEar(preroll_ms, after_s) if wanted else RestEar()]

    def anew(self, preroll_ms: float = 0.0) -> list[Effect]:
        """Judge turns from here on as if nobody had spoken yet; where speech is let out, none of it is lost."""
        return [RestEar(), StreamEar(preroll_ms)] if self.streaming else []

    def mute(self) -> list[Effect]:
        """Close it; a closed ear does not stream."""
        self.wanted = self.streaming = False
        self.deadline = None
        self.closing += 1
        return [CloseEar()]

    def unmute(self) -> list[Effect]:
        """Open it again."""
        self.wanted = True
        return [OpenEar()]

    def tick(self, now: float) -> list[Effect]:
        """Try again to open it, when that is due."""
        if self.deadline is None or now < self.deadline:
            return []
        self.deadline = now + RETRY_S
        return [OpenEar()]
