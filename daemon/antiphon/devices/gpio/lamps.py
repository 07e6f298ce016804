"""Floor 3. LEDs on GPIO lines: of one colour or of three, dimmed or only switched."""

import threading
from collections.abc import Iterable, Sequence
from typing import Any, Literal

import gpiozero

from antiphon.devices.gpio.chip import Chip, PinFactory, in_words, pin_faults
from antiphon.devices.gpio.parts import Part, Parts
from antiphon.devices.patience import WAITS_S
from antiphon.faces import Rgb
from antiphon.ports import Log

LEAST_LEVEL = 0.01
"""lgpio knows a hundred levels and rounds down: what is fainter would be dark."""
PWM_HZ = 100
RGB_LINES = 3


class GpioLamps:
    """One LED a line, or one a three lines. An LED of one colour shines as the strongest of red, green and blue."""

    def __init__(
        self,
        pins: Sequence[int],
        kind: Literal["gpio", "rgb"],
        active_high: bool,
        dimmable: bool,
        chip: Chip,
        log: Log,
        waits_s: Iterable[float] = WAITS_S,
    ) -> None:
        """`pins` are BCM numbers, with rgb in threes. `active_high`: the line drives the LED, from line to ground.

        `dimmable`: with pulses; else a line is high or low, and any light is full light. A lamp whose lines cannot
        be had is told to the log, tried again as `waits_s` says, and stays dark until then.
        """

        def make(pin: int, factory: PinFactory) -> Any:
            maker = gpiozero.PWMLED if dimmable else gpiozero.LED
            return maker(pin, active_high=active_high, pin_factory=factory)

        lines = RGB_LINES if kind == "rgb" else 1
        groups = [tuple(pins[first : first + lines]) for first in range(0, len(pins), lines)]
        self._lamps = [Part(f"lamp {n}", "lamps.pins", group, make) for n, group in enumerate(groups, 1)]
        self.count = len(self._lamps)
        self._dimmable = dimmable
        self._log = log
        self._lock = threading.Lock()
        self._closed = False
        self._picture: Sequence[Rgb] = [(0, 0, 0)] * self.count
        self._parts = Parts(chip, self._lamps, self._light_late, log, waits_s)
        for error in self._parts.open():
            log.write("error", "no-lamp", sentence=str(error))

    def show(self, colours: Sequence[Rgb], word: str) -> None:  # noqa: ARG002 - the word is for lamps that are text
        """Set all LEDs; one whose line fails is told to the log once, and is left alone from then on."""
        with self._lock:
            if not self._closed:
                self._picture = tuple(colours)
                self._paint()

    def close(self) -> None:
        """Dark, and released; idempotent."""
        with self._lock:
            if not self._closed:
                self._picture = ((0, 0, 0),) * self.count
                self._paint()
            self._closed = True
        self._parts.close()

    def _light_late(self, _: Part) -> None:
        """A lamp has come: it shows what it should have shown."""
        with self._lock:
            self._paint()

    def _paint(self) -> None:
        picture = [_levels(lamp, colour) for lamp, colour in zip(self._lamps, self._picture, strict=True)]
        pulsed = any(0 < level < 1 for levels in picture for level in levels)
        for lamp, levels in zip(self._lamps, picture, strict=True):
            try:
                for led, level in zip(lamp.devices, levels, strict=False):  # no devices: it is awaited, or has failed
                    if self._dimmable:
                        _dim(led, level, pulsed=pulsed)
                    else:
                        led.value = level > 0
            except pin_faults() as error:
                lamp.free()
                self._log.write("warning", "lamp-failed", lamp=lamp.name, error=in_words(error))


def _levels(lamp: Part, colour: Rgb) -> list[float]:
    """How bright each line of the lamp is, 0 to 1."""
    return [channel / 255 for channel in (colour if len(lamp.pins) == RGB_LINES else (max(colour),))]


def _dim(led: Any, level: float, *, pulsed: bool) -> None:
    """Where no lamp is dimmed none is pulsed: lgpio makes pulses one by one on a thread, of darkness too, all night.

    They end on all lamps at once, as lgpio holds those of the others for up to 20 ms when they end on one.
    """
    if pulsed != (led.frequency is not None):
        led.frequency = PWM_HZ if pulsed else None
    led.value = max(level, LEAST_LEVEL) if level else 0.0
