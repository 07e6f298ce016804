"""What one connection was: every sample that was appended and when, its turns, its responses, its events.

A record only remembers. Times are `time.monotonic()` seconds, given by whoever reads the clock.
"""

import wave
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from antiphon.pcm import LINK_RATE_HZ, SAMPLE_BYTES, Samples, samples_of
from antiphon.simulator.journal import LogLine

RESUMED_AFTER_S = 0.3
"""A pause between two appends that is worth a line in the log."""


@dataclass(frozen=True, slots=True)
class Arrival:
    """One append: `frames` frames from `first_frame` of the session on, arrived at `at_s`."""

    at_s: float
    first_frame: int
    frames: int


@dataclass(frozen=True, slots=True)
class UserTurn:
    """One turn of the user: frames `first_frame` up to `end_frame` of the session, with the padding of the VAD."""

    item: str
    first_frame: int
    end_frame: int
    committed_s: float


@dataclass(slots=True)
class ResponseRecord:
    """One response: what it was to say, and when it began, first sounded and ended."""

    response: str
    text: str
    created_s: float
    samples: Samples = field(default_factory=lambda: np.zeros(0, np.int16))
    first_audio_s: float | None = None
    done_s: float | None = None
    status: str = "in_progress"


@dataclass(frozen=True, slots=True)
class ToolOutput:
    """What a tool has answered, as the client told it: `output` is the text it sent."""

    at_s: float
    call_id: str
    name: str
    output: str


@dataclass(slots=True)
class SessionRecord:
    """One connection that was upgraded. `index` counts all connections from 0, the refused ones too."""

    index: int
    model: str
    path: str
    opened_s: float
    log: Callable[[LogLine], None] = field(default=lambda _line: None, repr=False)
    log_events: bool = False
    closed_s: float | None = None
    session: str = ""
    arrivals: list[Arrival] = field(default_factory=list, repr=False)
    turns: list[UserTurn] = field(default_factory=list)
    responses: list[ResponseRecord] = field(default_factory=list)
    tools: tuple[dict[str, Any], ...] = ()
    """The tools of the last session.update that named some, as they came."""
    tool_outputs: list[ToolOutput] = field(default_factory=list)
    received: list[tuple[float, str]] = field(default_factory=list, repr=False)
    sent: list[tuple[float, str]] = field(default_factory=list, repr=False)
    truncations: list[tuple[str, float]] = field(default_factory=list)
    _pcm: bytearray = field(default_factory=bytearray, repr=False)

    @property
    def frames(self) -> int:
        """How many frames have been appended in all."""
        return len(self._pcm) // SAMPLE_BYTES

    @property
    def first_append_s(self) -> float | None:
        """When the first append arrived."""
        return self.arrivals[0].at_s if self.arrivals else None

    def samples(self, first_frame: int = 0, end_frame: int | None = None) -> Samples:
        """A copy of what was appended, mono at 24 kHz."""
        end = self.frames if end_frame is None else end_frame
        return samples_of(bytes(self._pcm[first_frame * SAMPLE_BYTES : end * SAMPLE_BYTES]))

    def heard(self, turn: UserTurn) -> Samples:
        """A copy of the samples of one turn."""
        return self.samples(turn.first_frame, turn.end_frame)

    def append(self, pcm: bytes, now: float) -> None:
        """Keep `pcm` (whole samples)."""
        last = self.arrivals[-1].at_s if self.arrivals else None
        if last is None:
            self.note("first_append", now, frame=0, bytes=len(pcm))
        elif now - last >= RESUMED_AFTER_S:
            self.note("append_resumed", now, frame=self.frames, bytes=len(pcm), pause_ms=round((now - last) * 1000, 1))
        self.arrivals.append(Arrival(now, self.frames, len(pcm) // SAMPLE_BYTES))
        self._pcm += pcm

    def add_turn(self, turn: UserTurn) -> None:
        """Keep where a turn lies in what was appended."""
        self.turns.append(turn)
        frames = turn.end_frame - turn.first_frame
        self.note("turn", turn.committed_s, item=turn.item, first_frame=turn.first_frame, frames=frames)

    def add_received(self, kind: str, size: int, now: float) -> None:
        """A client event of type `kind` came; appends are kept by `append`."""
        if kind != "input_audio_buffer.append":
            self.received.append((now, kind))
            if self.log_events:
                self.note("received", now, event=kind, bytes=size)

    def add_sent(self, kind: str, size: int, now: float) -> None:
        """A server event of type `kind` was given to the connection."""
        self.sent.append((now, kind))
        if self.log_events:
            self.note("sent", now, event=kind, bytes=size)

    def note(self, what: str, now: float, **fields: str | float | None) -> None:
        """A line for the log."""
        self.log({"t": now, "what": what, "session": self.index, **fields})

    def write_wav(self, directory: Path) -> Path:
        """Write all that was appended to session-<index>.wav, and say where."""
        path = directory / f"session-{self.index}.wav"
        with wave.open(str(path), "wb") as file:
            file.setnchannels(1)
            file.setsampwidth(SAMPLE_BYTES)
            file.setframerate(LINK_RATE_HZ)
            file.writeframes(self._pcm)
        return path
