"""Server-sent events, as StepFun's services send them: bytes in pieces of any length to the data of whole events. Pure.

Source: the WHATWG HTML standard, section "Server-sent events". StepFun names no events and ends some streams by
"[DONE]"; both forms are taken, and so are its comments.
"""

from collections.abc import Iterator

from antiphon.errors import Garbled

DONE = "[DONE]"
BYTE_ORDER_MARK = b"\xef\xbb\xbf"
MAX_EVENT_BYTES = 4 * 2**20
"""The data of one event: a minute of sound in base64 is 3.7 MB."""


class EventStream:
    """One body. Lines end by CR, LF or both; the data lines of an event are joined by LF."""

    def __init__(self) -> None:
        """Nothing has come."""
        self._rest = b""
        self._data: list[bytes] = []
        self._size = 0
        self._first = True

    def take(self, piece: bytes) -> Iterator[str]:
        """The next bytes of the body; the data of each event that is whole now. Raises Garbled for one that is endless,
        or no UTF-8.
        """
        text = self._rest + piece
        if self._first:
            if len(text) < len(BYTE_ORDER_MARK):
                self._rest = text
                return
            self._first = False
            text = text.removeprefix(BYTE_ORDER_MARK)
        *lines, self._rest = _lines(text)
        if self._size + len(self._rest) > MAX_EVENT_BYTES:
            raise Garbled("an event without an end")
        for line in lines:
            if line:
                self._keep(line)
            elif self._data:
                yield self._event()

    def end(self) -> Iterator[str]:
        """The body has ended; the standard drops an event without its blank line, but services forget that line."""
        yield from self.take(b"\n\n")

    def _keep(self, line: bytes) -> None:
        name, _, value = line.partition(b":")
        if name == b"data":
            self._data.append(value.removeprefix(b" "))
            self._size += len(value)
            if self._size > MAX_EVENT_BYTES:
                raise Garbled("an event without an end")

    def _event(self) -> str:
        data, self._data, self._size = b"\n".join(self._data), [], 0
        try:
            return data.decode("utf-8")
        except UnicodeDecodeError:
            raise Garbled("an event that is no text") from None


def _lines(text: bytes) -> list[bytes]:
    """Whole lines, and last what is not ended; a CR at the very end waits for the LF that may belong to it."""
    held = b""
    if text.endswith(b"\r"):
        text, held = text[:-1], b"\r"
    lines = text.replace(b"\r\n", b"\n").replace(b"\r", b"\n").split(b"\n")
    lines[-1] += held
    return lines
