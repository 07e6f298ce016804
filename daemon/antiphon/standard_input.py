"""Floor 5. Standard input as it comes, read on a thread of its own that nobody waits for: at a terminal it reads until
a line is typed. It does not know what is in it.
"""

import os
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Final

READ_AHEAD: Final = 8
"""Pieces that wait to be taken; the rest waits with whoever writes it."""


class StandardInput:
    """Reads from now on, to the end."""

    def __init__(self, most_bytes: int, give: Callable[[bytes], None]) -> None:
        """`give` gets each piece on the reader's thread, and b"" at the end; where there is no input that is at once.
        It may raise RuntimeError, as the loop that it gives to may be closed.
        """
        self._most_bytes, self._give = most_bytes, give
        self._room = threading.Semaphore(READ_AHEAD)
        threading.Thread(target=self._read, name="stdin", daemon=True).start()

    def taken(self) -> None:
        """A piece was taken: there is room for another."""
        self._room.release()

    def _read(self) -> None:
        piece = b"\0"
        while piece:
            self._room.acquire()
            piece = self._piece()
            with suppress(RuntimeError):
                self._give(piece)

    def _piece(self) -> bytes:
        if sys.stdin is None:  # it was closed before we began
            return b""
        with suppress(OSError, ValueError):  # the latter: it was closed since
            return os.read(sys.stdin.fileno(), self._most_bytes)
        return b""
