"""What it costs inside the machine, beside what the same code costs outside, on the simulated card of the suite."""

import time
from contextlib import ExitStack

import pytest

from antiphon.simulator.room import Room as SimulatedRoom
from antiphon.staging import Stage
from bench.processes import cpu_s, resident_mb

pytestmark = pytest.mark.board

IDLE_S = 20
NO_LINES = {"lamps": {"kind": "none", "pins": []}, "buttons": {"talk": None, "mute": None}}
TICKS = 100.0
"""USER_HZ: what /proc counts processor time in."""


def outside():
    """Start in seconds, memory in MB, and milliseconds of processor a second while it sleeps."""
    with Stage(room=SimulatedRoom(), code_s=1) as stage:
        stage.daemon.stop()
        with ExitStack() as stack:
            began_s = time.monotonic()
            stage.start_daemon(stack)
            start_s = float(stage.daemon.wait_for("ready")["t"]) - began_s
            time.sleep(3)
            before_s, had_s = time.monotonic(), cpu_s(stage.daemon.pid)
            time.sleep(IDLE_S)
            cpu_ms = 1000 * (cpu_s(stage.daemon.pid) - had_s) / (time.monotonic() - before_s)
            return start_s, resident_mb(stage.daemon.pid), cpu_ms


def inside(appliance):
    """The same, by systemd's and the kernel's books."""
    appliance.start(120)
    began_s, ready_s = appliance.start_s()
    book = f"cut -d' ' -f1 /proc/uptime; cut -d' ' -f14,15 /proc/{appliance.pid}/stat"
    said = appliance.machine.get(
        f"sleep 3; {book}; sleep {IDLE_S}; {book}; grep VmRSS /proc/{appliance.pid}/status", 90
    )
    before_s, had, after_s, has, memory = said.splitlines()
    used_s = (sum(map(int, has.split())) - sum(map(int, had.split()))) / TICKS
    return ready_s - began_s, int(memory.split()[1]) * 1024 / 1e6, 1000 * used_s / (float(after_s) - float(before_s))


def test_inside_and_outside(appliance, table):
    there = outside()
    with_lines = inside(appliance)
    appliance.settle(NO_LINES)
    without = inside(appliance)
    appliance.as_it_was()
    rows = (
        ("outside, simulated card", there),
        ("inside, no lamps or buttons", without),
        ("inside, 3 lamps, 2 buttons", with_lines),
    )
    for name, (start_s, memory_mb, cpu_ms) in rows:
        words = f"ready after {start_s:.1f} s; {memory_mb:.0f} MB; {cpu_ms:.0f} ms of processor a second asleep"
        table.add("cost", name, words, start_s=start_s, memory_mb=memory_mb, cpu_ms=cpu_ms)
    assert with_lines[1] < 150
