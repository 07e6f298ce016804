"""What may be wrong around it: no room on the disk, nothing may be written, no network, no clock, no power."""

import numpy as np
import pytest

from antiphon.pcm import WAKE_RATE_HZ
from antiphon.simulator.speech import synthesise
from board.appliance import TALK
from board.patience import when_busy_again

pytestmark = pytest.mark.board

NO_CLOCK = """[Unit]
Description=A board without a clock that keeps time
DefaultDependencies=no
After=local-fs.target
Before=antiphon.service

[Service]
Type=oneshot
ExecStart=/bin/date -s @86400

[Install]
WantedBy=multi-user.target
"""
PAUSE = np.zeros(WAKE_RATE_HZ // 2, np.int16)


def answers(appliance, room, pi):
    """One turn by button, to its end."""
    appliance.mark()
    pi.tap(TALK)
    appliance.told("listening", 20)
    speech = synthesise("What time is it?", "slt", WAKE_RATE_HZ)
    room.say(np.concatenate([PAUSE, speech, *[PAUSE] * 6]), WAKE_RATE_HZ)
    appliance.told("heard", 60)
    return appliance.told("asleep", 30)


def set_volume(appliance, percent):
    """What comes of it, when it cannot be kept: the reply, and the warnings and errors in the journal."""
    appliance.mark()
    reply = appliance.machine.run(f"antiphon volume {percent}; sleep 3", 30).output.strip()
    told = [entry["message"] for entry in appliance.said() if entry["priority"] <= 4 and entry["what"] != "lost"]
    return f"a new volume: {reply}, {'; '.join(dict.fromkeys(told)) or 'and nothing is told'}"


@when_busy_again
def test_a_full_disk(appliance, room, pi, table):
    machine = appliance.machine
    machine.get("fallocate -l $(df --output=avail -B1 / | tail -n 1) /full; df --output=avail / | tail -n 1")
    try:
        writing = "head -c 100000 /dev/zero > /var/lib/antiphon/x"
        assert machine.run(f"setpriv --reuid antiphon --regid antiphon --clear-groups sh -c '{writing}'").status != 0
        appliance.mark()
        volume = set_volume(appliance, 55)
        answers(appliance, room, pi)
        appliance.start()
        answers(appliance, room, pi)
    finally:
        machine.get("rm -f /full /var/lib/antiphon/x")
    table.add("trouble", "the disk is full", f"starts, answers; {volume}")


@when_busy_again
def test_nothing_may_be_written(appliance, room, pi, table):
    """/var read-only, as after a fault of the memory card."""
    machine = appliance.machine
    machine.get("systemctl stop antiphon; mount --bind /var /var && mount -o remount,ro,bind /var")
    try:
        assert machine.run("touch /var/lib/antiphon/x").status != 0
        appliance.start()
        answers(appliance, room, pi)
        volume = set_volume(appliance, 60)
    finally:
        machine.get("systemctl stop antiphon; umount /var; systemctl start antiphon", 60)
    table.add("trouble", "/var is read-only", f"starts, answers; {volume}")


@when_busy_again
def test_no_network_at_boot(appliance, room, pi, table):
    machine = appliance.machine
    appliance.write("/etc/board/unplugged", "")
    try:
        machine.reboot()
        machine.run("systemctl is-system-running --wait", 120)
        _, ready_s = appliance.start_s()
        appliance.mark()
        pi.tap(TALK)
        sorry = appliance.told("sorry", 60)[-1]
        appliance.told("asleep", 30)
    finally:
        machine.get("rm -f /etc/board/unplugged")
    began = float(machine.get("cut -d' ' -f1 /proc/uptime; ip link set net0 up"))
    opened_s = appliance.told("link-opened", 120)[-1]["t"] - began
    answers(appliance, room, pi)
    words = f"ready {ready_s:.1f} s after power-on; asked: {sorry['message']}; a call {opened_s:.1f} s after the cable"
    table.add("trouble", "no network at boot", words, ready_s=ready_s, opened_s=opened_s)


@when_busy_again
def test_the_clock_says_1970(appliance, room, pi, table):
    machine = appliance.machine
    appliance.write("/etc/systemd/system/board-1970.service", NO_CLOCK)
    machine.get("systemctl enable board-1970")
    try:
        machine.reboot()
        machine.run("systemctl is-system-running --wait", 120)
        assert machine.get("date +%Y") == "1970"
        answers(appliance, room, pi)
        machine.get("date -s 2031-02-03")  # the network has told the time
        answers(appliance, room, pi)
        machine.get("date -s 2027-01-01")
        answers(appliance, room, pi)
        assert appliance.show("NRestarts") == "0"
    finally:
        machine.get("systemctl disable board-1970; rm /etc/systemd/system/board-1970.service; systemctl daemon-reload")
    table.add("trouble", "the clock says 1970", "starts, answers; so it does when the clock leaps 61 years, and back 4")


@when_busy_again
def test_the_plug_is_pulled(appliance, room, pi, table):
    """In a reply, and while it is still starting."""
    machine = appliance.machine
    machine.get("antiphon volume 70; sleep 10", 30)  # Linux writes to a disk every five seconds
    pi.tap(TALK)
    appliance.told("listening", 20)
    for _ in range(3):
        machine.power_cut()
        machine.start()
    machine.get("systemctl start antiphon", 90)
    assert "70" in machine.get("antiphon volume", 30)
    answers(appliance, room, pi)
    table.add(
        "trouble", "the plug is pulled, 3 times", "ready again by itself; settings and volume kept, and it answers"
    )
