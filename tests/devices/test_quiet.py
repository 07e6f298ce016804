"""Native libraries' chatter on standard error."""

import os
import sys
from pathlib import Path

import pytest

from antiphon.devices.quiet import no_stderr, own_stderr


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
