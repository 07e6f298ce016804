"""Runs `antiphon` as a process of its own: where ALSA must read its settings anew, and for how it ends."""

import os
import subprocess
import sys
from contextlib import contextmanager

TIMEOUT_S = 60
ALONE = ("--config", os.devnull)
"""No settings but those of the test, whatever this machine is set up for."""


def environment(room=None, folder=None, **more):
    """This process's, with the room's card, or with no sound card at all: `folder` then holds ALSA's settings."""
    ours = {name: value for name, value in os.environ.items() if not name.startswith(("ANTIPHON_", "STEPFUN_"))}
    if room is not None:
        card = room.environment()
    else:
        # PortAudio aborts where ALSA knows no device at all; here it knows one that is not there.
        (folder / "no-card.conf").write_text("pcm.absent { type hw card 99 }\n")
        card = {"ALSA_CONFIG_PATH": str(folder / "no-card.conf"), "JACK_NO_START_SERVER": "1"}
    return {**ours, **card, **more}


def command(*arguments):
    return [sys.executable, "-m", "antiphon", *map(str, arguments)]


def antiphon(*arguments, environ=None):
    """The verb's end: returncode, stdout, stderr."""
    return subprocess.run(
        command(*arguments), env=environ, capture_output=True, text=True, timeout=TIMEOUT_S, check=False
    )


@contextmanager
def running(*arguments, environ):
    """The verb while it runs; killed at the end of the block when it has not ended by then."""
    # Where the suite runs in the background of a shell, SIGINT is ignored, and children would inherit that.
    with subprocess.Popen(
        ["env", "--default-signal=INT", *command(*arguments)],
        env=environ,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def own_words(stderr):
    """What antiphon itself said there; a library in C greets on its own."""
    return [line for line in stderr.splitlines() if "TensorFlow Lite" not in line]
