"""Keeps native libraries from chattering on standard error. It knows none of them."""

import os
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager

_one_at_a_time = threading.Lock()


@contextmanager
def no_stderr() -> Iterator[None]:
    """File descriptor 2 leads nowhere inside: PortAudio prints dozens of lines while it looks for sound systems.

    Other threads' lines go with them, so keep it short; the appliance's log has a descriptor of its own.
    """
    with _one_at_a_time, _leading_nowhere():
        yield


def silence_stderr_for_good() -> None:
    """File descriptor 2 leads nowhere from here on; waits for whoever is inside `no_stderr`, and would undo it."""
    with _one_at_a_time:
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, 2)
        os.close(nowhere)


@contextmanager
def own_stderr() -> Iterator[int]:
    """For a whole life: standard error is Python's alone inside, as sys.stderr and as the descriptor that is given.

    Number 2, which native libraries write to, leads nowhere. PortAudio prints 100 MB a second when a USB card is pulled
    (its issue 1037), and the very line that tells of it would be lost in them.
    """
    with _leading_nowhere() as ours, os.fdopen(ours, "w", 1, errors="backslashreplace", closefd=False) as stream:
        before, sys.stderr = sys.stderr, stream
        try:
            yield ours
        finally:
            sys.stderr = before


@contextmanager
def _leading_nowhere() -> Iterator[int]:
    """Gives what file descriptor 2 was before."""
    kept = os.dup(2)
    nowhere = os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nowhere, 2)
        yield kept
    finally:
        os.dup2(kept, 2)
        os.close(nowhere)
        os.close(kept)
