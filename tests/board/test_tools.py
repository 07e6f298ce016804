"""What the appliance does when it is asked to, under its own unit: programs, servers, packages, and timers."""

import json
from pathlib import Path

import numpy as np
import pytest

from antiphon.pcm import WAKE_RATE_HZ
from antiphon.simulator.speech import synthesise
from board.appliance import TALK
from board.patience import when_busy_again

pytestmark = pytest.mark.board

HERE = Path(__file__).parent
SERVER = HERE.parent / "tools" / "mcp_example.py"
PYTHON = "/usr/lib/antiphon/bin/python3"
MAY = ["start a program", "start a thread", "load a C library", "turn a mixer", "fetch a page", "write to /tmp",
       "write to what the daemon keeps", "read the daemon's copy of the key"]  # fmt: skip
"""Of what inside/probe.py tries; the rest is refused."""
LISTEN = "listen on a port"
"""A systemd that was built without BPF, as Debian 12's, cannot forbid it."""
PLUGIN = """
class Weather:
    name, description = "weather", "Tell the weather."
    def run(self, _):
        return "it rains"
"""
ENTRY = "[antiphon.tools]\nweather = weather:Weather\n"
PAUSE = np.zeros(WAKE_RATE_HZ // 2, np.int16)


def asks(appliance, room, pi, tool):
    """One turn by button, in which the service calls a tool that does not fail, and says its reply afterwards."""
    appliance.mark()
    pi.tap(TALK)
    appliance.told("listening", 20)
    speech = synthesise("What time is it?", "slt", WAKE_RATE_HZ)
    said = room.say(np.concatenate([PAUSE, speech, *[PAUSE] * 6]), WAKE_RATE_HZ)
    told = appliance.told("tool", 60)[-1]
    assert (told["tool"], told["failed"]) == (tool, "0"), told
    appliance.told("asleep", 60, after="speaking")
    said.end()  # its card has one player at a time, and the silence after the question may outlast the reply


def install_package(appliance):
    """As pip leaves one in the folder of docs/tools.md."""
    folder = appliance.machine.get(f"cat $(dirname {PYTHON})/../lib/python3*/site-packages/antiphon-plugins.pth")
    appliance.write(f"{folder}/weather.py", PLUGIN)
    appliance.write(f"{folder}/weather-1.dist-info/METADATA", "Metadata-Version: 2.1\nName: weather\nVersion: 1\n")
    appliance.write(f"{folder}/weather-1.dist-info/entry_points.txt", ENTRY)


@when_busy_again
def test_programs_servers_and_packages(appliance, room, pi, table):
    machine = appliance.machine
    appliance.write("/usr/local/lib/probe.py", (HERE / "inside" / "probe.py").read_text())
    appliance.write("/usr/local/lib/example.py", SERVER.read_text())
    install_package(appliance)
    probe = ["/usr/bin/python3", "/usr/local/lib/probe.py", "http://cloud.example:8000/"]
    appliance.settle(
        {
            "tools": {
                "commands": [{"name": "probe", "description": "Try things.", "argv": probe}],
                "plugins": ["weather"],
                "servers": [{"name": "home", "argv": [PYTHON, "-I", "/usr/local/lib/example.py"]}],
            }
        }
    )
    calls = ("run_probe", 'home_add={"a":20,"b":22}', "weather")
    appliance.cloud("--quick", *(word for call in calls for word in ("--call", call)), "--reply", "Yes.")
    appliance.start()
    appliance.told("tools-there", 90)
    machine.get("until antiphon status | grep -q 'realtime: open'; do sleep 0.5; done", 60)
    asks(appliance, room, pi, "run_probe")
    may = MAY if "+BPF_FRAMEWORK" in machine.get("systemctl --version") else [*MAY, LISTEN]
    assert sorted(machine.get("cat /var/lib/antiphon/probed").splitlines()) == sorted(may)
    asks(appliance, room, pi, "home_add")
    server = machine.get("pgrep -u antiphon -f example.py")
    given = machine.get(f"tr '\\0' '\\n' < /proc/{server}/environ | cut -d= -f1").split()
    assert not [name for name in given if name.startswith(("CREDENTIALS", "STEPFUN", "STATE", "NOTIFY"))], given
    asks(appliance, room, pi, "weather")
    memory, most = (int(appliance.show(name)) for name in ("MemoryCurrent", "MemoryHigh"))
    assert memory < most
    table.add("tools", "a program under the unit", f"can {', '.join(may)}; and nothing else that was tried")
    words = f"answers; with the daemon {memory / 1e6:.0f} MB, of {most / 1e6:.0f}"
    table.add("tools", "an MCP server by a program, in Python", words, memory_mb=memory / 1e6)
    table.add("tools", "a package that its owner added", "is found, and answers")


@when_busy_again
def test_a_timer_outlives_the_power(appliance, room, pi, table):
    """Set by voice; the machine is rebooted; it rings, and the button ends it."""
    machine = appliance.machine
    machine.get("systemctl stop antiphon; rm -f /var/lib/antiphon/timers.json")
    appliance.cloud("--quick", "--call", 'set_timer={"seconds":75,"label":"tea"}', "--reply", "Yes.")
    appliance.start()
    machine.get("until antiphon status | grep -q 'realtime: open'; do sleep 0.5; done", 60)
    asks(appliance, room, pi, "set_timer")
    machine.reboot()
    # It may be due before the first command gets there, so what is looked at is all of this boot.
    due = machine.get("until journalctl -q -b -u antiphon --no-pager | grep timer-due; do sleep 0.5; done", 180)
    machine.get("until systemctl show -P StatusText antiphon | grep -q 'a timer rings'; do sleep 0.2; done", 30)
    appliance.mark()
    ringing = room.record(4).end()
    assert np.max(np.abs(ringing.astype(np.int32))) > 300, "nothing is to be heard"
    pi.tap(TALK)
    appliance.told("ring-heard", 20)
    assert json.loads(machine.get("cat /var/lib/antiphon/timers.json"))["timers"] == []
    table.add("tools", "a timer, set by voice, and a reboot", f"{due.rpartition(': ')[2]}; the button ends it")
