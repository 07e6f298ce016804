"""Floor 3. Parts of the board, each on lines of its own: those that can be had are taken, the others awaited."""

import threading
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from antiphon.devices.gpio.chip import Chip, PinFactory, in_words, pin_faults
from antiphon.devices.patience import WAITS_S, Patience
from antiphon.errors import DeviceError
from antiphon.ports import Log


@dataclass(eq=False, slots=True)
class Part:
    """A lamp, a button, a supply. It works with all its lines or not at all: an RGB lamp without red would lie."""

    name: str
    """As in "talk button"."""
    key: str
    """The key of the settings that names its lines."""
    pins: tuple[int, ...]
    make: Callable[[int, PinFactory], Any]
    """Takes one line: a device of gpiozero."""
    devices: list[Any] = field(default_factory=list)
    """One a line, while they are ours."""

    def take(self, chip: Chip, factory: PinFactory) -> DeviceError | None:
        """Take all lines, or none and say why."""
        for pin in self.pins:
            try:
                self.devices.append(self.make(pin, factory))
            except pin_faults() as error:
                self.free()
                return self.unusable(pin, in_words(error), chip.holder_of(pin))
        return None

    def free(self) -> None:
        """Give the lines back; idempotent."""
        while self.devices:
            with suppress(*pin_faults()):  # a line that has failed cannot be released; the process's end does that
                self.devices.pop().close()

    def unusable(self, pin: int, error: str, holder: str = "") -> DeviceError:
        """What is wrong with a line, and who has it, if that is known."""
        wrong = f"the line that {self.key} names cannot be used ({error}{f'; {holder} has it' if holder else ''})"
        remedy = "Give it a free line: `gpioinfo` tells which are in use, and by whom"
        return DeviceError(f"{self.name} on GPIO {pin}", wrong, remedy)


class Parts:
    """Parts of one kind. `taken` hears of each as it is had, now or later on a thread of ours."""

    def __init__(
        self,
        chip: Chip,
        parts: Sequence[Part],
        taken: Callable[[Part], None],
        log: Log,
        waits_s: Iterable[float] = WAITS_S,
    ) -> None:
        """No line is touched yet. `waits_s` as in Patience."""
        self._chip = chip
        self._parts = parts
        self._taken = taken
        self._log = log
        self._lock = threading.Lock()
        self._closed = False
        self._missing: list[Part] = []
        self._patience = Patience("lines", self._try_again, waits_s)

    def open(self) -> list[DeviceError]:
        """Take what can be had; what cannot, and why: it is tried again until `close`. Call it once."""
        self._missing = list(self._parts)
        errors = self._take()
        if self._missing:
            self._patience.begin()
        return errors

    def close(self) -> None:
        """Give all lines back; idempotent."""
        with self._lock:
            self._closed = True
        self._patience.end()
        for part in self._parts:
            part.free()
        self._chip.leave(self)

    def _try_again(self) -> bool:
        missing = list(self._missing)
        with self._lock:  # `close` waits for us, or we never begin
            if self._closed:
                return True
            self._take()
        for part in missing:
            if part not in self._missing:
                self._log.write("info", "line-back", part=part.name)
        return not self._missing

    def _take(self) -> list[DeviceError]:
        if not self._missing:
            return []
        try:
            factory = self._chip.join(self)
        except DeviceError as error:
            return [error]
        unusable = {part: wrong for part in self._missing if (wrong := part.take(self._chip, factory)) is not None}
        taken = [part for part in self._missing if part not in unusable]
        self._missing = list(unusable)
        for part in taken:
            self._taken(part)
        return list(unusable.values())
