"""One session, without a socket: the orders, the documented errors, turns by VAD and by commit."""

import base64

import numpy as np
import pytest

from antiphon.simulator.stepfun.agenda import End
from antiphon.simulator.stepfun.faults import Fault, Kind
from antiphon.simulator.stepfun.options import SimulatorOptions
from antiphon.simulator.stepfun.script import Reply
from simulator.stepfun.bench import VAD, Bench, append, complaint, silence, tone, types

SPOKEN = [
    "response.created",
    "response.output_item.added",
    "response.content_part.added",
    "response.audio_transcript.delta",
    "response.audio_transcript.done",
    "response.audio.delta",
    "response.audio.done",
    "response.content_part.done",
    "response.output_item.done",
    "response.done",
]
TRANSCRIPT = "conversation.item.input_audio_transcription.completed"
TURN = np.concatenate([silence(0.5), tone(1.5), silence(0.5)])


def options(**changes):
    return SimulatorOptions(**({"absent_fields_chance": 0.0} | changes))


def listening(faults=(), **changes):
    """A session with server VAD."""
    bench = Bench(options(**changes), faults)
    bench.say("session.update", session={"turn_detection": VAD})
    bench.sent.clear()
    return bench


def committed(bench, samples):
    bench.say(kind="input_audio_buffer.append", audio=append(samples)["audio"])
    return bench.say("input_audio_buffer.commit")


# ── orders ───────────────────────────────────────────────────────────────────────────────────────


def test_the_service_speaks_first():
    bench = Bench()
    ((at, created),) = bench.sent
    assert (at, created["type"]) == (0.0, "session.created")
    assert created["session"]["id"] == bench.record.session
    assert created["session"]["max_response_output_tokens"] == "4096"


def test_text_in_audio_out():
    bench = Bench()
    bench.say("session.update", session={"turn_detection": None})
    bench.write()
    bench.say("response.create", response={"modalities": ["text", "audio"]})
    bench.run(10.0)
    assert bench.types() == ["session.created", "session.updated", "conversation.item.created", *SPOKEN]
    assert bench.all("response.done")[0]["response"]["status"] == "completed"
    assert "audio" not in bench.all("response.done")[0]["response"]["output"][0]["content"][0]


def test_text_only_has_no_audio_events():
    bench = Bench()
    bench.say("session.update", session={"modalities": ["text"]})
    bench.write()
    bench.say("response.create")
    bench.run(10.0)
    assert bench.types()[3:] == [name for name in SPOKEN if ".audio." not in name]


def test_manual_audio_in():
    bench = Bench()
    assert types(committed(bench, tone(1.2))) == ["input_audio_buffer.committed", "conversation.item.created"]
    bench.run(5.0)
    assert len(bench.sent) == 3  # a commit starts no response
    bench.say("response.create")
    bench.run(10.0)
    assert bench.types()[3:] == [*SPOKEN, TRANSCRIPT]
    assert bench.record.responses[0].text == "I heard you speak for one point two seconds."
    assert bench.record.heard(bench.record.turns[0]).tolist() == tone(1.2).tolist()


def test_a_turn_by_vad_is_committed_and_answered_by_the_service():
    bench = listening()
    bench.speak(TURN)
    bench.run(10.0)
    heads = ["speech_started", "speech_stopped", "committed"]
    assert bench.types() == [f"input_audio_buffer.{name}" for name in heads] + [
        "conversation.item.created",
        *SPOKEN,
        TRANSCRIPT,
    ]
    items = [event["item_id"] for _, event in bench.sent[:3]]
    assert set(items) == {bench.record.turns[0].item}
    answered_ms = 1000 * (bench.at("response.created") - bench.at("input_audio_buffer.speech_stopped"))
    assert 4.0 <= answered_ms <= 8.0


def test_the_turn_is_where_the_samples_are():
    bench = listening()
    bench.speak(TURN)
    (turn,) = bench.record.turns
    assert (turn.first_frame, turn.end_frame) == (9600, 48_000 + 7200)  # padding 100 ms, silence 300 ms
    assert bench.record.heard(turn).tolist() == TURN[9600:55_200].tolist()
    assert bench.all("input_audio_buffer.speech_started")[0]["audio_start_ms"] == 400
    assert bench.all("input_audio_buffer.speech_stopped")[0]["audio_end_ms"] == 2300


def test_silence_counts_only_when_it_arrives():
    bench = listening()
    bench.speak(tone(1.0))
    bench.run(60.0)
    assert bench.types() == ["input_audio_buffer.speech_started"]
    bench.speak(silence(0.3))
    assert "input_audio_buffer.speech_stopped" in bench.types()


def test_appends_are_not_acknowledged():
    bench = Bench()
    assert bench.speak(tone(1.0)) == []
    assert len(bench.record.arrivals) == 50
    assert [arrival.first_frame for arrival in bench.record.arrivals[:3]] == [0, 480, 960]


@pytest.mark.parametrize("cue", ["before", "between", "after"])
def test_the_transcript_comes_before_amid_or_after_the_reply(cue):
    bench = listening(transcription=cue)
    bench.speak(TURN)
    bench.run(10.0)
    order = [event["type"] for _, event in bench.sent]
    place = order.index(TRANSCRIPT)
    begun, done = order.index("response.created"), order.index("response.done")
    wanted = {"before": place < begun, "between": begun < place < done, "after": place > done}
    assert wanted[cue]


def test_a_change_of_vad_settings_in_mid_turn_keeps_the_turn():
    bench = listening()
    bench.speak(tone(1.0))
    bench.say("session.update", session={"turn_detection": VAD | {"silence_duration_ms": 500}})
    bench.speak(silence(0.4))
    assert bench.record.turns == []
    bench.speak(silence(0.1))
    assert len(bench.record.turns) == 1


def test_clear_forgets_what_was_not_committed():
    bench = Bench()
    bench.say(kind="input_audio_buffer.append", audio=append(tone(2.0))["audio"])
    assert types(bench.say("input_audio_buffer.clear")) == ["input_audio_buffer.cleared"]
    committed(bench, tone(1.0))
    assert (bench.record.turns[0].first_frame, bench.record.turns[0].end_frame) == (48_000, 72_000)


def test_a_later_item_names_the_one_before_it():
    bench = Bench()
    bench.write("one")
    bench.write("two")
    first, second = bench.all("conversation.item.created")
    assert "previous_item_id" not in first
    assert second["previous_item_id"] == first["item"]["id"]
    assert first["item"]["content"] == [{"type": "input_text", "transcript": "one"}]


def test_the_service_makes_its_own_item_ids():
    bench = Bench()
    bench.say(
        "conversation.item.create",
        item={"id": "mine", "type": "message", "role": "user", "content": [{"type": "input_text", "text": "a"}]},
    )
    assert bench.all("conversation.item.created")[0]["item"]["id"] != "mine"


def test_items_are_deleted_and_truncated():
    bench = Bench()
    bench.write()
    bench.say("response.create")
    bench.run(10.0)
    spoken = bench.all("response.output_item.done")[0]["item"]["id"]
    shortened = bench.say("conversation.item.truncate", item_id=spoken, content_index=0, audio_end_ms=120)
    assert types(shortened) == ["conversation.item.truncated"]
    assert bench.record.truncations == [(spoken, 120.0)]
    assert types(bench.say("conversation.item.delete", item_id=spoken)) == ["conversation.item.deleted"]
    assert "cannot find item" in complaint(bench.say("conversation.item.delete", item_id=spoken))["message"]


# ── complaints ───────────────────────────────────────────────────────────────────────────────────


def test_a_complaint_names_the_client_event_and_the_session_goes_on():
    bench = Bench()
    error = complaint(bench.say("response.cancel", event_id="c-9"))
    assert error == {
        "type": "invalid_request_error",
        "message": "no ongoing response to cancel",
        "event_id": "c-9",
    }
    assert types(bench.write()) == ["conversation.item.created"]


@pytest.mark.parametrize(
    "frame", ["nonsense", b"\0", "[]", '{"type":"session.close"}', '{"type":"response.create","x":1}']
)
def test_what_is_not_understood_is_complained_about(frame):
    assert "invalid event format" in complaint(Bench().receive(frame))["message"]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"voice": "alloy"}, "voice alloy is not valid"),
        ({"tool_choice": {"type": "function"}}, "invalid event format"),
        ({"turn_detection": {"type": "server_vad", "threshold": 0.5}}, "invalid event format"),
    ],
)
def test_a_refused_update_changes_nothing(changes, message):
    bench = Bench()
    before = bench.session.configuration
    assert message in complaint(bench.say("session.update", session={"instructions": "new"} | changes))["message"]
    assert bench.session.configuration == before
    assert types(bench.say("session.update", session={"voice": "wenrounansheng"})) == ["session.updated"]


def test_commit_under_vad_is_refused_and_the_turn_goes_on():
    bench = listening()
    bench.speak(tone(1.0))
    assert complaint(bench.say("input_audio_buffer.commit"))["message"] == "commit when server vad"
    bench.speak(silence(0.5))
    bench.run(1.0)
    assert "response.created" in bench.types()


def test_commit_of_nothing_is_refused():
    assert "append is not called" in complaint(Bench().say("input_audio_buffer.commit"))["message"]


@pytest.mark.parametrize("samples", [tone(0.7), silence(2.0)], ids=["short", "silent"])
def test_no_speech_found_and_then_no_response(samples):
    bench = Bench()
    answered = committed(bench, samples)
    assert types(answered)[:2] == ["input_audio_buffer.committed", "conversation.item.created"]
    assert complaint(answered)["message"] == "no speech found"
    assert bench.say("response.create") == []
    assert bench.run(60.0) == []


def test_no_speech_found_may_come_after_response_created():
    bench = Bench(options(no_speech="after-created"))
    assert "error" not in types(committed(bench, silence(2.0)))
    answered = bench.say("response.create")
    assert types(answered) == ["response.created", "error"]
    assert bench.run(60.0) == []
    committed(bench, tone(1.0))
    assert types(bench.say("response.create")) == ["response.created"]


def test_odd_audio_is_refused():
    odd = base64.b64encode(bytes(961)).decode()
    error = complaint(Bench().say("input_audio_buffer.append", audio=odd))
    assert (error["code"], error["message"]) == ("invalid_param", "音频内容不完整")


def test_a_response_while_one_runs_is_refused():
    bench = Bench()
    bench.write()
    bench.say("response.create")
    assert complaint(bench.say("response.create"))["message"] == "ongoing response already exists"
    output = {"type": "function_call_output", "call_id": "call_0_1", "output": "{}"}
    assert complaint(bench.say("conversation.item.create", item=output))["message"] == "ongoing response already exists"


def test_the_previous_item_must_exist():
    item = {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "a"}]}
    answered = Bench().say("conversation.item.create", previous_item_id="root", item=item)
    assert "cannot find previous item" in complaint(answered)["message"]


def test_an_empty_conversation_is_answered_only_when_told_how():
    assert "continue_final_message" in complaint(Bench().say("response.create"))["message"]
    greeting = {"instructions": "Greet the user."}
    for place in ("response", "session"):
        assert types(Bench().say("response.create", **{place: greeting})) == ["response.created"]
    strict = Bench(options(allow_greeting=False))
    assert "continue_final_message" in complaint(strict.say("response.create", response=greeting))["message"]


def test_errors_may_be_flat():
    bench = Bench(options(error_shape="flat"))
    (error,) = bench.say("response.cancel")
    assert error.keys() == {"type", "message"}


# ── the rest of a session ────────────────────────────────────────────────────────────────────────


def test_the_voice_freezes_at_the_first_sound():
    bench = Bench()
    bench.say("session.update", session={"voice": "cixingnansheng"})
    bench.write()
    bench.say("response.create")
    bench.run(10.0)
    (updated,) = bench.say("session.update", session={"voice": "linjiajiejie"})
    assert updated["session"]["voice"] == "cixingnansheng"


def test_a_silently_substituted_voice_shows_in_the_echo():
    bench = Bench(faults=[Fault(Kind.OTHER_VOICE, detail="ruyananshi")])
    (updated,) = bench.say("session.update", session={"voice": "cixingnansheng"})
    assert updated["session"]["voice"] == "ruyananshi"


def test_a_turn_that_never_stops():
    bench = listening([Fault(Kind.NO_STOP, 1)])
    bench.speak(np.concatenate([TURN, TURN]))
    assert bench.types() == ["input_audio_buffer.speech_started"]
    bench.say("input_audio_buffer.clear")
    bench.speak(TURN)
    bench.run(10.0)
    assert bench.types()[-2:] == ["response.done", TRANSCRIPT]


def test_a_turn_in_which_no_speech_is_found():
    bench = listening([Fault(Kind.NO_SPEECH, 1)])
    bench.speak(TURN)
    bench.run(10.0)
    assert bench.types()[-1] == "error"
    assert "response.created" not in bench.types()
    bench.speak(TURN)
    bench.run(10.0)
    assert bench.record.responses[0].status == "completed"


def test_searching_is_only_a_longer_pause():
    waits = []
    for tools in ([], [{"type": "web_search"}]):
        bench = Bench()
        bench.say("session.update", session={"tools": tools})
        bench.write()
        bench.say("response.create")
        bench.run(10.0)
        waits.append(bench.at("response.audio.delta") - bench.at("response.created"))
        assert bench.types()[3:] == SPOKEN
        assert list(bench.record.tools) == tools
    assert waits == pytest.approx([0.9, 2.4])


@pytest.mark.parametrize(
    ("end", "events"),
    [("error", ["error", End(1000, "session expired")]), ("drop", [End(None)])],
)
def test_a_session_ends_at_its_limit(end, events):
    bench = Bench(options(session_end=end, session_limit_s=60.0))
    assert bench.run(59.9) == []
    ended = bench.run(0.2)
    assert [event if isinstance(event, End) else event["type"] for event in ended] == events


def test_the_same_seed_says_the_same():
    def told():
        bench = Bench(options(absent_fields_chance=0.5, replies=(Reply("The same again."),)))
        bench.say("session.update", session={"turn_detection": VAD})
        bench.speak(TURN)
        bench.run(10.0)
        return bench.sent

    assert told() == told()
