"""The same package on Debian's own kernel, in an emulated PC whose battery is empty: its clock says 1970."""

import numpy as np
import pytest

from antiphon.pcm import WAKE_RATE_HZ
from antiphon.simulator.speech import synthesise
from board.appliance import TALK, Appliance, Pi, Room
from board.rig.machine import Machine
from board.rig.ways import Qemu

pytestmark = pytest.mark.board

PATIENCE_S = 300.0
"""An emulated processor is ten times slower, and this host may be busy."""
SLOW = {
    "wake": {"words": []},
    "conversation": {"nothing_said_ms": 60_000, "thinking_ms": 60_000, "hang_ms": 30_000},
}
"""Scoring wake words takes more than all of such a processor; and who speaks takes his time."""


def test_it_boots_and_answers_on_debians_own_kernel(disk, folder, package, table):
    own = folder / "whole-pc"
    own.mkdir()
    with Machine(Qemu(clock="1970-01-01T00:00:00"), disk, own) as machine:
        appliance, room, pi = Appliance(machine), Room(machine), Pi(machine)
        result = appliance.install(package)
        assert result.status == 0, str(result)
        appliance.settle(SLOW)
        appliance.cloud("--quick", "--reply", "Yes.")
        machine.reboot()
        assert machine.get("systemctl is-system-running --wait", PATIENCE_S) == "running"
        kernel, year = machine.get("systemd-detect-virt; uname -r; date +%Y").splitlines()[1:]
        began_s, ready_s = appliance.start_s()
        appliance.mark()
        pi.tap(TALK)
        appliance.told("listening", PATIENCE_S)
        pause = np.zeros(WAKE_RATE_HZ, np.int16)
        speech = synthesise("What time is it?", "slt", WAKE_RATE_HZ)
        room.say(np.concatenate([pause, speech, *[pause] * 5]), WAKE_RATE_HZ)
        appliance.told("heard", PATIENCE_S)
        appliance.told("asleep", PATIENCE_S)
        assert appliance.show("NRestarts") == "0"
    took = f"ready {ready_s - began_s:.0f} s after its start, {ready_s:.0f} s after power-on"
    words = f"{kernel}, clock at {year}: {took}; answers"
    table.add("whole PC", "emulated, installed, rebooted", words, start_s=ready_s - began_s, boot_s=ready_s)
