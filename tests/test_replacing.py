"""A program that begins anew in the same process: what stays, what does not, and how often it may."""

import json
import os
import subprocess
import sys
import time

import pytest

from antiphon import replacing
from antiphon.replacing import again, begin_anew

BOUND_S = 60

PROGRAM = """
import json, os, signal, sys
from antiphon import replacing
from antiphon.devices.quiet import own_stderr, silence_stderr_for_good
from antiphon.runtime.notify import NoNotifier

class NoLog:
    def write(self, *_, **__): pass

told = {
    "pid": os.getpid(), "argv": sys.argv[1:], "flags": sys.flags.dev_mode, "variable": os.environ["SOME_KEY"],
    "descriptors": sorted(map(int, os.listdir("/proc/self/fd")))[:-1],
    "mask": [int(one) for one in signal.pthread_sigmask(signal.SIG_BLOCK, [])],
}
print(json.dumps(told), flush=True)
os.write(2, b"standard error\\n")
if "--muted" in sys.argv:
    sys.exit(7)
replacing.LEAST_LIFE_S = 0.0
signal.signal(signal.SIGUSR2, lambda *_: None)
os.set_inheritable(os.open("/dev/zero", os.O_RDONLY), True)  # as some native libraries do
with own_stderr():
    silence_stderr_for_good()
    os.write(2, b"a flood\\n")
    replacing.begin_anew(True, NoLog(), NoNotifier())
"""


def test_the_program_begins_anew_in_the_same_process():
    done = subprocess.run(
        [sys.executable, "-X", "dev", "-c", PROGRAM, "run", "--set", "a b='c'"],
        env={**os.environ, "SOME_KEY": "sk-1"},
        capture_output=True,
        text=True,
        timeout=BOUND_S,
        check=False,
    )
    assert done.returncode == 7, done.stderr
    first, second = map(json.loads, done.stdout.splitlines())
    assert first["argv"] == ["run", "--set", "a b='c'"]
    assert second == first | {"argv": [*first["argv"], "--muted"]}
    assert first["descriptors"] == [0, 1, 2]
    assert done.stderr == "standard error\nstandard error\n", "and nothing of the flood"


@pytest.mark.parametrize(
    ("given", "muted", "wanted"),
    [
        (["antiphon", "run"], False, ["antiphon", "run"]),
        (["antiphon", "run"], True, ["antiphon", "run", "--muted"]),
        (["antiphon", "run", "--muted", "--set", "a=b"], True, ["antiphon", "run", "--set", "a=b", "--muted"]),
        (["antiphon", "run", "--muted"], False, ["antiphon", "run"]),
    ],
)
def test_it_is_muted_as_it_was(given, muted, wanted):
    assert again(given, muted) == wanted


class Told(list):
    def write(self, level, what, **fields):
        self.append((level, what, fields))

    def status(self, line):
        self.append(line)

    def alive(self):
        self.append("alive")


@pytest.mark.parametrize(("lived_s", "waits_s"), [(1000.0, 0.0), (4.0, 1.0)])
def test_it_does_not_begin_anew_again_and_again(monkeypatch, lived_s, waits_s):
    """It says so, and waits with the service manager told, until its life was not too short."""
    told, waited = Told(), []
    monkeypatch.setattr(replacing, "_execute", told.append)
    monkeypatch.setattr(replacing, "_began_s", time.monotonic() - lived_s)
    monkeypatch.setattr(replacing.time, "sleep", waited.append)
    begin_anew(False, told, told)
    assert waited == [pytest.approx(waits_s, abs=0.5)]
    (level, what, fields), status, alive, command = told
    assert (level, what, fields["muted"]) == ("warning", "beginning-anew", False)
    assert fields["in_s"] == pytest.approx(waited[0], abs=0.1)
    assert "beginning anew" in status
    assert alive == "alive"
    assert command[0] == sys.executable
