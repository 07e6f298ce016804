"""One question to a server and its answer, in bounded time. It knows no call, no event and no reply's name.

Status 200 and a header come within a millisecond whatever happens, and no error comes after them: only sound proves
anything, so the time to the first of it and from each piece to the next are measured here.
"""

import asyncio
from collections.abc import Callable

from aiohttp import ClientError

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
"""The server ends every stream 600 s after it was asked, so what is longer is not its, by our clock or by its sound."""


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
        self._asked_s = self._ends_s = 0.0
        self._stream = AnswerStream()
        self._taken = False  # as far as we know, the server makes the answer, or will
        self._accepted = False
        self._busy: Busy | None = None
        self.pieces = 0
        """How many came."""
        self.took_s = 0.0
        """From the question to its first sound; 0 before that."""

    @property
    def length_ms(self) -> float:
        """How much speech has come."""
        return self._stream.length_ms

    async def run(self, form: Form, by_s: float | None = None) -> float:
        """Ask, and hear the answer to its end; returns how many milliseconds it had. Raises LinkError.

        `by_s`: some of the time to the first sound has gone by, and this, of the loop's clock, is when it is over.
        """
        loop = asyncio.get_running_loop()
        self._asked_s = loop.time()
        self._ends_s = self._asked_s + LONGEST_ANSWER_MS / 1000
        self._patience = asyncio.timeout_at(by_s or self._asked_s + self._first_sound_ms / 1000)
        try:
            async with self._patience:
                await self._ask(form)
            self._taken = False
        except (LinkError, ClientError, OSError) as error:
            late = isinstance(error, TimeoutError)
            self._taken &= self._accepted or late  # who refuses, or hangs up without a word, has nothing of ours to do
            if isinstance(error, LinkError):
                raise
            raise self._explained(error) from error
        finally:
            if self._taken:
                self._seats.leave(self._asked_s, loop.time(), self.length_ms / 1000)
        if self.length_ms:
            self._seats.answered(self._asked_s, loop.time(), self.length_ms / 1000)
        if tail := self._stream.end():
            self._hear(tail)
        return self.length_ms

    async def _ask(self, form: Form) -> None:
        pause_s = PAUSE_FIRST_S
        while True:
            try:
                async with self._server.asking(form, self._gone_out) as body:
                    self._accepted, self._busy = True, None
                    while data := await body.readany():
                        self._take(data)
            except Busy as busy:
                self._busy, self._taken = busy, False
            else:
                return
            await asyncio.sleep(pause_s)
            pause_s = min(2 * pause_s, PAUSE_MOST_S)

    def _gone_out(self) -> None:
        self._taken = True

    def _take(self, data: bytes) -> None:
        self.pieces += 1
        heard_ms = self.length_ms
        try:
            pcm = self._stream.take(data)
        except Garbled as why:
            raise troubles.not_speech(why, self._server.host) from None
        if self.length_ms == heard_ms:
            return
        now = asyncio.get_running_loop().time()
        if not heard_ms:
            self.took_s = now - self._asked_s
            self._seats.sounded(now)
        if self.length_ms > LONGEST_ANSWER_MS:
            raise troubles.endless(self._server.host)
        self._patience.reschedule(min(now + self._gap_ms / 1000, self._ends_s))
        if pcm:
            self._hear(pcm)

    def _explained(self, error: Exception) -> LinkError:
        if not self._patience.expired():
            return troubles.explain(error, self._server.host)
        if self._busy is not None:
            return self._busy
        if asyncio.get_running_loop().time() >= self._ends_s:
            return troubles.endless(self._server.host)
        if self.length_ms:
            return troubles.stalled(self._server.host, self._gap_ms)
        if self._accepted:
            return troubles.model_is_silent(self._server.host, self._first_sound_ms)
        return troubles.too_slow(self._server.host, self._first_sound_ms)
