"""Keeps native libraries from chattering on standard error. It knows none of them."""

import os
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager


class _Two:
    """File descriptor 2: how many want it to lead nowhere, and what it was before the first of them."""

    def __init__(self) -> None:
        self._lock = threading.Lock()  # held for a moment only: whoever is inside may never come out
        self._inside = 0
        self.silent = False
        self._kept = -1

    def enter(self) -> None:
        with self._lock:
            self._inside += 1
            if self._inside == 1 and not self.silent:
                self._kept = os.dup(2)
                _lead_nowhere()

    def leave(self) -> None:
        with self._lock:
            self._inside -= 1
            if self._inside == 0 and not self.silent:
                os.dup2(self._kept, 2)
                os.close(self._kept)

    def silence(self) -> None:
        with self._lock:
            self.silent = True
            _lead_nowhere()


_two = _Two()


@contextmanager
def no_stderr() -> Iterator[None]:
    """File descriptor 2 leads nowhere inside: PortAudio prints dozens of lines while it looks for sound systems.

    Other threads' lines go with them, so keep it short; the appliance's log has a descriptor of its own. Several
    threads may be inside, and one that never comes out holds up nobody.
    """
    _two.enter()
    try:
        yield
    finally:
        _two.leave()


def silence_stderr_for_good() -> None:
    """File descriptor 2 leads nowhere from here on, whoever is inside `no_stderr` now or later."""
    _two.silence()


@contextmanager
def own_stderr() -> Iterator[int]:
    """For a whole life: standard error is Python's alone inside, as sys.stderr and as the descriptor that is given.

    Number 2, which native libraries write to, leads nowhere. PortAudio prints 100 MB a second when a USB card is pulled
    (its issue 1037), and the very line that tells of it would be lost in them. Once it was silenced for good it stays
    so afterwards too, and standard error stays Python's alone.
    """
    ours = os.dup(2)
    _lead_nowhere()
    before, sys.stderr = sys.stderr, os.fdopen(ours, "w", 1, errors="backslashreplace", closefd=False)
    try:
        yield ours
    finally:
        if not _two.silent:
            sys.stderr = before
            os.dup2(ours, 2)
            os.close(ours)


def _lead_nowhere() -> None:
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 2)
    os.close(nowhere)
