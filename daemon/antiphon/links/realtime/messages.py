"""What is said on StepFun's Realtime WebSocket, as values: the client's events and the server's.

No JSON here (see wire.py) and no meaning (see dialogue.py). An id or a text that the service left out is "".
Sound is mono s16le at 24 kHz. Names in brackets are those of StepFun's Realtime API reference.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

# ── what we say ──────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True, kw_only=True)
class _Request:
    event_id: str = ""
    """Comes back in `ServiceError.event_id`; left out when blank."""


@dataclass(frozen=True, slots=True)
class ServerVad:
    """The service finds the turns: energy over `energy_threshold` (0 to 5000) is speech."""

    silence_ms: int
    prefix_padding_ms: int
    energy_threshold: int


@dataclass(frozen=True, slots=True)
class FunctionTool:
    """A tool of ours: the model calls it, and we tell what came of that. `parameters` is a JSON schema."""

    name: str
    description: str
    parameters: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class WebSearch:
    """The service searches the web by itself where the model wants to."""

    top_k: int
    timeout_s: int


@dataclass(frozen=True, slots=True)
class Retrieval:
    """The service looks into a knowledge base by itself; description and prompt may be ""."""

    store: str
    description: str
    prompt: str


ToolOffer: TypeAlias = FunctionTool | WebSearch | Retrieval


@dataclass(frozen=True, slots=True)
class UpdateSession(_Request):
    """[session.update] `turn_detection` None: we find the turns; it is always said, as the default is in dispute."""

    instructions: str
    voice: str
    turn_detection: ServerVad | None
    tools: tuple[ToolOffer, ...] = ()


@dataclass(frozen=True, slots=True)
class AppendAudio(_Request):
    """[input_audio_buffer.append] Whole samples."""

    pcm: bytes


@dataclass(frozen=True, slots=True)
class CommitAudio(_Request):
    """[input_audio_buffer.commit] Only where we find the turns; asks for no reply yet."""


@dataclass(frozen=True, slots=True)
class ClearAudio(_Request):
    """[input_audio_buffer.clear]."""


@dataclass(frozen=True, slots=True)
class AddText(_Request):
    """[conversation.item.create] A turn of the past, as text."""

    role: Literal["user", "assistant"]
    text: str


@dataclass(frozen=True, slots=True)
class AddAudio(_Request):
    """[conversation.item.create] A turn of the user, as sound."""

    pcm: bytes


@dataclass(frozen=True, slots=True)
class AddToolOutput(_Request):
    """[conversation.item.create] What a tool answered; taken only while no reply runs."""

    call_id: str
    output: str


@dataclass(frozen=True, slots=True)
class DeleteItem(_Request):
    """[conversation.item.delete]."""

    item: str


@dataclass(frozen=True, slots=True)
class TruncateItem(_Request):
    """[conversation.item.truncate] Not in the reference, yet answered: best effort."""

    item: str
    content_index: int
    audio_end_ms: int


@dataclass(frozen=True, slots=True)
class CreateResponse(_Request):
    """[response.create]."""


@dataclass(frozen=True, slots=True)
class CancelResponse(_Request):
    """[response.cancel]."""


ClientMessage: TypeAlias = (
    UpdateSession
    | AppendAudio
    | CommitAudio
    | ClearAudio
    | AddText
    | AddAudio
    | AddToolOutput
    | DeleteItem
    | TruncateItem
    | CreateResponse
    | CancelResponse
)

# ── what the service says ────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Session:
    """The session as the service sees it."""

    id: str = ""
    model: str = ""
    voice: str = ""
    turn_detection: str = ""
    """"server_vad", or "" for none: the service echoes none as null or as an empty type."""
    max_output_tokens: int | None = None


@dataclass(frozen=True, slots=True)
class SessionCreated:
    """[session.created] The first event, unasked."""

    session: Session


@dataclass(frozen=True, slots=True)
class SessionUpdated:
    """[session.updated]."""

    session: Session


@dataclass(frozen=True, slots=True)
class SpeechStarted:
    """[input_audio_buffer.speech_started] Its time is left out: no two sources agree on what it counts from."""

    item: str


@dataclass(frozen=True, slots=True)
class SpeechStopped:
    """[input_audio_buffer.speech_stopped]."""

    item: str


@dataclass(frozen=True, slots=True)
class Committed:
    """[input_audio_buffer.committed]."""

    item: str


@dataclass(frozen=True, slots=True)
class Cleared:
    """[input_audio_buffer.cleared]."""


@dataclass(frozen=True, slots=True)
class Item:
    """An item of the conversation; `kind` is "message", "function_call" or whatever else the service says."""

    id: str = ""
    kind: str = ""
    role: str = ""
    text: str = ""
    """What its parts say, thinking left out."""
    call_id: str = ""
    """This and what follows are of a "function_call"; where it was added, nothing is known of the arguments."""
    name: str = ""
    arguments: str = ""


@dataclass(frozen=True, slots=True)
class ItemCreated:
    """[conversation.item.created]."""

    item: Item


@dataclass(frozen=True, slots=True)
class ItemDeleted:
    """[conversation.item.deleted]."""

    item: str


@dataclass(frozen=True, slots=True)
class ItemTruncated:
    """[conversation.item.truncated]."""

    item: str


@dataclass(frozen=True, slots=True)
class Transcript:
    """[conversation.item.input_audio_transcription.delta, .completed] All of the user's turn, as far as it is known.

    StepFun's delta is no delta: it holds the whole text so far.
    """

    item: str
    text: str
    final: bool


@dataclass(frozen=True, slots=True)
class TranscriptFailed:
    """[conversation.item.input_audio_transcription.failed]."""

    item: str
    why: str


@dataclass(frozen=True, slots=True)
class ResponseCreated:
    """[response.created]."""

    response: str


@dataclass(frozen=True, slots=True)
class OutputItem:
    """[response.output_item.added, .done]."""

    response: str
    item: Item
    done: bool


@dataclass(frozen=True, slots=True)
class ContentPart:
    """[response.content_part.added, .done] `kind` is "text", "audio" or "thinking"."""

    response: str
    item: str
    kind: str
    done: bool


@dataclass(frozen=True, slots=True)
class TextDelta:
    """[response.audio_transcript.delta, response.text.delta] Which of the two says nothing about sound."""

    response: str
    item: str
    text: str


@dataclass(frozen=True, slots=True)
class TextDone:
    """[response.audio_transcript.done, response.text.done] The whole text of a part."""

    response: str
    item: str
    text: str


@dataclass(frozen=True, slots=True)
class AudioDelta:
    """[response.audio.delta] Any number of bytes: a sample may be cut in half."""

    response: str
    item: str
    content_index: int
    pcm: bytes


@dataclass(frozen=True, slots=True)
class AudioDone:
    """[response.audio.done] Also sent where no audio was."""

    response: str
    item: str


@dataclass(frozen=True, slots=True)
class Thinking:
    """[response.thinking.delta, .done] Neither spoken nor shown."""

    response: str
    text: str
    done: bool


@dataclass(frozen=True, slots=True)
class ToolCall:
    """[response.function_call_arguments.delta, .done] `arguments` is a piece, or, when `done`, the whole."""

    response: str
    call_id: str
    name: str
    arguments: str
    done: bool
    item: str = ""


@dataclass(frozen=True, slots=True)
class ResponseDone:
    """[response.done] `status` is "completed", "cancelled", "failed", "incomplete", or "" when left out."""

    response: str
    status: str
    why: str
    text: str


@dataclass(frozen=True, slots=True)
class ResponseCancelled:
    """[response.cancelled] Promised by the reference; in its place the service has been seen to send response.done."""

    response: str


@dataclass(frozen=True, slots=True)
class RateLimits:
    """[rate_limits.updated]."""


@dataclass(frozen=True, slots=True)
class ServiceError:
    """[error] In its envelope or flat. It ends neither the session nor, by itself, a response."""

    kind: str
    code: str
    message: str
    event_id: str


ServerMessage: TypeAlias = (
    SessionCreated
    | SessionUpdated
    | SpeechStarted
    | SpeechStopped
    | Committed
    | Cleared
    | ItemCreated
    | ItemDeleted
    | ItemTruncated
    | Transcript
    | TranscriptFailed
    | ResponseCreated
    | OutputItem
    | ContentPart
    | TextDelta
    | TextDone
    | AudioDelta
    | AudioDone
    | Thinking
    | ToolCall
    | ResponseDone
    | ResponseCancelled
    | RateLimits
    | ServiceError
)


@dataclass(frozen=True, slots=True)
class Unknown:
    """A sound event of a type that we do not know: counted, and let go."""

    type: str


@dataclass(frozen=True, slots=True)
class Malformed:
    """Not an event at all, or one with nonsense in it: counted, and let go. `why` quotes nothing of it."""

    why: str
