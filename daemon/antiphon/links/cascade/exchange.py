"""One turn and its reply: the three services joined, in bounded time. It knows no call, no event and no reply's name.

The answer is written and spoken at the same time: each sentence goes to the voice as soon as it is there, whose
connection is opened when the answer is asked for. Time is counted as the user has it: from the end of his turn to the
first sound, all included; then by the silence that he hears. So a model that thinks while there is sound to be played
has all that time, and `gap_ms` more.
"""

import asyncio
from collections.abc import Callable
from contextlib import aclosing
from typing import Final, Protocol, Self

from antiphon.errors import LinkError
from antiphon.links.cascade import troubles
from antiphon.links.cascade.sentences import Sentences
from antiphon.links.cascade.stages import Stages
from antiphon.links.completions.wire import Request, ToolCall
from antiphon.pcm import bytes_ms
from antiphon.speech.service import Patience

MOST_CHARACTERS: Final = 20_000
"""Some twenty minutes of speech."""

MOST_BROKEN: Final = 1
"""So many tries of one stage may come to anything but a busy service; with the next, another link is asked."""

_NO_GAP_MS: Final = 86_400_000.0  # the stages need no limit of their own: the exchange has one for all


class Listener(Protocol):
    """Who is told what comes of it, in this order, but that text runs ahead of sound."""

    def heard(self, text: str) -> None:
        """The user said this; it is not blank."""

    def wrote(self, text: str) -> None:
        """The answer goes on, in the model's words."""

    def sounds(self, pcm: bytes) -> None:
        """The sound of it goes on, mono s16le 24 kHz."""

    def calls(self, calls: tuple[ToolCall, ...]) -> None:
        """The model calls tools: told once, when nothing can go wrong any more for which another would be asked."""


class Exchange:
    """One; `run` or `go_on` is called once."""

    def __init__(
        self, stages: Stages, listener: Listener, *, by_s: float, first_sound_ms: float, gap_ms: float
    ) -> None:
        """The first sound must come by `by_s` of the loop's clock, which is `first_sound_ms` after the turn's end."""
        self._stages, self._listener = stages, listener
        self._by_s, self._first_sound_ms, self._gap_ms = by_s, first_sound_ms, gap_ms
        self._limit = asyncio.timeout_at(by_s)
        self._stage: troubles.Stage = "recognise"
        self._patiences: dict[troubles.Stage, Patience] = {}
        self._texts = _Texts()
        self._calls: tuple[ToolCall, ...] = ()
        self._characters = 0
        self._written = False  # all of the answer is there
        self._played_s = 0.0  # when all that has come will have been played, if it was played as it came
        self._text_s = self._sound_s = 0.0  # when the last of each came
        self._failure: LinkError | None = None
        self.length_ms = 0.0
        """How much sound has come."""
        self.pieces = 0
        """In how many pieces."""

    async def run(self, pcm: bytes, question: Callable[[], Request]) -> bool:
        """Answer what was said in `pcm`; False when nothing was. `question` is called when that has been told.

        Raises LinkError, which says in which stage. After sound has come, all that was told is good.
        """
        try:
            async with self._limit:
                if not (text := await self._recognise(pcm)):
                    return False
                self._listener.heard(text)
                await self._answer(question())
        except TimeoutError:
            raise self._late() from None
        return True

    async def go_on(self, request: Request) -> None:
        """Answer what is no speech, as what came of tools. Raises LinkError, as `run` does."""
        try:
            async with self._limit:
                await self._answer(request)
        except TimeoutError:
            raise self._late() from None

    async def _recognise(self, pcm: bytes) -> str:
        try:
            async with self._patience("recognise") as patience:
                return (await self._stages.recognise(pcm, patience)).strip()
        except LinkError as error:
            raise troubles.at("recognise", error) from error

    async def _answer(self, request: Request) -> None:
        self._stage = "answer"
        async with asyncio.TaskGroup() as group:
            speaking = group.create_task(self._speak(), name="speaking")
            writing = group.create_task(self._write(request), name="answering")
            writing.add_done_callback(lambda _: self._no_more_text(speaking))
            speaking.add_done_callback(lambda _: None if self._failure is None else writing.cancel())
        if self._failure is not None:
            raise self._failure
        if not (self._characters or self._calls):
            raise troubles.no_answer(self._stages.host)
        if self._texts.count and not self.length_ms:
            raise troubles.soundless(self._stages.host)
        self._tell_calls()

    async def _write(self, request: Request) -> None:
        sentences = Sentences()
        try:
            async with self._patience("answer") as patience, aclosing(self._stages.answer(request, patience)) as answer:
                async for said in answer:
                    self._calls += said.calls
                    if said.text:
                        self._wrote(said.text, sentences)
        except TimeoutError:
            self._failed(self._late())
        except LinkError as error:
            self._failed(troubles.at("answer", error))
        else:
            self._give(sentences.end())
            self._written = True
            if self.length_ms:
                self._tell_calls()

    def _wrote(self, text: str, sentences: Sentences) -> None:
        self._text_s = asyncio.get_running_loop().time()
        self._characters += len(text)
        if self._characters > MOST_CHARACTERS:
            raise troubles.endless(self._stages.host)
        self._listener.wrote(text)
        self._give(sentences.take(text))

    def _give(self, pieces: list[str]) -> None:
        for piece in pieces:
            self._stage = "speak"
            self._texts.put(f"{piece}\n")  # what is a line is spoken without waiting for what follows, a clause too

    def _no_more_text(self, speaking: asyncio.Task[None]) -> None:
        """What was written is spoken to its end, but if there is no sound of it yet and it may be asked elsewhere."""
        self._texts.end()
        if not self._texts.count or (self._failure is not None and not self.length_ms):
            speaking.cancel()

    async def _speak(self) -> None:
        try:
            async with self._patience("speak") as patience:
                await self._stages.speak(self._texts, self._hear, patience)
        except TimeoutError:
            self._failed(self._late())
        except LinkError as error:
            self._failed(troubles.at("speak", error))

    def _hear(self, pcm: bytes) -> None:
        now = self._sound_s = asyncio.get_running_loop().time()
        self.pieces += 1
        self.length_ms += bytes_ms(pcm)
        self._played_s = max(self._played_s, now) + bytes_ms(pcm) / 1000
        if not self._limit.expired():  # it may be ending, while the last of it comes
            self._limit.reschedule(self._played_s + self._gap_ms / 1000)
        self._listener.sounds(pcm)
        if self._written:
            self._tell_calls()

    def _tell_calls(self) -> None:
        calls, self._calls = self._calls, ()
        if calls:
            self._listener.calls(calls)

    def _failed(self, error: LinkError) -> None:
        self._failure = self._failure or error

    def _patience(self, stage: troubles.Stage) -> Patience:
        patience = self._patiences[stage] = Patience(self._by_s, _NO_GAP_MS, MOST_BROKEN)
        return patience

    def _late(self) -> LinkError:
        host, patience = self._stages.host, self._patiences.get(self._stage)
        if not self.length_ms:
            if patience is not None and patience.met is not None:
                return troubles.at(self._stage, patience.met)
            return troubles.slow(self._stage, host, self._first_sound_ms)
        waits_for_text = not self._written and self._text_s < self._sound_s
        return troubles.stalled("answer" if waits_for_text else "speak", host, self._gap_ms)


class _Texts:
    """From whoever writes to whoever speaks."""

    def __init__(self) -> None:
        self._queue: asyncio.Queue[str | None] = asyncio.Queue()
        self.count = 0
        """How many were put."""

    def put(self, text: str) -> None:
        self.count += 1
        self._queue.put_nowait(text)

    def end(self) -> None:
        self._queue.put_nowait(None)

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> str:
        if (text := await self._queue.get()) is None:
            raise StopAsyncIteration
        return text
