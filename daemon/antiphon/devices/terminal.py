"""Floor 3. Lamps drawn in a terminal, or told in words where the stream is none."""

from collections.abc import Sequence
from typing import TextIO

from antiphon.faces import Rgb


class TerminalLamps:
    """On a terminal one line of dots, redrawn in place; elsewhere one plain line for each new face."""

    def __init__(self, stream: TextIO, count: int) -> None:
        self.count = count
        self._stream = stream
        self._in_place = stream.isatty()
        self._word = ""
        self._gone = False

    def show(self, colours: Sequence[Rgb], word: str) -> None:
        """Draw the lamps. A stream whose reader has gone is left alone from then on."""
        if self._in_place:
            self._write(f"\r{''.join(map(_dot, colours))} {word}\x1b[K")
        elif word != self._word:
            self._write(f"lamps: {word}\n")
        self._word = word

    def close(self) -> None:
        """Wipe the line."""
        if self._in_place:
            self._write("\r\x1b[K")
        self._gone = True

    def _write(self, text: str) -> None:
        if self._gone:
            return
        try:
            self._stream.write(text)
            self._stream.flush()
        except (OSError, ValueError):  # ValueError: the stream is closed
            self._gone = True


def _dot(colour: Rgb) -> str:
    """A lamp in 24 bit colour; a dark one is a ring, as the terminal may be dark or light."""
    red, green, blue = colour
    return f"\x1b[38;2;{red};{green};{blue}m●\x1b[0m" if any(colour) else "○"
