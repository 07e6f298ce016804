"""The reply that is on its way: how much has come, whether its end has come, and how that end was."""

from dataclasses import dataclass
from typing import Literal

from antiphon.errors import Problem
from antiphon.pcm import bytes_ms


@dataclass(slots=True)
class Reply:
    """One reply, from the service's first word of it to the last sample heard."""

    id: str
    call: int
    pushed_ms: float = 0.0
    last_piece_s: float = 0.0
    sounded_s: float | None = None
    status: Literal["running", "completed", "broken"] = "running"
    problem: Problem | None = None

    def add(self, pcm: bytes, now: float) -> None:
        """A further piece went to the mouth."""
        self.pushed_ms += bytes_ms(pcm)
        self.last_piece_s = now

    def out_by(self, now: float, gap_s: float, grace_s: float) -> float:
        """When the machine should stop waiting: for more, while it runs; for the mouth, from its end (`now`) on."""
        started = now if self.sounded_s is None else self.sounded_s
        played = started + self.pushed_ms / 1000
        if self.status == "running":
            return max(played, self.last_piece_s) + gap_s
        return max(played, now) + grace_s
