"""The body of a recognition request as it comes: JSON with a recording in base64, which is measured and not kept. Pure.

The recording may stand before or after the fields that say what it is: what is no long string is kept as it is, and
one long string is decoded on the way.
"""

import binascii
from typing import Final

from antiphon.simulator.stepfun.clips import Meter
from antiphon.simulator.stepfun.judging import WrongError

LONG: Final = 2048
"""A string of more bytes is the recording."""
MAX_KEPT_BYTES: Final = 256 * 1024
HERE: Final = "\\u0000recording"
"""What stands in the kept body in the place of the recording, as JSON writes it."""


class Base64:
    """Decodes base64 that comes in pieces of any length into a meter."""

    def __init__(self) -> None:
        self.meter = Meter()
        self._rest = b""
        self._ended = False

    def feed(self, text: bytes) -> None:
        """The next characters. Raises WrongError for what is none."""
        text = self._rest + text.replace(b"\\/", b"/")
        whole = len(text) - len(text) % 4
        self._rest = text[whole:]
        if not whole:
            return
        try:
            if self._ended:
                raise WrongError("audio.data is not base64")
            self._ended = text[whole - 1 : whole] == b"="
            self.meter.feed(binascii.a2b_base64(text[:whole], strict_mode=True))
        except binascii.Error as error:
            raise WrongError("audio.data is not base64") from error

    def end(self) -> None:
        """That was all. Raises WrongError for an incomplete group."""
        if self._rest:
            raise WrongError("audio.data is not base64")


class BodyReader:
    """Takes a body; afterwards `kept` is the JSON without the recording, and `recording` what became of that."""

    def __init__(self) -> None:
        self.bytes = 0
        """Of the whole body."""
        self.recording: Base64 | None = None
        self._kept = bytearray()
        self._string = bytearray()
        self._inside = self._long = False
        self._rest = b""

    def feed(self, data: bytes) -> None:
        """The next bytes. Raises WrongError for what is not to be had."""
        self.bytes += len(data)
        data, at = self._rest + data, 0
        self._rest = b""
        while at < len(data):
            at = self._in_string(data, at) if self._inside else self._outside(data, at)
        if len(self._kept) > MAX_KEPT_BYTES:
            raise WrongError("the body is too large beside the audio")

    @property
    def kept(self) -> bytes:
        """The body, with HERE for the recording. A body that ends within a string is no JSON."""
        return bytes(self._kept)

    def _outside(self, data: bytes, at: int) -> int:
        quote = data.find(b'"', at)
        end = len(data) if quote < 0 else quote + 1
        self._kept += data[at:end]
        self._inside = quote >= 0
        return end

    def _in_string(self, data: bytes, at: int) -> int:
        """Up to the string's end, or as far as there is data."""
        end, closed = _end_of_string(data, at)
        if end < len(data) and not closed:  # a backslash alone: what it means comes with the next byte
            self._rest = data[end:]
        self._add(data[at:end])
        if closed:
            self._close()
            return end + 1
        return len(data)

    def _add(self, piece: bytes) -> None:
        if self._long:
            assert self.recording is not None
            self.recording.feed(piece)
            return
        self._string += piece
        if len(self._string) > LONG:
            if self.recording is not None:
                raise WrongError("the body has more than one recording")
            self.recording, self._long = Base64(), True
            self.recording.feed(bytes(self._string))
            self._string.clear()

    def _close(self) -> None:
        if self._long:
            assert self.recording is not None
            self.recording.end()
        self._kept += (HERE.encode() if self._long else self._string) + b'"'
        self._string.clear()
        self._inside = self._long = False


def _end_of_string(data: bytes, at: int) -> tuple[int, bool]:
    """Where the string's closing quote is, and True; or how far it goes on, and False."""
    while True:
        quote = data.find(b'"', at)
        slash = data.find(b"\\", at, len(data) if quote < 0 else quote)
        if slash < 0:
            return (len(data), False) if quote < 0 else (quote, True)
        if slash + 1 >= len(data):
            return slash, False
        at = slash + 2
