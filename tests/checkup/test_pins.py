"""What is said of the lines and buses of lamps and hands."""

import sys

import pytest
from gpiozero.pins.mock import MockFactory, MockPWMPin

from antiphon.checkup.pins import check_gpio
from antiphon.devices.gpio import chip
from antiphon.settings import Buttons, Lamps, Settings, Switch, Tools

WIRED = Settings(
    lamps=Lamps(kind="gpio", pins=(17, 27), power_pin=5),
    buttons=Buttons(talk=23, volume_up=6, mute_switch=16),
)


@pytest.fixture
def on_mock_pins(monkeypatch):
    monkeypatch.setenv("GPIOZERO_PIN_FACTORY", "mock")


def test_no_pin_is_no_failure():
    assert check_gpio(Settings()).verdict == "ok"
    assert check_gpio(Settings(lamps=Lamps(kind="terminal"))).verdict == "ok"


@pytest.mark.usefixtures("on_mock_pins")
def test_pins_that_can_be_used():
    for _ in range(2):  # they are given back
        finding = check_gpio(WIRED)
        assert finding.verdict == "ok", finding
        assert finding.says == "pins 17, 27, 5, 23, 6, 16 can be used"


@pytest.mark.usefixtures("on_mock_pins")
def test_an_output_is_taken_and_left():
    relay = Settings(tools=Tools(switches=(Switch(name="lamp", pin=26),)))
    for _ in range(2):
        assert check_gpio(relay).says == "pins 26 can be used"


def test_an_output_that_is_busy_is_named(monkeypatch):
    class Busy(MockFactory):
        def pin(self, name):
            raise OSError("GPIO busy")

    monkeypatch.setattr(chip, "pin_factory", lambda _: Busy(pin_class=MockPWMPin))
    finding = check_gpio(Settings(tools=Tools(switches=(Switch(name="lamp", pin=26),))))
    assert finding.verdict == "fail"
    assert "switch lamp on GPIO 26" in finding.says


@pytest.mark.usefixtures("on_mock_pins")
def test_a_switch_that_says_muted_is_told():
    finding = check_gpio(Settings(buttons=Buttons(mute_switch=16, mute_switch_closed="unmuted")))
    assert finding.verdict == "warn"
    assert finding.says == "pins 16 can be used, and the mute switch says muted"
    assert finding.remedy


def test_every_line_that_is_busy_is_named(monkeypatch):
    class Busy(MockFactory):
        def pin(self, name):
            if name in (27, 23, 16):
                raise OSError("GPIO busy")
            return super().pin(name)

    monkeypatch.setattr(chip, "pin_factory", lambda _: Busy(pin_class=MockPWMPin))
    finding = check_gpio(WIRED)
    assert finding.verdict == "fail"
    for named in ("lamp 2 on GPIO 27", "talk button on GPIO 23", "mute switch on GPIO 16"):
        assert named in finding.says
    assert "lamp 1" not in finding.says
    assert "systemctl stop antiphon" in finding.remedy


def test_pins_on_a_machine_that_has_none_are_one_sentence(monkeypatch):
    monkeypatch.setenv("GPIOZERO_PIN_FACTORY", "")
    monkeypatch.setitem(sys.modules, "gpiozero.pins.lgpio", None)
    finding = check_gpio(WIRED)
    assert finding.verdict == "fail"
    assert finding.says.count("lgpio is missing") == 1
    assert finding.remedy


def test_a_bus_that_is_missing_is_said(monkeypatch):
    monkeypatch.setitem(sys.modules, "spidev", None)
    finding = check_gpio(Settings(lamps=Lamps(kind="apa102", spi="0.1")))
    assert finding.verdict == "fail"
    assert "/dev/spidev0.1" in finding.says
