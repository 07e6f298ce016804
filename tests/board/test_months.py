"""A month of the appliance's life, in virtual time: at its end it holds what it held in its first days.

What a day costs here is mostly the open microphone: wake words are scored on every second of it, and the card ticks.
So most of a day it is closed, as in a home where it is muted but for some hours. And it lives without lines, as lgpio
looks at them a thousand times a second, awake or not. docs/board.md says what that proves.
"""

import json
import os
import time

import numpy as np
import pytest

from antiphon.pcm import WAKE_RATE_HZ
from antiphon.simulator.speech import synthesise
from board.appliance import Appliance, save
from board.rig.machine import Machine
from board.rig.ways import Uml

pytestmark = [pytest.mark.board, pytest.mark.months]

DAYS = int(os.environ.get("DAYS", "30"))
AWAKE_MIN = float(os.environ.get("AWAKE_MIN", "4"))
SETTLING_DAYS = 3
"""Caches fill; from then on it is compared."""
PATIENCE_S = 7000.0
RESOLVERS = 5
"""asyncio asks for names on threads that it makes when there are two questions at once; it keeps so many at most."""
MOST_GROWTH_KB = 3000
"""So that a year of it would be no trouble to a board of 512 MB."""
NO_LINES = {"lamps": {"kind": "none", "pins": []}, "buttons": {"talk": None, "mute": None}}


@pytest.fixture
def virtual(disk, folder, package):
    own = folder / "months"
    own.mkdir()
    with Machine(Uml(virtual_clock=True), disk, own, memory_mb=3072) as machine:
        appliance = Appliance(machine)
        result = appliance.install(package)
        assert result.status == 0, str(result)
        appliance.settle(NO_LINES)
        appliance.cloud("--quick", "--reply", "Yes.")
        appliance.start()
        yield appliance


def test_a_month(virtual, table):
    machine = virtual.machine
    silence = np.zeros(WAKE_RATE_HZ, np.int16)
    save(
        machine.share / "month.wav",
        [*silence, *synthesise("What time is it?", "slt", WAKE_RATE_HZ), *silence * 3],
        WAKE_RATE_HZ,
    )
    began_s = time.monotonic()
    ended = machine.begin(f"python3 inside/month.py {DAYS} {AWAKE_MIN}", 1e8, PATIENCE_S).end()
    took_s = time.monotonic() - began_s
    assert ended.status == 0, str(ended)
    days = [json.loads(line) for line in (machine.share / "month.jsonl").read_text().splitlines()]
    assert len(days) == DAYS
    first, last = days[min(SETTLING_DAYS, DAYS) - 1], days[-1]
    assert {day["pid"] for day in days} == {first["pid"]}, "it has begun anew"
    assert last["restarts"] == 0
    assert last["descriptors"] == first["descriptors"]
    assert last["threads"] <= first["threads"] + RESOLVERS
    assert last["memory_kb"] - first["memory_kb"] < MOST_GROWTH_KB
    lines = [day["lines"] for day in days[SETTLING_DAYS:]] or [last["lines"]]
    assert max(lines) <= 1.2 * min(lines)
    turns, renewals = (sum(day["said"].get(what, 0) for day in days) for what in ("heard", "link-opened"))
    assert turns == 12 * DAYS
    leaps = sum("clock-set" in day for day in days)
    row = (
        f"{DAYS} days in {took_s / 60:.0f} min: {turns} turns, {renewals} calls, the clock set {leaps} times; "
        f"memory {first['memory_kb'] / 1000:.1f} MB on day {first['day']}, {last['memory_kb'] / 1000:.1f} at the end; "
        f"{last['descriptors']} descriptors, {last['threads']} threads, {min(lines)} to {max(lines)} lines a day"
    )
    table.add("months", "a month in virtual time", row, days=DAYS, took_s=took_s, turns=turns, calls=renewals,
              first_kb=first["memory_kb"], last_kb=last["memory_kb"], lines_a_day=max(lines))  # fmt: skip
