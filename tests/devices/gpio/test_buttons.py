"""Buttons on GPIO lines, and the mute switch among them."""

import threading

from antiphon.conversation.events import ButtonMoved, SwitchMoved
from antiphon.devices.gpio.buttons import GpioButtons
from antiphon.devices.gpio.switch import MuteSwitch
from devices.gpio.lines import AT_ONCE


def buttons_on(chip, log, pull_up=True, switch=None, waits_s=(60,), **pins):
    return GpioButtons(pins, pull_up, switch, chip, log, waits_s)


def test_buttons_to_ground_report_every_edge(chip, lines, log):
    buttons, moved = buttons_on(chip, log, talk=23, mute=24, volume_up=5, volume_down=6), []
    assert buttons.open(moved.append) == []
    for pin in (23, 24, 5, 6):
        lines.pin(pin).drive_low()
    for pin in (23, 24, 5, 6):
        lines.pin(pin).drive_high()
    names = ["talk", "mute", "volume_up", "volume_down"]
    assert moved == [ButtonMoved(name, True) for name in names] + [ButtonMoved(name, False) for name in names]
    buttons.close()


def test_buttons_to_the_supply_are_down_when_high(chip, lines, log):
    buttons, moved = buttons_on(chip, log, pull_up=False, mute=24), []
    buttons.open(moved.append)
    lines.pin(24).drive_high()
    lines.pin(24).drive_low()
    assert moved == [ButtonMoved("mute", True), ButtonMoved("mute", False)]
    buttons.close()


def test_a_closed_button_is_silent_and_its_line_is_free(chip, lines, log):
    buttons, moved = buttons_on(chip, log, talk=23), []
    buttons.open(moved.append)
    pin = lines.pin(23)
    buttons.close()
    buttons.close()
    pin.drive_low()
    assert moved == []
    assert lines.closed


def test_a_line_in_use_is_said_and_the_other_buttons_work(chip, lines, log):
    lines.held = {5}
    buttons, moved = buttons_on(chip, log, talk=23, volume_up=5), []
    [error] = buttons.open(moved.append)
    assert str(error).startswith("volume up button on GPIO 5: the line that buttons.volume_up names cannot be used")
    lines.pin(23).drive_low()
    assert moved == [ButtonMoved("talk", True)]
    buttons.close()


def test_a_button_whose_line_becomes_free_works(chip, lines, log):
    back = threading.Event()
    log.write = lambda *_, **__: back.set()
    lines.held = {23}
    buttons, moved = buttons_on(chip, log, talk=23, waits_s=AT_ONCE), []
    assert len(buttons.open(moved.append)) == 1
    lines.held = set()
    assert back.wait(30)
    lines.pin(23).drive_low()
    assert moved == [ButtonMoved("talk", True)]
    buttons.close()


def test_where_the_switch_is_comes_first(chip, lines, log):
    switch, moved = MuteSwitch(16, True, "muted", chip), []
    buttons = buttons_on(chip, log, switch=switch, talk=23)
    buttons.open(moved.append)
    lines.pin(23).drive_low()
    assert moved == [SwitchMoved(False), ButtonMoved("talk", True)]
    buttons.close()


def test_what_is_wrong_with_the_chip_is_said_once(chip, log, monkeypatch):
    from antiphon.devices.gpio import chip as chips
    from antiphon.errors import DeviceError

    def fail(_):
        raise DeviceError("GPIO", "python3-lgpio is missing", "Install it")

    monkeypatch.setattr(chips, "pin_factory", fail)
    moved = []
    buttons = buttons_on(chip, log, switch=MuteSwitch(16, True, "muted", chip), talk=23, mute=24)
    [error] = buttons.open(moved.append)
    assert moved == [SwitchMoved(True, error.problem())]
    buttons.close()
