"""What one request was: what it asked, when its reply first sounded, how it ended. It only remembers.

Times are `time.monotonic()` seconds, given by whoever reads the clock.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from antiphon.pcm import Samples
from antiphon.simulator.journal import LogLine


@dataclass(slots=True)
class RequestRecord:
    """One POST to /generate. `number` counts from 0."""

    number: int
    received_s: float
    """When its last byte had come."""
    log: Callable[[LogLine], None] = field(default=lambda _line: None, repr=False)
    text: str = ""
    streaming: bool = True
    upload: bytes | None = field(default=None, repr=False)
    """The file, as it came."""
    samples: Samples = field(default_factory=lambda: np.zeros(0, np.int16), repr=False)
    """What the model would hear of it, at `rate_hz`."""
    rate_hz: int = 0
    reply: str = ""
    """What was to be said."""
    status: int | None = None
    """The HTTP status that answered it."""
    first_audio_s: float | None = None
    sent_bytes: int = 0
    """How much sound of the reply has left."""
    done_s: float | None = None
    ended: str = ""
    """"reply_sent", "hung_up", "timed_out", "fault" or, while it runs, ""."""

    @property
    def audio_s(self) -> float:
        """How long the upload lasts; 0 without one."""
        return len(self.samples) / self.rate_hz if self.rate_hz else 0.0

    def note(self, what: str, now: float, **fields: str | float | None) -> None:
        """A line for the log."""
        self.log({"t": now, "what": what, "request": self.number, **fields})

    def sounded(self, size: int, now: float) -> None:
        """`size` bytes of sound have left."""
        if self.first_audio_s is None:
            self.first_audio_s = now
            self.note("first_audio", now)
        self.sent_bytes += size

    def end(self, how: str, now: float, **fields: str | float | None) -> None:
        """The answer is over; only the first end counts."""
        if not self.ended:
            self.ended, self.done_s = how, now
            self.note(how, now, status=self.status, bytes=self.sent_bytes, **fields)

    def write_wav(self, directory: Path) -> Path | None:
        """Write the upload to request-<number>.wav, and say where; None when there was none."""
        if self.upload is None:
            return None
        path = directory / f"request-{self.number}.wav"
        path.write_bytes(self.upload)
        return path
