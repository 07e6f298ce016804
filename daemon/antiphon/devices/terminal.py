"""Floor 3. Lamps drawn in a terminal, or told in words where the stream is none."""

import os
import select
from collections.abc import Sequence
from typing import TextIO

from antiphon.faces import Rgb


class TerminalLamps:
    """On a terminal one line of dots, redrawn in place; elsewhere one plain line for each new face.

    It never waits for the reader: what a full pipe, or a terminal stopped with Ctrl-S, does not take now is not drawn.
    """

    def __init__(self, stream: TextIO, count: int) -> None:
        """`stream` is a file of the system's; nothing is left in its buffer."""
        self.count = count
        self._stream = stream
        self._in_place = stream.isatty()
        self._word = ""
        self._gone = False

    def show(self, colours: Sequence[Rgb], word: str) -> None:
        """Draw the lamps. A stream whose reader has gone is left alone from then on."""
        if self._in_place:
            self._write(f"\r{''.join(map(_dot, colours))} {word}\x1b[K")
        elif word != self._word and self._write(f"lamps: {word}\n"):
            self._word = word

    def close(self) -> None:
        """Wipe the line."""
        if self._in_place:
            self._write("\r\x1b[K")
        self._gone = True

    def _write(self, text: str) -> bool:
        """Write it now, past the stream's buffer, which would wait; or return False."""
        if self._gone:
            return False
        try:
            fd = self._stream.fileno()
            # What polls writable takes a line as short as this without blocking: a pipe, PIPE_BUF bytes (pipe(7)).
            if _takes(fd):
                os.write(fd, text.encode(self._stream.encoding, errors="replace"))
                return True
        except (OSError, ValueError):  # ValueError: the stream is closed
            self._gone = True
        return False


def _takes(fd: int) -> bool:
    poll = select.poll()
    poll.register(fd, select.POLLOUT)
    return any(happened & select.POLLOUT for _, happened in poll.poll(0))


def _dot(colour: Rgb) -> str:
    """A lamp in 24 bit colour; a dark one is a ring, as the terminal may be dark or light."""
    red, green, blue = colour
    return f"\x1b[38;2;{red};{green};{blue}m●\x1b[0m" if any(colour) else "○"
