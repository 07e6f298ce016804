"""Every setting of the simulated service, as data: keys, timing, limits, switches, faults, replies.

Where sources on the real service agree, the behaviour is fixed in the code. Where they conflict there is a switch
here, and its default is what was seen live.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, TypeAlias

from antiphon.simulator.stepfun.faults import Fault
from antiphon.simulator.stepfun.script import Reply

Scope: TypeAlias = Literal["normal", "plan"]
"""What a key pays from: the ordinary balance, or a Step Plan (which serves only /step_plan/v1)."""

DEFAULT_KEY = "sk-simulated"


@dataclass(frozen=True, slots=True)
class Timing:
    """How long the service takes. Milliseconds, unless the name says otherwise."""

    answer_ms: tuple[float, float] = (4.0, 8.0)
    """From speech_stopped to response.created (least, most)."""
    first_audio_ms: float = 900.0
    """From response.created to the first audio delta; longer when the speech takes longer to make."""
    transcript_ahead_ms: float = 250.0
    """How long before the first audio delta the first word of the transcript is sent."""
    word_ms: float = 20.0
    """Between two words of the transcript, so that a short answer is all written before it sounds."""
    delta_bytes: int = 6400
    """The mean size of an audio delta; each is up to a quarter smaller or larger."""
    speed: float = 4.0
    """How many times faster than real time audio is sent; 0 sends it all at once."""
    cancel_ms: tuple[float, float] = (50.0, 60.0)
    """From response.cancel to the end of the response (least, most)."""
    late_deltas: tuple[int, int] = (0, 2)
    """How many audio deltas still come after response.cancel (least, most)."""
    transcription_ms: float = 300.0
    """From its cue (see `transcription`) to the transcript of the user's turn."""
    sentence_ms: float = 660.0
    """Text to speech over a WebSocket: from a whole sentence to its first audio delta."""
    search_ms: float = 1500.0
    """Added to `first_audio_ms` while a web_search or retrieval tool is configured: there is no event for it."""
    first_text_ms: float = 400.0
    """From the last byte of a recording to the first word of its transcript."""

    @classmethod
    def quick(cls) -> "Timing":
        """The same order of events in a few milliseconds, for tests."""
        return cls(
            answer_ms=(0.0, 0.0),
            first_audio_ms=8.0,
            transcript_ahead_ms=4.0,
            word_ms=0.2,
            speed=0.0,
            cancel_ms=(5.0, 6.0),
            transcription_ms=2.0,
            sentence_ms=5.0,
            search_ms=20.0,
            first_text_ms=2.0,
        )


@dataclass(frozen=True, slots=True)
class SimulatorOptions:
    """One simulated service. It is as repeatable as its client: `seed` fixes every choice it makes by chance."""

    host: str = "127.0.0.1"
    port: int = 0
    """0 lets the system choose; `StepFunSimulator.url()` tells."""
    keys: Mapping[str, Scope] = field(default_factory=lambda: {DEFAULT_KEY: "normal"}, repr=False)
    """The accepted keys; every other is answered 401."""
    require_key: bool = True
    """False accepts connections without a key too."""
    seed: int = 0
    timing: Timing = field(default_factory=Timing)
    keep_dir: Path | None = None
    """Where to write session-<n>.wav (all that was appended) and events.jsonl."""

    # ── limits ──
    quick_connections: int = 12
    """This many upgrades within `quick_window_s` are served, the next one is answered 429; 0 is no limit."""
    quick_window_s: float = 5.0
    requests_at_once: int = 0
    """This many HTTP requests at once are served, the next one is answered 429; 0 is no limit."""
    session_limit_s: float = 1800.0
    """A session ends here; nobody has published how."""
    session_end: Literal["error", "drop"] = "error"
    """How a session ends at its limit: an error event and close 1000, or no close frame at all."""
    idle_drop_s: float = 0.0
    """Drop a connection from which no byte, ping included, has come for so long; 0 never does."""

    # ── hearing ──
    energy_per_rms: float = 5.0
    """The unit of energy_awakeness_threshold is not published. Here: this factor times the RMS of a 20 ms window of
    16 bit samples, so that the default threshold of 2500 is an RMS of 500 (-36 dBFS)."""
    vad_attack_ms: int = 60
    """Energy must stay above the threshold for so long before it is speech."""
    vad_by_default: bool = False
    """What a missing turn_detection means: the API reference says off, the guide says on; off was seen."""
    vad_off_echo: Literal["blank", "null"] = "blank"
    """How session.updated shows that turn_detection is off: {"type": ""} or null."""
    min_clip_ms: float = 1000.0
    """A committed clip that is shorter has "no speech found"."""
    no_speech: Literal["at-commit", "after-created"] = "at-commit"
    """When a committed turn without speech is refused: at its commit, or after its response.created. Neither way
    does a response.done follow."""
    transcription: Literal["before", "between", "after", "mixed", "never"] = "after"
    """When the user's transcript comes: before, amid or after the reply; "mixed" chooses for each turn."""
    transcription_deltas: bool = False
    """Send transcription.delta too, each with the whole text so far, some twice (newer models)."""
    transcripts: tuple[str, ...] = ()
    """What the user is said to have said, turn by turn; then (and for want of them) how long the turn was."""
    empty_transcript_chance: float = 0.0

    # ── answering ──
    replies: tuple[Reply, ...] = ()
    """The answers, one a response and then again from the first; none: the service tells what it heard."""
    second_turn: Literal["queue", "replace", "error"] = "queue"
    """What a turn by VAD does that ends while a response runs: wait for its end, end it, or be refused."""
    cancel_ends: Literal["incomplete", "cancelled"] = "incomplete"
    """How a cancel ends: response.done "incomplete" (seen), or response.cancelled and response.done "cancelled"."""
    allow_greeting: bool = True
    """An empty conversation may be answered when response.create brings instructions."""
    thinking: str = ""
    """Sent as response.thinking.* before each answer, as the reasoning models do."""
    server_error_chance: float = 0.0
    """How likely the speech engine fails in the midst of a response."""

    # ── the services beside the conversation ──
    blocked: tuple[str, ...] = ()
    """Words that moderation does not let pass: asked for, or in what would be answered."""
    asr_deltas: Literal["same", "rough", "none"] = "same"
    """The deltas of a recognised text, joined: the text, the text without capitals and marks, or no deltas at all."""
    asr_done_marker: bool = False
    """Whether recognition ends with [DONE], which nobody has documented."""
    asr_longest_s: float = 1800.0
    """A longer recording is refused."""
    new_models_transcribe: bool = False
    """Whether /audio/transcriptions takes stepaudio-2.5-asr: it was refused in April 2026, and taken in July."""
    first_generation_wav: Literal["none", "last"] = "last"
    """Which clips may be WAV for step-1o-audio, which takes none "in the context": the last message's, or none."""

    # ── manners of speaking ──
    absent_fields_chance: float = 0.1
    """How likely each of response_id, output_index and content_index is missing from an event of a response."""
    error_shape: Literal["envelope", "flat", "mixed"] = "envelope"
    """Whether an error is inside {"type": "error", "error": …}, or is that inner object itself."""
    flat_tools: bool = False
    """Accept OpenAI's flat tool schema as well as the nested one."""
    system_items: bool = False
    """Accept conversation items of role system."""

    # ── text to speech over a WebSocket ──
    stream_idle_s: float = 60.0
    """Without any activity for so long an utterance is finished and its connection closed."""
    stream_fields: Literal["new", "old", "mixed"] = "new"
    """The fields of sentence.start and sentence.end: request_id and timestamp, or started_at and ended_at (and then
    a duration in each audio delta)."""
    stream_finished: Literal["empty", "audio"] = "empty"
    """Whether the last audio delta of a sentence, with status "finished", has sound too."""
    stream_done_audio: bool = False
    """Whether audio.done brings all the sound once more, as documented, or none, as seen."""
    stream_flushed: Literal["at-once", "after-audio"] = "at-once"
    """When tts.text.flushed is said: at the flush, or when all that was flushed has been sent."""
    stream_subtitles: Literal["in-time", "late"] = "in-time"
    """When a subtitle comes: at the end of its sentence, or after the sound of the next."""
    stream_error_closes: bool = False
    """Whether the service closes the connection after an error of its own."""

    # ── live recognition ──
    dictation_idle_s: float = 60.0
    """A client that says nothing for so long gets max_idle_timeout; how long the service waits is not published."""
    dictation_ping_s: float = 20.0
    """How often the service pings."""
    dictation_pong_s: float = 20.0
    """A ping without its pong for so long is a pong_timeout."""
    dictation_word_ms: int = 300
    """How much sound makes a word of the text that grows while the user speaks."""
    dictation_twice: bool = False
    """Send each turn's completed twice, as seen with full_rerun_on_commit."""
    dictation_stop_slip: bool = True
    """speech_stopped says audio_start_ms, as its sample in the reference does; False: audio_end_ms."""

    faults: tuple[Fault, ...] = ()
    log_events: bool = False
    """Put each event received and sent into the log, not only what matters."""
