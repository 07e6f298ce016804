"""Floor 3. Lamps and buttons on GPIO lines, through gpiozero. Off board the same adapters run on its mock pins.

Lines are named by their BCM number. What a button's edges mean, bounce included, is for gestures.py to say.
"""

import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any, Literal, TypeAlias

import gpiozero
from gpiozero.pins.mock import MockFactory, MockPWMPin

from antiphon.conversation.events import Button, ButtonMoved, SwitchMoved
from antiphon.errors import DeviceError
from antiphon.faces import Rgb
from antiphon.ports import Log

PinFactory: TypeAlias = Any
"""gpiozero.Factory; gpiozero is untyped."""


def pin_factory(kind: Literal["real", "mock"]) -> PinFactory:
    """The way to the pins, chosen once and given to all lamps and buttons: lgpio's, or pins that are not there.

    Raises DeviceError when this machine has no GPIO that we may use.
    """
    if kind == "mock":
        return MockFactory(pin_class=MockPWMPin)
    try:
        from gpiozero.pins.lgpio import LGPIOFactory
    except ImportError as error:
        remedy = (
            "Run `sudo apt install python3-lgpio` and make the venv with --system-site-packages; "
            "on a machine without GPIO set lamps.kind to terminal and the buttons to null"
        )
        raise DeviceError("GPIO", f"python3-lgpio is missing ({error})", remedy) from error
    try:
        return LGPIOFactory()
    except _pin_faults() as error:
        remedy = "On a board, add the user to group gpio; elsewhere set lamps.kind to terminal and the buttons to null"
        raise DeviceError("GPIO", f"the chip cannot be opened ({error})", remedy) from error


class GpioLamps:
    """One LED a line. An LED has one colour: it shines as bright as the strongest of red, green and blue."""

    def __init__(self, pins: Sequence[int], active_high: bool, factory: PinFactory, log: Log) -> None:
        """`active_high`: the line drives the LED, from line to ground. Raises DeviceError."""
        self.count = len(pins)
        self._log = log
        self._gone = False
        self._leds: list[Any] = []
        for pin in pins:
            try:
                self._leds.append(gpiozero.PWMLED(pin, active_high=active_high, pin_factory=factory))
            except _pin_faults() as error:
                self.close()
                raise _unusable("lamp", pin, error) from error

    def show(self, colours: Sequence[Rgb], word: str) -> None:  # noqa: ARG002 - the word is for lamps that are text
        """Set all LEDs; a line that fails is told to the log once, and all stay as they are from then on."""
        if self._gone:
            return
        try:
            for led, colour in zip(self._leds, colours, strict=True):
                led.value = max(colour) / 255
        except _pin_faults() as error:
            self._gone = True
            self._log.write("warning", "lamps failed", error=str(error))

    def close(self) -> None:
        """Dark, and released; idempotent."""
        self._gone = True
        _close_all(self._leds)


class GpioButtons:
    """Two push buttons; a line of None is a button that the board does not have."""

    def __init__(self, talk_pin: int | None, mute_pin: int | None, pull_up: bool, factory: PinFactory) -> None:
        """`pull_up`: the button connects the line to ground; else to 3.3 V. No line is touched yet."""
        pins: dict[Button, int | None] = {"talk": talk_pin, "mute": mute_pin}
        self._pins = {button: pin for button, pin in pins.items() if pin is not None}
        self._pull_up = pull_up
        self._factory = factory
        self._buttons: list[Any] = []

    def open(self, moved: Callable[[ButtonMoved | SwitchMoved], None]) -> list[DeviceError]:
        """Report every edge to `moved`, on gpiozero's thread; what cannot be opened, and why."""
        unusable: list[DeviceError] = []
        for button, pin in self._pins.items():
            try:
                key = gpiozero.Button(pin, pull_up=self._pull_up, pin_factory=self._factory)
            except _pin_faults() as error:
                unusable.append(_unusable(f"{button} button", pin, error))
                continue
            key.when_pressed = _telling(moved, ButtonMoved(button, down=True))
            key.when_released = _telling(moved, ButtonMoved(button, down=False))
            self._buttons.append(key)
        return unusable

    def close(self) -> None:
        """Stop reporting and release the lines; idempotent."""
        _close_all(self._buttons)


def _telling(moved: Callable[[ButtonMoved | SwitchMoved], None], event: ButtonMoved) -> Callable[[], None]:
    """A plain function, as gpiozero inspects its callbacks and chokes on other callables."""

    def tell() -> None:
        moved(event)

    return tell


def _close_all(devices: list[Any]) -> None:
    while devices:
        with suppress(*_pin_faults()):  # a line that has failed cannot be released; the process's end does that
            devices.pop().close()


def _unusable(what: str, pin: int, error: Exception) -> DeviceError:
    remedy = "Give it a free line: `gpioinfo` tells which are in use, and by whom"
    return DeviceError(f"{what} on GPIO {pin}", f"the line cannot be used ({error})", remedy)


def _pin_faults() -> tuple[type[Exception], ...]:
    """What a pin may raise. lgpio has an error class of its own, which exists only where lgpio does."""
    lgpio = sys.modules.get("lgpio")
    return (gpiozero.GPIOZeroError, OSError) if lgpio is None else (gpiozero.GPIOZeroError, OSError, lgpio.error)
