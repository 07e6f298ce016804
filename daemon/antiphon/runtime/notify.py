"""Floor 4. What systemd is told: ready, status, alive, stopping (sd_notify(3), through systemd-python)."""

import os
from collections.abc import Callable, Mapping
from typing import TypeAlias

from antiphon.ports import Log, Notifier

Notify: TypeAlias = Callable[[str], object]
"""systemd.daemon.notify: sends one message to $NOTIFY_SOCKET; OSError when it cannot."""


class NoNotifier:
    """Nobody has asked to be told."""

    watchdog_s = 0.0
    fed = 0

    def ready(self) -> None:
        """Nothing."""

    def status(self, line: str) -> None:
        """Nothing."""

    def alive(self) -> None:
        """Nothing."""

    def stopping(self) -> None:
        """Nothing."""


class SystemdNotifier:
    """Tells systemd. When it cannot be reached, one warning is logged, and the appliance goes on."""

    def __init__(self, notify: Notify, watchdog_s: float, log: Log) -> None:
        """`watchdog_s`: systemd restarts the service after so long without `alive`; 0 for never."""
        self._notify = notify
        self._log = log
        self._complained = False
        self.watchdog_s = watchdog_s
        self.fed = 0

    def ready(self) -> None:
        """The appliance hears and answers."""
        self._tell("READY=1")

    def status(self, line: str) -> None:
        """One line for `systemctl status`; line breaks in it become spaces, as a message is made of lines."""
        self._tell("STATUS=" + " ".join(line.split()))

    def alive(self) -> None:
        """Feed the watchdog."""
        self.fed += 1
        self._tell("WATCHDOG=1")

    def stopping(self) -> None:
        """Shutdown has begun."""
        self._tell("STOPPING=1")

    def _tell(self, message: str) -> None:
        try:
            self._notify(message)
        except OSError as error:
            if not self._complained:
                self._complained = True
                self._log.write("warning", "systemd cannot be told", error=str(error))


def open_notifier(log: Log, environ: Mapping[str, str] = os.environ) -> Notifier:
    """The notifier for this process: a real one under `Type=notify`, where systemd-python is installed."""
    if not environ.get("NOTIFY_SOCKET"):
        return NoNotifier()
    try:
        from systemd.daemon import notify
    except ImportError:
        log.write(
            "warning",
            "systemd asks to be notified, and systemd-python is missing: it will take the service for hung. "
            "Install it (pip install antiphon[systemd]), or set Type=exec and no WatchdogSec in the unit",
        )
        return NoNotifier()
    return SystemdNotifier(notify, watchdog_limit_s(environ, os.getpid()), log)


def watchdog_limit_s(environ: Mapping[str, str], pid: int) -> float:
    """The watchdog's limit for process `pid` (sd_watchdog_enabled(3)); 0 when there is none, or it is another's."""
    limit_us = environ.get("WATCHDOG_USEC", "")
    whose = environ.get("WATCHDOG_PID") or str(pid)
    return int(limit_us) / 1e6 if limit_us.isdecimal() and whose == str(pid) else 0.0
