"""Floor 5. The program begins anew in the same process: the one thing that frees a sound system that hangs.

The service manager sees one process with one id all along; it is told when it is ready again. Settings and key are
read anew, from where they were read before.
"""

import os
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import NoReturn

from antiphon.ports import Log, Notifier

LEAST_LIFE_S = 5.0
"""A life is at least so long, some times what its beginning takes: a sound system that hangs at once would else keep
the processor busy with beginnings."""
STDERR = 9
"""Carries standard error over to the new program; a shell's redirections know one digit."""

_began_s = time.monotonic()


def begin_anew(muted: bool, log: Log, notifier: Notifier) -> NoReturn:
    """Put a new program into this process, with the same arguments, and `--muted` if it is to be."""
    wait_s = max(0.0, _began_s + LEAST_LIFE_S - time.monotonic())
    log.write("warning", "beginning-anew", in_s=round(wait_s, 1), muted=muted)
    notifier.status("beginning anew: the sound system hangs")
    time.sleep(wait_s)
    notifier.alive()
    _execute([sys.executable, *again(sys.orig_argv, muted)[1:]])


def again(arguments: Sequence[str], muted: bool) -> list[str]:
    """The same command line, with `--muted` at its end or nowhere."""
    return [*(one for one in arguments if one != "--muted"), *["--muted"] * muted]


def _execute(command: list[str]) -> NoReturn:
    """Only the three standard streams pass on.

    Descriptor 2 leads nowhere, as the hung sound system prints to it 100 MB a second. It does so to the last, so it is
    not this program that puts standard error back there, but a shell, which then becomes the new program.
    """
    sys.stdout.flush()
    sys.stderr.flush()
    os.dup2(sys.stderr.fileno(), STDERR)
    for one in list(Path("/proc/self/fd").iterdir()):  # native libraries do not mark all of theirs
        with suppress(OSError):  # the descriptor of that folder is closed by now
            os.set_inheritable(int(one.name), int(one.name) in {0, 1, 2, STDERR})
    shell = ["sh", "-c", f'exec "$@" 2>&{STDERR} {STDERR}>&-', "sh"]
    os.execv("/bin/sh", [*shell, *command])  # noqa: S606 - a fixed line, and our own arguments as arguments
