"""Parts on lines: all lines or none, said by name, tried again until they are there or nobody wants them."""

import threading

import gpiozero

from antiphon.devices.gpio import chip as chips
from antiphon.devices.gpio.chip import Chip
from antiphon.devices.gpio.parts import Part, Parts
from antiphon.errors import DeviceError
from devices.gpio.lines import AT_ONCE


def part(name, *pins):
    return Part(name, f"buttons.{name}", pins, lambda pin, factory: gpiozero.Button(pin, pin_factory=factory))


def test_what_can_be_had_is_had_and_what_cannot_is_said(chip, lines, log):
    lines.held = {24}
    parts, taken = [part("talk", 23), part("mute", 24)], []
    wanted = Parts(chip, parts, taken.append, log, waits_s=[60])
    [error] = wanted.open()
    assert str(error) == (
        "mute on GPIO 24: the line that buttons.mute names cannot be used (GPIO busy). "
        "Give it a free line: `gpioinfo` tells which are in use, and by whom"
    )
    assert taken == [parts[0]]
    wanted.close()
    assert lines.closed


def test_a_part_has_all_of_its_lines_or_none(chip, lines, log):
    lines.held = {25}
    three, taken = part("three", 23, 24, 25), []
    wanted = Parts(chip, [three], taken.append, log, waits_s=[60])
    [error] = wanted.open()
    assert "GPIO 25" in str(error)
    assert three.devices == taken == []
    gpiozero.LED(23, pin_factory=lines).close()  # free
    wanted.close()


def test_who_has_the_line_is_said_if_it_is_known(chip, lines, log, monkeypatch):
    monkeypatch.setattr(chip, "holder_of", lambda pin: f"spi0 CS{pin}")
    lines.held = {1}
    wanted = Parts(chip, [part("talk", 1)], log.lines.append, log, waits_s=[60])
    [error] = wanted.open()
    assert "(GPIO busy; spi0 CS1 has it)" in str(error)
    wanted.close()


def test_a_line_is_tried_again_until_it_is_free(chip, lines, log):
    came = threading.Event()
    lines.held = {24}
    wanted = Parts(chip, [part("mute", 24)], lambda _: came.set(), log, waits_s=AT_ONCE)
    assert len(wanted.open()) == 1
    assert not came.is_set()
    lines.held = set()
    assert came.wait(30)
    wanted.close()


def test_what_is_closed_is_not_tried_again(chip, lines, log):
    lines.held = {24}
    taken = []
    wanted = Parts(chip, [part("mute", 24)], taken.append, log, waits_s=[60])
    wanted.open()
    lines.held = set()
    wanted.close()
    assert wanted._try_again()  # an attempt that was just about to begin
    assert taken == []
    assert lines.closed


def test_a_chip_that_is_missing_is_said_once_and_tried_again(log, lines, monkeypatch):
    opened = [DeviceError("GPIO", "the chip cannot be opened", "Wait"), lines]
    came = threading.Semaphore(0)

    def open_chip(_):
        if isinstance(opened[0], DeviceError):
            raise opened.pop(0)
        return opened[0]

    monkeypatch.setattr(chips, "pin_factory", open_chip)
    wanted = Parts(Chip("mock"), [part("talk", 23), part("mute", 24)], lambda _: came.release(), log, waits_s=AT_ONCE)
    assert [str(error) for error in wanted.open()] == ["GPIO: the chip cannot be opened. Wait"]
    assert came.acquire(timeout=30)
    assert came.acquire(timeout=30)
    wanted.close()
    assert {fields["part"] for fields in log.said("line-back")} <= {"talk", "mute"}


def test_nothing_wanted_opens_no_chip(log, monkeypatch):
    monkeypatch.setattr(chips, "pin_factory", lambda _: 1 / 0)
    wanted = Parts(Chip("real"), [], log.lines.append, log)
    assert wanted.open() == []
    wanted.close()
