"""StepFun's text to speech as a ports.Speech, and into files, over HTTP. What is in the bodies is wire.py's.

A text is asked for again when that may help and nothing of it has been heard; after that never: nobody wants to hear a
sentence begin twice.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, replace

from aiohttp import ClientResponse

from antiphon.conversation.events import SpeechMade, SpeechOver, SpeechStyle
from antiphon.errors import Garbled, LinkError, Problem, Refused
from antiphon.pcm import bytes_ms
from antiphon.ports import Post
from antiphon.secret import Secret
from antiphon.speech import troubles, wire
from antiphon.speech.keys import without_key
from antiphon.speech.service import Patience, Service, events, told
from antiphon.speech.voice_lists import check_voice

MOST_CHARACTERS = 5000
"""Five requests, and some twenty minutes of speech, which waits in memory until it is played."""
LONGEST_MS = 900_000.0
"""No request makes more speech: 1000 characters, spoken slowly."""


@dataclass(frozen=True, slots=True)
class SpeechPlan:
    """How the service is asked; the names are those of the settings."""

    url: str
    """Without the last part, as https://api.stepfun.com/v1."""
    model: str
    voice: str
    proxy: str | None = None
    """An address like http://host:port, for https only; None is no proxy, whatever the environment says."""
    first_sound_ms: float = 8000.0
    """From the asking to the first sound, further tries included; the mind waits a little longer."""
    gap_ms: float = 4000.0
    """From each piece of sound to the next, or to the end."""
    most_broken: int | None = None
    """See Patience: of the tries that come to anything but a busy service."""
    instruction: str = ""
    """How it is said, in words; only some models are told."""
    speed: float = 1.0
    """0.5 to 2."""
    where: troubles.Where = troubles.SPEAK

    def styled(self, style: SpeechStyle | None) -> "SpeechPlan":
        """With another style, as far as it says anything."""
        if style is None:
            return self
        return replace(
            self,
            voice=self.voice if style.voice is None else style.voice,
            instruction=self.instruction if style.instruction is None else style.instruction,
            speed=self.speed if style.speed is None else style.speed,
        )


class StepFunSpeech:
    """A ports.Speech. Each text has a session of its own; several may be made at once."""

    def __init__(self, plan: SpeechPlan, key: Secret | None) -> None:
        """Nothing is connected yet. Without a key no Authorization is sent: a simulator may ask for none."""
        self._plan, self._key = plan, key

    async def make(self, say: int, text: str, post: Post, style: SpeechStyle | None = None) -> None:
        """See ports.Speech."""
        problem: Problem | None = None
        try:
            if len(text) > MOST_CHARACTERS:
                raise troubles.too_long(len(text), MOST_CHARACTERS)
            await read_out(self._plan.styled(style), self._key, text, lambda pcm: post(SpeechMade(say, pcm)))
        except LinkError as error:
            problem = told(self._key, error)
        finally:
            post(SpeechOver(say, problem))


async def read_out(
    plan: SpeechPlan, key: Secret | None, text: str, hear: Callable[[bytes], None], kind: wire.Kind = "pcm"
) -> None:
    """`hear` gets `text` as sound: of pcm whole samples (mono s16le 24 kHz), else the bytes of a file for each 1000
    characters, one after the other. Raises LinkError, in words that hold no key.
    """
    check(plan)
    try:
        async with Service(plan.url, key, plan.where, plan.proxy) as service:
            for piece in wire.pieces(text):
                await _Request(plan, service, hear, kind).run(piece)
    except LinkError as error:
        raise type(error)(without_key(key, str(error))) from error


def check(plan: SpeechPlan) -> None:
    """Raises Refused for what the model surely does not take, before anything is sent."""
    wrong = check_voice("speech", plan.model, plan.voice)
    if wrong is not None:
        raise Refused(f"{plan.where.voice}: {wrong}")
    wrong = wire.check_instruction(plan.model, plan.instruction, plan.where.instruction)
    if wrong is not None:
        raise Refused(wrong)


class _Request:
    """One text of a length that the service takes, in bounded time."""

    def __init__(self, plan: SpeechPlan, service: Service, hear: Callable[[bytes], None], kind: wire.Kind) -> None:
        self._plan, self._service, self._hear, self._kind = plan, service, hear, kind
        self._stream = wire.SoundStream()
        self._soundless = 0
        self._heard_ms = 0.0

    async def run(self, text: str) -> None:
        """Hear the whole of it. Raises LinkError."""
        plan, host = self._plan, self._service.host
        loop = asyncio.get_running_loop()
        patience = Patience(loop.time() + plan.first_sound_ms / 1000, plan.gap_ms, plan.most_broken)
        try:
            async with patience:
                await self._service.persist(lambda: self._ask(text, patience), patience)
        except TimeoutError:
            if patience.began:
                raise troubles.stalled(host, plan.gap_ms) from None
            raise patience.met or troubles.silent(host, plan.first_sound_ms) from None

    async def _ask(self, text: str, patience: Patience) -> None:
        plan = self._plan
        body = wire.request(plan.model, plan.voice, text, plan.instruction, plan.speed, self._kind)
        async with self._service.ask(
            "POST",
            wire.PATH,
            patience,
            body=lambda: body,
            headers={"Content-Type": "application/json"},
            wanted=lambda kind: wire.is_sound(kind) or wire.is_events(kind),
        ) as response:
            async for data in self._sound(response):
                patience.progress()
                self._take(data)
        if not self._stream.bytes:
            self._soundless += 1
            if self._soundless > 1:
                patience.began = True  # it answers, and would answer so for ever
            raise troubles.soundless(self._service.host)

    async def _sound(self, response: ClientResponse) -> AsyncIterator[bytes]:
        """The bytes of it, in either form."""
        if not wire.is_events(response.headers.get("Content-Type", "")):
            while data := await response.content.readany():
                yield data
            return
        host, where = self._service.host, self._service.where
        try:
            async for said in events(response):
                match wire.read_event(said):
                    case wire.Piece(data) if data:
                        yield data
                    case wire.Failed(message, kind):
                        raise troubles.explain_event(message, host, where, kind)
        except Garbled as error:
            raise Garbled(f"{host} sent {error}: check {where.url}") from error

    def _take(self, data: bytes) -> None:
        whole = self._stream.take(data)
        if self._kind != "pcm":
            self._hear(data)
        elif whole:
            self._heard_ms += bytes_ms(whole)
            if self._heard_ms > LONGEST_MS:
                raise troubles.endless(self._service.host, self._service.where)
            self._hear(whole)
