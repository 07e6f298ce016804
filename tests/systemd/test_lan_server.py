"""The units of the LAN server: known to this machine's systemd; the probe tells a model that lives from a dead one."""

import configparser
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from loopback import answering, lan_server, page, refused_port

FOLDER = Path(__file__).parents[2] / "systemd" / "vox-serve"
PROBE = FOLDER / "vox-serve-probe"
UNITS = sorted(path for path in FOLDER.iterdir() if path.suffix in (".service", ".timer"))

needs_systemd = pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd-analyze is not installed")
needs_curl = pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")


def sections(name):
    unit = configparser.ConfigParser(strict=False, interpolation=None, delimiters=("=",))
    unit.optionxform = str
    unit.read(FOLDER / name)
    return unit


def probe(url, seconds):
    environ = {**os.environ, "VOX_SERVE_URL": url}
    return subprocess.run([PROBE, str(seconds)], env=environ, capture_output=True, timeout=60, check=False).returncode


@needs_systemd
def test_systemd_knows_every_directive():
    verdict = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", *UNITS],
        capture_output=True, text=True, timeout=60, check=False, env={"LC_ALL": "C"},
    )  # fmt: skip
    lines = [line for line in (verdict.stdout + verdict.stderr).splitlines() if "vox-serve" in line]
    assert [line for line in lines if "is not executable: No such file" not in line] == []


def test_it_is_started_anew_whatever_ends_it_and_the_probe_is_the_watchdog():
    service = sections("vox-serve.service")["Service"]
    assert service["Restart"] == "always"
    assert "/vox-serve-probe" in service["ExecStartPost"]
    watch = sections("vox-serve-probe.service")["Service"]
    assert "/vox-serve-probe || exec systemctl --no-block restart vox-serve.service" in watch["ExecStart"]
    assert watch["ExecCondition"].endswith("is-active vox-serve.service")
    assert sections("vox-serve-probe.timer")["Install"]["WantedBy"] == "timers.target"


@needs_curl
def test_a_model_that_speaks_is_left_alone():
    with lan_server() as (url, questions):
        assert probe(url, 30) == 0
        assert questions == [], "a word is asked for, in words: no sound is sent"


@needs_curl
def test_a_model_that_ends_without_a_sound_is_dead():
    with lan_server(b"") as (url, _):
        assert probe(url, 30) != 0


@needs_curl
@pytest.mark.parametrize("answer", [None, page("422 Unprocessable Entity"), page("429 Too Many Requests")])
def test_a_door_without_a_model_is_dead(answer):
    with answering(answer) as port:
        assert probe(f"http://127.0.0.1:{port}", 1) != 0


@needs_curl
def test_a_server_that_is_not_there_is_dead():
    assert probe(f"http://127.0.0.1:{refused_port()}", 30) != 0
