"""The installed service, through systemctl: whether it is there, and how it is stopped for a while and started."""

import subprocess
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TypeAlias

UNIT = "antiphon.service"
LIMIT_S = 120.0
_BOOTED = Path("/run/systemd/system")

Systemctl: TypeAlias = Callable[[Sequence[str]], int]
"""Takes its arguments; its exit status."""


def systemctl(arguments: Sequence[str]) -> int:
    """Run it, quietly; not 0 also where there is none, or it takes too long."""
    if not _BOOTED.exists():
        return 1
    command = ["systemctl", *arguments]
    try:
        done = subprocess.run(command, capture_output=True, check=False, timeout=LIMIT_S)  # noqa: S603 - our own words
    except (OSError, subprocess.TimeoutExpired):
        return 1
    return done.returncode


class Service:
    """The appliance as a service of this machine."""

    def __init__(self, run: Systemctl = systemctl) -> None:
        """`run` is who is asked."""
        self._run = run
        self.pauses = False
        """It was stopped, and will be started again."""

    def is_here(self) -> bool:
        """It is installed, and systemd runs this machine."""
        return self._run(["cat", UNIT]) == 0

    def runs(self) -> bool:
        """It is what runs; else somebody has started the appliance by hand, who alone can stop it."""
        return self._run(["is-active", UNIT]) == 0

    @contextmanager
    def stopped(self) -> Iterator[None]:
        """It does not run meanwhile; however that ends, it is started again."""
        self._run(["stop", UNIT])
        self.pauses = True
        try:
            yield
        finally:
            self.pauses = False
            self._run(["start", UNIT])

    def start(self) -> bool:
        """Now, and at every boot; whether it came up."""
        self._run(["enable", UNIT])
        return self._run(["restart", UNIT]) == 0
