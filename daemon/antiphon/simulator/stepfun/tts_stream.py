"""One WebSocket of text to speech: what the client says, when it is a sentence, and when the utterance ends. Pure.

`receive` and `tick` never raise for what a client says; what is ready to be sent is in `agenda`.
Source: StepFun's API reference ("Streaming TTS"): one socket is one utterance.
"""

import random

from antiphon.simulator.stepfun import tts_stream_grammar as grammar
from antiphon.simulator.stepfun.agenda import Agenda, End
from antiphon.simulator.stepfun.faults import Fault, Kind
from antiphon.simulator.stepfun.grammar import ComplaintError
from antiphon.simulator.stepfun.options import SimulatorOptions
from antiphon.simulator.stepfun.tts_buffer import TextBuffer
from antiphon.simulator.stepfun.tts_speaker import Speaker
from antiphon.simulator.stepfun.utterances import UtteranceRecord
from antiphon.simulator.stepfun.wording import Json, Wording


class SpeechStream:
    """One utterance; it begins with tts.connection.done, unasked."""

    def __init__(
        self,
        options: SimulatorOptions,
        record: UtteranceRecord,
        faults: tuple[Fault, ...],
        rng: random.Random,
        now: float,
    ) -> None:
        """`faults` are those of all sockets of this kind; `rng` fixes every choice made by chance."""
        self._options, self._record, self._faults = options, record, faults
        self._wording = Wording(options, rng)
        self.agenda = Agenda()
        self.responder = Speaker(options, self.agenda, self._wording, rng, record, self._fault)
        self._buffer: TextBuffer | None = None
        self._heard_s = now
        record.session = self._wording.new_id()
        self._tell("tts.connection.done")
        self.agenda.at(now + options.stream_idle_s, self._idle)

    def receive(self, frame: str | bytes, now: float) -> None:
        """A frame of the client's has come."""
        self._heard_s = now
        if self.responder.over:
            return
        try:
            kind, data = grammar.checked(frame, self._record.session)
            self._handle(kind, data, now)
        except ComplaintError as error:
            self._record.complaints.append(str(error))
            self._record.note("complaint", now, message=str(error))
            details = {"error": "request_params_invalid"}
            self._tell("tts.response.error", code=error.code, message=str(error), details=details)

    def tick(self, now: float) -> None:
        """Do what is due."""
        self.agenda.run(now)

    # ── events ──

    def _handle(self, kind: str, data: Json, now: float) -> None:
        if self._record.done_s is not None:
            raise grammar.complaint("the utterance has been finished")
        match kind:
            case "tts.create":
                self._create(data, now)
            case "tts.text.delta":
                text, buffer = grammar.text(data), self._created()
                self._record.texts.append((now, text))
                self._record.note("text", now, text=text)
                self._say(buffer.add(text), now)
            case "tts.text.flush":
                self._say(self._created().flush(), now)
                self._record.flushes.append(now)
                self.responder.flushed(now)
            case _:
                self._created()
                self._finish(now)

    def _create(self, data: Json, now: float) -> None:
        if self._buffer is not None:
            raise grammar.complaint("the utterance has been created already")
        creation = self._record.creation = grammar.creation(data, self._record.model)
        self._buffer = TextBuffer(creation.mode)
        self.responder.begin(creation)
        self._record.note("utterance", now, voice=creation.voice, format=creation.format)
        self._tell("tts.response.created")

    def _created(self) -> TextBuffer:
        if self._buffer is None:
            raise grammar.complaint("tts.create comes first")
        return self._buffer

    def _say(self, sentences: list[str], now: float) -> None:
        for sentence in sentences:
            self.responder.say(sentence, now)

    def _finish(self, now: float) -> None:
        self._record.done_s = now
        if self._buffer is not None:
            self._say(self._buffer.flush(), now)
        self.responder.finish(now)

    # ── life ──

    def _idle(self, now: float) -> None:
        """Nothing has come or gone for long: the utterance is over; else look again when it may be."""
        if self.responder.over:
            if not self._fault(Kind.STREAM_STALL):
                self.agenda.say(End(1000))
            return
        if self._record.done_s is not None:
            return
        since = now if self.responder.busy else max(self._heard_s, self.responder.quiet_from)
        due = since + self._options.stream_idle_s
        if due > now:
            self.agenda.at(due, self._idle)
            return
        self._record.idle = True
        self._record.note("stream_idle", now)
        self._finish(now)

    def _fault(self, kind: Kind) -> Fault | None:
        number = self._record.number
        return next((fault for fault in self._faults if fault.kind is kind and fault.strikes(number)), None)

    def _tell(self, kind: str, **data: object) -> None:
        self.agenda.say(self._wording.event(kind, data={"session_id": self._record.session, **data}))
