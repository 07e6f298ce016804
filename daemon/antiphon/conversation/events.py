"""What may happen: each an immutable fact, named in the past tense. The effects face them in effects.py.

Link events carry `call`, the number of the connection they came from, and reply events also `reply`, the
service's own id of it: by these the machine refuses what is stale, in one place.
Sound in events is mono s16le at 24 kHz (`pcm.LINK_RATE_HZ`).
"""

from dataclasses import dataclass
from typing import Literal, TypeAlias

from antiphon.errors import Problem

# ── the ear ──────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class EarOpened:
    """The capture stream runs: the device can hear."""


@dataclass(frozen=True, slots=True)
class EarClosed:
    """The capture stream is closed and its buffers are zeroed; with a problem when nobody asked for it."""

    problem: Problem | None = None
    hung: bool = False
    """The sound system hangs in the old stream for good: only the end of the process frees it."""


@dataclass(frozen=True, slots=True)
class Woke:
    """A wake word was heard. From here on the ear sends `Captured` until told to stop.

    `preroll` is what was heard from before the word's start up to `detected_at` (monotonic seconds), less what was
    already sent as `Captured`; the next `Captured` joins it without a lost or doubled sample.
    """

    word: str
    score: float
    preroll: bytes
    detected_at: float


@dataclass(frozen=True, slots=True)
class Captured:
    """What the microphone heard next, while the ear streams; `voiced_ms` of it was voice."""

    pcm: bytes
    voiced_ms: float


@dataclass(frozen=True, slots=True)
class Endpointed:
    """Own endpointing: the speaker began ("began") or ended ("ended") a turn, by the ear's judgement."""

    edge: Literal["began", "ended"]


@dataclass(frozen=True, slots=True)
class NearEnd:
    """While we sound: somebody else speaks. It may be so ("began"), it is so ("sure"), or it was nothing ("ended").

    "ended" comes after either of the others, when the voice has been silent for a while.
    """

    edge: Literal["began", "sure", "ended"]


@dataclass(frozen=True, slots=True)
class EchoJudged:
    """Whether the ear can tell us from others while we sound: said when that changes, by what was measured."""

    cancelled: bool
    erle_db: float
    """Echo return loss enhancement: how much of our own sound is taken out of what the microphone hears."""
    delay_ms: float
    """From the card's playing to the microphone's hearing, beyond what both say of themselves."""
    drift_ppm: float
    """How much faster the speaker's clock runs than the microphone's."""
    problem: Problem | None = None
    """Where nothing could be measured at all: why, and what to do."""


# ── the mouth ────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Sounded:
    """The first sample of `reply` is audible now, by device time."""

    reply: str


@dataclass(frozen=True, slots=True)
class Finished:
    """The last sample of `reply` has been heard; `heard_ms` of it in all, by device time."""

    reply: str
    heard_ms: float


@dataclass(frozen=True, slots=True)
class Hushed:
    """`reply` was cut off; `heard_ms` of it had been heard, by device time."""

    reply: str
    heard_ms: float


@dataclass(frozen=True, slots=True)
class MouthFailed:
    """The speaker cannot be used."""

    problem: Problem
    hung: bool = False
    """The sound system hangs in the old stream for good: only the end of the process frees it."""


@dataclass(frozen=True, slots=True)
class MouthOpened:
    """The speaker plays."""


# ── the hands ────────────────────────────────────────────────────────────────────────────────────

Button = Literal["talk", "mute", "volume_up", "volume_down"]


@dataclass(frozen=True, slots=True)
class ButtonMoved:
    """A button went down (`down`) or came up; gestures.py says what that means."""

    button: Button
    down: bool


@dataclass(frozen=True, slots=True)
class Commanded:
    """The owner wants it from elsewhere than a button: "stop" what goes on, "listen" now, the ear closed or opened.

    `ask`, here and below, numbers the request of somebody who waits for an Answer; None: nobody does.
    """

    order: Literal["stop", "listen", "mute", "unmute"]
    ask: int | None = None


@dataclass(frozen=True, slots=True)
class VolumeWanted:
    """The owner wants it that loud (`percent`, 0 to 100), or by `change` points louder than it is."""

    percent: int | None = None
    change: int = 0
    ask: int | None = None


@dataclass(frozen=True, slots=True)
class SpeechStyle:
    """How one text is to be said; whatever is None is as set."""

    voice: str | None = None
    instruction: str | None = None
    speed: float | None = None


@dataclass(frozen=True, slots=True)
class SayWanted:
    """The owner wants `text` said."""

    text: str
    ask: int | None = None
    style: SpeechStyle | None = None


@dataclass(frozen=True, slots=True)
class SwitchMoved:
    """The switch on the device that closes the microphone: while it says `muted` nothing else can open it.

    `problem`: it cannot be read, and counts as muted.
    """

    muted: bool
    problem: Problem | None = None


# ── what the owner hears of ──────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class VolumeChanged:
    """So loud it is now, 0 to 100: told at the start, and after every change, whoever made it."""

    percent: int


@dataclass(frozen=True, slots=True)
class SpeechMade:
    """A piece of the speech that was asked for as `say`, mono s16le 24 kHz, whole samples."""

    say: int
    pcm: bytes


@dataclass(frozen=True, slots=True)
class SpeechOver:
    """No more of this speech will come: the last event of it, exactly once; with the problem if it was not all."""

    say: int
    problem: Problem | None = None


@dataclass(frozen=True, slots=True)
class ToolAnswered:
    """What came of the tool that was run as `run`, as text for the model: the last of it, exactly once.

    A tool that failed says so in `output`; `failed` is for the log.
    """

    run: int
    output: str
    failed: bool = False


@dataclass(frozen=True, slots=True)
class ToolsChanged:
    """There are other tools than before: a server of them has come, gone, or thought better of it."""


@dataclass(frozen=True, slots=True)
class TimerDue:
    """A timer has run out. `label` is what the owner called it, or ""; `late_s` ago, as when we were off."""

    timer: int
    label: str
    late_s: float = 0.0


# ── the link ─────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class LinkOpened:
    """The call is ready to take audio."""

    call: int


@dataclass(frozen=True, slots=True)
class LinkClosed:
    """The call is over: the last event of it, exactly once. `problem` is None when we asked for it."""

    call: int
    problem: Problem | None = None


@dataclass(frozen=True, slots=True)
class LinkAlive:
    """The other side has given the sign of life that it was asked for."""

    call: int


@dataclass(frozen=True, slots=True)
class SpeechStarted:
    """The service hears speech."""

    call: int


@dataclass(frozen=True, slots=True)
class SpeechStopped:
    """The service judges the turn ended; it will answer by itself."""

    call: int


@dataclass(frozen=True, slots=True)
class NothingRecognised:
    """The service found no speech in the committed turn, and will not answer.

    Where a reply begins with the turn's end, this comes before its ReplyEnded.
    """

    call: int


@dataclass(frozen=True, slots=True)
class UserSaid:
    """A transcript of the user's turn: asynchronous, may come after the reply; replaces an earlier one of `item`."""

    call: int
    item: str
    text: str


@dataclass(frozen=True, slots=True)
class ReplyStarted:
    """The service began a reply."""

    call: int
    reply: str


@dataclass(frozen=True, slots=True)
class ReplyText:
    """A piece of the reply's transcript; runs ahead of the audio."""

    call: int
    reply: str
    text: str


@dataclass(frozen=True, slots=True)
class ReplyAudio:
    """A piece of the reply, mono s16le 24 kHz, whole samples."""

    call: int
    reply: str
    pcm: bytes


@dataclass(frozen=True, slots=True)
class ToolCalled:
    """In its `reply` the model calls a tool. `tool_call` is the service's id of that, `arguments` JSON as text.

    It comes before the reply's ReplyEnded. The service waits for what comes of it (GiveToolOutputs).
    """

    call: int
    reply: str
    tool_call: str
    name: str
    arguments: str


@dataclass(frozen=True, slots=True)
class ReplyEnded:
    """No more of this reply will come. "completed", or "cancelled" (whichever way that ended), or "failed"."""

    call: int
    reply: str
    status: Literal["completed", "cancelled", "failed"]
    problem: Problem | None = None


@dataclass(frozen=True, slots=True)
class ServiceComplained:
    """The service reported an error that ends neither the call nor, by itself, a reply."""

    call: int
    problem: Problem


# ── time and life ────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Started:
    """The appliance is up: its threads run and its inbox is read."""


@dataclass(frozen=True, slots=True)
class Ticked:
    """The machine's deadline has come."""


Event: TypeAlias = (
    EarOpened
    | EarClosed
    | Woke
    | Captured
    | Endpointed
    | NearEnd
    | EchoJudged
    | Sounded
    | Finished
    | Hushed
    | MouthFailed
    | MouthOpened
    | ButtonMoved
    | Commanded
    | VolumeWanted
    | SayWanted
    | SwitchMoved
    | VolumeChanged
    | SpeechMade
    | SpeechOver
    | ToolAnswered
    | ToolsChanged
    | TimerDue
    | LinkOpened
    | LinkClosed
    | LinkAlive
    | SpeechStarted
    | SpeechStopped
    | NothingRecognised
    | UserSaid
    | ReplyStarted
    | ReplyText
    | ReplyAudio
    | ToolCalled
    | ReplyEnded
    | ServiceComplained
    | Started
    | Ticked
)
LinkEvent: TypeAlias = (
    LinkOpened
    | LinkClosed
    | LinkAlive
    | SpeechStarted
    | SpeechStopped
    | NothingRecognised
    | UserSaid
    | ReplyStarted
    | ReplyText
    | ReplyAudio
    | ToolCalled
    | ReplyEnded
    | ServiceComplained
)
