"""What may happen to the process and to the card: each time it must be as before, by itself."""

import numpy as np
import pytest

from antiphon.pcm import WAKE_RATE_HZ, frames_in
from antiphon.simulator.speech import synthesise
from appliance.scenery import LONG_REPLY
from board.appliance import TALK
from board.patience import when_busy_again

pytestmark = pytest.mark.board

KILLS = 20
PATIENT_KILLS = 4
DRIVER = "/sys/bus/platform/drivers/snd_aloop"


def ready_again(appliance, old, timeout_s=90.0):
    """The entries until another process than `old` is ready; the new one's id."""
    told = appliance.told("ready", timeout_s)
    pid = appliance.pid
    assert pid not in (0, old)
    return told, pid


@when_busy_again
def test_sigkill_twenty_times(appliance, table):
    """Each time it waits a little longer (Debian 13); after the fourth its count is taken back, to be done today."""
    pid, took = appliance.pid, []
    for number in range(1, KILLS + 1):
        began = float(appliance.machine.get(f"cut -d' ' -f1 /proc/uptime; kill -KILL {pid}"))
        told, pid = ready_again(appliance, pid)
        took.append(told[-1]["t"] - began)
        if number >= PATIENT_KILLS:
            appliance.machine.get("systemctl reset-failed antiphon")
    appliance.machine.get("until antiphon status | grep -q 'realtime: open'; do sleep 1; done", 60)
    first, rest = took[:PATIENT_KILLS], took[PATIENT_KILLS:]
    in_a_row = ", ".join(f"{s:.1f}" for s in first)
    words = f"ready again {len(took)} times: after {in_a_row} s in a row, {np.median(rest):.1f} s each alone"
    table.add(
        "process", f"SIGKILL, {KILLS} times", words, back=len(took), median_s=float(np.median(rest)), most_s=max(took)
    )


@when_busy_again
def test_stopped_it_is_found_by_the_watchdog(appliance, table):
    """SIGSTOP: it is there, and does nothing."""
    pid = appliance.pid
    began = float(appliance.machine.get(f"cut -d' ' -f1 /proc/uptime; kill -STOP {pid}"))
    told, _ = ready_again(appliance, pid, 120)
    took = told[-1]["t"] - began
    assert appliance.machine.get("journalctl -u antiphon -b --no-pager -q | grep -c 'watchdog'") != "0"
    table.add("process", "SIGSTOP", f"ended by the watchdog, ready again after {took:.0f} s", back_s=took)


@when_busy_again
def test_the_card_is_pulled_in_a_reply_and_put_back(appliance, room, pi, table):
    """The kernel's driver lets go of the card, as when a USB plug is pulled, and takes it again."""
    appliance.cloud("--quick", "--reply", LONG_REPLY)
    appliance.told("link-opened", 60)
    pi.tap(TALK)
    appliance.told("listening", 20)
    question = [np.zeros(frames_in(600, WAKE_RATE_HZ), np.int16), synthesise("What time is it?", "slt", WAKE_RATE_HZ)]
    saying = room.say(np.concatenate([*question, np.zeros(3 * WAKE_RATE_HZ, np.int16)]), WAKE_RATE_HZ)
    appliance.told("speaking", 30)
    # It waits until the last program has let go of the card.
    pulling = appliance.machine.begin(f"echo snd_aloop.0 > {DRIVER}/unbind", 60)
    appliance.told("asleep", 60)
    saying.end()
    assert pulling.end().status == 0
    assert "Loopback" not in appliance.machine.get("cat /proc/asound/cards")
    appliance.mark()
    began = float(appliance.machine.get(f"cut -d' ' -f1 /proc/uptime; echo snd_aloop.0 > {DRIVER}/bind"))
    told = appliance.told("ear-opened", 60)
    took = told[-1]["t"] - began
    assert "RUNNING" in appliance.machine.get("cat /proc/asound/card0/pcm0c/sub0/status")
    appliance.cloud("--quick", "--reply", "Yes.")
    appliance.told("link-opened", 60)
    pi.tap(TALK)
    appliance.told("listening", 20)
    room.say(np.concatenate([*question, np.zeros(3 * WAKE_RATE_HZ, np.int16)]), WAKE_RATE_HZ)
    appliance.told("heard", 30)
    appliance.told("asleep", 30)
    table.add(
        "card",
        "pulled in a reply, put back",
        f"hears again {took:.1f} s after it is back; the next turn is whole",
        back_s=took,
    )
