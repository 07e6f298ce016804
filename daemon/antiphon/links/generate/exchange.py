"""One question to a server and its answer, in bounded time. It knows no call, no event and no reply's name.

Status 200 and a header come within a millisecond whatever happens, and no error comes after them: only sound proves
anything, so the time to the first of it and from each piece to the next are measured here.
"""

import asyncio
from collections.abc import Callable

from aiohttp import ClientConnectorError, ClientError

from antiphon.errors import Garbled, LinkError
from antiphon.links.generate import troubles
from antiphon.links.generate.seats import Seats
from antiphon.links.generate.server import Server
from antiphon.links.generate.troubles import Busy
from antiphon.links.generate.wire import AnswerStream, Form

PAUSE_FIRST_S = 0.25
PAUSE_MOST_S = 2.0
"""A busy server is asked again after a pause that doubles from the one to the other. Nothing else is asked twice."""

LONGEST_ANSWER_MS = 600_000.0
"""The server ends every stream after 600 s, so what is longer is not its."""


class Exchange:
    """`hear` gets the speech as it comes, mono s16le 24 kHz; the reply that we leave unfinished keeps its seat."""

    def __init__(
        self, server: Server, seats: Seats, hear: Callable[[bytes], None], *, first_sound_ms: float, gap_ms: float
    ) -> None:
        """`first_sound_ms` from `run` to the first sound, `gap_ms` from each piece to the next, or to the end."""
        self._server = server
        self._seats = seats
        self._hear = hear
        self._first_sound_ms = first_sound_ms
        self._gap_ms = gap_ms
        self._patience = asyncio.timeout(None)
        self._stream = AnswerStream()
        self._accepted = False
        self._busy: Busy | None = None
        self.pieces = 0
        """How many came."""

    async def run(self, form: Form) -> float:
        """Ask, and hear the answer to its end; returns how many milliseconds it had. Raises LinkError."""
        self._patience = asyncio.timeout(self._first_sound_ms / 1000)
        left = True
        try:
            async with self._patience:
                await self._ask(form)
            left = False
        except LinkError:
            left = self._accepted
            raise
        except (ClientError, OSError) as error:
            left = not isinstance(error, ClientConnectorError)
            raise self._explained(error) from error
        finally:
            if left and self._busy is None:  # as far as we know
                self._seats.leave(asyncio.get_running_loop().time(), self._stream.length_ms / 1000)
        if tail := self._stream.end():
            self._hear(tail)
        return self._stream.length_ms

    async def _ask(self, form: Form) -> None:
        pause_s = PAUSE_FIRST_S
        while True:
            try:
                async with self._server.asking(form) as body:
                    self._accepted, self._busy = True, None
                    while data := await body.readany():
                        self._take(data)
            except Busy as busy:
                self._busy = busy
            else:
                return
            await asyncio.sleep(pause_s)
            pause_s = min(2 * pause_s, PAUSE_MOST_S)

    def _take(self, data: bytes) -> None:
        self.pieces += 1
        heard_ms = self._stream.length_ms
        try:
            pcm = self._stream.take(data)
        except Garbled as why:
            raise troubles.not_speech(why, self._server.host) from None
        if self._stream.length_ms == heard_ms:
            return
        now = asyncio.get_running_loop().time()
        if not heard_ms:
            self._seats.sounded(now)
        if self._stream.length_ms > LONGEST_ANSWER_MS:
            raise troubles.endless(self._server.host)
        self._patience.reschedule(now + self._gap_ms / 1000)
        if pcm:
            self._hear(pcm)

    def _explained(self, error: Exception) -> LinkError:
        if not self._patience.expired():
            return troubles.explain(error, self._server.host)
        if self._busy is not None:
            return self._busy
        if self._stream.length_ms:
            return troubles.stalled(self._server.host, self._gap_ms)
        if self._accepted:
            return troubles.model_is_silent(self._server.host, self._first_sound_ms)
        return troubles.too_slow(self._server.host, self._first_sound_ms)
