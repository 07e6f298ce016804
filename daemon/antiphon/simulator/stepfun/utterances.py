"""What one WebSocket of text to speech was: the texts it was given and when, and what was spoken of them.

It only remembers. Times are `time.monotonic()` seconds, given by whoever reads the clock.
"""

from collections.abc import Callable
from dataclasses import dataclass, field

from antiphon.simulator.journal import LogLine
from antiphon.simulator.stepfun.tts_stream_grammar import Creation


@dataclass(slots=True)
class SpokenSentence:
    """One sentence, as the service cut it."""

    text: str
    ready_s: float
    """When the service had it whole."""
    frames: int = 0
    first_audio_s: float | None = None
    done_s: float | None = None


@dataclass(slots=True)
class UtteranceRecord:
    """One socket, which is one utterance. `index` counts all connections from 0, `number` the sockets of this kind."""

    index: int
    number: int
    model: str
    path: str
    opened_s: float
    log: Callable[[LogLine], None] = field(default=lambda _line: None, repr=False)
    session: str = ""
    creation: Creation | None = None
    """What its tts.create asked for, once that was granted."""
    texts: list[tuple[float, str]] = field(default_factory=list)
    """Each text that was granted, and when it came."""
    flushes: list[float] = field(default_factory=list)
    sentences: list[SpokenSentence] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)
    """What the service objected to."""
    done_s: float | None = None
    """When tts.text.done came, or the service ended the utterance because nothing came."""
    idle: bool = False
    """It was the service that ended it."""
    sent: list[tuple[float, str]] = field(default_factory=list, repr=False)
    closed_s: float | None = None

    @property
    def text(self) -> str:
        """All the text that was granted."""
        return "".join(text for _, text in self.texts)

    def add_sent(self, kind: str, _size: int, now: float) -> None:
        """A server event of type `kind` was given to the connection."""
        self.sent.append((now, kind))

    def note(self, what: str, now: float, **fields: str | float | None) -> None:
        """A line for the log."""
        self.log({"t": now, "what": what, "session": self.index, **fields})
