"""A timer that was set by voice, and the power that fails: it rings in the next life, without a network."""

import json
import os
import signal
import tempfile
from pathlib import Path

import pytest

from antiphon.audio.chime import chime
from antiphon.controlling import ask
from antiphon.pcm import frames_in
from antiphon.simulator.room import wait_for_frame
from appliance.scenery import PATIENCE_S, places_of, played, staged, take_turn

pytestmark = pytest.mark.appliance


def kept(state):
    return json.loads(Path(state, "timers.json").read_text())["timers"]


def wait_until_kept(stage, state):
    while not Path(state, "timers.json").exists():
        wait_for_frame(stage.room.spk, stage.room.spk.now_frame() + frames_in(50, stage.room.spk.rate_hz), PATIENCE_S)


def test_a_timer_outlives_the_process_and_rings_without_a_network():
    with tempfile.TemporaryDirectory() as state:
        environ = {"STATE_DIRECTORY": state}
        call = 'set_timer={"seconds":600,"label":"tea"}'
        with staged("log.level=debug", simulate=("--call", call), environ=environ) as stage:
            take_turn(stage)
            wait_until_kept(stage, state)
            status = ask([stage.control], {"do": "status"})
            assert [(one["timer"], one["label"]) for one in status["timers"]] == [(1, "tea")]
            assert "tea" not in json.dumps(stage.daemon.lines)
            os.kill(stage.daemon.pid, signal.SIGKILL)  # nobody says good-bye
        (timer,) = kept(state)
        assert (timer["timer"], timer["label"]) == (1, "tea")
        # 599 s of the ten minutes are over when it begins again.
        timer["due_boot_s"] -= 599
        Path(state, "timers.json").write_text(json.dumps({"next": 2, "timers": [timer]}))
        with staged(
            "links=[realtime]", "realtime.url=ws://127.0.0.1:9/v1/realtime", simulate=None, environ=environ
        ) as stage:
            due = stage.daemon.wait_for("timer-due", 0, PATIENCE_S)
            assert due["timer"] == 1
            rate_hz = stage.room.spk.rate_hz
            ring = chime("timer", rate_hz, -26.0)
            while len(places_of(ring, played(stage))) < 2:
                wait_for_frame(stage.room.spk, stage.room.spk.now_frame() + frames_in(500, rate_hz), PATIENCE_S)
            assert "tea" not in json.dumps(stage.daemon.lines)
        assert kept(state) == []
