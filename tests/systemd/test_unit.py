"""The unit: known to this machine's systemd, and shut as tight as it says."""

import configparser
import re
import shutil
import subprocess
from pathlib import Path

import pytest

UNIT = Path(__file__).parents[2] / "systemd" / "antiphon.service"

needs_systemd = pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd-analyze is not installed")


def analyze(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["systemd-analyze", *words], capture_output=True, text=True, timeout=60, check=False, env={"LC_ALL": "C"}
    )


def complaints(unit: Path) -> list[str]:
    """What systemd says of the unit, but for the daemon not being installed on this machine."""
    verdict = analyze("verify", "--man=no", str(unit))
    lines = (verdict.stdout + verdict.stderr).splitlines()
    return [line for line in lines if "antiphon" in line and "is not executable: No such file" not in line]


@needs_systemd
def test_systemd_knows_every_directive():
    assert complaints(UNIT) == []


@needs_systemd
def test_a_directive_that_systemd_does_not_know_would_be_seen(tmp_path):
    odd = tmp_path / "antiphon.service"
    odd.write_text(UNIT.read_text().replace("[Service]", "[Service]\nWatchdogSecs=20"))
    (line,) = complaints(odd)
    assert "WatchdogSecs" in line


@needs_systemd
def test_its_exposure_is_at_most_one_and_a_half():
    verdict = analyze("security", "--offline=true", "--threshold=15", "--no-pager", str(UNIT))
    assert verdict.returncode == 0, verdict.stdout + verdict.stderr


def test_nothing_runs_from_where_it_can_write():
    unit = UNIT.read_text()
    (kept,) = re.findall(r"^NoExecPaths=(.*)$", unit, re.MULTILINE)
    assert set(kept.split()) == {"/dev/shm", "/run/antiphon", "/tmp", "/var/lib/antiphon", "/var/tmp"}
    assert "\nReadWritePaths=" not in unit
    assert "\nMemoryDenyWriteExecute=yes\n" in unit


def test_what_the_daemon_counts_on():
    unit = configparser.ConfigParser(strict=False, interpolation=None, delimiters=("=",))
    unit.optionxform = str
    unit.read(UNIT)
    service = unit["Service"]
    assert service["Type"] == "notify"
    assert service["ExecStart"].endswith("/bin/antiphon run")
    assert int(service["WatchdogSec"]) > 0
    assert service["Restart"] == "always"
    assert service["RestartPreventExitStatus"] == "2"
    assert service["User"] == "antiphon"
    assert service["StateDirectory"] == service["RuntimeDirectory"] == "antiphon"
    assert service["LoadCredential"] == "stepfun_api_key:/etc/antiphon/stepfun_api_key"
    assert service["SetCredential"] == r"stepfun_api_key:\n", "a file that is missing is for the daemon to tell"
    assert not any("API_KEY" in value for value in service.values())
