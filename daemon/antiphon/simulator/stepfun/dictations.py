"""What one WebSocket of live recognition was: what it was set to, every sample that came, and each turn's text.

It only remembers. Times are `time.monotonic()` seconds, given by whoever reads the clock.
"""

from collections.abc import Callable
from dataclasses import dataclass, field

from antiphon.pcm import SAMPLE_BYTES, Samples, samples_of
from antiphon.simulator.journal import LogLine
from antiphon.simulator.stepfun.dictation_grammar import Settings
from antiphon.simulator.stepfun.record import Arrival


@dataclass(slots=True)
class DictatedTurn:
    """One turn: frames `first_frame` up to `end_frame` of the session, and what was made of them."""

    item: str
    first_frame: int
    end_frame: int
    committed_s: float
    text: str = ""
    completed_s: float | None = None


@dataclass(slots=True)
class DictationRecord:
    """One socket. `index` counts all connections from 0, of whatever kind."""

    index: int
    path: str
    opened_s: float
    log: Callable[[LogLine], None] = field(default=lambda _line: None, repr=False)
    session: str = ""
    settings: Settings = field(default_factory=Settings)
    """As the last session.update has left them."""
    arrivals: list[Arrival] = field(default_factory=list, repr=False)
    turns: list[DictatedTurn] = field(default_factory=list)
    ignored_commits: int = 0
    """How many commits came while the service finds the turns by itself."""
    complaints: list[str] = field(default_factory=list)
    """What the service objected to."""
    received: list[tuple[float, str]] = field(default_factory=list, repr=False)
    sent: list[tuple[float, str]] = field(default_factory=list, repr=False)
    closed_s: float | None = None
    _pcm: bytearray = field(default_factory=bytearray, repr=False)

    @property
    def frames(self) -> int:
        """How many frames have been appended in all."""
        return len(self._pcm) // SAMPLE_BYTES

    def samples(self, first_frame: int = 0, end_frame: int | None = None) -> Samples:
        """A copy of what was appended, mono at the rate of the settings."""
        end = self.frames if end_frame is None else end_frame
        return samples_of(bytes(self._pcm[first_frame * SAMPLE_BYTES : end * SAMPLE_BYTES]))

    def heard(self, turn: DictatedTurn) -> Samples:
        """A copy of the samples of one turn."""
        return self.samples(turn.first_frame, turn.end_frame)

    def append(self, pcm: bytes, now: float) -> None:
        """Keep `pcm` (whole samples)."""
        self.arrivals.append(Arrival(now, self.frames, len(pcm) // SAMPLE_BYTES))
        self._pcm += pcm

    def add_sent(self, kind: str, _size: int, now: float) -> None:
        """A server event of type `kind` was given to the connection."""
        self.sent.append((now, kind))

    def note(self, what: str, now: float, **fields: str | float | None) -> None:
        """A line for the log."""
        self.log({"t": now, "what": what, "session": self.index, **fields})
