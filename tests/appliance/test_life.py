"""How the appliance begins and ends, what it tells its service manager, and what it says when something is missing."""

import json
import os
import signal
import socket
import tempfile
from pathlib import Path

import pytest

from antiphon.simulator.room import Room
from antiphon.staging import KEY
from appliance.scenery import (
    PATIENCE_S,
    QUESTION,
    WAKE,
    assert_no_word_lost,
    ends_well,
    last_session,
    staged,
    story,
    take_turn,
)
from verbs import ALONE, antiphon

pytestmark = pytest.mark.appliance

# ── the service manager ──────────────────────────────────────────────────────────────────────────


def test_systemd_is_told_of_its_life():
    """READY when it hears, WATCHDOG while it lives, STOPPING when it ends: sd_notify(3)."""
    with tempfile.TemporaryDirectory() as folder, socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        path = str(Path(folder, "notify"))
        manager.bind(path)
        manager.settimeout(PATIENCE_S)
        told = []

        def until(message, times=1):
            while told.count(message) < times:
                told.append(manager.recv(4096).decode())

        with staged(environ={"NOTIFY_SOCKET": path, "WATCHDOG_USEC": "900000"}) as stage:
            until("READY=1")
            until("WATCHDOG=1", 3)
            assert "STOPPING=1" not in told
            stage.daemon.process.send_signal(signal.SIGTERM)
            until("STOPPING=1")
            assert stage.daemon.end(PATIENCE_S) == 0
        assert told.count("READY=1") == 1
        assert any(message.startswith("STATUS=asleep, call ") for message in told)


# ── the end ──────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("when", ["ready", "listening", "sounded"])
def test_a_request_to_end_is_met_in_every_state(when):
    with staged(replies=("I shall be interrupted before I have said all this, and a lot more of the same.",)) as stage:
        if when != "ready":
            stage.speak(WAKE, QUESTION)
            stage.daemon.wait_for(when)
        assert stage.room.mic.is_open()
        assert stage.daemon.stop() == 0
        assert not stage.room.mic.is_open()
        assert not stage.room.spk.is_open()
        assert story(stage)[-2:] == ["signal", "stopped"]
        assert not stage.daemon.said("zombie")
        closed = stage.service.wait_for("closed")
        assert closed["code"] == 1000, "the service was told goodbye"


def test_a_second_signal_is_an_order():
    """Both are there when it next looks, so it has no time to end well in between."""
    with staged() as stage:
        for number in (signal.SIGSTOP, signal.SIGTERM, signal.SIGINT, signal.SIGCONT):
            stage.daemon.process.send_signal(number)
        assert stage.daemon.end(PATIENCE_S) in (128 + signal.SIGTERM, 128 + signal.SIGINT)
        assert [line["times"] for line in stage.daemon.said("signal")] == [1, 2]
        assert not stage.daemon.said("stopped")


def test_stacks_are_shown_on_request():
    with staged() as stage:
        stage.daemon.process.send_signal(signal.SIGUSR1)
        for thread in ("ear", "mouth", "app"):
            stage.daemon.wait_for_words(f"{thread}.py")
        turn = take_turn(stage)
        assert ends_well(stage)
        assert_no_word_lost(stage, turn)


# ── the microphone ───────────────────────────────────────────────────────────────────────────────


class Unplugged(Room):
    """A room whose microphone is found unplugged."""

    def __enter__(self):
        super().__enter__()
        self.mic.unplug()
        return self


@pytest.mark.parametrize("room", [Unplugged, Room])
def test_a_microphone_that_is_unplugged_is_missed_and_found_again(room):
    with staged(room=room()) as stage:
        if room is Room:
            stage.room.mic.unplug()
        problem = stage.daemon.wait_for("problem", fault="device")
        assert "microphone" in problem["sentence"]
        after = stage.daemon.lines.index(problem)
        stage.daemon.wait_for("asleep", after, why="shown")
        stage.room.mic.replug()
        stage.daemon.wait_for("ear-opened", after)
        turn = take_turn(stage)
        assert ends_well(stage)
        assert_no_word_lost(stage, turn, last_session(stage))  # a pulled card makes it begin anew, and call again


# ── what cannot be mended here ───────────────────────────────────────────────────────────────────


def refused(*settings):
    """`antiphon run` with what the owner should mend: its exit status, and what it says."""
    environ = {name: value for name, value in os.environ.items() if not name.startswith(("ANTIPHON_", "STEPFUN_"))}
    done = antiphon("run", *ALONE, *(word for one in settings for word in ("--set", one)), environ=environ)
    assert done.stdout == ""
    return done.returncode, done.stderr.splitlines()


def test_a_missing_key_is_told_in_one_line():
    status, lines = refused("realtime.url=wss://api.example.org/v1/realtime")
    assert (status, len(lines)) == (2, 1)
    assert "STEPFUN_API_KEY" in lines[0]


def test_all_errors_of_the_settings_are_told_at_once():
    status, lines = refused("realtime.voise=lucy", "microphone.block_ms=7", "log.level=loud")
    assert (status, len(lines)) == (2, 3)
    assert all(any(word in line for line in lines) for word in ("realtime.voise", "microphone.block_ms", "log.level"))


def test_an_unknown_wake_word_is_told_in_one_line():
    url = "realtime.url=ws://127.0.0.1:1/v1/realtime"
    status, lines = refused(url, 'wake.words=[{"engine": "openwakeword", "model": "hey_nobody"}]')
    assert (status, len(lines)) == (2, 1)
    assert "hey_nobody" in lines[0]


# ── secrets ──────────────────────────────────────────────────────────────────────────────────────


def test_the_key_is_written_nowhere():
    """Not even when everything is written that can be, and the service asks for the key a second time."""
    with staged("log.level=debug", simulate=["--fault", "status=401@0"]) as stage:
        stage.daemon.wait_for("link-closed")
        take_turn(stage)
        assert KEY in Path(f"/proc/{stage.daemon.pid}/environ").read_text(encoding="utf-8"), "it had the key"
        assert KEY not in Path(f"/proc/{stage.daemon.pid}/cmdline").read_text(encoding="utf-8")
        assert ends_well(stage)
        assert KEY not in "\n".join([json.dumps(stage.daemon.lines), *stage.daemon.words])
