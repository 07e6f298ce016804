"""The machine: started and ended like one, with a power switch, and an agent inside that runs commands.

It knows Linux and nothing of the appliance. What it has written to its disk stays over `reboot` and `power_cut`.
"""

import itertools
import json
import os
import signal
import socket
import subprocess
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from board.rig.host import RigError, tell
from board.rig.ways import Place, Way

BOOT_S = 180.0
_BOOTS = 3
_END_S = 90.0
TIMED_OUT = 124


@dataclass(frozen=True)
class Result:
    """What a command in the machine came to; `status` is TIMED_OUT when it was ended."""

    command: str
    status: int
    output: str

    def __str__(self) -> str:
        return f"{self.command}\nended with {self.status}:\n{self.output}"


class Job:
    """A command that runs in the machine."""

    def __init__(self, machine: "Machine", number: int, command: str, patience_s: float) -> None:
        self._machine = machine
        self._command = command
        self._patience_s = patience_s
        self.number = number

    def end(self) -> Result:
        """Wait for it."""
        status = self._machine.status_of(self.number, self._patience_s)
        output = self._machine.share / "out" / str(self.number)
        text = output.read_text(encoding="utf-8", errors="replace")
        output.unlink()
        return Result(self._command, status, text)


class Machine:
    """One machine, as a context manager: off outside, booted inside."""

    def __init__(self, way: Way, image: Path, folder: Path, memory_mb: int = 1024) -> None:
        """`folder` is the machine's own; what is in it from an earlier life is its disk."""
        self.way = way
        self.folder = folder
        self.share = folder / "share"
        (self.share / "out").mkdir(parents=True, exist_ok=True)
        self._image = image
        self._memory_mb = memory_mb
        self._numbers = itertools.count(1)
        self._news = threading.Condition()
        self._ended: dict[int, int] = {}
        self._ready_s: float | None = None
        self._process: subprocess.Popen[bytes] | None = None
        self._line: socket.socket | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.power_cut()

    @property
    def console(self) -> Path:
        """What the kernel and the service manager have printed in the last boot."""
        return self.folder / "console"

    # ── the power switch ─────────────────────────────────────────────────────────────────────────

    def start(self) -> None:
        """Switch it on; returns when its agent answers. Raises RigError."""
        for attempt in range(1, _BOOTS + 1):
            self._switch_on()
            with self._news:
                limit_s = time.monotonic() + BOOT_S
                while self._ready_s is None and self._runs and time.monotonic() < limit_s:
                    self._news.wait(0.2)
            if self._ready_s is not None:
                return
            tell(f"boot {attempt} came to nothing: {self._last_words(3)}")
            self.power_cut()
        raise RigError(f"the machine does not boot ({self.console}):\n{self._last_words()}")

    def power_off(self) -> None:
        """Have it shut down in order."""
        self.begin("systemctl poweroff --no-block")
        assert self._process is not None
        try:
            self._process.wait(_END_S)
        except subprocess.TimeoutExpired as stuck:
            raise RigError(f"the machine does not shut down in {_END_S:.0f} s:\n{self._last_words()}") from stuck
        finally:
            self.power_cut()

    def reboot(self) -> None:
        """Shut down in order, and start again with the same disk."""
        self.power_off()
        self.start()

    def power_cut(self) -> None:
        """Pull the plug. What it had not yet written to its disk is lost."""
        if self._process is not None:
            if self._runs:
                os.killpg(self._process.pid, signal.SIGKILL)  # a session of its own: ours to end
            self._process.wait(10)
            self._process = None
        if self._line is not None:
            self._line.close()
            self._line = None

    def _switch_on(self) -> None:
        ours, theirs = socket.socketpair()
        self._ready_s, self._line = None, ours
        self._ended.clear()
        place = Place(self._image, self.folder, self.share, self._memory_mb, theirs.fileno())
        with theirs, self.console.open("wb") as console:
            self._process = subprocess.Popen(
                self.way.command(place), env=dict(self.way.environment()), cwd=self.folder, pass_fds=(theirs.fileno(),),
                stdin=subprocess.DEVNULL, stdout=console, stderr=subprocess.STDOUT,
                start_new_session=True, preexec_fn=self.way.prepare,  # noqa: PLW1509 - it sets an affinity and nothing else
            )  # fmt: skip
        threading.Thread(target=self._listen, args=(ours,), name="agent", daemon=True).start()

    @property
    def _runs(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def _last_words(self, count: int = 25) -> str:
        return "\n".join(self.console.read_text(encoding="utf-8", errors="replace").splitlines()[-count:])

    # ── its agent ────────────────────────────────────────────────────────────────────────────────

    def run(self, command: str, timeout_s: float = 60.0) -> Result:
        """What `command` (bash, as root, in the shared folder) comes to. Raises RigError when the machine is gone."""
        return self.begin(command, timeout_s).end()

    def get(self, command: str, timeout_s: float = 60.0) -> str:
        """What `command` prints, which must succeed."""
        result = self.run(command, timeout_s)
        assert result.status == 0, str(result)
        return result.output.strip()

    def begin(self, command: str, timeout_s: float = 60.0, patience_s: float | None = None) -> Job:
        """Have `command` run beside whatever else does, for `timeout_s` of the machine's time at most; we wait for
        `patience_s` of ours, else some times as long.
        """
        number = next(self._numbers)
        request = {"job": number, "command": command, "timeout_s": timeout_s}
        assert self._line is not None, "the machine is off"
        self._line.sendall(json.dumps(request).encode() + b"\n")
        return Job(self, number, command, 3 * timeout_s + 30 if patience_s is None else patience_s)

    def status_of(self, number: int, patience_s: float) -> int:
        """How job `number` ended. Raises RigError when that is not told, though it is past all patience."""
        limit_s = time.monotonic() + patience_s
        with self._news:
            while number not in self._ended:
                if not self._runs or time.monotonic() > limit_s:
                    raise RigError(f"the machine has gone silent:\n{self._last_words()}")
                self._news.wait(0.5)
            return self._ended.pop(number)

    def _listen(self, line: socket.socket) -> None:
        """On a thread: take what the agent says, until the line is cut."""
        try:
            with line.makefile("rb") as words:
                for text in words:
                    self._take(text)
        except OSError:
            return

    def _take(self, text: bytes) -> None:
        try:
            said: dict[str, Any] = json.loads(text)
        except ValueError:  # a terminal's own characters, before the agent has it
            return
        with self._news:
            if "ready" in said:
                self._ready_s = said["ready"]
            else:
                self._ended[said["job"]] = said["status"]
            self._news.notify_all()
