"""Fixtures of the machine. Its tests are collected only by who asks for them: `-m board`, as `make board` does."""

import sys
import tempfile
from pathlib import Path

import pytest

from board import packages
from board.appliance import Appliance, Pi, Room
from board.report import Table
from board.rig import image
from board.rig.host import cache
from board.rig.machine import Machine
from board.rig.ways import Uml

TABLE = Table()


def pytest_ignore_collect(collection_path, config):
    asked = "board" in config.option.markexpr.replace("not board", "")
    return None if asked or not collection_path.name.startswith("test_") else True


def pytest_terminal_summary(terminalreporter):
    """The table, under what pytest says itself; and in the file."""
    if not TABLE.rows:
        return
    terminalreporter.section("the appliance in the machine")
    for row in TABLE.rows:
        terminalreporter.write_line(str(row))
    for note in TABLE.notes:
        terminalreporter.write_line(f"note: {note}")
    failed = [report.nodeid for kind in ("failed", "error") for report in terminalreporter.getreports(kind)]
    TABLE.write(len(terminalreporter.getreports("passed")), failed)


def pytest_runtest_logreport(report):
    """A failure is told at once: the whole takes long."""
    if report.failed:
        print(f"\n{report.nodeid} ({report.when}):\n{report.longreprtext[-4000:]}", file=sys.__stderr__, flush=True)


@pytest.fixture(scope="session")
def table():
    return TABLE


@pytest.fixture(scope="session")
def package():
    return packages.newest()


@pytest.fixture(scope="session")
def disk(package):
    """A Debian without the appliance, and with all that it depends on."""
    return image.image(packages.release_of(package), packages.depends(package))


@pytest.fixture(scope="session")
def folder():
    """Where machines keep what they write; it may be large."""
    with tempfile.TemporaryDirectory(dir=cache(), prefix="machine-") as name:
        yield Path(name)


@pytest.fixture(scope="session")
def machine(disk, folder):
    """One machine for all tests that do not need one of their own, with Debian on it and nothing else."""
    own = folder / "shared"
    own.mkdir()
    with Machine(Uml(), disk, own) as running:
        yield running


@pytest.fixture(scope="session")
def installed(machine, package):
    """The appliance, installed from its package, set, enabled, and the machine rebooted: as in somebody's home."""
    appliance = Appliance(machine)
    result = appliance.install(package)
    assert result.status == 0, str(result)
    appliance.settle()
    appliance.cloud("--quick", "--reply", "Yes.")
    machine.get("systemctl enable antiphon")
    machine.reboot()
    machine.run("systemctl is-system-running --wait", 120)
    appliance.booted_s = appliance.start_s()
    appliance.changed = False
    return appliance


@pytest.fixture
def appliance(installed):
    """Installed, and at rest: whatever the test before has left behind."""
    if installed.changed or not installed.show("StatusText").startswith("asleep, call open"):
        installed.as_it_was()
    installed.mark()
    return installed


@pytest.fixture
def room(machine):
    return Room(machine)


@pytest.fixture
def pi(machine):
    return Pi(machine)
