"""What the mind may ask for: each an imperative. None returns a value; its outcome comes back as an event."""

from dataclasses import dataclass
from typing import Literal, TypeAlias

from antiphon.conversation.events import SpeechStyle
from antiphon.conversation.history import Turn

ChimeName = Literal["wake", "sorry", "mute", "unmute", "volume", "timer"]

# ── the ear ──────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class OpenEar:
    """Open the capture stream → EarOpened, or EarClosed with the problem."""


@dataclass(frozen=True, slots=True)
class CloseEar:
    """Close the capture stream and zero its buffers → EarClosed."""


@dataclass(frozen=True, slots=True)
class StreamEar:
    """Send `Captured` (and `Endpointed`) from the next sample on, and first the last `preroll_ms` that were heard.

    Nothing captured before `after_s` of the machine's time is sent, the tail of our own sound; but a wake word is,
    whole.
    """

    preroll_ms: float = 0.0
    after_s: float | None = None


@dataclass(frozen=True, slots=True)
class RestEar:
    """Stop sending `Captured`; go on listening for wake words."""


# ── the mouth ────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Chime:
    """Sound a quiet chime, now; nothing waits for it."""

    name: ChimeName


@dataclass(frozen=True, slots=True)
class Play:
    """Append to the reply that is playing, or begin it → Sounded at its first audible sample."""

    reply: str
    pcm: bytes


@dataclass(frozen=True, slots=True)
class EndPlay:
    """Nothing more of this reply will be given → Finished when its last sample has been heard."""

    reply: str


@dataclass(frozen=True, slots=True)
class Hush:
    """Silence this reply at once, with a short fade → Hushed."""

    reply: str


@dataclass(frozen=True, slots=True)
class Duck:
    """Fall silent in the middle of this reply, with a short fade, and hold it: somebody may be speaking over it."""

    reply: str


@dataclass(frozen=True, slots=True)
class Resume:
    """Nobody was: go on with this reply where it was held, so that nothing of it is lost."""

    reply: str


@dataclass(frozen=True, slots=True)
class Withdraw:
    """Drop this reply if none of it went to the card yet → Hushed with 0 ms; else play what there is → Sounded."""

    reply: str


# ── the link ─────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class OpenLink:
    """Open a new call on the link named `link`, telling it the conversation so far → LinkOpened, or LinkClosed.

    With `trial` nothing will be asked on it: it is to show that the link can answer, not only that somebody is there.
    """

    call: int
    link: str
    history: tuple[Turn, ...]
    trial: bool = False


@dataclass(frozen=True, slots=True)
class CloseLink:
    """Close the call → LinkClosed."""

    call: int


@dataclass(frozen=True, slots=True)
class SendAudio:
    """Send speech, mono s16le 24 kHz; the link cuts it into appends."""

    call: int
    pcm: bytes


@dataclass(frozen=True, slots=True)
class CommitTurn:
    """Own endpointing: the turn is over, answer it."""

    call: int


@dataclass(frozen=True, slots=True)
class CancelReply:
    """Stop this reply; the user has heard `heard_ms` of it → ReplyEnded."""

    call: int
    reply: str
    heard_ms: float


@dataclass(frozen=True, slots=True)
class ToolOutput:
    """What came of a tool call, as text for the model."""

    tool_call: str
    output: str


@dataclass(frozen=True, slots=True)
class GiveToolOutputs:
    """Tell the service what came of the tool calls of its last reply; with `respond` it answers that → ReplyStarted.

    Without, nobody waits for an answer: it is only to know, as soon as it takes that.
    """

    call: int
    outputs: tuple[ToolOutput, ...]
    respond: bool


@dataclass(frozen=True, slots=True)
class CheckLink:
    """Ask the other side of the call for a sign of life → LinkAlive."""

    call: int


# ── what the owner asked for ─────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class SetVolume:
    """Make it that loud, 0 to 100 → VolumeChanged."""

    percent: int


@dataclass(frozen=True, slots=True)
class MakeSpeech:
    """Turn `text` into sound → SpeechMade, SpeechOver."""

    say: int
    text: str
    style: SpeechStyle | None = None


@dataclass(frozen=True, slots=True)
class DropSpeech:
    """Nobody wants this speech any more → SpeechOver."""

    say: int


@dataclass(frozen=True, slots=True)
class RunTool:
    """Run a tool with these arguments, JSON as text → ToolAnswered."""

    run: int
    name: str
    arguments: str


@dataclass(frozen=True, slots=True)
class DropTool:
    """Nobody waits for this tool any more: end it where it can be ended → ToolAnswered."""

    run: int


@dataclass(frozen=True, slots=True)
class Answer:
    """Tell whoever asked what came of it: `problem` is one sentence, "" when it is done or under way."""

    ask: int
    problem: str = ""


# ── life ─────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Replace:
    """Start the program anew in this process, `muted` as it is: the sound system hangs, and nothing else frees it."""

    muted: bool


# ── for the record ───────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Note:
    """A line for the log: what happened, in a word or two, and its figures. Never a secret."""

    what: str
    fields: tuple[tuple[str, str | float | int], ...] = ()
    level: Literal["debug", "info", "warning", "error"] = "info"


Effect: TypeAlias = (
    OpenEar
    | CloseEar
    | StreamEar
    | RestEar
    | Chime
    | Play
    | EndPlay
    | Hush
    | Duck
    | Resume
    | Withdraw
    | OpenLink
    | CloseLink
    | SendAudio
    | CommitTurn
    | CancelReply
    | GiveToolOutputs
    | CheckLink
    | RunTool
    | DropTool
    | SetVolume
    | MakeSpeech
    | DropSpeech
    | Answer
    | Replace
    | Note
)
