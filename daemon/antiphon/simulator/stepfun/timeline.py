"""One response as a list of events, each with its time: the orders that were recorded from the live service. Pure.

Times are milliseconds from the first audio delta; what comes before it is negative.
"""

import base64
import random
from dataclasses import dataclass, field

import numpy as np

from antiphon.pcm import LINK_RATE_HZ, Samples, bytes_of, ms_of
from antiphon.simulator.stepfun.options import Timing
from antiphon.simulator.stepfun.script import Reply, ToolCall
from antiphon.simulator.stepfun.wording import Json, Wording

SPEECH_ENGINE_FAILED = "speech engine failed, please try again later"


@dataclass(frozen=True, slots=True)
class Timed:
    """One event, and when it goes out."""

    at_ms: float
    event: Json


@dataclass(slots=True)
class Plan:
    """The events between response.created and response.done, and what response.done then shows."""

    events: list[Timed] = field(default_factory=list)
    output: list[Json] = field(default_factory=list)

    @property
    def end_ms(self) -> float:
        """When the last event goes out."""
        return self.events[-1].at_ms if self.events else 0.0


class Planner:
    """Plans responses for one connection."""

    def __init__(self, timing: Timing, wording: Wording, rng: random.Random) -> None:
        """`rng` fixes the sizes of the deltas."""
        self._timing = timing
        self._wording = wording
        self._rng = rng
        self.calls: dict[str, str] = {}
        """The name of each call that was planned, by its id."""

    def plan(self, response: str, reply: Reply, samples: Samples | None) -> Plan:
        """The events of `reply`. `samples` (24 kHz) is None when no audio was asked for, and may be empty."""
        plan = Plan()
        if reply.text or not reply.calls:
            self._message(plan, response, reply, samples)
        for call in reply.calls:
            self._call(plan, response, call)
        if reply.calls and not reply.text:
            self._odd_tail(plan, response)
        return plan

    def _message(self, plan: Plan, response: str, reply: Reply, samples: Samples | None) -> None:
        item = self._wording.new_id()
        ids = {"response_id": response, "item_id": item, "output_index": 0, "content_index": 0}
        start = -self._timing.transcript_ahead_ms
        self._add(
            plan, start, "response.output_item.added", item=_message(item, "in_progress", []), **_without_part(ids)
        )
        self._think(plan, start, ids, reply.thinking)
        part = {"type": "audio", "audio": "", "transcript": ""}
        self._add(plan, start, "response.content_part.added", part=part, **ids)
        streams = self._transcript(ids, reply.text, start) + self._audio(ids, samples)
        plan.events += sorted(streams, key=lambda timed: timed.at_ms)
        if samples is not None:  # audio.done carries only two ids, as documented
            self._add(plan, plan.end_ms, "response.audio.done", response_id=response, item_id=item)
        spoken = {"type": "audio", "transcript": reply.text}
        self._add(plan, plan.end_ms, "response.content_part.done", part=spoken, **ids)
        done = _message(item, "completed", [spoken])
        self._add(plan, plan.end_ms, "response.output_item.done", item=done, **_without_part(ids))
        plan.output.append(done)

    def _add(self, plan: Plan, at_ms: float, kind: str, **fields: object) -> None:
        plan.events.append(Timed(at_ms, self._wording.loose(kind, **fields)))

    def _think(self, plan: Plan, at_ms: float, ids: Json, thinking: str) -> None:
        if thinking:
            for word in words(thinking):
                self._add(plan, at_ms, "response.thinking.delta", delta=word, **ids)
            self._add(plan, at_ms, "response.thinking.done", thinking=thinking, **ids)

    def _transcript(self, ids: Json, text: str, start_ms: float) -> list[Timed]:
        times = [start_ms + self._timing.word_ms * count for count in range(len(words(text)) + 1)]
        loose = self._wording.loose
        deltas = [
            Timed(at_ms, loose("response.audio_transcript.delta", delta=word, **ids))
            for at_ms, word in zip(times, words(text), strict=False)
        ]
        return [*deltas, Timed(times[-1], loose("response.audio_transcript.done", transcript=text, **ids))]

    def _audio(self, ids: Json, samples: Samples | None) -> list[Timed]:
        """Irregular deltas, sent `speed` times faster than they sound."""
        if samples is None:
            return []
        timed: list[Timed] = []
        first = 0
        for frames in cuts(len(samples), self._timing.delta_bytes // 2, self._rng):
            text = base64.b64encode(bytes_of(samples[first : first + frames])).decode()
            event = self._wording.loose("response.audio.delta", delta=text, **ids)
            timed.append(Timed(self._sent_ms(first), event))
            first += frames
        return timed

    def _sent_ms(self, frames: int) -> float:
        return ms_of(frames, LINK_RATE_HZ) / self._timing.speed if self._timing.speed else 0.0

    def _call(self, plan: Plan, response: str, call: ToolCall) -> None:
        item, call_id, at_ms = self._wording.new_id(), self._wording.new_call(), plan.end_ms
        self.calls[call_id] = call.name
        where = {"response_id": response, "output_index": len(plan.output)}
        shown = {"id": item, "object": "realtime.item", "type": "function_call", "call_id": call_id, "name": call.name}
        self._add(
            plan, at_ms, "response.output_item.added", item=shown | {"status": "in_progress", "arguments": ""}, **where
        )
        named = {"item_id": item, "call_id": call_id, "name": call.name, **where}
        half = len(call.arguments) // 2
        for piece in (call.arguments[:half], call.arguments[half:]):
            self._add(plan, at_ms, "response.function_call_arguments.delta", arguments=piece, **named)
        self._add(plan, at_ms, "response.function_call_arguments.done", arguments=call.arguments, **named)
        done = shown | {"status": "completed", "arguments": call.arguments}
        self._add(plan, at_ms, "response.output_item.done", item=done, **where)
        plan.output.append(done)

    def _odd_tail(self, plan: Plan, response: str) -> None:
        """What follows a tool call that said nothing: an audio part that never was, seen live each time."""
        item = self._wording.new_id()
        ids = {"response_id": response, "item_id": item, "output_index": len(plan.output), "content_index": 0}
        self._add(plan, plan.end_ms, "response.audio.done", response_id=response, item_id=item)
        part = {"type": "audio", "audio": "", "transcript": ""}
        self._add(plan, plan.end_ms, "response.content_part.added", part=part, **ids)
        self._add(plan, plan.end_ms, "response.audio_transcript.done", transcript="", **ids)
        self._add(plan, plan.end_ms, "response.content_part.done", part={"type": "audio", "transcript": ""}, **ids)


def broken(plan: Plan, error: Json) -> Plan:
    """`plan` up to the middle of its audio (or of its events, where it has none), then `error`."""
    audio = [place for place, timed in enumerate(plan.events) if timed.event["type"] == "response.audio.delta"]
    middle = audio[len(audio) // 2] if audio else len(plan.events) // 2
    kept = plan.events[: middle + 1]
    return Plan([*kept, Timed(kept[-1].at_ms, error)])


def _message(item: str, status: str, content: list[Json]) -> Json:
    return {
        "id": item,
        "object": "realtime.item",
        "type": "message",
        "status": status,
        "role": "assistant",
        "content": content,
    }


def _without_part(ids: Json) -> Json:
    return {key: ids[key] for key in ("response_id", "output_index")}


def words(text: str) -> list[str]:
    """The words of `text`, each with the space before the next, so that joined they are `text`."""
    return [piece for piece in text.replace(" ", " \0").split("\0") if piece]


def cuts(frames: int, mean: int, rng: random.Random) -> list[int]:
    """`frames` in pieces of about `mean`, each up to a quarter more or less."""
    cuts: list[int] = []
    while frames > 0:
        piece = min(frames, max(1, round(mean * rng.uniform(0.75, 1.25))))
        cuts.append(piece)
        frames -= piece
    return cuts


NO_SAMPLES: Samples = np.zeros(0, np.int16)
"""The sound of a response that has none."""
