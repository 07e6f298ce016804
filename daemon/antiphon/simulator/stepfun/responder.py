"""The service's mouth: one response at a time, from its creation to its end. Pure.

It decides what is said and when; it does not make sound: it asks for it (`Utterance`) and is given samples later.
"""

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial

from antiphon.pcm import LINK_RATE_HZ, Samples
from antiphon.simulator.stepfun import script, timeline, voices
from antiphon.simulator.stepfun.agenda import Agenda
from antiphon.simulator.stepfun.configuration import Configuration
from antiphon.simulator.stepfun.conversation import Item, Items, Transcriber
from antiphon.simulator.stepfun.faults import Fault, Kind
from antiphon.simulator.stepfun.grammar import ComplaintError
from antiphon.simulator.stepfun.options import SimulatorOptions
from antiphon.simulator.stepfun.record import ResponseRecord, SessionRecord
from antiphon.simulator.stepfun.script import Heard, Reply, Script
from antiphon.simulator.stepfun.timeline import NO_SAMPLES, Plan, Planner
from antiphon.simulator.stepfun.wording import Json, Wording

NO_SPEECH_FOUND = "no speech found"


@dataclass(frozen=True, slots=True)
class Ask:
    """What a response is to answer. `item` is the user's, whose transcript is due with the response ("" for none).

    `text` is what was written, or what the tools have answered.
    """

    heard: Heard
    item: str = ""
    speech_s: float = 0.0
    text: str = ""
    modalities: tuple[str, ...] | None = None
    refused: bool = False
    """The turn has no speech: the response is created, and then nothing but an error follows."""


@dataclass(frozen=True, slots=True)
class Utterance:
    """A wish for sound: `text` spoken by the flite voice `speaker` at `rate_hz`, for `response`."""

    response: str
    text: str
    speaker: str
    rate_hz: int = LINK_RATE_HZ


@dataclass(slots=True)
class _Running:
    ask: Ask
    reply: Reply
    record: ResponseRecord
    with_audio: bool
    first_audio_at: float
    cancelled: bool = False

    @property
    def id(self) -> str:
        return self.record.response


class Responder:
    """The responses of one connection."""

    def __init__(
        self,
        options: SimulatorOptions,
        agenda: Agenda,
        wording: Wording,
        rng: random.Random,
        record: SessionRecord,
        fault: Callable[[Kind, int], Fault | None],
        items: Items,
        transcriber: Transcriber,
    ) -> None:
        """`fault` finds a fault by its kind and the number of the response."""
        self._options = options
        self._timing = options.timing
        self._agenda = agenda
        self._wording = wording
        self._rng = rng
        self._record = record
        self._fault = fault
        self._items = items
        self._transcriber = transcriber
        self._planner = Planner(options.timing, wording, rng)
        self._script = Script(options.replies)
        self._running: _Running | None = None
        self._queue: list[tuple[Ask, Configuration]] = []
        self._wanted: list[Utterance] = []
        self.has_sounded = False
        """True from the first audio delta on: the voice is frozen."""

    @property
    def calls(self) -> Mapping[str, str]:
        """The name of each call that was made, by its id."""
        return self._planner.calls

    @property
    def ongoing(self) -> bool:
        """True from response.created to the end of the response."""
        return self._running is not None

    def take_wanted(self) -> list[Utterance]:
        """The wishes for sound since the last time."""
        wanted, self._wanted = self._wanted, []
        return wanted

    def turn_ended(self, ask: Ask, configuration: Configuration, now: float) -> None:
        """A turn found by VAD asks for an answer; what it does to a running response is a switch."""
        if self._running is None:
            self.create(ask, configuration, now)
        elif self._options.second_turn == "queue":
            self._queue.append((ask, configuration))
        elif self._options.second_turn == "replace":
            self._agenda.withdraw(self._running.id)
            self._finish(self._running, "incomplete", [], now)
            self.create(ask, configuration, now)
        else:
            self._agenda.say(self._wording.complaint(ComplaintError("ongoing response already exists"), None))

    def create(self, ask: Ask, configuration: Configuration, now: float) -> None:
        """Begin a response. Raises ComplaintError when one is running."""
        if self._running is not None:
            raise ComplaintError("ongoing response already exists")
        number = len(self._record.responses) + 1
        reply = self._choose(ask, number)
        record = ResponseRecord(self._wording.new_id(), reply.text, now)
        self._record.responses.append(record)
        self._record.note("response_created", now, response=record.response, text=reply.text)
        wait_ms = self._timing.first_audio_ms + (self._timing.search_ms if configuration.searches else 0.0)
        with_audio = "audio" in (ask.modalities or configuration.modalities)
        running = self._running = _Running(ask, reply, record, with_audio, now + wait_ms / 1000)
        self._agenda.say(
            self._wording.event("response.created", response=_response(record.response, "in_progress", []))
        )
        if ask.refused:
            self._agenda.say(self._wording.complaint(ComplaintError(NO_SPEECH_FOUND), None))
            self._close("failed", now)
        elif with_audio and reply.text:
            self._wanted.append(Utterance(record.response, reply.text, voices.speaker(configuration.voice)))
        else:
            self.spoken(running.id, NO_SAMPLES if with_audio else None, now)

    def spoken(self, response: str, samples: Samples | None, now: float) -> None:
        """The sound of `response` is made: send it in time. What comes for a response that is over is dropped."""
        running = self._running
        if running is None or running.id != response or running.cancelled:
            return
        plan = self._planner.plan(response, running.reply, samples)
        running.record.samples = NO_SAMPLES if samples is None else samples
        lead_ms = -min(0.0, plan.events[0].at_ms)
        start = max(running.first_audio_at, now + lead_ms / 1000)
        failing = self._failing(len(self._record.responses))
        if failing is not None:
            plan = timeline.broken(plan, self._wording.failure(timeline.SPEECH_ENGINE_FAILED))
        for item in plan.output:
            self._items.add(Item(item["id"], "assistant"))
        for timed in plan.events:
            self._schedule(start + timed.at_ms / 1000, timed.event, response)
        self._transcriber.cue("between", running.ask.item, start)
        finish = partial(self._end_of_plan, running, plan, failing)
        self._agenda.at(start + plan.end_ms / 1000, finish, tag=response, what="end")

    def failed(self, response: str, sentence: str, now: float) -> None:
        """The sound of `response` cannot be made."""
        running = self._running
        if running is not None and running.id == response:
            self._agenda.withdraw(response)
            self._agenda.say(self._wording.failure(sentence))
            self._finish(running, "failed", [], now)

    def cancel(self, now: float) -> None:
        """response.cancel: the end comes a little later, after some late audio. Raises ComplaintError when idle."""
        running = self._running
        if running is None or running.cancelled:
            raise ComplaintError("no ongoing response to cancel")
        running.cancelled = True
        self._record.note("cancelled", now, response=running.id)
        ends_at = now + self._rng.uniform(*self._timing.cancel_ms) / 1000
        audio = [due for due in self._agenda.withdraw(running.id) if due.what == "response.audio.delta"]
        if running.record.first_audio_s is not None:  # what is on its way already still comes
            for due in audio[: self._rng.randint(*self._timing.late_deltas)]:
                self._agenda.at(min(due.at_s, ends_at), due.act, tag=due.tag, what=due.what)
        self._agenda.at(ends_at, partial(self._end_of_cancel, running), tag=running.id)

    # ── inside ──

    def _choose(self, ask: Ask, number: int) -> Reply:
        reply = self._script.reply(ask.heard, ask.text) or script.answer_to(ask.heard, ask.speech_s, ask.text)
        if self._fault(Kind.EMPTY_REPLY, number):
            return Reply()
        return reply if reply.thinking else replace(reply, thinking=self._options.thinking)

    def _failing(self, number: int) -> Fault | None:
        if self._rng.random() < self._options.server_error_chance:
            return Fault(Kind.SERVER_ERROR)
        return self._fault(Kind.SERVER_ERROR, number)

    def _schedule(self, at_s: float, event: Json, response: str) -> None:
        self._agenda.at(at_s, partial(self._send, event), tag=response, what=str(event.get("type")))

    def _send(self, event: Json, now: float) -> None:
        running = self._running
        if event.get("type") == "response.audio.delta" and running is not None:
            self.has_sounded = True
            if running.record.first_audio_s is None:
                running.record.first_audio_s = now
                self._record.note("first_audio", now, response=running.id)
        self._agenda.say(event)

    def _end_of_plan(self, running: _Running, plan: Plan, failing: Fault | None, now: float) -> None:
        if failing is None:
            self._finish(running, "completed", plan.output, now)
        elif failing.detail == "nothing":
            self._close("failed", now)
        else:
            self._finish(running, "failed", [], now)

    def _end_of_cancel(self, running: _Running, now: float) -> None:
        if self._options.cancel_ends == "cancelled":
            shown = {"id": running.id, "status": "cancelled"}
            self._agenda.say(self._wording.event("response.cancelled", response=shown))
        self._finish(running, self._options.cancel_ends, [], now)

    def _finish(self, running: _Running, status: str, output: list[Json], now: float) -> None:
        self._agenda.say(self._wording.event("response.done", response=_response(running.id, status, output)))
        self._close(status, now)

    def _close(self, status: str, now: float) -> None:
        """The response is over; the transcript of its turn and the next turn may follow."""
        running = self._running
        assert running is not None
        running.record.done_s, running.record.status = now, status
        frames = len(running.record.samples)
        self._record.note("response_done", now, response=running.id, status=status, frames=frames)
        self._transcriber.cue("after", running.ask.item, now + self._timing.transcription_ms / 1000)
        self._running = None
        if self._queue:
            self.create(*self._queue.pop(0), now)


def _response(response: str, status: str, output: list[Json]) -> Json:
    return {"id": response, "object": "realtime.response", "status": status, "status_details": None, "output": output}
