"""Native libraries' chatter on standard error."""

import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from antiphon.devices.quiet import no_stderr, own_stderr

BOUND_S = 20


def test_nothing_comes_through_inside_and_everything_after(capfd: pytest.CaptureFixture[str]) -> None:
    with no_stderr():
        os.write(2, b"chatter\n")
    os.write(2, b"a word\n")
    assert capfd.readouterr().err == "a word\n"


def test_it_is_undone_after_a_fault_and_keeps_no_descriptor(capfd: pytest.CaptureFixture[str]) -> None:
    before = sum(1 for _ in Path("/proc/self/fd").iterdir())
    with pytest.raises(ValueError, match="fault"), no_stderr():
        raise ValueError("fault")
    os.write(2, b"a word\n")
    assert capfd.readouterr().err == "a word\n"
    assert sum(1 for _ in Path("/proc/self/fd").iterdir()) == before


def test_several_may_be_inside_and_the_last_one_out_undoes_it(capfd: pytest.CaptureFixture[str]) -> None:
    """One that hangs inside for ever holds up nobody."""
    inside, leave = threading.Event(), threading.Event()

    def hang() -> None:
        with no_stderr():
            inside.set()
            leave.wait(BOUND_S)

    hung = threading.Thread(target=hang)
    hung.start()
    assert inside.wait(BOUND_S)
    with no_stderr():
        os.write(2, b"chatter\n")
    os.write(2, b"chatter\n")
    leave.set()
    hung.join(BOUND_S)
    os.write(2, b"a word\n")
    assert capfd.readouterr().err == "a word\n"


SILENCED = """
import os, sys
from antiphon.devices.quiet import no_stderr, own_stderr, silence_stderr_for_good

with own_stderr():
    with no_stderr():
        silence_stderr_for_good()
    os.write(2, b"chatter")
    with no_stderr():
        pass
os.write(2, b"chatter")
print("a word", file=sys.stderr)
"""


def test_it_can_be_silenced_for_good_while_somebody_opens_a_device() -> None:
    """In a process of its own, as it is for good; Python's own words are still read."""
    done = subprocess.run([sys.executable, "-c", SILENCED], capture_output=True, check=True, timeout=BOUND_S)
    assert done.stderr == b"a word\n"


def test_standard_error_can_be_pythons_alone(capfd: pytest.CaptureFixture[str]) -> None:
    """A library opens and closes meanwhile, as PortAudio does, and its chatter does not come back."""
    before = sys.stderr
    with own_stderr() as ours:
        with no_stderr():
            os.write(2, b"chatter\n")
        os.write(2, b"chatter\n")
        os.write(ours, b"a line of the log\n")
        print("a word", file=sys.stderr)
    assert sys.stderr is before
    os.write(2, b"the end\n")
    assert capfd.readouterr().err == "a line of the log\na word\nthe end\n"
