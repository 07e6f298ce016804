"""The three services that a cascade asks in a row: as a protocol, so that a script can stand for them, and StepFun's.

What comes of one is not known to the others; who joins them is exchange.py.
"""

from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from types import TracebackType
from typing import Protocol, Self
from urllib.parse import urlsplit

from antiphon.links.cascade import troubles
from antiphon.links.completions.client import Completions, CompletionsPlan
from antiphon.links.completions.wire import Request, Said
from antiphon.pcm import LINK_RATE_HZ
from antiphon.secret import Secret
from antiphon.speech.recognise import RecognisePlan, Recogniser, Sound
from antiphon.speech.service import Patience
from antiphon.speech.stream import SpeechStream, StreamPlan


@dataclass(frozen=True, slots=True)
class CascadePlan:
    """What a call needs to know. The settings' section `cascade` has the same names, but for the proxy."""

    url: str
    """Of all three services, as https://api.stepfun.com/step_plan/v1."""
    recognise_model: str
    language: str
    hotwords: tuple[str, ...]
    chat_model: str
    instructions: str
    speak_model: str
    voice: str
    instruction: str
    speed: float
    first_sound_ms: int
    """From the end of the turn to the first sound, all three and their retries included."""
    gap_ms: int
    """The longest silence in the middle of a reply, as the user hears it."""
    proxy: str | None = None


class Stages(Protocol):
    """Each raises LinkError in words, which do not say which stage it was; TimeoutError is left to the patience's
    holder. Whoever is cancelled hangs up at once.
    """

    host: str
    """The server's name, for errors."""

    @property
    def dialling(self) -> bool:
        """One of them waits for its connection: nobody knows yet whether there is anybody."""

    async def recognise(self, pcm: bytes, patience: Patience) -> str:
        """What was said in mono s16le 24 kHz; "" when nothing was."""

    def answer(self, request: Request, patience: Patience) -> AsyncGenerator[Said]:
        """The answer as it is written, its tool calls with the last of it. Whoever leaves early closes it."""

    async def speak(self, texts: AsyncIterator[str], hear: Callable[[bytes], None], patience: Patience) -> None:
        """Connect at once, and speak the texts as they come, to their end; `hear` gets mono s16le 24 kHz."""


class StepFunStages:
    """StepFun's, with one key and at one address; an async context. Connections are made when they are needed."""

    def __init__(self, plan: CascadePlan, key: Secret | None) -> None:
        """Nothing is connected yet."""
        url, proxy = plan.url, plan.proxy
        self.host = urlsplit(url).hostname or "the server"
        self._contexts = AsyncExitStack()
        self._recogniser = Recogniser(
            RecognisePlan(url, plan.recognise_model, plan.language, plan.hotwords, proxy, troubles.RECOGNISE), key
        )
        self._completions = Completions(CompletionsPlan(url, plan.chat_model, proxy, troubles.ANSWER), key)
        self._speech = SpeechStream(
            StreamPlan(url, plan.speak_model, plan.voice, plan.instruction, plan.speed, proxy, troubles.SPEAK), key
        )

    @property
    def dialling(self) -> bool:
        """See Stages."""
        return self._recogniser.dialling or self._completions.dialling or self._speech.dialling

    async def __aenter__(self) -> Self:
        """Raises Refused for a key that is none."""
        async with AsyncExitStack() as contexts:
            await contexts.enter_async_context(self._recogniser)
            await contexts.enter_async_context(self._completions)
            self._contexts = contexts.pop_all()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Every connection is closed."""
        await self._contexts.aclose()

    async def recognise(self, pcm: bytes, patience: Patience) -> str:
        """See Stages."""
        return (await self._recogniser.recognise(Sound("pcm", LINK_RATE_HZ, len(pcm), pcm), patience)).text

    def answer(self, request: Request, patience: Patience) -> AsyncGenerator[Said]:
        """See Stages."""
        return self._completions.ask(request, patience)

    async def speak(self, texts: AsyncIterator[str], hear: Callable[[bytes], None], patience: Patience) -> None:
        """See Stages."""
        await self._speech.run(texts, hear, patience)
