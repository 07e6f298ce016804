"""Floor 3. Push buttons on GPIO lines, and the mute switch. What their edges mean is for gestures.py to say."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import gpiozero

from antiphon.conversation.events import Button, ButtonMoved, SwitchMoved
from antiphon.devices.gpio.chip import Chip, PinFactory
from antiphon.devices.gpio.parts import Part, Parts
from antiphon.devices.gpio.switch import MuteSwitch
from antiphon.devices.patience import WAITS_S
from antiphon.errors import DeviceError
from antiphon.ports import Log


class GpioButtons:
    """The buttons that the board has, and its switch, if it has one."""

    def __init__(
        self,
        pins: Mapping[Button, int],
        pull_up: bool,
        switch: MuteSwitch | None,
        chip: Chip,
        log: Log,
        waits_s: Iterable[float] = WAITS_S,
    ) -> None:
        """`pins` are BCM numbers. `pull_up`: a button connects its line to ground; else to 3.3 V.

        No line is touched yet. One that cannot be had is tried again as `waits_s` says.
        """
        self._pull_up = pull_up
        self._switch = switch
        self._moved: Callable[[ButtonMoved | SwitchMoved], None] = _nobody
        parts = [
            Part(f"{button} button".replace("_", " "), f"buttons.{button}", (pin,), self._maker(button))
            for button, pin in pins.items()
        ]
        self._parts = Parts(chip, parts, _nobody, log, waits_s)

    def open(self, moved: Callable[[ButtonMoved | SwitchMoved], None]) -> list[DeviceError]:
        """Report the switch's position, and every edge, on threads of gpiozero's and ours; what is missing, and why."""
        self._moved = moved
        if self._switch is not None:
            self._switch.open(moved)
        return self._parts.open()

    def close(self) -> None:
        """Stop reporting and release the lines; idempotent."""
        self._moved = _nobody
        if self._switch is not None:
            self._switch.close()
        self._parts.close()

    def _maker(self, button: Button) -> Callable[[int, PinFactory], Any]:
        def pressed() -> None:  # plain functions, as gpiozero inspects its callbacks
            self._moved(ButtonMoved(button, down=True))

        def released() -> None:
            self._moved(ButtonMoved(button, down=False))

        def make(pin: int, factory: PinFactory) -> Any:
            # Not gpiozero.Button: its thread for holds, which are ours to find, keeps a pressed one from closing.
            key = gpiozero.DigitalInputDevice(pin, pull_up=self._pull_up, pin_factory=factory)
            key.when_activated, key.when_deactivated = pressed, released
            return key

        return make


def _nobody(_: object) -> None:
    """Nobody is told."""
