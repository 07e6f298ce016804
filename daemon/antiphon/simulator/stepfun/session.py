"""One connection's behaviour: what comes in, and what that makes of the session. Pure: it is told the time.

`receive` and `tick` never raise for what a client says; what is ready to be sent is in `agenda`.
"""

import random
from dataclasses import replace

from antiphon.pcm import LINK_RATE_HZ, ms_of, samples_of
from antiphon.simulator.stepfun import configuration, grammar, voices
from antiphon.simulator.stepfun.agenda import Agenda, End
from antiphon.simulator.stepfun.conversation import Item, Items, Transcriber
from antiphon.simulator.stepfun.faults import Fault, Kind
from antiphon.simulator.stepfun.grammar import ComplaintError, Json
from antiphon.simulator.stepfun.options import SimulatorOptions
from antiphon.simulator.stepfun.record import SessionRecord, ToolOutput, UserTurn
from antiphon.simulator.stepfun.responder import NO_SPEECH_FOUND, Ask, Responder
from antiphon.simulator.stepfun.vad import EnergyVad, VadSettings, energies
from antiphon.simulator.stepfun.wording import Wording

NOT_APPENDED = "input audio buffer append is not called"
NO_USER_ITEM = "chat template: no user message to answer; set continue_final_message to continue the last one"
SESSION_OVER = "session has reached its maximum duration"


class Session:
    """One session; it begins with session.created, unasked."""

    def __init__(
        self,
        options: SimulatorOptions,
        record: SessionRecord,
        faults: tuple[Fault, ...],
        rng: random.Random,
        now: float,
    ) -> None:
        """`faults` are this connection's; `rng` fixes every choice made by chance."""
        self._options = options
        self._record = record
        self._faults = faults
        self._rng = rng
        self._wording = Wording(options, rng)
        self.agenda = Agenda()
        self._items = Items()
        self._transcriber = Transcriber(options, self.agenda, self._wording, rng)
        self.responder = Responder(
            options, self.agenda, self._wording, rng, record, self._fault, self._items, self._transcriber
        )
        self.configuration = configuration.initial(record.model, options)
        self._vad = self._ear()
        self._item = ""  # the id of the turn that is being spoken
        self._buffered_from = 0  # manual mode: the first frame of the uncommitted buffer
        self._turn_from = 0  # VAD: the first frame of the turn that is being spoken
        self._outputs: list[str] = []  # what tools have answered and no response has told yet
        self._silent_turn = False  # no speech was found in the last turn: its response.create is not answered
        self._hung = False  # by fault: this turn never ends, whatever is heard, until the buffer is cleared
        self._turns = 0
        record.session = self._wording.new_id()
        self.agenda.say(self._wording.event("session.created", session=self.configuration.created(record.session)))
        self.agenda.at(now + options.session_limit_s, self._end)

    def receive(self, frame: str | bytes, now: float) -> None:
        """A frame of the client's has come."""
        client_event = None
        try:
            event = grammar.decoded(frame)
            given = event.get("event_id")
            client_event = given if isinstance(given, str) else None
            kind = grammar.checked(event)
            self._record.add_received(kind, len(frame), now)
            self._handle(kind, event, now)
        except ComplaintError as error:
            self._record.note("complaint", now, message=str(error))
            self.agenda.say(self._wording.complaint(error, client_event))

    def tick(self, now: float) -> None:
        """Do what is due."""
        self.agenda.run(now)

    # ── events ──

    def _handle(self, kind: str, event: Json, now: float) -> None:
        handlers = {
            "session.update": self._update,
            "input_audio_buffer.append": self._append,
            "input_audio_buffer.commit": self._commit,
            "input_audio_buffer.clear": self._clear,
            "conversation.item.create": self._create_item,
            "conversation.item.delete": self._delete_item,
            "conversation.item.truncate": self._truncate_item,
            "response.create": self._create_response,
            "response.cancel": self._cancel_response,
        }
        handlers[kind](event, now)

    def _update(self, event: Json, _now: float) -> None:
        frozen = self.responder.has_sounded
        new = configuration.merged(self.configuration, event["session"], self._options, voice_frozen=frozen)
        other = next((fault.detail for fault in self._faults if fault.kind is Kind.OTHER_VOICE), None)
        if other is not None and not frozen:
            new = replace(new, voice=other or voices.default_voice(new.model))
        old, self.configuration = self.configuration, new
        self._record.tools = new.tools
        if new.vad != old.vad:
            self._listen_anew(old.vad)
        shown = new.updated(self._record.session, vad_off_echo=self._options.vad_off_echo)
        self.agenda.say(self._wording.event("session.updated", session=shown))

    def _append(self, event: Json, now: float) -> None:
        pcm = grammar.audio(event["audio"])
        self._record.append(pcm, now)
        if self._vad is None:
            return
        for edge in self._vad.feed(samples_of(pcm)):
            if self._hung:
                continue
            if edge.edge == "began":
                self._speech_began(edge.frame, now)
            elif self._fault(Kind.NO_STOP, self._turns):
                self._hung = True
            else:
                self._speech_ended(edge.frame, now)

    def _commit(self, _event: Json, now: float) -> None:
        if self._vad is not None:
            raise ComplaintError("commit when server vad")
        first, end = self._buffered_from, self._record.frames
        if first == end:
            raise ComplaintError(NOT_APPENDED)
        self._turns += 1
        self._buffered_from = end
        speech = self._fault(Kind.NO_SPEECH, self._turns) is None and self._is_speech(first, end)
        self._add_turn(self._wording.new_id(), first, end, now, speech=speech)
        self._silent_turn = not speech
        if not speech and self._options.no_speech == "at-commit":
            raise ComplaintError(NO_SPEECH_FOUND)

    def _clear(self, _event: Json, _now: float) -> None:
        self._buffered_from = self._record.frames
        self._hung = False
        if self._vad is not None:
            self._vad.forget()
        self.agenda.say(self._wording.event("input_audio_buffer.cleared"))

    def _create_item(self, event: Json, now: float) -> None:
        role, text, pcm = grammar.item(event["item"], system_items=self._options.system_items)
        after = event.get("previous_item_id")
        if not isinstance(after, str | None):
            raise grammar.malformed("previous_item_id")
        if role == "tool":
            self._take_output(event["item"], now)
        item = Item(self._wording.new_id(), role, text, ms_of(len(pcm) // 2, LINK_RATE_HZ) / 1000)
        before = self._items.add(item, after)
        self._record.note("told", now, role=role, text=text)
        self._silent_turn = False
        self._say_created(item, before, event["item"])

    def _take_output(self, item: Json, now: float) -> None:
        """What a tool has answered: while nothing is said, once a call, and only to a call that was made."""
        call_id, output = item["call_id"], item["output"]
        if self.responder.ongoing:
            raise ComplaintError("ongoing response already exists")
        if call_id not in self.responder.calls:
            raise ComplaintError("cannot find function call", param="item.call_id")
        if any(told.call_id == call_id for told in self._record.tool_outputs):
            raise ComplaintError("function call has its output already", param="item.call_id")
        self._record.tool_outputs.append(ToolOutput(now, call_id, self.responder.calls[call_id], output))
        self._outputs.append(output)

    def _delete_item(self, event: Json, _now: float) -> None:
        if not isinstance(event["item_id"], str):
            raise grammar.malformed("item_id")
        self._items.remove(event["item_id"])
        self.agenda.say(self._wording.event("conversation.item.deleted", item_id=event["item_id"]))

    def _truncate_item(self, event: Json, now: float) -> None:
        item, heard_ms = event["item_id"], event["audio_end_ms"]
        if not isinstance(item, str) or type(heard_ms) not in (int, float) or type(event["content_index"]) is not int:
            raise grammar.malformed("audio_end_ms")
        self._items.find(item)
        self._record.truncations.append((item, float(heard_ms)))
        self._record.note("truncated", now, item=item, heard_ms=float(heard_ms))
        fields = {"item_id": item, "content_index": event["content_index"], "audio_end_ms": heard_ms}
        self.agenda.say(self._wording.event("conversation.item.truncated", **fields))

    def _create_response(self, event: Json, now: float) -> None:
        modalities, instructions = grammar.request(event)
        if self.responder.ongoing:
            raise ComplaintError("ongoing response already exists")
        silent, self._silent_turn = self._silent_turn, False
        if silent and self._options.no_speech == "at-commit":
            return
        asked = self._items.last_asked
        if asked is None and not (instructions and self._options.allow_greeting):
            raise ComplaintError(NO_USER_ITEM)
        ask = Ask("nothing", refused=True) if silent else _ask(asked, modalities)
        if ask.heard == "tool":
            ask, self._outputs = replace(ask, text=" ".join(self._outputs)), []
        self.responder.create(ask, self.configuration, now)

    def _cancel_response(self, _event: Json, now: float) -> None:
        self.responder.cancel(now)

    # ── turns ──

    def _speech_began(self, frame: int, now: float) -> None:
        self._turns += 1
        self._item = self._wording.new_id()
        self._record.note("speech_started", now, frame=frame)
        start_ms = round(ms_of(frame, LINK_RATE_HZ))
        self._turn_from = frame
        kind = "input_audio_buffer.speech_started"
        self.agenda.say(self._wording.event(kind, audio_start_ms=start_ms, item_id=self._item))

    def _speech_ended(self, frame: int, now: float) -> None:
        self._record.note("speech_stopped", now, frame=frame)
        end_ms = round(ms_of(frame, LINK_RATE_HZ))
        kind = "input_audio_buffer.speech_stopped"
        self.agenda.say(self._wording.event(kind, audio_end_ms=end_ms, item_id=self._item))
        speech = self._fault(Kind.NO_SPEECH, self._turns) is None
        item = self._add_turn(self._item, self._turn_from, frame, now, speech=speech)
        if not speech:
            self.agenda.say(self._wording.complaint(ComplaintError(NO_SPEECH_FOUND), None))
            return
        answer_at = now + self._rng.uniform(*self._options.timing.answer_ms) / 1000
        ask = _ask(item, None)
        self.agenda.at(answer_at, lambda at: self.responder.turn_ended(ask, self.configuration, at))

    def _add_turn(self, item: str, first: int, end: int, now: float, *, speech: bool) -> Item:
        """The server has committed frames `first` to `end` as the user's item."""
        speech_s = (end - first) / LINK_RATE_HZ
        added = Item(item, "user", speech_s=speech_s)
        before = self._items.add(added)
        self._record.add_turn(UserTurn(item, first, end, now))
        self.agenda.say(self._wording.event("input_audio_buffer.committed", item_id=item, **_previous(before)))
        self._say_created(added, before, None)
        if speech:
            self._transcriber.heard(item, speech_s)
            self._transcriber.cue("before", item, now)
        return added

    def _is_speech(self, first: int, end: int) -> bool:
        threshold = VadSettings().energy_awakeness_threshold
        levels = energies(self._record.samples(first, end), self._options.energy_per_rms)
        return ms_of(end - first, LINK_RATE_HZ) >= self._options.min_clip_ms and max(levels, default=0.0) > threshold

    def _say_created(self, item: Item, before: str | None, given: Json | None) -> None:
        """Text stands in `transcript` under input_text, and the content of audio is null, as the service has it."""
        shown: Json = {"id": item.id, "object": "realtime.item", "status": "completed"}
        if item.role == "tool":
            assert given is not None
            shown |= {"type": "function_call_output", "call_id": given["call_id"], "output": given["output"]}
        else:
            content = [{"type": "input_text", "transcript": item.text}] if item.text else None
            shown |= {"type": "message", "role": item.role, "content": content}
        self.agenda.say(self._wording.event("conversation.item.created", item=shown, **_previous(before)))

    # ── life ──

    def _ear(self) -> EnergyVad | None:
        if self.configuration.vad is None:
            return None
        return EnergyVad(
            self.configuration.vad,
            per_rms=self._options.energy_per_rms,
            attack_ms=self._options.vad_attack_ms,
            first_frame=self._record.frames,
        )

    def _listen_anew(self, old: VadSettings | None) -> None:
        """The ear's settings have changed: in the midst of its work, or from manual mode and back."""
        if self._vad is not None and old is not None and self.configuration.vad is not None:
            self._vad.settings = self.configuration.vad
        else:
            self._vad = self._ear()
            self._buffered_from = self._record.frames

    def _end(self, now: float) -> None:
        self._record.note("session_limit", now)
        if self._options.session_end == "drop":
            self.agenda.say(End(None))
        else:
            self.agenda.say(self._wording.failure(SESSION_OVER))
            self.agenda.say(End(1000, "session expired"))

    def _fault(self, kind: Kind, number: int) -> Fault | None:
        return next((fault for fault in self._faults if fault.kind is kind and fault.at in (0, number)), None)


def _previous(before: str | None) -> Json:
    """The service leaves the field out for the first item."""
    return {} if before is None else {"previous_item_id": before}


def _ask(item: Item | None, modalities: tuple[str, ...] | None) -> Ask:
    """The response that answers `item`."""
    if item is None:
        return Ask("nothing", modalities=modalities)
    if item.role == "tool":
        return Ask("tool", modalities=modalities)
    return Ask("speech" if item.speech_s else "text", item.id, item.speech_s, item.text, modalities)
