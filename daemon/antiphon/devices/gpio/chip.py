"""Floor 3. The way to the lines of the GPIO chip, opened once for all that is on it. It knows no lamp and no button."""

import os
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Literal, TypeAlias

import gpiozero
from gpiozero.pins.mock import MockFactory, MockPWMPin

from antiphon.clone import GPIO_IS_MISSING
from antiphon.devices.gpio.edges import watched_by_kernel
from antiphon.errors import DeviceError

PinFactory: TypeAlias = Any
"""gpiozero.Factory; gpiozero is untyped."""


def pin_factory(kind: Literal["real", "mock"]) -> PinFactory:
    """A new way to the lines: lgpio's, or to lines that are not there.

    Raises DeviceError when this machine has no GPIO that we may use.
    """
    if kind == "mock":
        return MockFactory(pin_class=MockPWMPin)
    try:
        with _room_for_lgpio():
            from gpiozero.pins.lgpio import LGPIOFactory
    except ImportError as error:
        remedy = f"{GPIO_IS_MISSING}; on a machine without GPIO set lamps.kind to terminal and the buttons to null"
        raise DeviceError("GPIO", f"Python's lgpio is missing ({error})", remedy) from error
    except OSError as error:
        raise DeviceError("GPIO", f"lgpio finds no room for its pipe ({error})", "Make room in /tmp") from error
    try:
        factory = LGPIOFactory()
    except pin_faults() as error:
        raise DeviceError("GPIO", f"the chip cannot be opened ({in_words(error)})", _remedy()) from error
    factory.pin_class = watched_by_kernel(factory.pin_class)
    return factory


def _remedy(devices: Path = Path("/dev")) -> str:
    """For a chip that cannot be opened."""
    chips = sorted(devices.glob("gpiochip*"))
    if not chips:
        return "This machine has none: set lamps.kind to terminal and the buttons to null"
    if not all(os.access(chip, os.R_OK | os.W_OK) for chip in chips):
        return f"Add the user to group gpio, and let that group have {chips[0]} (ls -l tells)"
    return "`gpioinfo` tells whether it is a board's, and `dmesg` what the kernel says of it"


@contextmanager
def _room_for_lgpio() -> Iterator[None]:
    """A folder in which lgpio may make the named pipe that it makes as it is imported.

    It goes there ($LG_WD), and we come back; else the pipe would lie where we were started, which may be read-only.
    Once both its ends are open nobody needs its name.
    """
    if "lgpio" in sys.modules or find_spec("lgpio") is None:
        yield
        return
    runtime = os.environ.get("RUNTIME_DIRECTORY", "").partition(":")[0]  # systemd's, on a disk that is never full
    here = os.open(".", os.O_PATH)
    try:
        with tempfile.TemporaryDirectory(prefix="lgpio-", dir=runtime or None) as folder:
            os.environ["LG_WD"] = folder
            try:
                yield
            finally:
                os.fchdir(here)
                del os.environ["LG_WD"]
    finally:
        os.close(here)


def pin_faults() -> tuple[type[Exception], ...]:
    """What a line may raise. lgpio has an error class of its own, which exists only where lgpio does."""
    lgpio = sys.modules.get("lgpio")
    return (gpiozero.GPIOZeroError, OSError) if lgpio is None else (gpiozero.GPIOZeroError, OSError, lgpio.error)


def in_words(fault: Exception) -> str:
    """What it says; lgpio's error puts its words in quotes."""
    return str(fault).strip("'")


class Chip:
    """The chip, open while anybody uses it. Any thread may call its methods."""

    def __init__(self, kind: Literal["real", "mock"]) -> None:
        """Nothing is opened yet."""
        self._kind = kind
        self._lock = threading.Lock()
        self._users: set[object] = set()
        self._factory: PinFactory | None = None

    def join(self, user: object) -> PinFactory:
        """The way to the lines, for `user` until it leaves. Raises DeviceError; it may be tried again."""
        with self._lock:
            if self._factory is None:
                self._factory = pin_factory(self._kind)
            self._users.add(user)
            return self._factory

    def leave(self, user: object) -> None:
        """`user` has closed its lines; with the last one the chip is closed and all lines are free. Idempotent."""
        with self._lock:
            self._users.discard(user)
            if not self._users and self._factory is not None:
                with suppress(*pin_faults()):  # a chip that is gone cannot be closed; the process's end does that
                    self._factory.close()
                self._factory = None

    def holder_of(self, pin: int) -> str:
        """Who has the line now, as the kernel calls him; nothing where that is not known."""
        lgpio, handle = sys.modules.get("lgpio"), getattr(self._factory, "_handle", None)
        if lgpio is None or handle is None:
            return ""
        try:
            *_, holder = lgpio.gpio_get_line_info(handle, pin)
        except pin_faults():
            return ""
        return str(holder)
