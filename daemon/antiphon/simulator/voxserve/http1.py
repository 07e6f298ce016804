"""HTTP/1.1 as bytes: requests out of what came in, responses as uvicorn writes them. Pure: no socket, no clock.

Names of headers are in lower case on both ways. It knows no route and no body's meaning.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from http import HTTPStatus
from typing import Any, TypeAlias
from urllib.parse import unquote

Header: TypeAlias = tuple[str, str]

LAST_CHUNK = b"0\r\n\r\n"
CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"
MAX_HEAD_BYTES = 64 * 1024

_REQUEST_LINE = re.compile(rb"(DELETE|GET|HEAD|OPTIONS|PATCH|POST|PUT|TRACE|CONNECT) (\S+) HTTP/1\.([01])")
_HEADER_LINE = re.compile(rb"([!#$%&'*+.^_`|~0-9A-Za-z-]+):[ \t]*(.*?)[ \t]*")


class NotHttpError(Exception):
    """What came is no HTTP request."""


@dataclass(frozen=True, slots=True)
class Request:
    """One request. `headers` has each name once, the last one wins."""

    method: str
    target: str
    minor: int
    headers: Mapping[str, str]
    body: bytes = b""

    @property
    def path(self) -> str:
        """The path, decoded, without host and query."""
        return unquote(self._relative().partition("?")[0])

    @property
    def raw_path(self) -> str:
        """The path as it came."""
        return self._relative().partition("?")[0]

    @property
    def query(self) -> str:
        """What stands after the question mark."""
        return self._relative().partition("?")[2]

    @property
    def keeps_alive(self) -> bool:
        """False when the connection ends with the answer: asked for so, or HTTP/1.0."""
        return self.minor == 1 and self.headers.get("connection", "").lower() != "close"

    def _relative(self) -> str:
        return re.sub(r"^https?://[^/?]*|#.*", "", self.target)


class Reader:
    """Requests out of a stream of bytes: `feed` it, and `take` what is whole."""

    def __init__(self) -> None:
        """Nothing has come."""
        self._buffer = bytearray()
        self._head: Request | None = None
        self._wants_continue = False

    def feed(self, data: bytes) -> None:
        """More has come."""
        self._buffer += data

    @property
    def empty(self) -> bool:
        """True when nothing of a next request has come."""
        return self._head is None and not self._buffer

    def take_continue(self) -> bool:
        """True, once, when a client wants a word before it sends the body."""
        wants, self._wants_continue = self._wants_continue, False
        return wants

    def take(self) -> Request | None:
        """The next request with its whole body, or None until it is there. Raises NotHttpError."""
        if self._head is None and not self._read_head():
            return None
        assert self._head is not None
        body = self._take_body(self._head.headers)
        if body is None:
            return None
        request, self._head = replace(self._head, body=body), None
        return request

    def _read_head(self) -> bool:
        while self._buffer[:2] == b"\r\n":  # blank lines before a request are allowed
            del self._buffer[:2]
        end = self._buffer.find(b"\r\n\r\n")
        first = bytes(self._buffer[: end if end >= 0 else None]).split(b"\r\n")[0]
        if end < 0 and (b"\n" in first or len(self._buffer) > MAX_HEAD_BYTES or _is_no_beginning(first)):
            raise NotHttpError
        if end < 0:
            return False
        lines = bytes(self._buffer[:end]).split(b"\r\n")
        del self._buffer[: end + 4]
        line = _REQUEST_LINE.fullmatch(lines[0])
        if line is None:
            raise NotHttpError
        headers = {}
        for text in lines[1:]:
            field = _HEADER_LINE.fullmatch(text)
            if field is None:
                raise NotHttpError
            headers[field[1].decode("latin-1").lower()] = field[2].decode("latin-1")
        self._wants_continue = headers.get("expect", "").lower() == "100-continue"
        self._head = Request(line[1].decode(), line[2].decode("latin-1"), int(line[3]), headers)
        return True

    def _take_body(self, headers: Mapping[str, str]) -> bytes | None:
        if headers.get("transfer-encoding", "").lower() == "chunked":
            return self._take_chunks()
        length = headers.get("content-length", "0")
        if not length.isdecimal():
            raise NotHttpError
        if len(self._buffer) < int(length):
            return None
        body = bytes(self._buffer[: int(length)])
        del self._buffer[: int(length)]
        return body

    def _take_chunks(self) -> bytes | None:
        """The whole chunked body; nothing is taken before its end is there."""
        body, at = b"", 0
        while True:
            line = self._buffer.find(b"\r\n", at)
            if line < 0:
                return None
            try:
                size = int(bytes(self._buffer[at:line]).partition(b";")[0], 16)
            except ValueError as error:
                raise NotHttpError from error
            start, end = line + 2, line + 2 + size
            if len(self._buffer) < end + 2:
                return None
            body += bytes(self._buffer[start:end])
            at = end + 2
            if size == 0:
                del self._buffer[:at]
                return body


def _is_no_beginning(first: bytes) -> bool:
    """True when a request line cannot begin like this."""
    return re.match(rb"[A-Z]*( |$)", first) is None


# ── responses ────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Response:
    """One answer. `body` None: chunks follow the head."""

    status: int
    headers: tuple[Header, ...] = ()
    body: bytes | None = b""

    def with_headers(self, *more: Header) -> "Response":
        """This answer with headers after its own."""
        return replace(self, headers=self.headers + more)

    def head(self, date: str, *, closes: bool = False) -> bytes:
        """Status line and headers, blank line included. `closes` when the client asked for the end."""
        lines = [f"HTTP/1.1 {self.status} {_phrase(self.status)}", f"date: {date}", "server: uvicorn"]
        lines += [f"{name}: {value}" for name, value in self.headers]
        lines += ["connection: close"] * closes
        lines += ["transfer-encoding: chunked"] * (self.body is None)
        return "\r\n".join([*lines, "", ""]).encode("latin-1")


def chunk(data: bytes) -> bytes:
    """`data` as one chunk of a chunked body."""
    return b"%x\r\n%b\r\n" % (len(data), data)


def json_response(status: int, content: Any, *more: Header) -> Response:
    """An answer of JSON, as dense as FastAPI writes it; `more` headers stand before its own."""
    body = json.dumps(content, ensure_ascii=False, separators=(",", ":")).encode()
    return Response(status, (*more, ("content-length", str(len(body))), ("content-type", "application/json")), body)


def detail(status: int, what: Any, *more: Header) -> Response:
    """An error as FastAPI says it: `what` is a sentence, or the list of all that is wrong with a form."""
    return json_response(status, {"detail": what}, *more)


def plain(status: int, text: str, *more: Header, kind: str = "text/plain") -> Response:
    """An answer of text."""
    body = text.encode()
    return Response(
        status, (*more, ("content-length", str(len(body))), ("content-type", f"{kind}; charset=utf-8")), body
    )


NOT_HTTP = Response(
    400,
    (("content-type", "text/plain; charset=utf-8"), ("content-length", "30"), ("connection", "close")),
    b"Invalid HTTP request received.",
)
CRASHED = plain(500, "Internal Server Error")


def _phrase(status: int) -> str:
    phrases = {416: "Requested Range Not Satisfiable", 422: "Unprocessable Entity"}  # Python 3.13 renamed them
    try:
        return phrases.get(status) or HTTPStatus(status).phrase
    except ValueError:
        return ""
