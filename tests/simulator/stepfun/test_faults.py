"""Faults as text, and what they make of a stream of events."""

import json
import random

import pytest

from antiphon.errors import SettingsError
from antiphon.simulator.stepfun.faults import (
    GARBAGE,
    Close,
    Fault,
    FaultyStream,
    Frame,
    Kind,
    Reset,
    Stall,
    parse_fault,
    spoil,
)


def event(number):
    return {"type": "test", "event_id": f"e{number}", "delta": "x"}


def outcome(*faults, count=4):
    """What leaves for `count` events: the number of each, or the act in its place."""
    stream = FaultyStream(tuple(faults), random.Random(1))
    acts = [act for number in range(1, count + 1) for act in stream.acts(event(number))]
    return [json.loads(act.payload).get("event_id") if isinstance(act, Frame) else act for act in acts]


def test_without_faults_everything_leaves():
    assert outcome() == ["e1", "e2", "e3", "e4"]


@pytest.mark.parametrize(
    ("kind", "detail", "act"),
    [
        (Kind.CLOSE_AT_EVENT, "", Close(1011)),
        (Kind.CLOSE_AT_EVENT, "1001", Close(1001)),
        (Kind.CUT_AT_EVENT, "", Close(None)),
        (Kind.STALL_AT_EVENT, "", Stall()),
        (Kind.RESET_AT_EVENT, "", Reset()),
    ],
)
def test_an_ending_strikes_in_place_of_its_event_and_nothing_follows(kind, detail, act):
    assert outcome(Fault(kind, 3, detail)) == ["e1", "e2", act]
    assert outcome(Fault(kind, 1, detail)) == [act]


def test_late_duplicated_and_unknown_events():
    assert outcome(Fault(Kind.LATE_EVENT, 2)) == ["e1", "e3", "e2", "e4"]
    assert outcome(Fault(Kind.LATE_EVENT, 1, "3")) == ["e2", "e3", "e4", "e1"]
    assert outcome(Fault(Kind.DUPLICATE_EVENT, 2)) == ["e1", "e2", "e2", "e3", "e4"]
    assert outcome(Fault(Kind.UNKNOWN_AT_EVENT, 2)) == ["e1", "unknown", "e2", "e3", "e4"]
    assert outcome(Fault(Kind.DUPLICATE_EVENT), count=2) == ["e1", "e1", "e2", "e2"]


@pytest.mark.parametrize("how", GARBAGE)
def test_garbage_is_what_it_says(how):
    acts = spoil(event(1), how, random.Random(1))
    first = acts[0].payload
    if how in ("truncated", "wrong-types"):
        assert len(acts) == 1
    else:
        assert json.loads(acts[1].payload) == event(1)
    match how:
        case "binary":
            assert isinstance(first, bytes)
        case "not-json" | "truncated":
            with pytest.raises(json.JSONDecodeError):
                json.loads(first)
        case "huge":
            assert len(first) > 1024 * 1024
        case "not-object":
            assert not isinstance(json.loads(first), dict)
        case "wrong-types":
            assert all(type(value) is not str for value in json.loads(first).values())
        case "bad-base64":
            assert "*" in json.loads(first)["delta"]


def test_bad_sound_is_of_the_service_that_says_it():
    said = {"event_id": "1", "type": "tts.response.created", "data": {"session_id": "S"}}
    bad = json.loads(spoil(said, "bad-base64", random.Random(1))[0].payload)
    assert (bad["type"], bad["data"]["session_id"], bad["data"]["audio"]) == ("tts.response.audio.delta", "S", "AAA*")


def test_half_a_character_does_not_stop_the_stream():
    (act,) = FaultyStream((), random.Random(1)).acts({"type": "x", "text": "a\ud800"})
    assert act.payload.encode() == b'{"type": "x", "text": "a?"}'


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("refuse", Fault(Kind.REFUSE)),
        ("status=429@0", Fault(Kind.STATUS, 429, "", (0,))),
        ("close-at-event=5:1011@0-2,4", Fault(Kind.CLOSE_AT_EVENT, 5, "1011", (0, 1, 2, 4))),
        ("other-voice=:cixingnansheng", Fault(Kind.OTHER_VOICE, 0, "cixingnansheng")),
    ],
)
def test_faults_are_read_from_text(text, fault):
    assert parse_fault(text) == fault


@pytest.mark.parametrize(
    "text", ["", "explode", "status=many", "refuse@first", "garbage-at-event=1:rude", "close-at-event=1:x"]
)
def test_a_fault_that_cannot_be_read_says_what_is_allowed(text):
    with pytest.raises(SettingsError, match="fault"):
        parse_fault(text)


def test_a_fault_strikes_its_connections_only():
    assert [Fault(Kind.REFUSE, connections=(0, 2)).strikes(number) for number in range(4)] == [True, False, True, False]
    assert Fault(Kind.REFUSE).strikes(7)
