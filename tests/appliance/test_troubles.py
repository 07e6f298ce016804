"""What the network and the service do wrong: it is told in words, no word is lost, and the next turn is answered."""

import socket
from contextlib import ExitStack

import pytest

from antiphon.staging import KEY
from appliance.scenery import (
    PATIENCE_S,
    QUESTION,
    REPLY,
    WAKE,
    assert_no_word_lost,
    ends_well,
    last_session,
    let_pass,
    places_of,
    played,
    sound_of,
    staged,
    story,
    take_turn,
)

pytestmark = pytest.mark.appliance

LONG_REPLY = "It is a quarter past ten in the morning, and the sun is shining on the hills and on the sea."


def faults(*wanted):
    """All of them on the first connection."""
    return [word for fault in wanted for word in ("--fault", f"{fault}@0")]


# ── the call is not opened ───────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        ("refuse", ("hung up", "tried again")),
        ("status=401", ("401", "check it")),
        ("status=402", ("402", "top it up")),
        ("status=429", ("429", "wait")),
        ("status=500", ("500", "later")),
    ],
)
def test_a_call_that_is_refused_is_told_in_a_sentence_and_the_next_is_made(fault, words):
    with staged(simulate=faults(fault)) as stage:
        told = stage.daemon.wait_for("link-closed")
        assert told["level"] == "warning"
        assert all(word in told["why"] for word in words), told
        assert KEY not in told["why"]
        turn = take_turn(stage)
        assert ends_well(stage)
        assert_no_word_lost(stage, turn, last_session(stage))


def test_a_refusal_while_somebody_waits_is_shown_at_once():
    """Nothing that waiting would mend: no second attempt is made in this turn, but one is in the next."""
    with staged("realtime.connection=on_demand", simulate=faults("status=402")) as stage:
        spoken = stage.speak(WAKE, QUESTION, pause_ms=None)
        problem = stage.daemon.wait_for("problem")
        assert problem["fault"] == "refused"
        assert "402" in problem["sentence"]
        stage.daemon.wait_for("asleep", why="shown")
        let_pass(stage, spoken)
        assert len(stage.service.said("connection")) == 1
        turn = take_turn(stage)
        assert ends_well(stage)
        assert_no_word_lost(stage, turn, session=1)


def test_a_service_in_trouble_is_tried_again_while_the_turn_waits():
    with staged("realtime.connection=on_demand", simulate=faults("status=500")) as stage:
        turn = take_turn(stage)
        assert ends_well(stage)
        assert_no_word_lost(stage, turn, session=1)


def test_a_service_that_is_not_there_is_missed_and_found_again():
    """The port is kept for the service, but nobody listens at it yet."""
    with ExitStack() as stack:
        kept = stack.enter_context(socket.socket())
        kept.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        kept.bind(("127.0.0.1", 0))
        port = kept.getsockname()[1]
        url = f"realtime.url=ws://127.0.0.1:{port}/v1/realtime"
        stage = stack.enter_context(
            staged(url, "conversation.opening_ms=1000", simulate=None, environ={"STEPFUN_API_KEY": KEY})
        )
        told = stage.daemon.wait_for("link-closed")
        assert "Nothing listens" in told["why"]
        stage.speak(WAKE, QUESTION, pause_ms=None)
        stage.daemon.wait_for("sorry")
        after = len(stage.daemon.lines)
        stage.daemon.wait_for("asleep", after)
        stage.start_service(stack, port)
        turn = take_turn(stage)
        assert ends_well(stage)
        assert_no_word_lost(stage, turn, last_session(stage))


# ── the call breaks ──────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "fault",
    [
        "close-at-event=3:1011",  # in the place of speech_started
        "reset-at-event=4",  # of speech_stopped
        "cut-at-event=5",  # of committed
        "close-at-event=7:1011",  # of response.created
        "cut-at-event=8",
        "reset-at-event=10",
    ],
)
def test_a_call_that_breaks_in_mid_turn_loses_no_word(fault):
    """Before anything of the reply was heard, the next call gets the turn from its first word on, and answers it."""
    with staged(simulate=faults(fault)) as stage:
        turn = take_turn(stage)
        assert "link-closed" in turn.story
        assert ends_well(stage)
        assert last_session(stage) == 1
        assert_no_word_lost(stage, turn, session=1)
        assert len(places_of(sound_of(REPLY), played(stage))) == 1


@pytest.mark.parametrize("fault", ["close-at-event=40:1011", "cut-at-event=40", "stall-at-event=40", "server-error=1"])
def test_a_reply_that_breaks_off_is_said_so(fault):
    """What came of it is heard, then the failure is shown; the next turn is answered."""
    wanted = ("conversation.reply_gap_ms=1000",)
    slowly = ["--switch", "timing.speed=2"]
    with staged(*wanted, replies=(LONG_REPLY,), simulate=[*slowly, *faults(fault)]) as stage:
        stage.speak(WAKE, QUESTION)
        heard = stage.daemon.wait_for("heard", timeout_s=PATIENCE_S)
        assert 0 < heard["heard_ms"] < len(sound_of(LONG_REPLY)) / 24
        problem = stage.daemon.wait_for("problem")
        assert "broke off" in problem["sentence"] or "say it again" in problem["sentence"]
        stage.daemon.wait_for("asleep", why="shown")
        turn = take_turn(stage)
        assert ends_well(stage)
        assert_no_word_lost(stage, turn, last_session(stage))
        assert len(places_of(sound_of(LONG_REPLY), played(stage))) == 1


# ── the service talks nonsense ───────────────────────────────────────────────────────────────────


def test_garbage_beside_a_turn_does_no_harm():
    garbage = ("3:not-json", "4:not-object", "5:binary", "6:not-json", "7:binary", "8:not-object")
    with staged(simulate=faults(*(f"garbage-at-event={one}" for one in garbage))) as stage:
        turn = take_turn(stage)
        assert ends_well(stage)
        assert_no_word_lost(stage, turn)
        assert len(places_of(sound_of(REPLY), played(stage))) == 1


@pytest.mark.parametrize("garbage", ["4:truncated", "7:truncated", "7:wrong-types", "12:bad-base64", "9:huge"])
def test_garbage_in_the_place_of_an_event_ends_asleep(garbage):
    """Whether the turn can still be answered, or not; the next one is."""
    with staged("conversation.thinking_ms=2000", simulate=faults(f"garbage-at-event={garbage}")) as stage:
        stage.speak(WAKE, QUESTION)
        stage.daemon.wait_for("woke")
        after = len(stage.daemon.lines)
        stage.daemon.wait_for("asleep", after)
        turn = take_turn(stage)
        assert ends_well(stage)
        assert_no_word_lost(stage, turn, last_session(stage))


def test_unknown_and_late_events_do_no_harm():
    with staged(simulate=faults("unknown-at-event=0", "late-event=5:2", "late-event=6:3")) as stage:
        turn = take_turn(stage)
        assert ends_well(stage)
        assert_no_word_lost(stage, turn)
        assert len(places_of(sound_of(REPLY), played(stage))) == 1


def test_an_event_that_comes_twice_is_heard_once():
    with staged(simulate=faults("duplicate-event=0")) as stage:
        turn = take_turn(stage)
        assert ends_well(stage)
        assert_no_word_lost(stage, turn)
        assert len(places_of(sound_of(REPLY), played(stage))) == 1


# ── the service hears wrong ──────────────────────────────────────────────────────────────────────


def test_no_speech_found_ends_asleep():
    with staged(simulate=faults("no-speech=1")) as stage:
        stage.speak(WAKE, QUESTION, pause_ms=300.0)
        stage.daemon.wait_for("nothing-recognised")
        stage.daemon.wait_for("asleep", why="no speech found")
        assert "sounded" not in story(stage)
        turn = take_turn(stage, pause_ms=300.0)
        assert ends_well(stage)
        assert_no_word_lost(stage, turn)


def test_a_service_that_never_hears_the_end_is_not_waited_for():
    wanted = ("conversation.hang_ms=1000", "conversation.thinking_ms=1500")
    with staged(*wanted, simulate=faults("no-stop=1")) as stage:
        stage.speak(WAKE, QUESTION, pause_ms=300.0)
        stage.daemon.wait_for("turn-over", why="no end heard")
        problem = stage.daemon.wait_for("problem")
        assert "did not answer" in problem["sentence"]
        stage.daemon.wait_for("asleep", why="shown")
        turn = take_turn(stage, pause_ms=300.0)
        assert ends_well(stage)
        assert_no_word_lost(stage, turn, last_session(stage))
