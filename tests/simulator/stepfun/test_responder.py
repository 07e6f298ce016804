"""Responses: cancelled either way, one after the other, failing, calling tools."""

import numpy as np
import pytest

from antiphon.simulator.stepfun.faults import Fault, Kind
from antiphon.simulator.stepfun.options import SimulatorOptions, Timing
from antiphon.simulator.stepfun.script import Reply, ToolCall
from simulator.stepfun.bench import VAD, Bench, complaint, silence, tone, types

LONG = Reply("One two three four five six seven eight nine ten and so on and on for a good while yet.")
TURN = np.concatenate([tone(1.0), silence(0.4)])


def answering(replies=(LONG,), faults=(), *, create=True, seed=1, **changes):
    """A session in which a response has begun."""
    options = SimulatorOptions(**({"absent_fields_chance": 0.0, "replies": replies} | changes))
    bench = Bench(options, faults, seed=seed)
    bench.write()
    if create:
        bench.say("response.create")
    bench.sent.clear()
    return bench


def test_a_cancel_ends_as_incomplete_after_some_late_audio():
    late = set()
    for seed in range(12):
        bench = answering(seed=seed)
        bench.run(1.0)
        asked_at = bench.now
        assert bench.say("response.cancel") == []
        after = bench.run(5.0)
        assert set(types(after[:-1])) <= {"response.audio.delta"}
        late.add(len(after) - 1)
        assert after[-1]["response"]["status"] == "incomplete"
        assert 0.050 <= bench.at("response.done") - asked_at <= 0.060
    assert late == {0, 1, 2}


def test_a_cancel_may_end_as_cancelled():
    bench = answering(cancel_ends="cancelled", timing=Timing(late_deltas=(2, 2)))
    bench.run(1.0)
    bench.say("response.cancel")
    after = bench.run(5.0)
    assert types(after) == ["response.audio.delta", "response.audio.delta", "response.cancelled", "response.done"]
    assert after[-1]["response"]["status"] == "cancelled"


def test_a_cancel_before_any_sound():
    bench = answering()
    bench.run(0.1)
    bench.say("response.cancel")
    assert types(bench.run(5.0)) == ["response.done"]


def test_a_cancel_before_the_sound_is_made():
    bench = Bench(SimulatorOptions(replies=(LONG,)), engine=None)
    bench.write()
    (created,) = bench.say("response.create")
    bench.say("response.cancel")
    bench.session.responder.spoken(created["response"]["id"], tone(1.0), bench.now)
    assert types(bench.run(5.0)) == ["response.done"]


def test_a_second_cancel_finds_nothing_and_a_new_response_must_wait():
    bench = answering()
    bench.run(1.0)
    bench.say("response.cancel")
    assert complaint(bench.say("response.cancel"))["message"] == "no ongoing response to cancel"
    assert complaint(bench.say("response.create"))["message"] == "ongoing response already exists"
    bench.run(0.1)
    assert types(bench.say("response.create")) == ["response.created"]


def second_turn(second):
    """A turn by VAD that ends while the answer to the first still sounds."""
    bench = answering(create=False, second_turn=second, timing=Timing(speed=1.0))
    bench.say("session.update", session={"turn_detection": VAD})
    bench.speak(TURN)
    bench.run(1.2)
    bench.sent.clear()
    bench.speak(TURN)
    bench.run(10.0)
    return bench


def test_speech_does_not_stop_a_running_response():
    bench = second_turn("queue")
    order = [event["type"] for _, event in bench.sent]
    started = order.index("input_audio_buffer.speech_started")
    assert "response.audio.delta" in order[started:]
    first, second = bench.record.responses
    assert (first.status, second.status) == ("completed", "completed")
    assert second.created_s == first.done_s


def test_a_second_turn_may_replace_the_response():
    bench = second_turn("replace")
    assert [response.status for response in bench.record.responses] == ["incomplete", "completed"]
    order = [event["type"] for _, event in bench.sent]
    assert order[order.index("response.done") + 1] == "response.created"


def test_a_second_turn_may_be_refused():
    bench = second_turn("error")
    assert len(bench.record.responses) == 1
    assert complaint([event for _, event in bench.sent])["message"] == "ongoing response already exists"


def test_the_speech_engine_fails_midway_and_the_response_fails():
    bench = answering(faults=[Fault(Kind.SERVER_ERROR, 1)])
    bench.run(10.0)
    assert bench.types()[-3:] == ["response.audio.delta", "error", "response.done"]
    assert complaint([event for _, event in bench.sent])["type"] == "server_error"
    assert bench.record.responses[0].status == "failed"
    bench.say("response.create")
    bench.run(10.0)
    assert bench.record.responses[1].status == "completed"


def test_the_speech_engine_fails_and_nothing_more_comes():
    bench = answering(faults=[Fault(Kind.SERVER_ERROR, 1, "nothing")])
    bench.run(60.0)
    assert bench.types()[-1] == "error"
    assert "response.done" not in bench.types()
    assert types(bench.say("response.create")) == ["response.created"]


def test_errors_by_chance():
    assert answering(server_error_chance=1.0).run(10.0)[-1]["response"]["status"] == "failed"


def test_a_voice_that_cannot_be_made_fails_the_response():
    bench = answering()
    bench.session.responder.failed(bench.record.responses[0].response, "no such voice", bench.now)
    assert types(bench.run(10.0)) == ["error", "response.done"]
    assert bench.record.responses[0].status == "failed"


def test_an_empty_reply():
    bench = answering(faults=[Fault(Kind.EMPTY_REPLY, 1)])
    bench.run(10.0)
    assert "response.audio.delta" not in bench.types()
    assert bench.types()[-1] == "response.done"
    assert bench.record.responses[0].status == "completed"


def test_thinking_for_all_answers():
    bench = answering(thinking="Let me see.")
    bench.run(10.0)
    assert bench.all("response.thinking.done")[0]["thinking"] == "Let me see."


def test_a_tool_is_called_and_its_output_spoken_of():
    bench = answering((Reply(calls=(ToolCall("set_timer", '{"seconds":60}'),)), Reply("It is set.")))
    bench.run(10.0)
    call = bench.all("response.function_call_arguments.done")[0]
    assert (call["name"], call["arguments"]) == ("set_timer", '{"seconds":60}')
    output = {"type": "function_call_output", "call_id": call["call_id"], "output": '{"ok":true}'}
    assert types(bench.say("conversation.item.create", item=output)) == ["conversation.item.created"]
    bench.say("response.create")
    bench.run(10.0)
    assert bench.all("response.audio_transcript.done")[-1]["transcript"] == "It is set."


def called(*replies):
    """A response that has called each of its tools, and the ids of its calls."""
    bench = answering(replies)
    bench.run(10.0)
    return bench, [event["call_id"] for event in bench.all("response.function_call_arguments.done")]


def output(call_id, text):
    return {"type": "function_call_output", "call_id": call_id, "output": text}


def test_what_the_tools_have_answered_is_spoken_and_kept():
    bench, calls = called(Reply("One moment.", (ToolCall("clock"), ToolCall("lamp"))), Reply("So: {output}", to="tool"))
    for call, text in zip(calls, ("ten", "on"), strict=True):
        bench.say("conversation.item.create", item=output(call, text))
    bench.say("response.create")
    bench.run(10.0)
    assert bench.record.responses[1].text == "So: ten on"
    assert [(told.call_id, told.name, told.output) for told in bench.record.tool_outputs] == [
        (calls[0], "clock", "ten"),
        (calls[1], "lamp", "on"),
    ]


def test_an_output_is_taken_once_and_of_a_call_that_was_made():
    bench, (call,) = called(Reply(calls=(ToolCall("clock"),)))
    strange = complaint(bench.say("conversation.item.create", item=output("call_9", "ten")))
    assert strange["message"] == "cannot find function call"
    bench.say("conversation.item.create", item=output(call, "ten"))
    again = complaint(bench.say("conversation.item.create", item=output(call, "ten")))
    assert again["message"] == "function call has its output already"
    assert len(bench.record.tool_outputs) == 1


def test_audio_waits_for_its_time_or_for_its_making():
    bench = answering()
    bench.run(10.0)
    assert bench.at("response.audio.delta") == pytest.approx(0.9)
    slow = Bench(SimulatorOptions(replies=(Reply("Hi."),)), engine=None)
    slow.write()
    (created,) = slow.say("response.create")
    slow.run(3.0)
    slow.session.responder.spoken(created["response"]["id"], tone(0.5), slow.now)
    slow.run(10.0)
    assert slow.at("response.audio.delta") == pytest.approx(3.25)  # the transcript still runs ahead


def test_replies_are_used_in_turn_and_again():
    bench = answering((Reply("One."), Reply("Two.")))
    for _ in range(3):
        bench.run(10.0)
        bench.say("response.create")
    assert [response.text for response in bench.record.responses] == ["One.", "Two.", "One.", "Two."]
    assert bench.record.responses[0].samples.tolist() == tone(0.1).tolist()
    assert bench.record.responses[0].first_audio_s == bench.at("response.audio.delta")
