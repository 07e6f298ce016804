"""Frames that come twice on StepFun's WebSockets: every event has an id of its own, so two that are the same are one.

It remembers no frame, only what tells them apart. It knows no socket, and not what is in a frame.
"""

from collections import deque
from typing import Final

MEMORY: Final = 256
"""So many frames back a repeated one is known: some half a minute of speech."""


class Repeats:
    """Of one connection."""

    def __init__(self) -> None:
        """Nothing has come."""
        self._order: deque[int] = deque()
        self._seen: set[int] = set()

    def has(self, frame: str | bytes) -> bool:
        """Whether it came before. One without an event_id may well be another of the same words."""
        if not ("event_id" in frame if isinstance(frame, str) else b"event_id" in frame):
            return False
        known = hash(frame)
        if known in self._seen:
            return True
        self._seen.add(known)
        self._order.append(known)
        if len(self._order) > MEMORY:
            self._seen.discard(self._order.popleft())
        return False
