"""Floor 3. Outputs on GPIO lines that are switched by their names, as relays. Off at the start, and off at the end."""

import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import gpiozero

from antiphon.devices.gpio.chip import Chip, PinFactory, in_words, pin_faults
from antiphon.devices.gpio.parts import Part
from antiphon.errors import DeviceError
from antiphon.ports import Log


@dataclass(frozen=True, slots=True)
class OutputPlan:
    """One output: the BCM number of its line, and which level is on."""

    pin: int
    active_high: bool


class GpioOutputs:
    """ports.Outputs. Any thread may call its methods. A line that cannot be had is tried again at each use."""

    def __init__(self, plans: Mapping[str, OutputPlan], chip: Chip, log: Log) -> None:
        """All are off at once; a line that cannot be had is told to the log."""
        self.names: Sequence[str] = tuple(plans)
        self._chip = chip
        self._lock = threading.Lock()
        self._parts = {
            name: Part(f"switch {name}", "tools.switches", (plan.pin,), _maker(active_high=plan.active_high))
            for name, plan in plans.items()
        }
        for part in self._parts.values():
            error = self._missing(part)
            if error is not None:
                log.write("error", "no-switch", sentence=str(error))

    def set(self, name: str, *, on: bool) -> None:
        """ports.Outputs."""
        with self._lock:
            self._use(name, lambda output: output.on() if on else output.off())

    def get(self, name: str) -> bool:
        """ports.Outputs."""
        with self._lock:
            return bool(self._use(name, lambda output: output.value))

    def close(self) -> None:
        """ports.Outputs."""
        with self._lock:
            for part in self._parts.values():
                if part.devices:
                    self._off(part)
                part.free()
            self._chip.leave(self)

    def _off(self, part: Part) -> None:
        try:
            part.devices[0].off()
        except pin_faults():  # its chip is gone, and with it what it drove
            part.free()

    def _use(self, name: str, use: Any) -> Any:
        """What `use` makes of the line. Raises DeviceError."""
        part = self._parts[name]
        error = self._missing(part)
        if error is not None:
            raise error
        try:
            return use(part.devices[0])
        except pin_faults() as fault:
            part.free()
            raise part.unusable(part.pins[0], in_words(fault)) from None

    def _missing(self, part: Part) -> DeviceError | None:
        """Take its line, unless it is ours already; or why it cannot be had."""
        if part.devices:
            return None
        try:
            return part.take(self._chip, self._chip.join(self))
        except DeviceError as error:
            return error


def _maker(*, active_high: bool) -> Any:
    def make(pin: int, factory: PinFactory) -> Any:
        return gpiozero.DigitalOutputDevice(pin, active_high=active_high, initial_value=False, pin_factory=factory)

    return make
