"""Floor 3. Lamps that have power only while a line is high, as on some HATs. It knows no kind of lamp."""

import threading
from collections.abc import Iterable, Sequence
from typing import Any

import gpiozero

from antiphon.devices.gpio.chip import Chip, PinFactory
from antiphon.devices.gpio.parts import Part, Parts
from antiphon.devices.patience import WAITS_S
from antiphon.faces import Rgb
from antiphon.ports import Lamps, Log


class PoweredLamps:
    """The lamps behind the line: it is high from the beginning until they are closed."""

    def __init__(self, lamps: Lamps, pin: int, chip: Chip, log: Log, waits_s: Iterable[float] = WAITS_S) -> None:
        """`pin` is a BCM number. A line that cannot be had is told to the log, and tried again as `waits_s` says."""
        self.count = lamps.count
        self._lamps = lamps
        self._lock = threading.Lock()
        self._shown: tuple[Sequence[Rgb], str] | None = None
        self._parts = Parts(
            chip, [Part("power of the lamps", "lamps.power_pin", (pin,), _supply)], self._on, log, waits_s
        )
        for error in self._parts.open():
            log.write("error", "no-lamp", sentence=str(error))

    def show(self, colours: Sequence[Rgb], word: str) -> None:
        """As Lamps.show."""
        with self._lock:
            self._shown = colours, word
            self._lamps.show(colours, word)

    def close(self) -> None:
        """Dark, then without power; idempotent."""
        with self._lock:
            self._shown = None
            self._lamps.close()
        self._parts.close()

    def _on(self, _: Part) -> None:
        """There is power: what has been shown before was seen by nobody."""
        with self._lock:
            if self._shown is not None:
                self._lamps.show(*self._shown)


def _supply(pin: int, factory: PinFactory) -> Any:
    return gpiozero.DigitalOutputDevice(pin, initial_value=True, pin_factory=factory)
