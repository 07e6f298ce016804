"""How an answer leaves: at once, as a stream of windows, or as a whole file. It knows requests and bytes, and no model.

Every method returns True when the connection may carry another request, and raises OverError when it has ended.
"""

import asyncio
import email.utils
import hashlib
import re
import time
import uuid
from dataclasses import replace

from antiphon.pcm import LINK_RATE_HZ
from antiphon.simulator.voxserve.connection import Connection, OverError
from antiphon.simulator.voxserve.engine import Coming
from antiphon.simulator.voxserve.faults import Faults, Kind, garbled_header
from antiphon.simulator.voxserve.http1 import LAST_CHUNK, Request, Response, chunk, detail, plain
from antiphon.simulator.voxserve.record import RequestRecord
from antiphon.simulator.voxserve.routes import with_cors
from antiphon.simulator.voxserve.windows import header

HEADER_BYTES = 44
_RANGE = re.compile(r"(\d*)-(\d*)")


class Answer:
    """The answer to one request."""

    def __init__(self, connection: Connection, request: Request, faults: Faults, number: int) -> None:
        """`number` is of the POST to /generate that this is, or that comes next: whose faults strike."""
        self._connection = connection
        self._request = request
        self._faults = faults
        self._number = number
        self.status: int | None = None

    async def respond(self, response: Response, *, cors: bool = True, crash: bool = False) -> bool:
        """Answer at once. `crash`: the connection ends without a word about it."""
        shown = with_cors(self._request, response) if cors else response
        head = self._head(shown)
        await self._connection.send(b"" if self._request.method == "HEAD" else response.body or b"", before=head)
        return self._request.keeps_alive and not crash

    async def stream(self, name: str, coming: Coming, timeout_s: float, record: RequestRecord | None = None) -> bool:
        """200 and a WAV header at once, then a chunk for each window. When it takes too long the stream is cut."""
        headers = (
            ("content-disposition", f"attachment; filename=stream_{name}.wav"),
            ("cache-control", "no-cache"),
            ("content-type", "audio/wav"),
        )
        await self._connection.send(b"", before=self._head(with_cors(self._request, Response(200, headers, None))))
        first = self._wav_header(None)
        await self._chunks(first)
        try:
            async with asyncio.timeout(timeout_s):
                while made := await coming.get():
                    await self._sound(made.pcm, len(first), record)
                    if made.last:
                        await self._connection.send(LAST_CHUNK)
                        return self._request.keeps_alive
        except TimeoutError:
            if record is not None:
                record.end("timed_out", time.monotonic())
        raise OverError

    async def whole(self, coming: Coming, timeout_s: float, record: RequestRecord) -> bool:
        """Nothing until all is made; then a WAV file with its right sizes."""
        pcm = b""
        try:
            async with asyncio.timeout(timeout_s):
                while made := await coming.get():
                    pcm += made.pcm
                    if made.last:
                        break
                else:
                    raise OverError
        except TimeoutError:
            record.end("timed_out", time.monotonic())
            return await self.respond(detail(500, "Generation timed out"))
        if not pcm:
            return await self.respond(detail(500, "No audio generated"))
        response = _ranged(self._request, _file(self._wav_header(len(pcm)) + pcm))
        before = self._connection.sent
        try:
            return await self.respond(response)
        finally:
            self._count(self._connection.sent - before - HEADER_BYTES, record)

    # ── inside ──

    def _head(self, response: Response) -> bytes:
        self.status = response.status
        date = email.utils.formatdate(usegmt=True)
        return response.head(date, closes=self._request.headers.get("connection", "").lower() == "close")

    def _wav_header(self, size: int | None) -> bytes:
        rate = self._faults.of(Kind.RATE, self._number)
        good = header(size, rate.at if rate else LINK_RATE_HZ)
        garbage = self._faults.of(Kind.GARBAGE, self._number)
        return garbled_header(good, garbage.detail) if garbage else good

    async def _chunks(self, data: bytes) -> None:
        odd = self._faults.of(Kind.ODD_CHUNKS, self._number)
        step = odd.at if odd else len(data)
        for first in range(0, len(data), max(1, step)):
            piece = data[first : first + step]
            framed = chunk(piece)
            start = framed.index(b"\r\n") + 2
            await self._connection.send(piece, before=framed[:start], after=b"\r\n")

    async def _sound(self, pcm: bytes, header_bytes: int, record: RequestRecord | None) -> None:
        """Send one window, and tell how much of it has left, also when the connection ends in its midst."""
        before = max(header_bytes, self._connection.sent)
        try:
            await self._chunks(pcm)
        finally:
            if record is not None:
                self._count(self._connection.sent - before, record)

    def _count(self, size: int, record: RequestRecord) -> None:
        if size > 0:
            record.sounded(size, time.monotonic())


def _file(content: bytes) -> Response:
    """A whole file, as Starlette sends one."""
    return Response(
        200,
        (
            ("content-type", "audio/wav"),
            ("accept-ranges", "bytes"),
            ("content-disposition", f'attachment; filename="{uuid.uuid4()}.wav"'),
            ("content-length", str(len(content))),
            ("last-modified", email.utils.formatdate(usegmt=True)),
            ("etag", f'"{hashlib.sha256(content).hexdigest()[:32]}"'),
        ),
        content,
    )


def _ranged(request: Request, response: Response) -> Response:
    """`response`, or the one range of it that was asked for."""
    if "range" not in request.headers:
        return response
    unit, equals, wanted = request.headers["range"].partition("=")
    match = _RANGE.fullmatch(wanted.strip())
    if not equals:
        return plain(400, "Malformed range header.")
    if unit.strip().lower() != "bytes":
        return plain(400, "Only support bytes range")
    if match is None or not (match[1] or match[2]):
        return plain(400, "Range header: range must be requested")
    content = response.body or b""
    start = int(match[1]) if match[1] else len(content) - int(match[2])
    end = min(int(match[2]) + 1 if match[1] and match[2] else len(content), len(content))
    if not 0 <= start < len(content):
        return plain(416, "", ("content-range", f"*/{len(content)}"))
    if start >= end:
        return plain(400, "Range header: start must be less than end")
    headers = tuple((name, str(end - start) if name == "content-length" else value) for name, value in response.headers)
    return replace(
        response,
        status=206,
        headers=(*headers, ("content-range", f"bytes {start}-{end - 1}/{len(content)}")),
        body=content[start:end],
    )
