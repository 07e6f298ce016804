"""Lamps on GPIO lines: one colour or three, dimmed or switched; a line that is missing, busy, or fails."""

import threading

import pytest

from antiphon.devices.gpio.lamps import GpioLamps
from devices.gpio.lines import AT_ONCE

BLUE, DARK, AMBER, WHITE = (0, 0, 255), (0, 0, 0), (102, 51, 0), (255, 255, 255)


def lamps_on(chip, log, *pins, kind="gpio", active_high=True, dimmable=True, waits_s=()):
    return GpioLamps(pins, kind, active_high, dimmable, chip, log, waits_s)


def states(lines, *pins):
    return [lines.pin(pin).state for pin in pins]


def pulsed(lines, *pins):
    return [lines.pin(pin).frequency is not None for pin in pins]


def test_a_lamp_shines_as_bright_as_its_strongest_colour(chip, lines, log):
    lamps = lamps_on(chip, log, 17, 27, 22)
    lamps.show([BLUE, DARK, AMBER], "listening")
    assert lamps.count == 3
    assert states(lines, 17, 27, 22) == pytest.approx([1.0, 0.0, 0.4])
    lamps.close()


def test_a_lamp_of_three_colours_shows_them(chip, lines, log):
    lamps = lamps_on(chip, log, 17, 27, 22, 5, 6, 13, kind="rgb")
    assert lamps.count == 2
    lamps.show([AMBER, BLUE], "sorry")
    assert states(lines, 17, 27, 22, 5, 6, 13) == pytest.approx([0.4, 0.2, 0, 0, 0, 1])
    lamps.close()


def test_a_lamp_to_the_supply_is_driven_the_other_way_round(chip, lines, log):
    lamps = lamps_on(chip, log, 17, active_high=False)
    lamps.show([AMBER], "sorry")
    assert states(lines, 17) == pytest.approx([0.6])
    lamps.show([WHITE], "thinking")
    assert states(lines, 17) == [0]
    lamps.close()


def test_what_is_faint_is_still_seen(chip, lines, log):
    lamps = lamps_on(chip, log, 17)
    lamps.show([(1, 0, 0)], "muted")
    assert states(lines, 17) == [0.01]
    lamps.close()


def test_nothing_is_pulsed_while_no_lamp_is_dimmed(chip, lines, log):
    lamps = lamps_on(chip, log, 17, 27)
    for picture, pulses in ([BLUE, DARK], False), ([AMBER, DARK], True), ([DARK, DARK], False), ([BLUE, BLUE], False):
        lamps.show(picture, "")
        assert pulsed(lines, 17, 27) == [pulses, pulses], picture
        assert states(lines, 17, 27) == pytest.approx([max(colour) / 255 for colour in picture])
    lamps.close()


def test_a_lamp_that_cannot_be_dimmed_is_on_or_off(chip, lines, log):
    lamps = lamps_on(chip, log, 17, 27, 22, dimmable=False)
    lamps.show([AMBER, DARK, (1, 0, 0)], "sorry")
    assert states(lines, 17, 27, 22) == [1, 0, 1]
    assert pulsed(lines, 17, 27, 22) == [False] * 3
    lamps.close()


@pytest.mark.parametrize("dimmable", [True, False])
@pytest.mark.parametrize("active_high", [True, False])
def test_closing_makes_dark_and_frees_the_lines(chip, lines, log, dimmable, active_high):
    lamps = lamps_on(chip, log, 17, dimmable=dimmable, active_high=active_high)
    lamps.show([BLUE], "listening")
    pin = lines.pin(17)
    pin.clear_states()
    lamps.close()
    lamps.close()
    lamps.show([BLUE], "listening")
    lit, dark, *_ = (told.state for told in pin.states)
    assert (lit, dark) == ((1, 0) if active_high else (0, 1))
    assert pin.function == "input"
    assert lines.closed
    assert log.lines == []


def test_a_line_in_use_is_said_and_the_other_lamps_shine(chip, lines, log):
    lines.held = {27}
    lamps = lamps_on(chip, log, 17, 27, 22, waits_s=[60])
    lamps.show([BLUE, BLUE, AMBER], "listening")
    assert lamps.count == 3
    assert states(lines, 17, 22) == pytest.approx([1, 0.4])
    [said] = log.said("no-lamp")
    assert said["sentence"].startswith("lamp 2 on GPIO 27: the line that lamps.pins names cannot be used (GPIO busy)")
    assert "gpioinfo" in said["sentence"]
    lamps.close()


def test_a_lamp_of_three_colours_is_dark_rather_than_wrong(chip, lines, log):
    lines.held = {27}
    lamps = lamps_on(chip, log, 17, 27, 22, kind="rgb", waits_s=[60])
    lamps.show([AMBER], "sorry")
    assert lines.pin(17).function == lines.pin(22).function == "input"
    assert "lamp 1 on GPIO 27" in log.said("no-lamp")[0]["sentence"]
    lamps.close()


def test_a_line_that_becomes_free_shows_what_is_to_be_shown(chip, lines, log):
    back = threading.Event()
    log.write = lambda level, what, **fields: (
        log.lines.append((level, what, fields)),
        what == "line-back" and back.set(),
    )
    lines.held = {27}
    lamps = lamps_on(chip, log, 17, 27, waits_s=AT_ONCE)
    lamps.show([BLUE, AMBER], "listening")
    lines.held = set()
    assert back.wait(30)
    assert log.said("line-back") == [{"part": "lamp 2"}]
    assert states(lines, 17, 27) == pytest.approx([1, 0.4])
    lamps.close()


def test_a_lamp_that_fails_is_told_once_and_the_others_shine(chip, lines, log):
    lamps = lamps_on(chip, log, 17, 27)
    lines.broken = {17}
    lamps.show([BLUE, BLUE], "listening")
    lines.broken = set()
    lamps.show([DARK, AMBER], "sorry")
    assert log.said("lamp-failed") == [{"lamp": "lamp 1", "error": "line gone"}]
    assert states(lines, 27) == pytest.approx([0.4])
    lamps.close()


def test_a_line_that_does_not_exist_is_said(chip, log):
    lamps = lamps_on(chip, log, 99, waits_s=[60])
    assert "lamp 1 on GPIO 99" in log.said("no-lamp")[0]["sentence"]
    lamps.close()
