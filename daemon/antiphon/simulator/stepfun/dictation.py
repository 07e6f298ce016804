"""One WebSocket of live recognition: what comes in, the turns in it, and the text that is told of them. Pure.

`receive` and `tick` never raise for what a client says; what is ready to be sent is in `agenda`.
Source: StepFun's API reference ("Streaming ASR"), and what clients have recorded of its gaps.
"""

import random
from functools import partial

from antiphon.pcm import Samples, ms_of, samples_of
from antiphon.simulator.stepfun import dictation_grammar, grammar
from antiphon.simulator.stepfun.agenda import Agenda, End, Ping
from antiphon.simulator.stepfun.dictation_grammar import ENERGY_SCALE, Settings
from antiphon.simulator.stepfun.dictations import DictatedTurn, DictationRecord
from antiphon.simulator.stepfun.faults import Fault, Kind
from antiphon.simulator.stepfun.grammar import ComplaintError, Json
from antiphon.simulator.stepfun.options import SimulatorOptions
from antiphon.simulator.stepfun.responder import Utterance
from antiphon.simulator.stepfun.vad import Edge, EnergyVad, energies
from antiphon.simulator.stepfun.wording import Wording

REFUSALS = {
    "risk_blocked": ("risk", "The content you provided is blocked."),
    "internal_error": ("internal_error", "Internal server error"),
    "max_idle_timeout": ("invalid_request_error", "Nothing has come for too long"),
    "pong_timeout": ("invalid_request_error", "A ping was not answered"),
}
"""The errors of the service itself by their code: type and message."""

_DEFAULT_THRESHOLD = 0.5
_TRANSCRIPTION = "conversation.item.input_audio_transcription"


class Mute:
    """The mouth of a service that does not speak."""

    def take_wanted(self) -> list[Utterance]:
        """It never wishes for sound."""
        return []

    def spoken(self, response: str, samples: Samples, now: float) -> None:
        """It is never given any."""

    def failed(self, response: str, sentence: str, now: float) -> None:
        """Nor refused."""


class Dictation:
    """One session; it begins with session.created, unasked."""

    def __init__(
        self,
        options: SimulatorOptions,
        record: DictationRecord,
        faults: tuple[Fault, ...],
        rng: random.Random,
        now: float,
    ) -> None:
        """`faults` are this connection's; `rng` fixes ids."""
        self._options, self._record, self._faults = options, record, faults
        self._wording = Wording(options, rng)
        self.agenda = Agenda()
        self.responder = Mute()
        self._vad: EnergyVad | None = None
        self._item = self._wording.new_id()  # of the turn that is being spoken, or the next
        self._turn_from = 0
        self._in_turn = False
        self._shown = ""  # the last delta, so that none is sent twice
        self._last_item = ""
        self._heard_s = now
        self._now = now
        record.session = self._wording.new_id()
        self._tell("session.created", session={"id": record.session, "audio": {"input": {}}})
        self.agenda.at(now + options.dictation_idle_s, self._idle)
        self.agenda.at(now + options.dictation_ping_s, self._ping)

    def receive(self, frame: str | bytes, now: float) -> None:
        """A frame of the client's has come."""
        self._heard_s = self._now = now
        client_event = None
        try:
            event = grammar.decoded(frame)
            given = event.get("event_id")
            client_event = given if isinstance(given, str) else None
            kind = dictation_grammar.checked(event)
            if kind != "input_audio_buffer.append":
                self._record.received.append((now, kind))
            self._handle(kind, event)
        except ComplaintError as error:
            self._record.complaints.append(str(error))
            self._record.note("complaint", now, message=str(error))
            self._complain(
                "invalid_request_error", error.code or "invalid_value", str(error), error.param, client_event
            )

    def tick(self, now: float) -> None:
        """Do what is due."""
        self._now = now
        self.agenda.run(now)

    # ── events ──

    def _handle(self, kind: str, event: Json) -> None:
        match kind:
            case "session.update":
                self._update(event)
            case "input_audio_buffer.append":
                self._append(event)
            case "input_audio_buffer.commit":
                self._commit()
            case _:  # session.finish, which other services have
                error = {"type": "invalid_request_error", "code": "invalid_value", "message": "unknown event type"}
                self._tell("transcript.response.error", error=error)

    def _update(self, event: Json) -> None:
        old = self._record.settings
        new = dictation_grammar.updated(old, event["session"])
        if self._record.frames and new.rate_hz != old.rate_hz:
            raise dictation_grammar.wrong("the format is fixed by the first append", "session.audio.input.format")
        self._record.settings = new
        if new.vad != old.vad or old.shown is None:
            self._listen_anew(new)
        self._record.note("dictation", self._now, model=new.model, rate_hz=new.rate_hz)
        self._tell("session.updated", session={"id": self._record.session, "audio": {"input": new.shown}})

    def _append(self, event: Json) -> None:
        if self._record.settings.shown is None:
            raise dictation_grammar.wrong("session.update comes first", "session", "missing_param")
        pcm = dictation_grammar.audio(event["audio"])
        self._record.append(pcm, self._now)
        if self._vad is None:
            self._in_turn = True
        else:
            for edge in self._vad.feed(samples_of(pcm)):
                self._edge(edge)
        if self._in_turn:
            self._tell_so_far()

    def _commit(self) -> None:
        if self._vad is not None:
            self._record.ignored_commits += 1
            return
        if self._turn_from == self._record.frames:
            raise dictation_grammar.wrong("the audio buffer is empty", "audio")
        self._end_turn(self._record.frames)

    # ── turns ──

    def _edge(self, edge: Edge) -> None:
        at_ms = self._ms(edge.frame)
        if edge.edge == "began":
            self._turn_from, self._in_turn = edge.frame, True
            self._tell("input_audio_buffer.speech_started", audio_start_ms=at_ms, item_id=self._item)
        elif not self._in_turn or self._fault(Kind.NO_STOP):
            return
        else:
            field = "audio_start_ms" if self._options.dictation_stop_slip else "audio_end_ms"
            self._tell("input_audio_buffer.speech_stopped", **{field: at_ms}, item_id=self._item)
            self._end_turn(edge.frame)

    def _end_turn(self, end_frame: int) -> None:
        """The service has committed what was heard since the turn began."""
        turn = DictatedTurn(self._item, self._turn_from, end_frame, self._now)
        turn.text = self._text(turn)
        refusal = self._fault(Kind.DICTATION_ERROR)
        self._record.turns.append(turn)
        self._record.note("turn", self._now, item=turn.item, first_frame=turn.first_frame, text=turn.text)
        self._tell("input_audio_buffer.committed", item_id=turn.item, previous_item_id=self._last_item)
        item = {"id": turn.item, "object": "realtime.item", "type": "message", "status": "in_progress", "role": "user"}
        content = {"content": [{"type": "input_audio"}]}
        self._tell("conversation.item.created", previous_item_id=self._last_item, item=item | content)
        self._last_item, self._item = turn.item, self._wording.new_id()
        self._turn_from, self._in_turn, self._shown = end_frame, False, ""
        due = self._now + self._options.timing.transcription_ms / 1000
        if refusal is not None:
            self.agenda.at(due, partial(self._refuse, refusal.detail or "risk_blocked"))
            return
        for _again in range(2 if self._options.dictation_twice else 1):
            self.agenda.at(due, partial(self._complete, turn))

    def _text(self, turn: DictatedTurn) -> str:
        """What the turn will read: as scripted, or how long it was; nothing, where there was no speech."""
        settings = self._record.settings
        threshold = settings.vad.energy_awakeness_threshold if settings.vad else _DEFAULT_THRESHOLD * ENERGY_SCALE
        levels = energies(self._record.heard(turn), self._options.energy_per_rms, settings.rate_hz)
        if max(levels, default=0.0) <= threshold or self._fault(Kind.NO_SPEECH):
            return ""
        seconds = (turn.end_frame - turn.first_frame) / settings.rate_hz
        return self._script() or f"({seconds:.1f} seconds of speech)"

    def _script(self) -> str:
        number = len(self._record.turns)
        return self._options.transcripts[number] if number < len(self._options.transcripts) else ""

    def _tell_so_far(self) -> None:
        """The text as it grows: `text` is the whole of what stands, and `stash` what may yet change."""
        heard_ms = self._ms(self._record.frames - self._turn_from)
        words = self._script().lower().rstrip(".!?").split()
        count = int(heard_ms // self._options.dictation_word_ms)
        if words:
            count = min(count, len(words))
            text, tail = " ".join(words[: count - 1]), words[count - 1] if count else ""
            stash = (" " if text else "") + tail[: (len(tail) + 1) // 2]
        else:
            text, stash = "", f"({count} words so far)"
        if not count or text + stash == self._shown:
            return
        self._shown = text + stash
        begin_ms = self._ms(self._turn_from)
        times = {"start_time": begin_ms, "end_time": begin_ms + heard_ms}
        self._tell(f"{_TRANSCRIPTION}.delta", item_id=self._item, content_index=0, text=text, stash=stash, **times)

    def _complete(self, turn: DictatedTurn, now: float) -> None:
        tokens = len(turn.text.split())
        usage = {"prompt_tokens": 0, "completion_tokens": tokens, "total_tokens": tokens}
        turn.completed_s = now
        fields = {"item_id": turn.item, "content_index": 0, "transcript": turn.text, "usage": usage}
        self._tell(f"{_TRANSCRIPTION}.completed", **fields)

    # ── life ──

    def _listen_anew(self, settings: Settings) -> None:
        self._turn_from, self._in_turn = self._record.frames, False
        self._vad = None
        if settings.vad is not None:
            self._vad = EnergyVad(
                settings.vad,
                per_rms=self._options.energy_per_rms,
                attack_ms=self._options.vad_attack_ms,
                first_frame=self._record.frames,
                rate_hz=settings.rate_hz,
            )

    def _idle(self, now: float) -> None:
        due = self._heard_s + self._options.dictation_idle_s
        if due > now:
            self.agenda.at(due, self._idle)
        else:
            self._give_up("max_idle_timeout", now)

    def _ping(self, now: float) -> None:
        self.agenda.say(Ping(self._options.dictation_pong_s, partial(self._give_up, "pong_timeout")))
        self.agenda.at(now + self._options.dictation_ping_s, self._ping)

    def _give_up(self, code: str, now: float) -> None:
        self._record.note("dictation_over", now, code=code)
        self._refuse(code, now)
        self.agenda.say(End(1000, code))

    def _refuse(self, code: str, _now: float) -> None:
        kind, message = REFUSALS.get(code, ("internal_error", "The service has failed"))
        self._complain(kind, code, message)

    # ── words ──

    def _complain(self, kind: str, code: str, message: str, param: str = "", client_event: str | None = None) -> None:
        error: Json = {"type": kind, "code": code, "message": message}
        if param:
            error["param"] = param
        if client_event is not None:
            error["event_id"] = client_event
        self._tell("error", error=error)

    def _tell(self, kind: str, **fields: object) -> None:
        stamp = round(1000 * (self._now - self._record.opened_s))
        self.agenda.say(
            self._wording.event(kind, meta={"session_id": self._record.session, "timestamp": stamp}, **fields)
        )

    def _ms(self, frames: int) -> int:
        return round(ms_of(frames, self._record.settings.rate_hz))

    def _fault(self, kind: Kind) -> Fault | None:
        """The fault of this kind that strikes the present turn."""
        number = len(self._record.turns) + 1
        return next((fault for fault in self._faults if fault.kind is kind and fault.at in (0, number)), None)
