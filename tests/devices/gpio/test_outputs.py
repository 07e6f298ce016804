"""Outputs on lines that can be had, and on lines that cannot."""

import pytest

from antiphon.devices.gpio.outputs import GpioOutputs, OutputPlan
from antiphon.errors import DeviceError

TWO = {"lamp": OutputPlan(5, active_high=True), "fan": OutputPlan(6, active_high=False)}


def test_off_at_the_start_and_at_the_end(chip, lines, log):
    outputs = GpioOutputs(TWO, chip, log)
    assert outputs.names == ("lamp", "fan")
    assert (lines.pin(5).state, lines.pin(6).state) == (0, 1)  # low is on for the fan
    outputs.set("lamp", on=True)
    outputs.set("fan", on=True)
    assert (lines.pin(5).state, lines.pin(6).state) == (1, 0)
    assert outputs.get("lamp")
    assert outputs.get("fan")
    outputs.set("fan", on=False)
    assert not outputs.get("fan")
    outputs.close()
    outputs.close()
    assert lines.pin(5).function == "input"
    assert lines.closed
    assert log.lines == []


def test_a_line_that_another_has_is_told_and_tried_again_when_it_is_wanted(chip, lines, log):
    lines.held = {5}
    outputs = GpioOutputs(TWO, chip, log)
    assert "switch lamp on GPIO 5: the line that tools.switches names" in log.said("no-switch")[0]["sentence"]
    with pytest.raises(DeviceError, match="switch lamp on GPIO 5"):
        outputs.set("lamp", on=True)
    with pytest.raises(DeviceError):
        outputs.get("lamp")
    outputs.set("fan", on=True)
    lines.held = set()
    outputs.set("lamp", on=True)
    assert outputs.get("lamp")
    outputs.close()
