"""Lamps behind a line that gives them power."""

import threading

from antiphon.devices.fake_hands import FakeLamps
from antiphon.devices.gpio.power import PoweredLamps
from devices.gpio.lines import AT_ONCE

BLUE = (0, 0, 255)


def test_there_is_power_from_the_beginning_to_the_end(chip, lines, log):
    behind = FakeLamps(2)
    lamps = PoweredLamps(behind, 5, chip, log)
    pin = lines.pin(5)
    assert pin.state == 1
    assert lamps.count == 2
    lamps.show([BLUE, BLUE], "listening")
    assert behind.shown == [((BLUE, BLUE), "listening")]
    assert pin.state == 1
    lamps.close()
    lamps.close()
    assert behind.closed
    assert pin.function == "input"
    assert lines.closed


def test_power_that_comes_late_shows_what_is_to_be_shown(chip, lines, log):
    back = threading.Event()
    log.write = lambda level, what, **fields: (
        log.lines.append((level, what, fields)),
        what == "line-back" and back.set(),
    )
    lines.held = {5}
    behind = FakeLamps()
    lamps = PoweredLamps(behind, 5, chip, log, waits_s=AT_ONCE)
    assert "power of the lamps on GPIO 5: the line that lamps.power_pin names" in log.said("no-lamp")[0]["sentence"]
    lamps.show([BLUE], "listening")
    lines.held = set()
    assert back.wait(30)
    assert behind.shown == [((BLUE,), "listening")] * 2
    lamps.close()


def test_power_that_never_comes_closes_well(chip, lines, log):
    lines.held = {5}
    behind = FakeLamps()
    lamps = PoweredLamps(behind, 5, chip, log, waits_s=[60])
    lamps.close()
    assert behind.closed
