"""Lamps in a chain on an SPI bus, on a bus that is not there and on one that fails."""

import errno
import importlib.util
import sys
import threading
import types
from itertools import repeat

import pytest

from antiphon.devices.led_chains import APA102_HZ, WS2812_HZ, apa102, ws2812
from antiphon.devices.spi_lamps import SpiLamps, open_bus
from antiphon.errors import DeviceError

BLUE, DARK = (0, 0, 255), (0, 0, 0)


class Heard:
    """A log that remembers, and tells of a line that is back."""

    def __init__(self):
        self.lines = []
        self.back = threading.Event()

    def write(self, level, what, **fields):
        self.lines.append((level, what, fields))
        if what == "line-back":
            self.back.set()

    def said(self, what):
        return [fields for _, said, fields in self.lines if said == what]


class FakeBus:
    """Remembers what it sent; fails while it is told to."""

    def __init__(self):
        self.opened = []
        self.sent = []
        self.closed = 0
        self.fails = False
        self.missing = None

    def open(self, name, speed_hz):
        if self.missing is not None:
            raise self.missing
        self.opened.append((name, speed_hz))
        return self

    def writebytes2(self, values):
        if self.fails:
            raise OSError("bus gone")
        self.sent.append(values)

    def close(self):
        self.closed += 1


@pytest.mark.parametrize(("kind", "encode", "speed_hz"), [("apa102", apa102, APA102_HZ), ("ws2812", ws2812, WS2812_HZ)])
def test_the_chain_is_told_every_picture_and_is_dark_before_and_after(kind, encode, speed_hz):
    bus, log = FakeBus(), Heard()
    lamps = SpiLamps(kind, 2, "0.1", log, bus.open)
    lamps.show([BLUE, DARK], "listening")
    lamps.close()
    lamps.close()
    lamps.show([BLUE, BLUE], "listening")
    assert lamps.count == 2
    assert bus.opened == [("0.1", speed_hz)]
    assert bus.sent == [encode(picture) for picture in ([DARK, DARK], [BLUE, DARK], [DARK, DARK])]
    assert bus.closed == 1
    assert log.lines == []


def test_a_bus_that_fails_is_told_once():
    bus, log = FakeBus(), Heard()
    lamps = SpiLamps("apa102", 1, "0.0", log, bus.open)
    bus.fails = True
    lamps.show([BLUE], "listening")
    bus.fails = False
    lamps.show([DARK], "asleep")
    lamps.close()
    assert log.lines == [("warning", "lamp-failed", {"lamp": "/dev/spidev0.0", "error": "bus gone"})]
    assert bus.closed == 1


def test_a_bus_that_comes_late_shows_what_is_to_be_shown():
    bus, log = FakeBus(), Heard()
    bus.missing = DeviceError("lamps on /dev/spidev0.0", "there is no such bus", "Wait")
    lamps = SpiLamps("apa102", 1, "0.0", log, bus.open, waits_s=repeat(0.001))
    assert log.said("no-lamp") == [{"sentence": "lamps on /dev/spidev0.0: there is no such bus. Wait"}]
    lamps.show([BLUE], "listening")
    bus.missing = None
    assert log.back.wait(30)
    assert bus.sent == [apa102([BLUE])]
    assert log.said("line-back") == [{"part": "lamps on /dev/spidev0.0"}]
    lamps.close()


def test_a_bus_that_never_comes_is_no_trouble_to_close():
    bus = FakeBus()
    bus.missing = DeviceError("x", "y", "z")
    lamps = SpiLamps("ws2812", 1, "0.0", Heard(), bus.open, waits_s=[1e6])
    lamps.show([BLUE], "listening")
    lamps.close()
    assert lamps._try_again()  # an attempt that was about to begin leaves the bus alone
    assert bus.opened == []


# ── the real bus ─────────────────────────────────────────────────────────────────────────────────


class SpiDev:
    """A stand-in for spidev.SpiDev, whose `open` or settings raise `trouble`."""

    trouble = None

    def __init__(self):
        self.told = {}

    def open(self, bus, device):
        if isinstance(self.trouble, FileNotFoundError | PermissionError):
            raise self.trouble
        self.told["where"] = (bus, device)

    def __setattr__(self, name, value):
        if name == "mode" and self.trouble is not None:
            raise self.trouble
        super().__setattr__(name, value)

    def close(self):
        self.told["closed"] = True


@pytest.fixture
def spidev(monkeypatch):
    module = types.ModuleType("spidev")
    module.SpiDev = type("SpiDev", (SpiDev,), {})
    monkeypatch.setitem(sys.modules, "spidev", module)
    return module.SpiDev


def test_the_bus_is_opened_as_asked(spidev):
    bus = open_bus("1.2", 4_000_000)
    assert isinstance(bus, spidev)
    assert bus.told == {"where": (1, 2)}
    assert (bus.max_speed_hz, bus.mode) == (4_000_000, 0)


@pytest.mark.parametrize(
    ("trouble", "words"),
    [
        (FileNotFoundError(errno.ENOENT, "no"), r"/dev/spidev0.1: there is no such bus\. .*dtparam=spi=on"),
        (PermissionError(errno.EACCES, "no"), r"this user may not use it\. .*group spi"),
        (OSError(errno.EINVAL, "Invalid argument"), r"it cannot be used \(.*Invalid argument\)"),
    ],
)
def test_what_is_wrong_with_the_bus_is_said_with_its_remedy(spidev, trouble, words):
    spidev.trouble = trouble
    with pytest.raises(DeviceError, match=words):
        open_bus("0.1", 1)


def test_without_spidev_the_error_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "spidev", None)
    with pytest.raises(DeviceError, match=r"spidev is missing .*make setup GPIO=1"):
        open_bus("0.0", 1)


@pytest.mark.skipif(importlib.util.find_spec("spidev") is None, reason="spidev is not installed here")
def test_the_real_library_on_a_bus_that_is_not_there():
    with pytest.raises(DeviceError, match="there is no such bus"):
        open_bus("1.2", 1)
