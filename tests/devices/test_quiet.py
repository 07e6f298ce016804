"""Native libraries' chatter on standard error."""

import os
import sys
import threading
from pathlib import Path

import pytest

from antiphon.devices.quiet import no_stderr, own_stderr, silence_stderr_for_good

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


def test_it_can_be_silenced_for_good_while_somebody_opens_a_device(capfd: pytest.CaptureFixture[str]) -> None:
    kept = os.dup(2)
    inside, leave = threading.Event(), threading.Event()

    def open_a_device() -> None:
        with no_stderr():
            inside.set()
            leave.wait(BOUND_S)

    opener, silencer = threading.Thread(target=open_a_device), threading.Thread(target=silence_stderr_for_good)
    try:
        opener.start()
        assert inside.wait(BOUND_S)
        silencer.start()
        silencer.join(0.2)  # one that does not wait for the opener is over by now, and will be undone
        leave.set()
        opener.join(BOUND_S)
        silencer.join(BOUND_S)
        os.write(2, b"chatter\n")
    finally:
        leave.set()
        os.dup2(kept, 2)
        os.close(kept)
    assert capfd.readouterr().err == ""


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
