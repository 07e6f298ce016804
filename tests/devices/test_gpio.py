"""GPIO lamps and buttons, on gpiozero's mock pins and on a stand-in for lgpio that fails."""

import sys
import types

import pytest
from gpiozero.pins.mock import MockFactory, MockPWMPin

from antiphon.conversation.events import ButtonMoved
from antiphon.devices.gpio import GpioButtons, GpioLamps, pin_factory
from antiphon.errors import DeviceError

BLUE, DARK, AMBER = (0, 0, 255), (0, 0, 0), (102, 50, 0)


class Heard:
    """A log that remembers."""

    def __init__(self) -> None:
        self.lines = []

    def write(self, level, what, **fields) -> None:
        self.lines.append((level, what, fields))


@pytest.fixture
def factory():
    factory = pin_factory("mock")
    yield factory
    factory.close()


# ── lamps ────────────────────────────────────────────────────────────────────────────────────────


def test_a_lamp_shines_as_bright_as_its_strongest_colour(factory):
    lamps = GpioLamps([17, 27, 22], active_high=True, factory=factory, log=Heard())
    lamps.show([BLUE, DARK, AMBER], "listening")
    assert lamps.count == 3
    assert [factory.pin(pin).state for pin in (17, 27, 22)] == pytest.approx([1.0, 0.0, 0.4])


def test_a_lamp_to_the_supply_is_driven_the_other_way_round(factory):
    lamps = GpioLamps([17], active_high=False, factory=factory, log=Heard())
    lamps.show([AMBER], "sorry")
    assert factory.pin(17).state == pytest.approx(0.6)


def test_closing_makes_dark_and_frees_the_lines(factory):
    lamps = GpioLamps([17], active_high=True, factory=factory, log=Heard())
    lamps.show([BLUE], "listening")
    lamps.close()
    lamps.close()
    lamps.show([BLUE], "listening")
    assert factory.pin(17).state == 0
    GpioLamps([17], active_high=True, factory=factory, log=Heard()).close()


def test_a_line_in_use_says_which_lamp_and_frees_the_others(factory):
    taken = GpioLamps([27], active_high=True, factory=factory, log=Heard())
    with pytest.raises(DeviceError, match=r"lamp on GPIO 27: the line cannot be used .*gpioinfo"):
        GpioLamps([17, 27], active_high=True, factory=factory, log=Heard())
    GpioLamps([17], active_high=True, factory=factory, log=Heard()).close()
    taken.close()


def test_a_line_that_does_not_exist_says_so(factory):
    with pytest.raises(DeviceError, match="lamp on GPIO 99"):
        GpioLamps([99], active_high=True, factory=factory, log=Heard())


def test_a_lamp_that_fails_is_told_once():
    class FailingPin(MockPWMPin):
        fails = False

        def _set_state(self, value) -> None:
            if self.fails:
                raise OSError("line gone")
            super()._set_state(value)

    factory, log = MockFactory(pin_class=FailingPin), Heard()
    lamps = GpioLamps([17], active_high=True, factory=factory, log=log)
    factory.pin(17).fails = True
    lamps.show([BLUE], "listening")
    lamps.show([DARK], "asleep")
    assert log.lines == [("warning", "lamps failed", {"error": "line gone"})]
    lamps.close()


# ── buttons ──────────────────────────────────────────────────────────────────────────────────────


def test_buttons_to_ground_report_every_edge(factory):
    buttons, moved = GpioButtons(23, 24, pull_up=True, factory=factory), []
    buttons.open(moved.append)
    talk, mute = factory.pin(23), factory.pin(24)
    talk.drive_low()
    mute.drive_low()
    talk.drive_high()
    mute.drive_high()
    assert moved == [
        ButtonMoved("talk", True),
        ButtonMoved("mute", True),
        ButtonMoved("talk", False),
        ButtonMoved("mute", False),
    ]
    buttons.close()


def test_buttons_to_the_supply_are_down_when_high(factory):
    buttons, moved = GpioButtons(None, 24, pull_up=False, factory=factory), []
    buttons.open(moved.append)
    factory.pin(24).drive_high()
    factory.pin(24).drive_low()
    assert moved == [ButtonMoved("mute", True), ButtonMoved("mute", False)]
    buttons.close()


def test_a_closed_button_is_silent_and_may_open_again(factory):
    buttons, moved = GpioButtons(23, None, pull_up=True, factory=factory), []
    buttons.open(moved.append)
    buttons.close()
    buttons.close()
    factory.pin(23).drive_low()
    assert moved == []
    factory.pin(23).drive_high()
    buttons.open(moved.append)
    factory.pin(23).drive_low()
    assert moved == [ButtonMoved("talk", True)]
    buttons.close()


def test_two_buttons_on_one_line_say_which_and_free_it(factory):
    buttons = GpioButtons(23, 23, pull_up=True, factory=factory)
    with pytest.raises(DeviceError, match="mute button on GPIO 23"):
        buttons.open(pytest.fail)
    GpioLamps([23], active_high=True, factory=factory, log=Heard()).close()


# ── the real factory, on a machine without a board ───────────────────────────────────────────────


def test_without_lgpio_the_error_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "lgpio", None)
    monkeypatch.delitem(sys.modules, "gpiozero.pins.lgpio", raising=False)
    with pytest.raises(DeviceError, match=r"python3-lgpio is missing .*sudo apt install python3-lgpio"):
        pin_factory("real")


def test_a_chip_that_cannot_be_opened_is_an_error_in_words(monkeypatch):
    class LgpioError(Exception):
        pass

    def fail() -> None:
        raise LgpioError("can not open gpiochip")

    lgpio = types.ModuleType("lgpio")
    lgpio.error = LgpioError
    pins = types.ModuleType("gpiozero.pins.lgpio")
    pins.LGPIOFactory = fail
    monkeypatch.setitem(sys.modules, "lgpio", lgpio)
    monkeypatch.setitem(sys.modules, "gpiozero.pins.lgpio", pins)
    with pytest.raises(DeviceError, match=r"can not open gpiochip.*group gpio"):
        pin_factory("real")
