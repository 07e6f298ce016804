"""The whole appliance and a server on its LAN: the cloud fails at each stage of a turn; the same words are answered.

What the LAN server was asked is compared with what the microphone was given, to the sample, pre-roll included. Chimes
are on. The cloud is killed (its connections are reset, new ones are refused) or stopped: not a byte, not a pong.
"""

import os
import signal
import socket
import tempfile
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from antiphon.audio.chime import chime
from antiphon.pcm import LINK_RATE_HZ, WAKE_RATE_HZ, frames_in
from antiphon.simulator.speech import synthesise
from antiphon.simulator.voxserve.options import VoxServeOptions
from antiphon.staging import Actor
from appliance.scenery import (
    LONG_REPLY,
    NO_ECHO,
    PATIENCE_S,
    QUESTION,
    REPLY,
    WAKE,
    assert_no_word_lost,
    places_of,
    played,
    say,
    sound_of,
    staged,
    story,
    take_turn,
)

pytestmark = pytest.mark.appliance

LONG_QUESTION = "What time is it in the city of Kuala Lumpur, and what is the weather like over there today?"
LAN_REPLIES = ("Of course.", "Certainly.")
PATIENT = (
    "generate.open_timeout_ms=30000",
    "conversation.opening_ms=30000",
    "conversation.switch_ms=30000",
    "conversation.link_silence_ms=30000",
    "conversation.answer_ms=60000",
    "conversation.thinking_ms=60000",
)
"""Only what a scene does to a service is a failure of it, however busy this machine is."""
NEVER_ANSWERS = ("--switch", "timing.first_audio_ms=600000")


@contextmanager
def at_home(*settings, lan_faults=(), **more):
    """A stage with a LAN server, which the daemon has tried; an ExitStack for what is started later is its `later`."""
    lan = ["--quick", *(word for reply in LAN_REPLIES for word in ("--reply", reply)), *lan_faults]
    with ExitStack() as stack:
        stage = stack.enter_context(staged(*PATIENT, *settings, lan=lan, **more))
        stage.later = stack
        if not lan_faults:
            stage.lan.wait_for("reply_sent", timeout_s=PATIENCE_S)
        yield stage


def kill(actor):
    actor.process.kill()
    actor.end()


def stop(actor):
    actor.process.send_signal(signal.SIGSTOP)


def port_of(url):
    return int(url.split(":")[2].partition("/")[0])


def cloud_returns(stage):
    """A new cloud where the old one was; returns when the daemon has a call to it."""
    after = len(stage.daemon.lines)
    stage.start_service(stage.later, port_of(stage.url))
    stage.daemon.wait_for("link-opened", after, PATIENCE_S, link="realtime")


def ends(stage):
    """The daemon ends when asked to, and nothing in its life was a fault of its own; a cloud that hangs is removed."""
    status = stage.daemon.stop()
    if stage.service is not None:
        stage.service.process.kill()
    assert "Traceback" not in "\n".join(stage.daemon.words), stage.daemon.last_words()
    return status == 0


# ── what the LAN server was asked, and what was heard of it ──────────────────────────────────────


def lan_name(stage):
    return f"generate {stage.lan_url.removeprefix('http://')}"


def questions(stage):
    """The requests with speech in them, so not the trials."""
    return [line["request"] for line in stage.lan.said("request") if line["audio_s"]]


def lan_sound(reply):
    return synthesise(reply, VoxServeOptions().voice, LINK_RATE_HZ)


def assert_asked(stage, spoken, request):
    """Every sample from the first word to the last has come in this request, once. After `ends`."""
    verdict = stage.verdict(spoken, stage.asked(request), WAKE_RATE_HZ)
    assert verdict.whole, str(verdict)
    assert verdict.first_frame <= spoken.first_frame, str(verdict)
    assert verdict.last_frame >= spoken.last_frame, str(verdict)


def assert_answered_by_lan_alone(stage, spoken):
    """The one turn of a scene: asked once, answered once, and nothing of the cloud's was heard. After `ends`."""
    [request] = questions(stage)
    assert_asked(stage, spoken, request)
    sound = played(stage)
    assert sum(len(places_of(lan_sound(reply), sound)) for reply in LAN_REPLIES) == 1
    assert not places_of(sound_of(REPLY), sound)
    assert len(places_of(chime("wake", stage.room.spk.rate_hz, -26.0), sound)) == 1, "the chime was on"
    [heard] = stage.daemon.said("heard")
    assert heard["heard_ms"] == heard["length_ms"]
    assert "sorry" not in story(stage)


def finish_turn(stage, after=0):
    stage.daemon.wait_for("heard", after, PATIENCE_S)
    stage.daemon.wait_for("asleep", after, PATIENCE_S)


# ── the cloud cannot be reached ──────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("fault", ["refuse", "status=402", "slow-upgrade=600000"])
def test_refused_as_somebody_speaks(fault):
    """The call is opened at the wake word only, and every attempt fails: at once, for good, or by taking too long."""
    wanted = ("realtime.connection=on_demand", "conversation.switch_ms=1500")
    with at_home(*wanted, simulate=["--fault", fault]) as stage:
        assert not stage.service.said("connection"), "nobody has called yet"
        turn = take_turn(stage, pause_ms=None)
        assert ends(stage)
        assert_answered_by_lan_alone(stage, turn.spoken)
        [over] = stage.daemon.said("turn-over")
        assert len([line for line in stage.service.said("connection") if line["t"] < over["t"]]) == 1
        assert over["link"] == lan_name(stage)


# ── the cloud dies under a turn ──────────────────────────────────────────────────────────────────


def test_killed_while_somebody_speaks_and_back_for_the_next_turn():
    with at_home() as stage:
        spoken = stage.speak(WAKE, LONG_QUESTION)
        stage.service.wait_for("first_append", timeout_s=PATIENCE_S)
        kill(stage.service)
        finish_turn(stage)
        lost = stage.daemon.wait_for("link-closed")
        [over] = stage.daemon.said("turn-over")
        assert lost["link"] == "realtime"
        assert "hung up" in lost["why"]
        assert over["link"] == lan_name(stage)
        told = len(stage.daemon.lines)
        assert_answered_by_lan_alone(stage, spoken)
        cloud_returns(stage)
        again = take_turn(stage)
        [over] = stage.daemon.said("turn-over", told)
        assert over["link"] == "realtime"
        assert stage.end_daemon() == 0
        assert_no_word_lost(stage, again)
        assert len(questions(stage)) == 1
        assert len(places_of(sound_of(REPLY), played(stage))) == 1


def test_killed_while_it_thinks():
    with at_home(simulate=NEVER_ANSWERS) as stage:
        spoken = stage.speak(WAKE, QUESTION)
        stage.daemon.wait_for("reply-started", timeout_s=PATIENCE_S)
        kill(stage.service)
        finish_turn(stage)
        assert ends(stage)
        assert_answered_by_lan_alone(stage, spoken)
        assert [line["link"] for line in stage.daemon.said("turn-over")] == ["realtime", lan_name(stage)]


@pytest.mark.parametrize(("until", "question"), [("first_append", LONG_QUESTION), ("committed", QUESTION)])
def test_stopped_while_somebody_speaks_or_it_thinks(until, question):
    """Nobody hangs up, and the kernel goes on taking what is sent: only the missing pongs tell."""
    with at_home("conversation.link_silence_ms=1200", simulate=[*NEVER_ANSWERS, "--events"]) as stage:
        spoken = stage.speak(WAKE, question)
        stage.service.wait_until(
            lambda line: line["what"] == until or line.get("event") == f"input_audio_buffer.{until}",
            timeout_s=PATIENCE_S,
        )
        stop(stage.service)
        finish_turn(stage)
        [given_up] = stage.daemon.said("link-given-up")
        assert given_up["link"] == "realtime"
        assert "no sign of life" in given_up["why"]
        assert ends(stage)
        assert_answered_by_lan_alone(stage, spoken)


def test_stopped_as_it_sleeps():
    """The call still seems open at the wake word."""
    with at_home("conversation.link_silence_ms=1200") as stage:
        stop(stage.service)
        turn = take_turn(stage, question=LONG_QUESTION)
        assert ends(stage)
        assert_answered_by_lan_alone(stage, turn.spoken)
        assert [line["link"] for line in stage.daemon.said("link-given-up")] == ["realtime"]


def test_one_that_lives_and_does_not_answer_is_not_waited_for():
    with at_home("conversation.answer_ms=1000", simulate=NEVER_ANSWERS) as stage:
        spoken = stage.speak(WAKE, QUESTION)
        finish_turn(stage)
        assert ends(stage)
        assert_answered_by_lan_alone(stage, spoken)


def test_killed_while_its_reply_is_heard():
    """What has come of it is heard to its end, the rest is admitted, and nobody is asked a second time."""
    with at_home(replies=(LONG_REPLY,), simulate=["--switch", "timing.speed=2"]) as stage:
        stage.speak(WAKE, QUESTION)
        stage.daemon.wait_for("sounded", timeout_s=PATIENCE_S)
        kill(stage.service)
        heard = stage.daemon.wait_for("heard", timeout_s=PATIENCE_S)
        problem = stage.daemon.wait_for("problem")
        stage.daemon.wait_for("sorry")
        stage.daemon.wait_for("asleep", why="shown")
        assert 0 < heard["heard_ms"] == heard["length_ms"] < len(sound_of(LONG_REPLY)) / 24
        assert "broke off" in problem["sentence"]
        assert not questions(stage)
        next_turn = take_turn(stage)
        assert ends(stage)
        [request] = questions(stage)
        assert_asked(stage, next_turn.spoken, request)
        sound = played(stage)
        came = sound_of(LONG_REPLY)[: frames_in(heard["heard_ms"] - 1, LINK_RATE_HZ)]
        assert len(places_of(came, sound)) == 1
        assert len(places_of(chime("sorry", stage.room.spk.rate_hz, -26.0), sound)) == 1


# ── the LAN server too ───────────────────────────────────────────────────────────────────────────


def test_a_model_that_is_dead_behind_a_healthy_door():
    """With the cloud down as well it is told in words whose fault it is; mended, it answers."""
    dead = ("--fault", "dead")
    wanted = ("generate.first_sound_ms=3000", "conversation.answer_ms=2000", "conversation.thinking_ms=3000")
    with at_home(*wanted, lan_faults=dead) as stage:
        told = stage.daemon.wait_for("spare-call-closed", timeout_s=PATIENCE_S)
        assert told["link"] == lan_name(stage)
        assert "model" in told["why"]
        kill(stage.service)
        stage.speak(WAKE, QUESTION)
        problem = stage.daemon.wait_for("problem", timeout_s=PATIENCE_S)
        assert "127.0.0.1" in problem["sentence"], "the owner's first link is what is said"
        stage.daemon.wait_for("asleep", why="shown")
        assert "sounded" not in story(stage)
        kill(stage.lan)
        stage._lan = [word for word in stage._lan if word not in dead]
        stage.start_lan(stage.later, port_of(stage.lan_url))
        turn = take_turn(stage)
        assert ends(stage)
        [request] = questions(stage)
        assert_asked(stage, turn.spoken, request)


def test_two_servers_of_which_the_first_dies_under_the_question_too():
    """The cloud is gone, then the server that was asked in its place; the last of the list answers the same words."""
    with ExitStack() as stack:
        first = Actor("first server", ["simulate", "voxserve", "--quick", "--reply", "Never."], os.environ)
        stack.callback(first.stop)
        url = first.wait_for("listening")["url"]
        stage = stack.enter_context(at_home(servers=[url]))
        turn = stage.speak(WAKE, LONG_QUESTION)
        stage.daemon.wait_for("woke", timeout_s=PATIENCE_S)
        kill(stage.service)
        stage.daemon.wait_for("link-opened", timeout_s=PATIENCE_S, link=f"generate {url.removeprefix('http://')}")
        kill(first)
        finish_turn(stage)
        assert ends(stage)
        assert not [line for line in first.said("request") if line["audio_s"]], "it died before the question's end"
        assert_answered_by_lan_alone(stage, turn)


def test_the_lan_alone():
    """No key, no cloud: two turns, the second without a wake word."""
    alone = ("links=[generate]", "conversation.follow_up_ms=6000", NO_ECHO)
    with at_home(*alone, simulate=None, environ={"STEPFUN_API_KEY": ""}) as stage:
        first = stage.speak(WAKE, QUESTION)
        stage.daemon.wait_for("lingering", timeout_s=PATIENCE_S)
        after = len(stage.daemon.lines)
        second = say(stage, "And what day is it today?")
        stage.daemon.wait_for("listening", after, why="follow-up")
        stage.daemon.wait_for("heard", after)
        stage.daemon.wait_for("asleep", after, why="no follow-up")
        assert ends(stage)
        assert {line["link"] for line in stage.daemon.lines if "link" in line} == {lan_name(stage)}
        assert len(stage.daemon.said("woke")) == 1
        [one, other] = questions(stage)
        assert_asked(stage, first, one)
        assert_asked(stage, second, other)
        for reply in LAN_REPLIES:
            assert len(places_of(lan_sound(reply), played(stage))) == 1


# ── what is shown ────────────────────────────────────────────────────────────────────────────────


def test_the_status_names_who_answers():
    """As systemctl shows it: sd_notify(3)."""
    with tempfile.TemporaryDirectory() as folder, socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        path = str(Path(folder, "notify"))
        manager.bind(path)
        manager.settimeout(PATIENCE_S)

        def until(words):
            while words not in (told := manager.recv(4096).decode()):
                pass
            return told

        with at_home(environ={"NOTIFY_SOCKET": path}) as stage:
            until("asleep, call open (realtime)")
            kill(stage.service)
            instead = f"{lan_name(stage)}, as the first link does not answer"
            assert until(f"asleep, call none ({instead})")
            stage.speak(WAKE, QUESTION)
            assert "thinking" in until(f"thinking, call open ({instead})")
            cloud_returns(stage)
            until("asleep, call open (realtime)")
            assert ends(stage)
