"""Floor 3. A chain of LEDs on an SPI bus, through spidev. What the chain wants to hear is in led_chains.py."""

import threading
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from typing import Any, Literal, Protocol, TypeAlias

from antiphon.clone import GPIO_IS_MISSING
from antiphon.devices.led_chains import APA102_HZ, WS2812_HZ, apa102, ws2812
from antiphon.devices.patience import WAITS_S, Patience
from antiphon.errors import DeviceError
from antiphon.faces import Rgb
from antiphon.ports import Log

_CHAINS: dict[str, tuple[Callable[[Sequence[Rgb]], bytes], int]] = {
    "apa102": (apa102, APA102_HZ),
    "ws2812": (ws2812, WS2812_HZ),
}


class Bus(Protocol):
    """What we need of spidev.SpiDev."""

    def writebytes2(self, values: bytes) -> None:
        """Send them; returns when they are sent. Raises OSError."""

    def close(self) -> None:
        """Let go of the bus."""


OpenBus: TypeAlias = Callable[[str, int], Bus]
"""(bus and chip select as in "0.1", clock in Hz) to the open bus. Raises DeviceError."""


def open_bus(name: str, speed_hz: int) -> Bus:
    """The bus of /dev/spidev`name`. Raises DeviceError."""
    try:
        import spidev
    except ImportError as error:
        raise _unusable(name, f"Python's spidev is missing ({error})", GPIO_IS_MISSING) from error
    bus: Any = spidev.SpiDev()
    try:
        bus.open(*map(int, name.split(".")))
        bus.max_speed_hz, bus.mode = speed_hz, 0
    except FileNotFoundError as error:
        remedy = "Put dtparam=spi=on into /boot/firmware/config.txt and boot again; for bus 1, dtoverlay=spi1-1cs"
        raise _unusable(name, "there is no such bus", remedy) from error
    except PermissionError as error:
        raise _unusable(name, "this user may not use it", "Add the user to group spi, and log in again") from error
    except OSError as error:
        bus.close()
        raise _unusable(name, f"it cannot be used ({error})", "Look at lamps.spi, and at `dmesg`") from error
    opened: Bus = bus
    return opened


def _unusable(name: str, wrong: str, remedy: str) -> DeviceError:
    return DeviceError(f"lamps on /dev/spidev{name}", wrong, remedy)


class SpiLamps:
    """The chain. While the bus cannot be had it is dark, and tried again; the log is told once."""

    def __init__(
        self,
        kind: Literal["apa102", "ws2812"],
        count: int,
        spi: str,
        log: Log,
        open_bus: OpenBus = open_bus,
        waits_s: Iterable[float] = WAITS_S,
    ) -> None:
        """`count` LEDs of `kind` on bus and chip select `spi`, as in "0.1"."""
        self.count = count
        self._encode, self._speed_hz = _CHAINS[kind]
        self._spi = spi
        self._log = log
        self._open_bus = open_bus
        self._lock = threading.Lock()
        self._bus: Bus | None = None
        self._closed = False
        self._picture: Sequence[Rgb] = self._dark
        self._patience = Patience("spi", self._try_again, waits_s)
        if (error := self._open()) is not None:
            log.write("error", "no-lamp", sentence=str(error))
            self._patience.begin()

    @property
    def _dark(self) -> Sequence[Rgb]:
        return ((0, 0, 0),) * self.count

    def show(self, colours: Sequence[Rgb], word: str) -> None:  # noqa: ARG002 - the word is for lamps that are text
        """Tell the whole chain. A bus that fails is told to the log once, and left alone from then on."""
        with self._lock:
            self._picture = colours
            self._paint()

    def close(self) -> None:
        """Dark, and released; idempotent."""
        with self._lock:
            self._picture = self._dark
            self._paint()
            self._closed = True
            self._let_go()
        self._patience.end()

    def _open(self) -> DeviceError | None:
        """Have the bus, and show what is to be shown: a chain shows anything when it gets its power."""
        try:
            self._bus = self._open_bus(self._spi, self._speed_hz)
        except DeviceError as error:
            return error
        self._paint()
        return None

    def _try_again(self) -> bool:
        with self._lock:
            if self._closed:
                return True
            if self._open() is not None:
                return False
        self._log.write("info", "line-back", part=f"lamps on /dev/spidev{self._spi}")
        return True

    def _paint(self) -> None:
        if self._bus is None:
            return
        try:
            self._bus.writebytes2(self._encode(self._picture))
        except OSError as error:
            self._log.write("warning", "lamp-failed", lamp=f"/dev/spidev{self._spi}", error=str(error))
            self._let_go()

    def _let_go(self) -> None:
        if self._bus is not None:
            with suppress(OSError):  # a bus that has failed cannot be closed in order
                self._bus.close()
            self._bus = None
