"""gpiozero's mock lines, of which others may hold some, and a log that remembers."""

from contextlib import contextmanager
from itertools import repeat

from gpiozero.pins.mock import MockFactory, MockPWMPin

from antiphon.devices.gpio import chip as chips
from antiphon.devices.gpio.chip import Chip

AT_ONCE = repeat(0.001)
"""Waits for what is tried again, and again, as long as the test needs it."""


class Heard:
    """A log that remembers."""

    def __init__(self):
        self.lines = []

    def write(self, level, what, **fields):
        self.lines.append((level, what, fields))

    def said(self, what):
        return [fields for _, said, fields in self.lines if said == what]


class Lines(MockFactory):
    """Mock lines. Those in `held` are somebody else's; those in `broken` fail when they are read or set."""

    def __init__(self):
        super().__init__(pin_class=FragilePin)
        self.held = set()
        self.broken = set()
        self.closed = False

    def pin(self, name):
        if name in self.held:
            raise OSError("GPIO busy")
        pin = super().pin(name)
        pin.lines = self
        return pin

    def close(self):
        self.closed = True
        super().close()


class FragilePin(MockPWMPin):
    lines = None

    def _look(self):
        if self.lines is not None and self.info.name.removeprefix("GPIO") in map(str, self.lines.broken):
            raise OSError("line gone")

    def _get_state(self):
        self._look()
        return super()._get_state()

    def _set_state(self, value):
        self._look()
        super()._set_state(value)


@contextmanager
def chip_with(monkeypatch):
    """A chip on mock lines, and the lines, which outlast its being closed."""
    lines = Lines()
    monkeypatch.setattr(chips, "pin_factory", lambda _: lines)
    yield Chip("mock"), lines
    lines.close()
