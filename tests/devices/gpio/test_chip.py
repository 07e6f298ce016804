"""The way to the lines: lgpio's manners as it is imported, who has a line, and when the chip is closed."""

import os
import sys
import tempfile
import textwrap
import types
from pathlib import Path

import pytest

from antiphon.devices.gpio import chip
from antiphon.devices.gpio.chip import Chip, pin_factory
from antiphon.errors import DeviceError

LGPIO = """
    import os
    if "LG_WD" in os.environ:  # as lgpio does
        os.chdir(os.environ["LG_WD"])
    os.mkfifo(".lgd-nfy0")
    made_in = os.getcwd()

    SET_PULL_NONE = BOTH_EDGES = RISING_EDGE = FALLING_EDGE = 0

    class error(Exception):
        pass

    def gpiochip_open(number):
        raise error("can not open gpiochip")

    def gpio_get_line_info(handle, pin):
        if pin == 99:
            raise error("bad GPIO")
        return [0, pin, 1, "GPIO8", "spi0 CS0"]
"""


@pytest.fixture
def without_lgpio(monkeypatch):
    """As if neither had been imported; undone at the end."""
    for name in ("lgpio", "gpiozero.pins.lgpio"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    yield
    for name in ("lgpio", "gpiozero.pins.lgpio"):
        sys.modules.pop(name, None)


def put_lgpio(tmp_path, monkeypatch):
    """A stand-in for lgpio that makes its pipe as the real one does."""
    (tmp_path / "lgpio.py").write_text(textwrap.dedent(LGPIO))
    monkeypatch.syspath_prepend(str(tmp_path))


def put_factory(monkeypatch, factory):
    pins = types.ModuleType("gpiozero.pins.lgpio")
    pins.LGPIOFactory = factory
    monkeypatch.setitem(sys.modules, "gpiozero.pins.lgpio", pins)


def test_without_lgpio_the_error_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "lgpio", None)
    monkeypatch.delitem(sys.modules, "gpiozero.pins.lgpio", raising=False)
    with pytest.raises(DeviceError, match=r"Python's lgpio is missing .*make setup GPIO=1"):
        pin_factory("real")


@pytest.mark.usefixtures("without_lgpio")
def test_a_chip_that_cannot_be_opened_is_an_error_in_words(monkeypatch):
    class LgpioError(Exception):
        pass

    def fail() -> None:
        raise LgpioError("'can not open gpiochip'")  # in quotes, as lgpio's

    lgpio = types.ModuleType("lgpio")
    lgpio.error = LgpioError
    monkeypatch.setitem(sys.modules, "lgpio", lgpio)
    put_factory(monkeypatch, fail)
    with pytest.raises(DeviceError, match=r"the chip cannot be opened \(can not open gpiochip\)\. \S"):
        pin_factory("real")


def test_a_chip_that_is_not_there_is_nobodys_group(tmp_path):
    assert "This machine has none" in chip._remedy(tmp_path)


def test_who_may_use_the_chip_is_not_told_to_join_its_group(tmp_path):
    (tmp_path / "gpiochip0").touch()
    assert "group" not in chip._remedy(tmp_path)


def test_who_may_not_use_the_chip_is_told_its_group(tmp_path, monkeypatch):
    (tmp_path / "gpiochip0").touch()
    monkeypatch.setattr(chip.os, "access", lambda path, mode: False)
    assert f"group gpio, and let that group have {tmp_path / 'gpiochip0'}" in chip._remedy(tmp_path)


@pytest.mark.usefixtures("without_lgpio")
@pytest.mark.parametrize("runtime", [True, False])
def test_the_pipe_of_lgpio_lies_nowhere_afterwards(tmp_path, monkeypatch, runtime):
    room, start = tmp_path / "runtime", tmp_path / "start"
    for folder in (room, start):
        folder.mkdir()
    if runtime:
        monkeypatch.setenv("RUNTIME_DIRECTORY", f"{room}:/elsewhere")
    else:
        monkeypatch.delenv("RUNTIME_DIRECTORY", raising=False)
        monkeypatch.setattr(tempfile, "tempdir", str(room))
    monkeypatch.chdir(start)
    put_lgpio(tmp_path, monkeypatch)
    with pytest.raises(DeviceError):  # there is no chip
        pin_factory("real")
    made_in = Path(sys.modules["lgpio"].made_in)
    assert made_in.parent == room
    assert not made_in.exists()
    assert Path.cwd() == start
    assert "LG_WD" not in os.environ


@pytest.mark.usefixtures("without_lgpio")
def test_no_room_for_the_pipe_is_an_error_in_words(tmp_path, monkeypatch):
    monkeypatch.setenv("RUNTIME_DIRECTORY", str(tmp_path / "absent"))
    put_lgpio(tmp_path, monkeypatch)
    with pytest.raises(DeviceError, match=r"no room for its pipe"):
        pin_factory("real")


def test_the_chip_is_opened_once_and_closed_after_the_last(chip, lines):
    one, two = object(), object()
    assert chip.join(one) is chip.join(two) is lines
    chip.leave(one)
    chip.leave(one)
    assert not lines.closed
    chip.leave(two)
    assert lines.closed


def test_a_chip_that_was_closed_is_opened_anew():
    chip = Chip("mock")
    first = chip.join("a")
    chip.leave("a")
    second = chip.join("a")
    assert second is not first
    chip.leave("a")


def test_a_chip_that_cannot_be_closed_lets_us_go(chip, lines, monkeypatch):
    def fail():
        raise OSError("gone")

    chip.join("a")
    monkeypatch.setattr(lines, "close", fail)
    chip.leave("a")
    monkeypatch.undo()


@pytest.mark.usefixtures("without_lgpio")
def test_who_has_a_line_is_what_the_kernel_says(chip, lines, tmp_path, monkeypatch):
    assert chip.holder_of(8) == ""
    monkeypatch.chdir(tmp_path)
    put_lgpio(tmp_path, monkeypatch)
    import lgpio  # noqa: F401 - the stand-in

    chip.join("a")
    lines._handle = 3
    assert chip.holder_of(8) == "spi0 CS0"
    assert chip.holder_of(99) == ""
    chip.leave("a")
