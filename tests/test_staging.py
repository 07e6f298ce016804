"""The stage: processes that talk in lines, a person who speaks, and proof of what arrived. The daemon is played."""

import signal
import subprocess
import wave

import numpy as np
import pytest
import samplerate

from antiphon.pcm import bytes_of, clipped, floats_of, frames_in
from antiphon.simulator.acoustics import Acoustics, active_level_db
from antiphon.simulator.room import Room
from antiphon.simulator.speech import EDGE_MS
from antiphon.staging import DEMO_SETTINGS, KEY, Actor, Stage, StageError

TALKER = """
import json, sys
def say(what, **fields): print(json.dumps({"what": what, **fields}), flush=True)
say("listening", url="ws://nowhere")
say("ready")
for line in sys.stdin:
    words = line.split()
    if words[0] == "say": say(words[1], number=len(words))
    elif words[0] == "shout": print("no line of the log", file=sys.stderr, flush=True)
    elif words[0] == "end": sys.exit(7)
"""
DEAF = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN)\n" + TALKER


@pytest.fixture
def talker():
    actor = Actor("talker", [], {}, ("-c", TALKER))
    yield actor
    actor.stop()


def test_lines_are_waited_for_by_what_they_say(talker):
    talker.wait_for("ready")
    talker.tell("say woke")
    talker.tell("say woke twice")
    assert talker.wait_for("woke")["number"] == 2
    assert talker.wait_for("woke", number=3)["number"] == 3
    assert talker.wait_until(lambda line: line.get("number", 0) > 2)["number"] == 3
    assert [line["number"] for line in talker.said("woke")] == [2, 3]
    assert [line["number"] for line in talker.said("woke", after=3)] == [3]
    assert talker.wait_for("woke", after=3)["number"] == 3


def test_what_is_not_said_is_an_error_with_its_last_words(talker):
    talker.wait_for("ready")
    with pytest.raises(StageError, match=r"talker did not say 'woke'(.|\n)*listening"):
        talker.wait_for("woke", timeout_s=0.01)
    talker.tell("end")
    with pytest.raises(StageError, match="'woke'"):  # it has ended, so nobody waits to the limit
        talker.wait_for("woke", timeout_s=1e6)


def test_other_words_are_kept_apart(talker):
    talker.wait_for("ready")  # said on another stream, which another thread reads
    talker.tell("shout")
    assert talker.wait_for_words("no line") == "no line of the log"
    assert talker.lines == [{"what": "listening", "url": "ws://nowhere"}, {"what": "ready"}]
    assert talker.said("no line of the log") == []


def test_an_end_by_itself_has_its_status(talker):
    talker.tell("end")
    assert talker.end() == 7
    assert talker.stop() == 7


def test_who_does_not_end_when_asked_is_made_to():
    actor = Actor("deaf", [], {}, ("-c", DEAF))
    actor.wait_for("ready")
    assert actor.stop(timeout_s=0.1) == -signal.SIGKILL


def test_one_that_is_killed_is_not_asked(talker):
    talker.wait_for("ready")
    talker.kill()
    assert talker.end() == -signal.SIGKILL
    assert talker.stop() == -signal.SIGKILL


def test_one_that_runs_on_is_not_waited_for(talker):
    talker.wait_for("ready")
    with pytest.raises(subprocess.TimeoutExpired):
        talker.end(timeout_s=0.01)


@pytest.fixture
def stage():
    with Stage(room=Room(), simulate=None, program=("-c", TALKER), code_s=20) as stage:
        yield stage


def test_the_daemon_is_started_as_its_owner_would(stage):
    command = stage.daemon.process.args
    assert command[-2:] == ["--set", "log.format=json"]
    assert str(DEMO_SETTINGS) in command
    assert not any(KEY in word for word in command)
    assert "STEPFUN_API_KEY" not in stage._child_environ(), "no service here, so no key of it"


def test_the_stage_can_read_the_daemon_whatever_is_set():
    with Stage(room=Room(), settings=["log.format=text"], simulate=None, program=("-c", TALKER), code_s=1) as stage:
        assert stage.daemon.process.args[-4:] == ["--set", "log.format=text", "--set", "log.format=json"]


@pytest.mark.parametrize("owners", [False, True])
def test_the_owner_s_variables_reach_the_daemon_only_where_they_are_to(owners, monkeypatch):
    monkeypatch.setenv("ANTIPHON_LOG__LEVEL", "debug")
    assert ("ANTIPHON_LOG__LEVEL" in Stage(simulate=None, owners_variables=owners)._child_environ()) == owners


def test_the_room_has_acoustics_where_it_is_given_any(stage):
    assert not list(stage.room.folder.glob("response-*"))
    acoustics = Acoustics(np.ones(3, np.float32), drift_ppm=50)
    with Stage(room=Room(), acoustics=acoustics, simulate=None, program=("-c", TALKER), code_s=1) as heard:
        assert (heard.room.folder / "response-0.f32").stat().st_size == 12
        assert heard.room.spk.drift_ppm == 50


def test_a_person_speaks_as_loud_as_it_says(stage):
    spoken = stage.speak("Hey Jarvis", "What time is it?", level_db=-25)
    inside = stage.room.spoken(spoken.first_frame, spoken.last_frame)
    assert active_level_db(inside, stage.room.mic.rate_hz) == pytest.approx(-25, abs=0.5)


@pytest.mark.parametrize("pause_ms", [None, 600.0])
def test_a_person_speaks_where_it_says(stage, pause_ms):
    """Between the first and the last frame there is a voice, and around them only the code and a quiet room."""
    spoken = stage.speak("Hey Jarvis", "What time is it?", "slt", pause_ms)
    edge = frames_in(EDGE_MS, stage.room.mic.rate_hz)
    before = stage.room.spoken(spoken.first_frame - 4000, spoken.first_frame - edge)
    after = stage.room.spoken(spoken.last_frame + edge, spoken.last_frame + 4000)
    inside = stage.room.spoken(spoken.first_frame, spoken.last_frame)
    assert max(np.abs(before).max(), np.abs(after).max()) < 300
    assert np.abs(inside).max() > 10_000
    assert spoken.begins_s == pytest.approx(stage.room.mic.time_of(spoken.first_frame))
    if pause_ms:
        quiet = np.abs(inside.astype(int)) < 300
        longest = max(map(len, "".join("q" if one else " " for one in quiet).split()))
        assert longest >= frames_in(pause_ms - 100, stage.room.mic.rate_hz)


class Heard:
    """Stands in for the service: what it said of what it received."""

    def __init__(self, lines):
        self.lines = lines


def test_what_arrived_is_proven_to_the_sample(stage):
    """Resampled as the daemon does; once whole, once with two samples missing in the midst of the speech."""
    spoken = stage.speak("Hey Jarvis", "What time is it?")
    rate_hz = stage.room.mic.rate_hz
    sound = stage.room.spoken(spoken.first_frame - 2000, spoken.last_frame + rate_hz)
    sent = clipped(samplerate.resample(floats_of(sound), 24_000 / rate_hz, "sinc_fastest"))
    middle = len(sent) // 2
    with wave.open(str(stage.kept / "session-0.wav"), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(24_000)
        file.writeframes(bytes_of(np.concatenate([sent, sent[:middle], sent[middle + 2 :]])))
    stage.service = Heard(
        [
            {"what": "first_append", "session": 0, "frame": 0},
            {"what": "append_resumed", "session": 1, "frame": 77},
            {"what": "append_resumed", "session": 0, "frame": len(sent)},
        ]
    )
    whole, broken = stage.received()
    stage.service = None
    verdict = stage.verdict(spoken, whole)
    assert verdict.whole
    assert verdict.first_frame <= spoken.first_frame
    assert verdict.last_frame >= spoken.last_frame
    verdict = stage.verdict(spoken, broken)
    assert not verdict.whole
    assert verdict.lost_frames in (1, 2)  # of 16 kHz


def test_a_daemon_that_does_not_begin_takes_the_rest_with_it():
    stage = Stage(room=Room(), simulate=None, program=("-c", "print('a word of mine')"))
    with pytest.raises(StageError, match="a word of mine"), stage:
        pass
    assert stage.daemon.process.returncode == 0
    assert not stage.room.folder.exists()
