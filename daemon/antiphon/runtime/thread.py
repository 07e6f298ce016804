"""Floor 4. A thread that owns a device: it has a name, can be asked to stop, and says so when it will not."""

import threading
from collections.abc import Callable

from antiphon.errors import AntiphonError


class ZombieThread(AntiphonError):
    """A thread did not stop in its time: the device it owns hangs, and only ending the process frees it."""


class OwnerThread:
    """Runs `run(stopping)` on a thread of its own; `run` returns soon after `stopping` is set and `wake` was called.

    An exception that escapes `run` is a fault of the programmer: it goes to threading.excepthook, where app.py ends
    the process.
    """

    def __init__(self, name: str, run: Callable[[threading.Event], None], wake: Callable[[], None]) -> None:
        """`name` as it appears in stack dumps; `wake` ends any wait inside `run`, from any thread."""
        self.stopping = threading.Event()
        self._wake = wake
        # A daemon thread: one that hangs in a driver must not keep the process from ending.
        self._thread = threading.Thread(target=run, args=(self.stopping,), name=name, daemon=True)

    @property
    def alive(self) -> bool:
        """Whether it runs."""
        return self._thread.is_alive()

    def start(self) -> None:
        """Begin; once."""
        self._thread.start()

    def stop(self, timeout_s: float) -> None:
        """Ask it to end and wait; raises ZombieThread when it has not ended by then. Harmless when it never ran."""
        self.stopping.set()
        self._wake()
        if self._thread.ident is None:
            return
        self._thread.join(timeout_s)
        if self.alive:
            raise ZombieThread(f"thread {self._thread.name!r} did not end within {timeout_s:g} s: its device hangs")
