"""The mute switch: muted at the first touch, unmuted when it has settled, muted whenever it cannot be read."""

import queue

import pytest

from antiphon.conversation.events import SwitchMoved
from antiphon.devices.gpio.switch import SETTLES_S, MuteSwitch, Settling

OPEN, MUTED = SwitchMoved(False), SwitchMoved(True)


# ── what a bouncing contact says ─────────────────────────────────────────────────────────────────


def test_what_it_says_at_rest_holds_at_once():
    assert Settling(at_rest=True).read(muted=False, moved=False, now_s=5.0) == "unmuted"
    assert Settling(at_rest=True).read(muted=True, moved=False, now_s=5.0) == "muted"


def test_muted_holds_at_the_first_touch_and_unmuted_when_it_has_settled():
    contact = Settling(at_rest=True)
    assert contact.read(muted=False, moved=False, now_s=0.0) == "unmuted"
    assert contact.read(muted=True, moved=True, now_s=1.0) == "muted"
    assert contact.read(muted=False, moved=True, now_s=1.001) == "settling"
    assert contact.read(muted=False, moved=True, now_s=1.040) == "settling"
    assert contact.read(muted=False, moved=False, now_s=1.089) == "settling"
    assert contact.read(muted=False, moved=False, now_s=1.0401 + SETTLES_S) == "unmuted"


def test_a_touch_in_between_begins_anew_though_it_was_not_seen():
    contact = Settling(at_rest=True)
    contact.read(muted=True, moved=True, now_s=1.0)
    for step in range(10):
        now_s = 1.01 + step * 0.045
        assert contact.read(muted=False, moved=True, now_s=now_s) == "settling"


def test_what_could_not_be_read_has_to_settle():
    contact = Settling(at_rest=False)
    assert contact.read(muted=False, moved=False, now_s=9.0) == "settling"
    assert contact.read(muted=False, moved=False, now_s=9.001 + SETTLES_S) == "unmuted"


# ── the switch ───────────────────────────────────────────────────────────────────────────────────


class Told(queue.SimpleQueue):
    """What the switch has reported, in order."""

    def next(self):
        return self.get(timeout=30)


@pytest.mark.parametrize(
    ("closed", "pull_up", "level", "says"),
    [
        ("muted", True, "low", MUTED),
        ("muted", True, "high", OPEN),
        ("unmuted", True, "low", OPEN),
        ("unmuted", True, "high", MUTED),
        ("muted", False, "high", MUTED),
        ("muted", False, "low", OPEN),
    ],
)
def test_where_it_is_is_said_before_open_returns(chip, lines, closed, pull_up, level, says):
    chip.join("us")
    pin, told = lines.pin(16), []
    set_pull = pin._set_pull  # the switch is stronger than the pull
    pin._set_pull = lambda value: (set_pull(value), pin._change_state(level == "high"))
    switch = MuteSwitch(16, pull_up, closed, chip)
    switch.open(told.append)
    assert told == [says]
    switch.close()
    chip.leave("us")


def test_each_new_position_is_said(chip, lines):
    told = Told()
    switch = MuteSwitch(16, True, "muted", chip)
    switch.open(told.put)
    pin = lines.pin(16)
    said = [told.next()]
    for move in (pin.drive_low, pin.drive_high, pin.drive_low):
        move()
        said.append(told.next())
    assert said == [OPEN, MUTED, OPEN, MUTED]
    switch.close()
    assert lines.closed


def test_an_edge_that_was_lost_is_seen_soon(chip, lines):
    told = Told()
    switch = MuteSwitch(16, True, "muted", chip)
    switch.open(told.put)
    lines.pin(16)._state = False  # nobody is told
    assert [told.next(), told.next()] == [OPEN, MUTED]
    switch.close()


def test_a_line_that_cannot_be_had_is_muted_and_says_why(chip, lines):
    lines.held = {16}
    told = Told()
    switch = MuteSwitch(16, True, "muted", chip, tried_every_s=0.0)
    switch.open(told.put)
    event = told.next()
    assert event.muted
    assert "mute switch on GPIO 16: the line that buttons.mute_switch names" in event.problem.sentence
    lines.held = set()
    assert told.next() == OPEN
    switch.close()


def test_a_line_that_fails_is_muted_until_it_can_be_read(chip, lines):
    told = Told()
    switch = MuteSwitch(16, True, "muted", chip, tried_every_s=0.0)
    switch.open(told.put)
    assert told.next() == OPEN
    lines.broken = {16}
    event = told.next()
    assert event.muted
    assert "line gone" in event.problem.sentence
    lines.broken = set()
    assert told.next() == OPEN
    switch.close()


def test_a_closed_switch_is_silent(chip, lines):
    told = []
    switch = MuteSwitch(16, True, "muted", chip)
    switch.open(told.append)
    pin = lines.pin(16)
    switch.close()
    switch.close()
    pin.drive_low()
    assert told == [OPEN]


def test_a_switch_that_was_never_opened_closes_well(chip, lines):
    MuteSwitch(16, True, "muted", chip).close()
    assert not lines.closed
