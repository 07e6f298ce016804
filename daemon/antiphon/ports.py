"""Floor 2. The world on one page: everything the shell needs of it. Adapters in devices/ and links/, fakes beside.

A port never decides. What happens in it is posted as an event, from whatever thread it happens on.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Protocol, TypeAlias

from antiphon.conversation.effects import ToolOutput
from antiphon.conversation.events import ButtonMoved, Event, SpeechStyle, SwitchMoved
from antiphon.conversation.history import Turn
from antiphon.errors import DeviceError
from antiphon.faces import Rgb
from antiphon.pcm import Samples
from antiphon.snapshot import Snapshot

Post: TypeAlias = Callable[[Event], None]
"""Puts an event into the inbox; safe from any thread, never blocks."""


# ── microphone ───────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Block:
    """One callback's worth of capture, as the sound card gave it."""

    pcm: bytes
    """s16le, `channels` of the stream interleaved."""
    device_s: float
    """Device time of the first frame; only differences mean anything."""
    arrived_s: float
    """time.monotonic() at the callback."""
    overflowed: bool
    """The sound card says that frames before this block were lost."""
    captured_s: float | None = None
    """time.monotonic() at which the first frame was at the microphone, as the card counts; None where it cannot say."""


@dataclass(frozen=True, slots=True)
class StreamFormat:
    """What an open stream really is."""

    device: str
    rate_hz: int
    channels: int
    block_frames: int
    output_latency_ms: float = 0.0


class Microphone(Protocol):
    """A capture stream. One thread opens, closes and reads it; the driver's own thread calls `deliver`."""

    hung: bool
    """A stream of this process hangs in the sound system for good."""

    def open(self, deliver: Callable[[Block | None], None]) -> StreamFormat:
        """Start capture; `deliver` only queues (None: the stream has ended by itself). Raises DeviceError."""

    def close(self) -> None:
        """Stop capture and release the device; idempotent."""


class Speaker(Protocol):
    """A playback stream in callback mode."""

    hung: bool
    """A stream of this process hangs in the sound system for good."""

    def open(self, pull: Callable[[int, float], bytes]) -> StreamFormat:
        """Start playback. `pull(frames, heard_at_s)` returns exactly `frames` frames of one channel, which go to all;
        the first will be audible at `heard_at_s` on time.monotonic(). It is called on the driver's thread, perhaps
        before `open` returns, and must only copy. Raises DeviceError.
        """

    def underflows(self) -> int:
        """How often the card has run dry since it was opened."""

    def close(self) -> None:
        """Stop playback at once and release the device; idempotent."""


# ── echo ─────────────────────────────────────────────────────────────────────────────────────────


class EchoCanceller(Protocol):
    """Takes what the speaker plays (far end) out of what the microphone hears (near end). Owned by one thread."""

    rate_hz: int
    """Of both; it works in frames of 10 ms."""

    late_frames: int
    """How much later a sample comes out than it went in, always."""

    def cancel(self, near: Samples, far: Samples) -> Samples:
        """Both of the same length, whole frames, and of the same moments; as many samples, without the far end.

        Raises DeviceError when it cannot go on.
        """

    def forget(self) -> None:
        """Overwrite what was heard, and learn the room anew."""


# ── hearing ──────────────────────────────────────────────────────────────────────────────────────


class WakeEngine(Protocol):
    """Scores wake words, for one or several models that share their features."""

    words: Sequence[str]
    """The names of the words, in the order of the scores."""

    def default_threshold(self, word: str) -> float:
        """The threshold that suits the model of `word`, where the owner gives none."""

    def hear(self, samples: Samples) -> list[list[float]]:
        """Take 16 kHz samples of any length; one row of scores (one a word, 0 to 1) for each step completed."""

    def forget(self) -> None:
        """Start as if nothing had been heard; costs no more than a step."""


class VoiceDetector(Protocol):
    """Marks voice."""

    def voiced(self, samples: Samples) -> list[bool]:
        """Take 16 kHz samples of any length; one mark for each 20 ms completed."""

    def forget(self) -> None:
        """Start as if nothing had been heard."""


# ── faces and hands ──────────────────────────────────────────────────────────────────────────────


class Lamps(Protocol):
    """N lamps."""

    count: int

    def show(self, colours: Sequence[Rgb], word: str) -> None:
        """Set all lamps; `len(colours) == count`; `word` names the face, for lamps that are text. Returns quickly.
        Never raises for a lamp that is gone: it reports once.
        """

    def close(self) -> None:
        """Dark, and released; idempotent."""


class Buttons(Protocol):
    """The owner's buttons and his mute switch; `open` gets where to report movements, from any thread."""

    def open(self, moved: Callable[[ButtonMoved | SwitchMoved], None]) -> list[DeviceError]:
        """Begin to report, the switch's position first; what cannot be opened, and why. The others work.

        A switch that cannot be read is reported as muted, with its problem.
        """

    def close(self) -> None:
        """Stop reporting and release; idempotent."""


# ── loudness and speech ──────────────────────────────────────────────────────────────────────────


class Mixer(Protocol):
    """The volume of the sound card's playback side."""

    def set(self, percent: int) -> None:
        """0 (silent) to 100, in steps that sound even. Raises DeviceError."""

    def get(self) -> int:
        """What it is now, whoever has set it. Raises DeviceError."""

    def close(self) -> None:
        """Let go of the card; idempotent."""


class Speech(Protocol):
    """Turns text into sound."""

    async def make(self, say: int, text: str, post: Post, style: SpeechStyle | None = None) -> None:
        """Post SpeechMade as it comes, and SpeechOver, once, last; also when it is cancelled."""


# ── tools ────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class ToolSpec:
    """A tool, as a model is told of it."""

    name: str
    """[a-zA-Z0-9_-], 64 characters at most."""
    description: str
    parameters: Mapping[str, Any]
    """A JSON schema of type "object"."""


@dataclass(frozen=True, slots=True)
class RunningTimer:
    """A timer that has not run out."""

    timer: int
    """Its number; no other has it."""
    label: str
    """What the owner called it, or ""."""
    left_s: float


class Timers(Protocol):
    """Timers that run out, whatever becomes of the network, and of us."""

    def set(self, seconds: float, label: str) -> RunningTimer | str:
        """A new one, or one sentence that says why not."""

    def list(self) -> Sequence[RunningTimer]:
        """Those that run, the next first."""

    def cancel(self, timer: int) -> bool:
        """End it; False where there is none of that number."""


class Outputs(Protocol):
    """Outputs of the board that can be switched, by their names."""

    names: Sequence[str]

    def set(self, name: str, *, on: bool) -> None:
        """Switch one. Raises DeviceError while its line cannot be had."""

    def get(self, name: str) -> bool:
        """Whether one is on. Raises DeviceError while its line cannot be had."""

    def close(self) -> None:
        """All off, and released; idempotent."""


Catalogue: TypeAlias = Callable[[], Sequence[ToolSpec]]
"""The tools that there are now; called when a call is made, on the loop's thread."""


class Tools(Protocol):
    """What a model may do."""

    def specs(self) -> Sequence[ToolSpec]:
        """Those that there are now; when that changes, ToolsChanged is posted."""

    async def run(self, post: Post) -> None:
        """Serve for as long as the appliance lives: servers of tools are kept connected in it. Ends when cancelled."""

    async def call(self, run: int, name: str, arguments: str, post: Post) -> None:
        """Run one in bounded time, whatever it does; post ToolAnswered, once, last; also when it is cancelled."""


# ── links ────────────────────────────────────────────────────────────────────────────────────────


@dataclass(slots=True)
class LinkCounters:
    """Frames of one call, from its start."""

    sent: int = 0
    received: int = 0
    unknown: int = 0
    malformed: int = 0
    repeated: int = 0


class Link(Protocol):
    """One call. Opened once, closed once, never reused. All methods but `run` return at once and never raise."""

    counters: LinkCounters
    """For the log, when the call is over."""

    async def run(self) -> None:
        """The whole life of the call: connect, post LinkOpened, carry events; always post LinkClosed, once, last."""

    def send_audio(self, pcm: bytes) -> None:
        """Queue speech (mono s16le 24 kHz); a full queue ends the call as lost."""

    def commit_turn(self) -> None:
        """Own endpointing: the turn is over; ask for a reply."""

    def cancel_reply(self, reply: str, heard_ms: float) -> None:
        """Stop `reply`; tell the service, where it can be told, that only `heard_ms` of it was heard."""

    def give_tool_outputs(self, outputs: Sequence[ToolOutput], *, respond: bool) -> None:
        """What came of the tool calls of the last reply; with `respond` the service answers that. A link without tools
        does nothing."""

    def check(self) -> None:
        """Ask the other side for a sign of life → LinkAlive; one with no connection to lose posts it at once."""

    def close(self) -> None:
        """End the call soon; `run` returns."""


class LinkMaker(Protocol):
    """Makes a link for a call; it opens nothing yet."""

    def __call__(self, call: int, history: Sequence[Turn], post: Post, *, trial: bool) -> Link:
        """`history` is what the new call is told of the conversation so far, where the service takes it.

        On a `trial` nothing will be asked: the call counts as open when the service has shown that it can answer.
        """


# ── life ─────────────────────────────────────────────────────────────────────────────────────────


class Notifier(Protocol):
    """The service manager."""

    def ready(self) -> None:
        """The appliance is up: it hears, or has said why it cannot, and tries again."""

    def status(self, line: str) -> None:
        """One line for `systemctl status`."""

    def alive(self) -> None:
        """Feed the watchdog; the shell calls it only when ear, mouth and mind have all made progress."""

    def stopping(self) -> None:
        """Shutdown has begun."""

    watchdog_s: float
    """The watchdog's limit; 0 when there is none."""

    fed: int
    """How often the watchdog was fed."""


LogLevel: TypeAlias = Literal["debug", "info", "warning", "error"]


class Log(Protocol):
    """Structured lines, to a terminal, to JSON or to the journal."""

    def write(self, level: LogLevel, what: str, **fields: str | float) -> None:
        """One line: what happened, and its figures."""


class Watcher(Protocol):
    """Anything that shows the mind's state: the lamps' thread, the status line."""

    def see(self, snapshot: Snapshot) -> None:
        """The state has changed; returns at once."""
