"""What the service says means: transcripts of calls, in the orders that the real service has been seen to keep."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from antiphon.conversation import events as happened
from antiphon.conversation.effects import ToolOutput
from antiphon.conversation.events import (
    LinkOpened,
    NothingRecognised,
    ReplyAudio,
    ReplyEnded,
    ReplyStarted,
    ReplyText,
    ServiceComplained,
    SpeechStarted,
    SpeechStopped,
    ToolCalled,
    UserSaid,
)
from antiphon.links.realtime import messages as m
from antiphon.links.realtime.dialogue import MEMORY, Dialogue, Outcome
from antiphon.links.realtime.wire import SERVER_EVENTS, decode
from links.realtime.nonsense import FRAMES

PCM = bytes(range(96))
CREATE, CANCEL, COMMIT = m.CreateResponse(), m.CancelResponse(), m.CommitAudio()


class Call:
    """A dialogue, and all that came of it, in order."""

    def __init__(self, *, own_turns=False, voice="linjiajiejie"):
        self.dialogue = Dialogue(7, own_turns=own_turns, voice=voice, model="big")
        self.events = []
        self.requests = []

    def hear(self, *said):
        """Messages, or texts like "response.created R" in the manner of the service; returns the new events."""
        before = len(self.events)
        for one in said:
            self._keep(self.dialogue.heard(message(one) if isinstance(one, str) else one))
        return self.events[before:]

    def commit(self):
        return self._keep(self.dialogue.commit())

    def cancel(self, reply, heard_ms):
        return self._keep(self.dialogue.cancel(reply, heard_ms))

    def give(self, *outputs, respond=True):
        return self._keep(self.dialogue.give_tool_outputs(outputs, respond=respond))

    def _keep(self, outcome: Outcome):
        self.events += outcome.events
        self.requests += outcome.requests
        return list(outcome.requests)


def message(line):
    """One line of a transcript: a type, and an id of the response or the item."""
    kind, _, rest = line.partition(" ")
    name, _, text = rest.partition(" ")
    response = {"id": name, "status": text or "completed"}
    fields = {"item_id": name or "i1", "transcript": text, "delta": text, "session": {"voice": name}}
    if kind.startswith("response."):
        fields = {
            "response_id": name,
            "item_id": f"item-{name}",
            "response": response,
            "delta": text,
            "transcript": text,
        }
        fields["item"] = {"id": f"item-{name}", "type": "message", "role": "assistant"}
    if kind == "error":
        fields = {"error": {"type": "invalid_request_error", "message": rest}}
    if kind == "response.audio.delta":
        return m.AudioDelta(name, f"item-{name}" if name else "", 0, PCM)
    decoded = decode(json.dumps({"type": kind, **fields}))
    assert not isinstance(decoded, m.Unknown | m.Malformed), decoded
    return decoded


OPENED = ["session.created", "session.updated linjiajiejie"]
REPLY = [
    "response.created R",
    "response.output_item.added R",
    "response.content_part.added R",
    "response.audio_transcript.delta R Hi, ",
    "response.audio_transcript.delta R there.",
    "response.audio_transcript.done R Hi, there.",
    "response.audio.delta R",
    "response.audio.delta R",
    "response.audio.done R",
    "response.content_part.done R",
    "response.output_item.done R",
    "response.done R completed",
]
REPLIED = [
    ReplyStarted(7, "R"),
    ReplyText(7, "R", "Hi, "),
    ReplyText(7, "R", "there."),
    ReplyAudio(7, "R", PCM),
    ReplyAudio(7, "R", PCM),
    ReplyEnded(7, "R", "completed"),
]
VAD_TURN = [
    "input_audio_buffer.speech_started i1",
    "input_audio_buffer.speech_stopped i1",
    "input_audio_buffer.committed i1",
    "conversation.item.created i1",
]
TURN = [SpeechStarted(7), SpeechStopped(7), UserSaid(7, "i1", "")]
TRANSCRIPT = "conversation.item.input_audio_transcription.completed i1 hello"


# ── the orders of the real service ───────────────────────────────────────────────────────────────


def test_open_is_told_once():
    call = Call()
    assert call.hear(*OPENED) == [LinkOpened(7)]
    assert call.dialogue.opened
    assert Call().hear("session.updated linjiajiejie") == [LinkOpened(7)]


def test_text_in_sound_out():
    assert Call().hear(*OPENED, "conversation.item.created i", *REPLY) == [LinkOpened(7), *REPLIED]


def test_text_out_only():
    lines = [line for line in REPLY if "audio." not in line]
    assert Call().hear(*lines) == [event for event in REPLIED if not isinstance(event, ReplyAudio)]


def test_turn_found_by_the_service():
    call = Call()
    assert call.hear(*VAD_TURN, *REPLY, TRANSCRIPT) == [*TURN, *REPLIED, UserSaid(7, "i1", "hello")]
    assert call.requests == []


def test_turn_found_by_us():
    call = Call(own_turns=True)
    assert call.commit() == [COMMIT, CREATE]
    told = call.hear("input_audio_buffer.committed i1", "conversation.item.created i1", *REPLY, TRANSCRIPT)
    assert told == [UserSaid(7, "i1", ""), *REPLIED, UserSaid(7, "i1", "hello")]
    assert call.requests == [COMMIT, CREATE]


def test_commit_is_nothing_where_the_service_finds_the_turns():
    assert Call().commit() == []


# ── tools ────────────────────────────────────────────────────────────────────────────────────────

ADDED = m.OutputItem("R", m.Item("i9", "function_call", call_id="c", name="f"), done=False)
TAIL = ["response.audio.done R", "response.content_part.added R", "response.audio_transcript.done R"]
CALLED = ToolCalled(7, "R", "c", "f", '{"a":1}')
OUTPUT = ToolOutput("c", "noon")


def piece(arguments, *, done=False, response="R", call_id="c", name="f", item="i9"):
    return m.ToolCall(response, call_id, name, arguments, done, item)


@pytest.mark.parametrize(
    "said",
    [
        [ADDED, piece('{"a"'), piece(":1}"), piece('{"a":1}', done=True)],
        [ADDED, piece('{"a":1}', done=True, name="")],
        [ADDED, piece('{"a":1}', done=True, name="", call_id="")],
        [ADDED, piece('{"a":1}', done=True, name="", call_id="", item="")],
        [piece('{"a":1}', done=True), ADDED],
        [piece('{"a":1}', done=True, response="")],
        [piece('{"a"'), piece(":1}"), piece("", done=True)],
        [ADDED, piece('{"a"', name=""), piece(":1}", name="")],
        [
            ADDED,
            m.OutputItem("R", m.Item("i9", "function_call", call_id="c", name="f", arguments='{"a":1}'), done=True),
        ],
        [ADDED, piece('{"a":1}', done=True), piece('{"a":1}', done=True)],
    ],
)
def test_a_tool_is_called_once_however_it_is_told(said):
    told = Call().hear("response.created R", *said, *TAIL, "response.done R completed")
    assert told == [ReplyStarted(7, "R"), CALLED, ReplyEnded(7, "R", "completed")]
    anew = Call().hear(*said, "response.done R completed")
    assert [type(one) for one in anew] == [type(one) for one in told], "its beginning was lost"


def test_a_tool_is_called_while_the_reply_is_spoken():
    call = Call()
    call.hear(*REPLY[:-1])
    assert call.hear(piece('{"a":1}', done=True)) == [CALLED]
    assert call.hear(REPLY[-1]) == [ReplyEnded(7, "R", "completed")]


def test_a_call_without_arguments_has_none():
    assert Call().hear(piece("", done=True), "response.done R completed")[1] == ToolCalled(7, "R", "c", "f", "{}")


def test_half_a_call_of_a_reply_that_failed_is_none():
    told = Call().hear("response.created R", ADDED, piece('{"a"'), "response.done R failed")
    assert [type(one) for one in told] == [ReplyStarted, ReplyEnded]


def test_a_call_that_has_no_id_cannot_be_answered():
    told = Call().hear(piece("{}", done=True, call_id=""), "response.done R completed")
    assert told == [ReplyStarted(7, "R"), ReplyEnded(7, "R", "completed")]


def test_a_call_of_a_reply_that_is_over_is_not_told():
    call = Call()
    call.hear(*REPLY)
    assert call.hear(piece("{}", done=True)) == []


@pytest.mark.parametrize("own_turns", [False, True])
def test_outputs_are_sent_when_the_reply_is_over_and_then_an_answer_is_asked_for(own_turns):
    call = Call(own_turns=own_turns)
    call.hear("response.created R", piece('{"a":1}', done=True))
    assert call.give(OUTPUT, ToolOutput("d", "")) == []
    call.hear("response.done R completed")
    assert sent(call.requests) == [("c", "noon"), ("d", ""), CREATE]
    assert sent(call.give(OUTPUT)) == [("c", "noon"), CREATE], "at once, as none runs"
    assert sent(call.give(OUTPUT, respond=False)) == [("c", "noon")]


def test_outputs_of_an_interrupted_reply_come_before_the_next_turn():
    call = Call(own_turns=True)
    call.hear("response.created R", piece("{}", done=True))
    call.cancel("R", 0)
    call.give(OUTPUT, respond=False)
    call.commit()
    assert sent(call.requests) == [CANCEL, COMMIT]
    call.hear("response.done R incomplete")
    assert sent(call.requests) == [CANCEL, COMMIT, ("c", "noon"), CREATE]


@pytest.mark.parametrize("own_turns", [False, True])
def test_what_is_refused_as_another_reply_runs_is_sent_again(own_turns):
    call = Call(own_turns=own_turns)
    call.give(OUTPUT)
    output = call.requests[0]
    call.hear("response.created S", refusal(output.event_id), refusal(""))
    assert sent(call.requests) == [("c", "noon"), CREATE]
    call.hear("response.done S completed")
    assert sent(call.requests) == [("c", "noon"), CREATE, ("c", "noon"), CREATE]
    call.hear("response.created T", "response.done T completed")
    assert len(call.requests) == 4, "it is answered"


def test_only_the_answer_is_asked_for_again_where_the_outputs_were_taken():
    call = Call()
    call.give(OUTPUT)
    call.hear("response.created S", refusal(""), "response.done S completed")
    assert sent(call.requests) == [("c", "noon"), CREATE, CREATE]


def test_an_output_that_is_not_wanted_and_not_taken_is_no_news():
    call = Call()
    (asked,) = call.give(OUTPUT, respond=False)
    assert call.hear(m.ServiceError("invalid_request_error", "", "cannot find function call", asked.event_id)) == []
    call.give(OUTPUT)
    complaint = m.ServiceError("invalid_request_error", "", "cannot find function call", call.requests[-2].event_id)
    assert [type(one) for one in call.hear(complaint)] == [ServiceComplained]


def refusal(event_id):
    return m.ServiceError("invalid_request_error", "", "ongoing response already exists", event_id)


def sent(requests):
    return [(one.call_id, one.output) if isinstance(one, m.AddToolOutput) else one for one in requests]


# ── what the user said ───────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("place", [0, 4, 10])
def test_transcript_comes_when_it_likes(place):
    lines = [*REPLY[:place], TRANSCRIPT, *REPLY[place:]]
    assert UserSaid(7, "i1", "hello") in Call().hear(*VAD_TURN, *lines)


def test_cumulative_transcripts_replace_each_other_and_blank_ones_say_nothing():
    delta = "conversation.item.input_audio_transcription.delta i1 "
    told = Call().hear(delta + "hel", delta + "hello", delta + "hello", delta, TRANSCRIPT)
    assert told == [UserSaid(7, "i1", text) for text in ("hel", "hello", "hello", "hello")]


def test_a_turn_without_a_name_gets_one():
    call = Call()
    told = call.hear(m.Committed(""), m.Transcript("", "hello", final=True), m.Committed(""))
    assert [event.text for event in told] == ["", "hello", ""]
    assert told[0].item == told[1].item != told[2].item


def test_transcript_failed_is_nothing():
    assert Call().hear(m.TranscriptFailed("i1", "noise")) == []


# ── replies that stray ───────────────────────────────────────────────────────────────────────────


def test_a_reply_whose_ids_are_missing():
    nameless = ["response.created", "response.audio_transcript.delta  Hi", "response.audio.delta", "response.done"]
    told = Call().hear(*nameless)
    name = told[0].reply
    assert told == [
        ReplyStarted(7, name),
        ReplyText(7, name, "Hi"),
        ReplyAudio(7, name, PCM),
        ReplyEnded(7, name, "completed"),
    ]
    assert name


def test_two_nameless_replies_differ():
    call = Call()
    first, second = (call.hear("response.created", "response.done")[0].reply for _ in range(2))
    assert first != second


@pytest.mark.parametrize("first", ["response.audio.delta R", "response.audio_transcript.delta R Hi", "response.done R"])
def test_a_reply_begins_with_its_first_sign(first):
    assert Call().hear(first)[0] == ReplyStarted(7, "R")


def test_a_nameless_piece_before_the_name():
    told = Call().hear("response.audio.delta", "response.created R", "response.audio.delta R", "response.done R")
    assert [type(event) for event in told] == [ReplyStarted, ReplyAudio, ReplyAudio, ReplyEnded]
    assert len({event.reply for event in told}) == 1


def test_a_nameless_reply_may_end_with_a_name():
    told = Call().hear("response.audio.delta", "response.done R")
    assert [type(event) for event in told] == [ReplyStarted, ReplyAudio, ReplyEnded]


def test_a_piece_of_text_after_the_whole_is_late():
    whole, piece = "response.audio_transcript.done R Hi, there.", "response.audio_transcript.delta R Hi, "
    assert Call().hear("response.created R", whole, piece)[1:] == [ReplyText(7, "R", "Hi, there.")]
    other = m.TextDelta("R", "another item", "And this.")
    assert Call().hear("response.created R", whole, other)[2:] == [ReplyText(7, "R", "And this.")]


def test_created_and_done_twice_count_once():
    assert Call().hear("response.created R", *REPLY, "response.done R", "response.created R", REPLY[6]) == REPLIED


def test_pieces_after_the_end_are_dropped_for_long():
    call = Call()
    call.hear("response.created R", "response.done R")
    for number in range(MEMORY - 1):
        call.hear(f"response.created r{number}", f"response.done r{number}")
    assert call.hear("response.audio.delta R", "response.audio_transcript.delta R late") == []


def test_a_new_reply_ends_the_old():
    call = Call()
    told = call.hear("response.created A", "response.created B", "response.audio.delta A", "response.done A")
    assert told == [ReplyStarted(7, "A"), ReplyEnded(7, "A", "cancelled"), ReplyStarted(7, "B")]
    assert call.hear("response.audio.delta B", "response.done B")[1] == ReplyEnded(7, "B", "completed")


def test_the_end_of_a_reply_we_do_not_know_ends_no_other():
    assert Call().hear("response.created A", "response.done X") == [ReplyStarted(7, "A")]


def test_the_end_of_nothing_is_nothing():
    assert Call().hear("response.done", "response.cancelled") == []


def test_whole_text_counts_where_no_piece_came():
    assert ReplyText(7, "R", "All.") in Call().hear("response.created R", "response.audio_transcript.done R All.")
    told = Call().hear("response.created R", m.ResponseDone("R", "completed", "", "All."))
    assert told[1:] == [ReplyText(7, "R", "All."), ReplyEnded(7, "R", "completed")]
    assert Call().hear(m.TextDone("", "", "All.")) == []


def test_thinking_is_never_told():
    told = Call().hear("response.created R", m.Thinking("R", "hm", done=False), m.Thinking("R", "hmm", done=True))
    assert told == [ReplyStarted(7, "R")]


def test_samples_cut_in_half_are_mended():
    call = Call()
    call.hear("response.created R")
    told = call.hear(*(m.AudioDelta("R", "", 0, piece) for piece in (b"a", b"", b"bc", b"def", b"g")))
    assert [event.pcm for event in told] == [b"ab", b"cdef"]
    assert call.hear("response.done R", "response.created S", m.AudioDelta("S", "", 0, b"xy"))[-1].pcm == b"xy"


@pytest.mark.parametrize(
    ("status", "verdict"),
    [
        ("completed", "completed"),
        ("", "completed"),
        ("cancelled", "cancelled"),
        ("failed", "failed"),
        ("incomplete", "failed"),
    ],
)
def test_how_a_reply_ended(status, verdict):
    ended = Call().hear("response.created R", m.ResponseDone("R", status, "content_filter", ""))[-1]
    assert (ended.status, ended.problem is not None) == (verdict, verdict == "failed")
    assert ended.problem is None or "content_filter" in ended.problem.sentence


# ── cancelling ───────────────────────────────────────────────────────────────────────────────────

ENDS = [
    ["response.cancelled R"],
    ["response.cancelled R", "response.done R cancelled"],
    ["response.cancelled"],
    ["response.done R incomplete"],
    ["response.done R failed"],
    ["response.done R completed"],
    ["response.done  incomplete"],
    ["error no ongoing response to cancel"],
    ["response.done R completed", "error no ongoing response to cancel"],
    ["response.created S"],
]


@pytest.mark.parametrize("end", ENDS)
def test_cancelled_whichever_way_that_ends(end):
    call = Call()
    call.hear(*REPLY[:7])
    assert call.cancel("R", 1.5) == [CANCEL, m.TruncateItem("item-R", 0, 1, event_id="truncate-7-1")]
    assert call.hear("response.audio.delta R", "response.audio.delta", "response.audio_transcript.delta R x") == []
    told = call.hear(*end)
    assert told[0] == ReplyEnded(7, "R", "cancelled")
    assert [event for event in told if isinstance(event, ReplyEnded)] == told[:1]
    assert call.hear("response.audio.delta R", "response.done R") == []
    assert call.cancel("R", 1.5) == []


@pytest.mark.parametrize("end", ENDS[:-1])
def test_nameless_pieces_of_a_cancelled_reply_begin_no_other(end):
    call = Call()
    call.hear(*REPLY[:7])
    call.cancel("R", 1.5)
    call.hear(*end)
    assert call.hear("response.audio.delta", "response.done") == []
    assert call.hear(*VAD_TURN, "response.audio.delta")[-2:-1] == [ReplyStarted(7, call.events[-1].reply)]


def test_cancelled_twice_is_asked_once():
    call = Call()
    call.hear(*REPLY[:2])
    assert call.cancel("R", 0) == [CANCEL]
    assert call.cancel("R", 0) == []


def test_a_reply_that_has_ended_is_only_cut():
    call = Call()
    call.hear(*REPLY)
    assert call.cancel("R", 1.2) == [m.TruncateItem("item-R", 0, 1, event_id="truncate-7-1")]
    assert call.cancel("R", 1.2) == []


def test_a_reply_heard_to_its_end_is_not_cut():
    call = Call()
    call.hear(*REPLY)
    assert call.cancel("R", 4.0) == []


def test_no_more_is_cut_than_was_sent():
    call = Call()
    call.hear(*REPLY[:7])
    assert call.cancel("R", 900.0)[1].audio_end_ms == 2


def test_a_reply_we_do_not_know_is_not_cancelled():
    assert Call().cancel("R", 0) == []


@pytest.mark.parametrize(
    "error",
    [
        m.ServiceError("invalid_request_error", "", "item not found", "truncate-7-1"),
        m.ServiceError("invalid_request_error", "", "conversation.item.truncate is unknown", ""),
    ],
)
def test_refused_truncation_is_no_news(error):
    call = Call()
    call.hear(*REPLY[:7])
    call.cancel("R", 1.0)
    assert call.hear(error) == []
    assert call.hear("error something else")[0].problem.fault == "refused"


def test_truncation_is_over_once_it_is_answered():
    call = Call()
    call.hear(*REPLY[:7])
    call.cancel("R", 1.0)
    call.hear("conversation.item.truncated item-R")
    assert call.hear("error cannot truncate that") != []


# ── asking for a reply ───────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("end", ENDS[:-1])
def test_after_a_cancel_a_reply_is_asked_for_when_the_old_one_has_ended(end):
    call = Call(own_turns=True)
    call.hear(*REPLY[:7])
    call.cancel("R", 1)
    assert call.commit() == [COMMIT]
    call.hear(*end)
    assert call.requests[-1:] == [CREATE]
    assert call.requests.count(CREATE) == 1


@pytest.mark.parametrize(
    "refusal",
    [
        "error ongoing response already exists",
        m.ServiceError("invalid_request_error", "ONGOING_RESPONSE_ALREADY_EXISTS", "no", ""),
        m.ServiceError("invalid_request_error", "conversation_already_has_active_response", "no", ""),
    ],
)
@pytest.mark.parametrize("end", ["response.done A", "response.done X", "response.cancelled A"])
def test_a_reply_refused_because_one_runs_is_asked_for_again(refusal, end):
    call = Call(own_turns=True)
    call.hear("response.created A")
    assert call.commit() == [COMMIT, CREATE]
    assert call.hear(refusal) == []
    call.hear(end)
    assert call.requests == [COMMIT, CREATE, CREATE]
    call.hear("response.created B", "response.done B")
    assert call.requests == [COMMIT, CREATE, CREATE]


def test_where_the_service_finds_the_turns_nothing_is_asked_for():
    call = Call()
    call.hear("error ongoing response already exists", *REPLY)
    assert call.requests == []


# ── errors ───────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("own", [False, True])
@pytest.mark.parametrize("text", ["no speech found", "append is not called"])
def test_nothing_recognised(own, text):
    call = Call(own_turns=own)
    call.commit()
    assert call.hear(f"error Oh: {text}!") == [NothingRecognised(7)]


def test_an_empty_turn_is_told_once_and_its_reply_refused():
    call = Call(own_turns=True)
    call.commit()
    told = call.hear("error no speech found", "error cannot continue_final_message", "error no speech found")
    assert told == [NothingRecognised(7)]
    assert call.hear(*REPLY) == []
    assert call.requests == [COMMIT, CREATE, CANCEL]
    assert call.hear("response.created S") == [ReplyStarted(7, "S")]


def test_a_turn_after_an_empty_one_is_answered():
    call = Call(own_turns=True)
    call.commit()
    call.hear("error no speech found")
    call.commit()
    assert call.hear("response.created S") == [ReplyStarted(7, "S")]


@pytest.mark.parametrize("own", [False, True])
def test_no_speech_found_after_the_reply_has_begun(own):
    """Nothing more comes of that reply, not even its end."""
    call = Call(own_turns=own)
    call.commit()
    told = call.hear("response.created R", "error no speech found", "response.audio.delta R")
    assert told == [ReplyStarted(7, "R"), NothingRecognised(7), ReplyEnded(7, "R", "completed")]
    assert call.hear("response.created S") == [ReplyStarted(7, "S")]


def test_no_speech_found_while_another_reply_speaks():
    call = Call()
    call.hear(*REPLY[:7])
    assert call.hear("error no speech found", *REPLY[7:]) == [NothingRecognised(7), *REPLIED[-2:]]


def test_an_empty_turn_while_a_reply_ends_is_not_asked_about():
    call = Call(own_turns=True)
    call.hear(*REPLY[:7])
    call.cancel("R", 1)
    call.commit()
    call.hear("error no speech found", "response.done R incomplete")
    assert CREATE not in call.requests


@pytest.mark.parametrize(
    ("error", "fault", "words"),
    [
        ("error commit when server vad", "refused", "realtime.turn_detection"),
        ("error voice linjiajiejie is not valid", "refused", "realtime.voice"),
        ("error invalid event format", "refused", "invalid event format"),
        (m.ServiceError("server_error", "", "engine overloaded", ""), "lost", "engine overloaded"),
        (m.ServiceError("", "", "a\n\x1b[2J" + "b" * 500, ""), "lost", "'a [2Jbbb"),
    ],
)
def test_complaints_say_what_to_do(error, fault, words):
    (complaint,) = Call().hear(error)
    assert isinstance(complaint, ServiceComplained)
    assert complaint.problem.fault == fault
    assert words in complaint.problem.sentence
    assert complaint.problem.sentence.isprintable()
    assert len(complaint.problem.sentence) < 300


def test_a_voice_replaced_without_a_word_is_told_once():
    call = Call()
    told = call.hear("session.updated cixingnansheng", "session.updated cixingnansheng", "error voice x is not valid")
    assert [type(event) for event in told] == [LinkOpened, ServiceComplained]
    assert "cixingnansheng" in told[1].problem.sentence


@pytest.mark.parametrize(("asked", "got"), [("", "any"), ("linjiajiejie", ""), ("linjiajiejie", "linjiajiejie")])
def test_a_voice_that_suits(asked, got):
    assert Call(voice=asked).hear(f"session.updated {got}") == [LinkOpened(7)]


def test_an_error_does_not_end_a_reply():
    call = Call()
    call.hear("response.created R")
    assert [type(event) for event in call.hear("error something", "response.done R")] == [ServiceComplained, ReplyEnded]


# ── whatever comes ───────────────────────────────────────────────────────────────────────────────

names = st.sampled_from(["", "A", "B", "C"])
errors = st.sampled_from(
    ["no speech found", "no ongoing response to cancel", "ongoing response already exists", "other"]
)
steps = st.one_of(
    st.tuples(st.sampled_from(sorted(SERVER_EVENTS - {"error"})), names).map(" ".join),
    errors.map("error {}".format),
    names.map(lambda name: m.AudioDelta(name, "", 0, b"abc")),
    st.sampled_from(["completed", "cancelled", "failed", "incomplete", "odd"]).map(
        lambda s: m.ResponseDone("A", s, "", "")
    ),
    st.sampled_from(["commit", "cancel A", "cancel B", "cancel last"]),
)


@given(st.booleans(), st.lists(steps, max_size=40))
@settings(max_examples=300, deadline=None)
def test_replies_begin_once_end_once_and_do_not_overlap(own, script):
    call = Call(own_turns=own)
    cancelled = set()
    running = None
    seen = 0
    for step in script:
        if step == "commit":
            call.commit()
        elif isinstance(step, str) and step.startswith("cancel "):
            name = step[7:] if step != "cancel last" else running
            cancelled.add(name)
            call.cancel(name, 5.0)
        else:
            call.hear(step)
        for event in call.events[seen:]:
            match event:
                case ReplyStarted(7, reply):
                    assert running is None
                    running = reply
                    cancelled.discard(reply)
                case ReplyText(7, reply) | ReplyAudio(7, reply):
                    assert reply == running
                    assert reply not in cancelled
                    assert not isinstance(event, ReplyAudio) or len(event.pcm) % 2 == 0
                case ReplyEnded(7, reply):
                    assert reply == running
                    running = None
                case _:
                    assert isinstance(event, happened.LinkEvent)
        seen = len(call.events)
    if not own:
        assert not {CREATE, COMMIT} & set(call.requests)


tools = st.one_of(
    steps.filter(lambda step: not (isinstance(step, str) and step.startswith("cancel"))),
    st.builds(
        piece,
        st.sampled_from(["", "{", "{}"]),
        done=st.booleans(),
        response=st.sampled_from(["", "A", "B"]),
        call_id=st.sampled_from(["", "c", "d"]),
        name=st.sampled_from(["", "f"]),
        item=st.sampled_from(["", "i", "j"]),
    ),
    st.builds(refusal, st.sampled_from(["", "output-7-1", "output-7-2"])),
    st.sampled_from(["give", "give and ask"]),
)


@given(st.booleans(), st.lists(tools, max_size=40))
@settings(max_examples=1000, deadline=None)
def test_a_tool_is_called_once_in_its_reply_and_told_while_none_runs(own, script):
    call = Call(own_turns=own)
    running, called, given, seen = None, set(), 0, 0
    for step in script:
        asked = len(call.requests)
        if step == "commit":
            call.commit()
        elif step in ("give", "give and ask"):
            given += 1
            call.give(ToolOutput(f"given-{given}", ""), respond=step != "give")
        else:
            call.hear(step)
        for event in call.events[seen:]:
            match event:
                case ReplyStarted(7, reply):
                    running, called = reply, set()
                case ToolCalled(7, reply, tool):
                    assert reply == running
                    assert tool
                    assert tool not in called, "told twice"
                    called.add(tool)
                case ReplyEnded():
                    running = None
                case _:
                    pass
        seen = len(call.events)
        told = [one for one in call.requests[asked:] if isinstance(one, m.AddToolOutput)]
        assert not (told and running), "told while a reply runs"
    if running is not None:
        call.hear("response.done")
    ids = [one.call_id for one in call.requests if isinstance(one, m.AddToolOutput)]
    assert {f"given-{number + 1}" for number in range(given)} == set(ids), "none is lost"


@given(st.booleans(), st.lists(FRAMES, min_size=10, max_size=10))
@settings(max_examples=1000, deadline=None)
def test_ten_thousand_odd_frames_are_each_told_apart(own, odd):
    call = Call(own_turns=own)
    counts = dict.fromkeys(("sound", "unknown", "malformed"), 0)
    for frame in odd:
        heard = decode(frame)
        if isinstance(heard, m.Malformed):
            counts["malformed"] += 1
        elif isinstance(heard, m.Unknown):
            counts["unknown"] += 1
        else:
            counts["sound"] += 1
            call.hear(heard)
    assert sum(counts.values()) == len(odd)
    assert call.hear(*VAD_TURN)[0] == SpeechStarted(7)
