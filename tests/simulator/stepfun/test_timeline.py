"""The orders within a response, as they were recorded from the live service."""

import base64
import random

import numpy as np
import pytest

from antiphon.pcm import bytes_of
from antiphon.simulator.stepfun.options import SimulatorOptions, Timing
from antiphon.simulator.stepfun.script import Reply, ToolCall
from antiphon.simulator.stepfun.timeline import NO_SAMPLES, Planner, broken
from antiphon.simulator.stepfun.wording import Wording
from simulator.stepfun.bench import tone


def plan(reply, samples=NO_SAMPLES, timing=None):
    rng = random.Random(1)
    words = Wording(SimulatorOptions(absent_fields_chance=0.0), rng)
    return Planner(timing or Timing(), words, rng).plan("R", reply, samples)


def order(plan):
    names = [timed.event["type"].removeprefix("response.") for timed in plan.events]
    return [name for place, name in enumerate(names) if place == 0 or names[place - 1] != name]


def deltas(plan):
    return [timed for timed in plan.events if timed.event["type"] == "response.audio.delta"]


def test_a_short_answer_is_written_before_it_sounds():
    assert order(plan(Reply("Hi, there."), tone(1.0))) == [
        "output_item.added",
        "content_part.added",
        "audio_transcript.delta",
        "audio_transcript.done",
        "audio.delta",
        "audio.done",
        "content_part.done",
        "output_item.done",
    ]


def test_text_only_still_uses_the_audio_transcript():
    assert order(plan(Reply("Hi, there."), None)) == [
        "output_item.added",
        "content_part.added",
        "audio_transcript.delta",
        "audio_transcript.done",
        "content_part.done",
        "output_item.done",
    ]


def test_a_long_transcript_runs_beside_the_audio_and_both_end_before_audio_done():
    made = plan(Reply("word " * 40), tone(1.0))
    names = order(made)
    assert names.index("audio.delta") < names.index("audio_transcript.done") < names.index("audio.done")


def test_a_tool_call_has_the_odd_tail():
    assert order(plan(Reply(calls=(ToolCall("set_timer", '{"seconds":60}'),)))) == [
        "output_item.added",
        "function_call_arguments.delta",
        "function_call_arguments.done",
        "output_item.done",
        "audio.done",
        "content_part.added",
        "audio_transcript.done",
        "content_part.done",
    ]


def test_the_arguments_come_under_arguments_in_the_delta_too():
    events = [timed.event for timed in plan(Reply(calls=(ToolCall("t", '{"a":1}'),))).events]
    pieces = [event["arguments"] for event in events if event["type"].endswith("arguments.delta")]
    assert "".join(pieces) == '{"a":1}'
    assert events[0]["item"]["arguments"] == ""
    assert {event["call_id"] for event in events if "call_id" in event} == {"call_0_1"}


def test_speech_and_a_call_share_a_response():
    made = plan(Reply("One moment.", (ToolCall("t"),)), tone(0.5))
    assert [item["type"] for item in made.output] == ["message", "function_call"]
    assert order(made)[-1] == "output_item.done"
    assert made.events[-1].event["output_index"] == 1


def test_thinking_comes_before_the_answer_and_is_no_part_of_it():
    made = plan(Reply("Yes.", thinking="The user asks."), tone(0.5))
    assert order(made)[1:4] == ["thinking.delta", "thinking.done", "content_part.added"]
    assert made.output[0]["content"] == [{"type": "audio", "transcript": "Yes."}]


def test_an_empty_reply_has_no_audio():
    made = plan(Reply())
    assert deltas(made) == []
    assert order(made)[-3:] == ["audio.done", "content_part.done", "output_item.done"]


def test_the_deltas_are_irregular_faster_than_real_time_and_hold_every_sample():
    samples = tone(3.0)
    made = deltas(plan(Reply("Hi."), samples, Timing(speed=4.0)))
    pieces = [base64.b64decode(timed.event["delta"]) for timed in made]
    assert b"".join(pieces) == bytes_of(samples)
    assert len({len(piece) for piece in pieces}) > 5
    assert all(4800 <= len(piece) <= 8000 for piece in pieces[:-1])
    assert made[0].at_ms == 0.0
    assert made[-1].at_ms == pytest.approx((3000 - len(pieces[-1]) / 48) / 4.0)


def test_the_words_joined_are_the_text():
    text = " Two  words. "
    made = plan(Reply(text), NO_SAMPLES)
    assert "".join(t.event["delta"] for t in made.events if t.event["type"].endswith("transcript.delta")) == text


def test_times_never_run_back():
    made = plan(Reply("Some words.", (ToolCall("t"),), "Hm."), tone(1.0))
    times = [timed.at_ms for timed in made.events]
    assert times == sorted(times)


def test_a_broken_plan_stops_midway_with_the_error():
    made = plan(Reply("Hi."), tone(2.0))
    half = broken(made, {"type": "error"})
    assert half.events[-1].event == {"type": "error"}
    assert half.output == []
    assert 0 < len(deltas(half)) < len(deltas(made))
    assert broken(plan(Reply("Hi."), np.zeros(0, np.int16)), {"type": "error"}).events[-1].event == {"type": "error"}
