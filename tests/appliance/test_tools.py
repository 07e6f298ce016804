"""Tools that the model calls in a turn, on the whole appliance: its own, a program, a server's; and a timer rings."""

import json
import os
import signal
import sys
import tempfile
import time
from pathlib import Path

import pytest

from antiphon.audio.chime import chime
from antiphon.controlling import ask
from antiphon.pcm import frames_in
from antiphon.simulator.room import wait_for_frame
from antiphon.staging import KEY
from appliance.scenery import (
    PATIENCE_S,
    QUESTION,
    REPLY,
    WAKE,
    assert_closes,
    ends_well,
    places_of,
    played,
    sound_of,
    staged,
    take_turn,
)

pytestmark = pytest.mark.appliance

MCP_SERVER = Path(__file__).parents[1] / "tools" / "mcp_example.py"


def test_the_model_asks_the_clock_and_speaks_of_it():
    with staged(simulate=("--events", "--call", "get_time")) as stage:
        turn = take_turn(stage)
        [tool] = stage.daemon.said("tool")
        assert (tool["tool"], int(tool["failed"])) == ("get_time", 0)
        assert turn.story.index("tool") < turn.story.index("sounded")
        asked = [line["event"] for line in stage.service.said("received")]
        assert asked.count("conversation.item.create") == asked.count("response.create") == 1
        assert ends_well(stage)
        assert len(places_of(sound_of(REPLY), played(stage))) == 1, "spoken once"


def test_a_timer_that_was_asked_for_rings_until_somebody_is_there():
    with staged(simulate=("--call", 'set_timer={"seconds":1}')) as stage:
        take_turn(stage)
        assert [line["tool"] for line in stage.daemon.said("tool")] == ["set_timer"]
        stage.daemon.wait_for("timer-due", 0, PATIENCE_S)
        rate_hz = stage.room.spk.rate_hz
        ring = chime("timer", rate_hz, -26.0)
        while len(places_of(ring, played(stage))) < 3:
            wait_for_frame(stage.room.spk, stage.room.spk.now_frame() + frames_in(500, rate_hz), PATIENCE_S)
        after = len(stage.daemon.lines)
        take_turn(stage)
        assert [line["what"] for line in stage.daemon.lines[after:]].count("ring-heard") == 1
        assert ends_well(stage)


PROGRAM = """#!/bin/sh
{ echo "$@"; env; } >> {trace}
echo done
{more}
"""


def command(folder, more=""):
    """The setting of one command, and where it writes what it was given."""
    trace, program = Path(folder, "trace"), Path(folder, "lights")
    program.write_text(PROGRAM.replace("{trace}", str(trace)).replace("{more}", more))
    program.chmod(0o755)
    arguments = [{"name": "room", "pattern": r"[a-z\d ]+"}, {"name": "state", "pattern": "on|off"}]
    argv = [str(program), "--room={room}", "{state}"]
    plan = {"name": "lights", "description": "Switch the lights.", "argv": argv, "arguments": arguments}
    return f"tools.commands={json.dumps([plan])}", trace


def test_a_program_is_run_with_what_fits_and_never_with_the_key():
    with tempfile.TemporaryDirectory() as folder:
        setting, trace = command(folder)
        calls = [
            '{"room":"hall","state":"on"}',
            '{"room":"hall\\n; reboot","state":"on"}',
            '{"room":"$(id)","state":"on"}',
        ]
        with staged(setting, simulate=[one for call in calls for one in ("--call", f"run_lights={call}")]) as stage:
            for _ in calls:
                take_turn(stage)
            told = [(line["arguments"], int(line["failed"])) for line in stage.daemon.said("tool")]
            assert told == [("room, state", 0), ("room, state", 1), ("room, state", 1)]
            assert "hall" not in json.dumps(stage.daemon.lines)
            assert ends_well(stage)
        given = trace.read_text().splitlines()
        assert given[0] == "--room=hall on"
        assert sum(line.startswith("--room") for line in given) == 1, "run once"
        assert KEY not in trace.read_text()
        assert "STEPFUN" not in trace.read_text()


def test_a_program_that_ran_runs_no_second_time_when_the_service_is_gone():
    with tempfile.TemporaryDirectory() as folder:
        setting, trace = command(folder, more="sleep 600")
        call = 'run_lights={"room":"hall","state":"on"}'
        with staged(setting, simulate=("--call", call)) as stage:
            stage.speak(WAKE, QUESTION)
            while not (trace.exists() and "--room" in trace.read_text()):
                time.sleep(0.01)
            os.kill(stage.service.pid, signal.SIGKILL)
            stage.daemon.wait_for("sorry", 0, PATIENCE_S)
            stage.daemon.wait_for("asleep", 0, PATIENCE_S)
            said = [line["sentence"] for line in stage.daemon.said("problem")]
            assert any("A tool was run, and the link failed" in one for one in said), said
            assert [line["why"] for line in stage.daemon.said("tool")] == ["given up"]
            assert ends_well(stage)
        assert trace.read_text().count("--room") == 1


def test_a_tool_of_a_server_is_called_and_one_that_dies_of_it_is_told():
    servers = [{"name": "home", "argv": [sys.executable, str(MCP_SERVER)]}]
    calls = ("--call", 'home_add={"a":2,"b":3}', "--call", "home_die", "--call", "home_add={}")
    with staged(f"tools.servers={json.dumps(servers)}", simulate=(*calls, "--events")) as stage:
        stage.daemon.wait_for("tools-there", 0, PATIENCE_S)
        for _ in range(3):
            take_turn(stage)
        told = [(line["tool"], int(line["failed"])) for line in stage.daemon.said("tool")]
        assert told == [("home_add", 0), ("home_die", 1), ("home_add", 1)]
        assert len(stage.daemon.said("sounded")) == 3, "the model speaks of each"
        assert ends_well(stage)


def test_who_has_it_muted_is_not_heard_and_hears_that_alone():
    with staged(simulate=("--call", "mute")) as stage:
        stage.speak(WAKE, QUESTION)
        stage.daemon.wait_for("ear-closed", 0, PATIENCE_S)
        assert_closes(stage.room.mic)
        status = ask([stage.control], {"do": "status"})
        assert (status["state"], status["microphone"]["open"], status["troubles"]) == ("deaf", False, [])
        rate_hz = stage.room.spk.rate_hz
        ring = chime("mute", rate_hz, -26.0)
        while not places_of(ring, played(stage)):
            wait_for_frame(stage.room.spk, stage.room.spk.now_frame() + frames_in(100, rate_hz), PATIENCE_S)
        assert stage.daemon.said("sounded") == []
        assert ends_well(stage)


def test_the_next_link_runs_the_tool_that_the_first_was_not_there_for():
    with tempfile.TemporaryDirectory() as folder:
        setting, trace = command(folder)
        links = ("links=[realtime, chat]", "realtime.url=ws://127.0.0.1:9/v1/realtime", "chat.first_sound_ms=60000")
        call = 'run_lights={"room":"hall","state":"on"}'
        with staged(*links, setting, simulate=("--call", call)) as stage:
            turn = take_turn(stage)
            assert [int(line["failed"]) for line in stage.daemon.said("tool")] == [0]
            assert turn.story.index("tool") < turn.story.index("sounded")
            assert ends_well(stage)
        assert trace.read_text().count("--room=hall on") == 1


@pytest.mark.parametrize(("first", "second"), [("chat", "cascade"), ("cascade", "chat")])
def test_a_link_that_fails_after_its_tool_hands_nothing_on(first, second):
    with tempfile.TemporaryDirectory() as folder:
        setting, trace = command(folder)
        call = 'run_lights={"room":"hall","state":"on"}'
        patience = [f"{link}.first_sound_ms=60000" for link in (first, second)]
        # The first request calls the tool; whatever is asked after that is refused.
        service = ("--call", call, "--fault", "chat-status=451@1-9")
        with staged(f"links=[{first}, {second}]", *patience, setting, simulate=service) as stage:
            stage.speak(WAKE, QUESTION)
            stage.daemon.wait_for("sorry", 0, PATIENCE_S)
            stage.daemon.wait_for("asleep", 0, PATIENCE_S)
            assert len(stage.daemon.said("turn-over")) == 1
            assert [line["link"] for line in stage.daemon.said("turn-over")] == [first]
            assert any("A tool was run" in line["sentence"] for line in stage.daemon.said("problem"))
            assert ends_well(stage)
        assert trace.read_text().count("--room=hall on") == 1
