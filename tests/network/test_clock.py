"""A board without a clock of its own starts years ago, and TLS fails until a time server has been heard.

The wall clock belongs to the machine, not to a namespace: a time namespace moves the monotonic clocks only.
So wall_clock.c is preloaded into daemon and doctor: it moves what they read there, and lets the test set it right.
(Debian's libfaketime does that too, and breaks timers and absolute sleeps.) The certificate is good from 2020 to 2120:
nothing but the clock makes it bad.
"""

import struct
import subprocess
import tempfile
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest

from network.lab import why_no_lab
from network.scenery import PATIENCE_S, at_home

pytestmark = [pytest.mark.network, pytest.mark.skipif(bool(why_no_lab()), reason=why_no_lab())]

SOURCE = Path(__file__).with_name("wall_clock.c")


@contextmanager
def wall_clock(shows):
    """The clock shows that moment now; yields (the environment of who sees it, what sets it right)."""
    with tempfile.TemporaryDirectory() as folder:
        library, file = Path(folder, "wall_clock.so"), Path(folder, "seconds")
        compiler = ["gcc", "-O2", "-Wall", "-Wextra", "-Werror", "-fPIC", "-shared", "-o", str(library), str(SOURCE)]
        subprocess.run(compiler, check=True)

        def put(seconds):
            with file.open("r+b" if file.exists() else "wb", buffering=0) as page:
                page.write(struct.pack("=q", seconds))

        put(round((shows - datetime.now(UTC)).total_seconds()))
        yield {"LD_PRELOAD": str(library), "WALL_CLOCK": str(file)}, lambda: put(0)


def test_a_clock_that_was_never_set():
    """A board that has just been switched on takes its system's build date. The call is made once the clock is set."""
    with wall_clock(datetime(2015, 1, 1, tzinfo=UTC)) as (environ, set_right), at_home(environ=environ) as scene:
        told = scene.daemon.wait_for("link-closed", timeout_s=PATIENCE_S)
        assert told["at"].startswith("2015")
        assert "not valid yet" in told["why"]
        assert "clock" in told["why"]
        failed = scene.failing()
        assert set(failed) == {"tls", "clock"}
        assert "not valid yet" in failed["tls"]["says"]
        assert "clock" in failed["tls"]["remedy"]
        assert "2015" in failed["clock"]["says"]
        assert "set-ntp" in failed["clock"]["remedy"]

        set_right()
        scene.daemon.wait_for("link-opened", timeout_s=PATIENCE_S)
        scene.take_turn()
        assert scene.failing() == {}
        assert scene.ends_well()


def test_a_clock_that_is_far_ahead():
    """The certificate may as well be old indeed, so the call waits for a turn, or a minute."""
    with wall_clock(datetime(2121, 1, 1, tzinfo=UTC)) as (environ, set_right), at_home(environ=environ) as scene:
        told = scene.daemon.wait_for("link-closed", timeout_s=PATIENCE_S)
        assert "has expired" in told["why"]
        assert "clock" in told["why"]
        failed = scene.failing()
        assert set(failed) == {"tls", "clock"}
        assert "clock" in failed["tls"]["remedy"]
        assert "2121" in failed["clock"]["says"]

        set_right()
        scene.take_turn()
        assert scene.failing() == {}
        assert scene.ends_well()
