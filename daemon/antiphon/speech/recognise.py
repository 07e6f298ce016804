"""StepFun's speech recognition over HTTP: a whole sound in, its text out. What is said is recognise_wire.py's.

The sound goes up as it is read, so that a long file needs no more memory than a short one; for another try it is read
anew.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import aclosing
from dataclasses import dataclass, field
from types import TracebackType
from typing import Final, Self

from antiphon.errors import AntiphonError, AudioFileError, Garbled, LinkError, Lost
from antiphon.secret import Secret
from antiphon.speech import recognise_wire as wire
from antiphon.speech import troubles
from antiphon.speech.recognise_wire import Kind
from antiphon.speech.service import Patience, Service, events, see_out

RECOGNISE: Final = troubles.Where(
    model="speech.recognise_model",
    voice="",
    given="the sound",
    answer="text",
    rules="leave out what it forbids",
    models="for files it is stepaudio-2.5-asr",
)
"""The settings named by errors of `antiphon transcribe`."""


@dataclass(frozen=True, slots=True)
class RecognisePlan:
    """How the service is asked; the names are those of the settings."""

    url: str
    """Without the last part, as https://api.stepfun.com/v1."""
    model: str
    language: str = ""
    """As zh or en; "" lets the service find out."""
    hotwords: tuple[str, ...] = ()
    proxy: str | None = None
    where: troubles.Where = RECOGNISE


@dataclass(frozen=True, slots=True)
class Sound:
    """What is to be recognised, 30 minutes at most. `pieces` gives the bytes of the file, anew for each try; it may
    raise an AntiphonError, which is then what recognise() raises.
    """

    kind: Kind
    rate_hz: int
    """Of pcm; the other kinds carry their own."""
    size: int | None
    """In bytes, where it is known before the end."""
    pieces: Callable[[], AsyncIterator[bytes]] | bytes


@dataclass(frozen=True, slots=True)
class Heard:
    """What was said: "" when nothing was. `usage` is the service's count of tokens."""

    text: str
    usage: Mapping[str, int] = field(default_factory=dict)


def ignore(_text: str) -> None:
    """Nobody watches the text come."""


class Recogniser:
    """One session; several sounds may be recognised at once."""

    def __init__(self, plan: RecognisePlan, key: Secret | None) -> None:
        """Nothing is connected yet."""
        self._plan = plan
        self._service = Service(plan.url, key, plan.where, plan.proxy)

    @property
    def dialling(self) -> bool:
        """See Service."""
        return self._service.dialling

    async def __aenter__(self) -> Self:
        """Raises Refused for a key that is none."""
        await self._service.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Every connection is closed."""
        await self._service.__aexit__(kind, error, trace)

    async def recognise(self, sound: Sound, patience: Patience, show: Callable[[str], None] = ignore) -> Heard:
        """The text of it. `show` gets pieces of it for display, which may differ from what is heard in the end.

        Raises LinkError, in words; TimeoutError is left to whoever holds the patience.
        """
        return await self._service.persist(lambda: self._attempt(sound, patience, show), patience)

    async def _attempt(self, sound: Sound, patience: Patience, show: Callable[[str], None]) -> Heard:
        upload = _Upload(sound, wire.Asking(self._plan.model, self._plan.language, self._plan.hotwords))
        try:
            async with self._service.ask(
                "POST", wire.PATH, patience, body=upload.begin, headers=upload.headers, wanted=_is_stream
            ) as response:
                async with aclosing(events(response)) as said:
                    heard = await self._listen(said, patience, show)
                await see_out(response)
                return heard
        except LinkError:
            if upload.problem is not None:
                raise upload.problem from None
            raise

    async def _listen(self, said: AsyncIterator[str], patience: Patience, show: Callable[[str], None]) -> Heard:
        host, where = self._service.host, self._service.where
        try:
            async for data in said:
                match wire.read(data):
                    case wire.Delta(text):
                        patience.progress()
                        show(text)
                    case wire.Done(text, usage):
                        patience.progress()
                        return Heard(text, usage)
                    case wire.Failed(message, kind):
                        patience.progress()  # it was heard, and refused: asking again would cost again
                        raise troubles.explain_event(message, host, where, kind)
        except Garbled as error:
            raise Garbled(f"{host} sent {error}: check {where.url}") from error
        raise Lost(f"{host} ended before all of the text was there: try it again")


class _Upload:
    """The body of a request, made anew for each try, and what went wrong with the sound meanwhile."""

    def __init__(self, sound: Sound, asking: wire.Asking) -> None:
        self._sound, self._asking = sound, asking
        self.problem: AntiphonError | None = None
        self.headers = {"Content-Type": "application/json", "Accept": "text/event-stream"}
        self._size = len(sound.pieces) if isinstance(sound.pieces, bytes) else sound.size
        if self._size is not None:
            self.headers["Content-Length"] = str(self._body().size(self._size))

    def _body(self) -> wire.Body:
        return wire.Body(self._asking, self._sound.kind, self._sound.rate_hz)

    def begin(self) -> AsyncIterator[bytes]:
        """The body, in pieces. Raises what went wrong with the sound at the last try: it would again."""
        if self.problem is not None:
            raise self.problem
        return self._whole()

    async def _whole(self) -> AsyncIterator[bytes]:
        body, sent = self._body(), 0
        yield body.head
        async for piece in self._pieces():
            sent += len(piece)
            for text in body.take(piece):
                yield text
        if self._size not in (None, sent):
            self.problem = AudioFileError("The sound became another while it was sent: let it be finished first")
            raise self.problem
        yield body.end()

    async def _pieces(self) -> AsyncIterator[bytes]:
        if isinstance(self._sound.pieces, bytes):
            for at in range(0, len(self._sound.pieces), wire.PIECE_BYTES):
                yield self._sound.pieces[at : at + wire.PIECE_BYTES]
                await asyncio.sleep(0)  # a turn is encoded between other work
            return
        try:
            async for piece in self._sound.pieces():
                yield piece
        except AntiphonError as error:
            self.problem = error
            raise


def _is_stream(content_type: str) -> bool:
    """Whether an answer of this Content-Type may be events: all but what is surely something else."""
    kind = content_type.partition(";")[0].strip().lower()
    return kind not in ("application/json", "text/html", "application/xhtml+xml")
