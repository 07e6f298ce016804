"""StepFun's text to speech as a ports.Speech, over HTTP. What is in the bodies is wire.py's.

A text is asked for again, once, when that may help and nothing of it has been heard; after that never: nobody wants to
hear a sentence begin twice.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

from aiohttp import ClientError, ClientResponse, ClientSession, ClientTimeout, DummyCookieJar

from antiphon.conversation.events import SpeechMade, SpeechOver, SpeechStyle
from antiphon.errors import LinkError, Problem, Refused
from antiphon.pcm import bytes_ms
from antiphon.ports import Post
from antiphon.secret import STARS, Secret
from antiphon.speech import troubles, wire

MOST_CHARACTERS = 5000
"""Five requests, and some twenty minutes of speech, which waits in memory until it is played."""
LONGEST_MS = 900_000.0
"""No request makes more speech: 1000 characters, spoken slowly."""
MAX_ERROR_BYTES = 4096
_PAUSE_S: Final = 0.3


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
    """From the asking to the first sound, the second try included; the mind waits a little longer."""
    gap_ms: float = 4000.0
    """From each piece of sound to the next, or to the end."""


class StepFunSpeech:
    """A ports.Speech. Each text has a connection of its own; several may be made at once."""

    def __init__(self, plan: SpeechPlan, key: Secret | None) -> None:
        """Nothing is connected yet. Without a key no Authorization is sent: a simulator may ask for none."""
        self._plan, self._key = plan, key
        self._host = urlsplit(plan.url).hostname or "the server"

    async def make(self, say: int, text: str, post: Post, style: SpeechStyle | None = None) -> None:  # noqa: ARG002
        """See ports.Speech."""
        problem: Problem | None = None
        try:
            await self._speak(text, lambda pcm: post(SpeechMade(say, pcm)))
        except LinkError as error:
            told = error.problem()
            problem = Problem(told.fault, self._without_key(told.sentence))
        finally:
            post(SpeechOver(say, problem))

    async def _speak(self, text: str, hear: Callable[[bytes], None]) -> None:
        if len(text) > MOST_CHARACTERS:
            raise troubles.too_long(len(text), MOST_CHARACTERS)
        async with ClientSession(
            timeout=ClientTimeout(total=None, sock_connect=None),
            cookie_jar=DummyCookieJar(),
            headers={"User-Agent": "antiphon", "Accept-Encoding": "identity", **self._authorization()},
            trust_env=False,
        ) as http:
            for piece in wire.pieces(text):
                await _Request(self._plan, self._host, http, hear).run(piece)

    def _authorization(self) -> dict[str, str]:
        key = self._key.reveal().strip() if self._key is not None else ""
        if not (key.isascii() and key.isprintable()):
            raise Refused("The API key holds characters that no key has: copy it again")
        return {"Authorization": f"Bearer {key}"} if key else {}

    def _without_key(self, sentence: str) -> str:
        key = self._key.reveal().strip() if self._key is not None else ""
        return sentence.replace(key, STARS) if key else sentence


class _Request:
    """One text of a length that the service takes; tried twice at most, in bounded time."""

    def __init__(self, plan: SpeechPlan, host: str, http: ClientSession, hear: Callable[[bytes], None]) -> None:
        self._plan, self._host, self._http, self._hear = plan, host, http, hear
        self._stream = wire.SoundStream()
        self._heard_ms = 0.0
        self._patience = asyncio.timeout(None)

    async def run(self, text: str) -> None:
        """Hear the whole of it. Raises LinkError."""
        loop = asyncio.get_running_loop()
        self._patience = asyncio.timeout_at(loop.time() + self._plan.first_sound_ms / 1000)
        try:
            async with self._patience:
                try:
                    await self._ask(text)
                except LinkError as error:
                    if self._stream.bytes or not error.problem().may_pass:
                        raise
                    await asyncio.sleep(_PAUSE_S)
                    await self._ask(text)
        except TimeoutError:
            if self._stream.bytes:
                raise troubles.stalled(self._host, self._plan.gap_ms) from None
            raise troubles.silent(self._host, self._plan.first_sound_ms) from None

    async def _ask(self, text: str) -> None:
        """Raises LinkError."""
        body = wire.request(self._plan.model, self._plan.voice, text)
        try:
            async with self._http.post(
                self._plan.url.rstrip("/") + wire.PATH,
                data=body,
                headers={"Content-Type": "application/json"},
                proxy=self._plan.proxy if self._plan.url.startswith("https:") else None,
                allow_redirects=False,
            ) as response:
                try:
                    await self._listen(response)
                finally:
                    response.close()  # whoever leaves early hangs up: nobody makes what nobody hears
        except (ClientError, OSError, UnicodeError) as error:  # the last: a host that cannot be a name
            raise troubles.explain(error, self._host) from error
        if not self._heard_ms:
            raise troubles.soundless(self._host)

    async def _listen(self, response: ClientResponse) -> None:
        if response.status != 200 or not wire.is_sound(response.headers.get("Content-Type", "")):
            raise troubles.explain_status(response.status, await _beginning(response), self._host)
        while data := await response.content.readany():
            self._take(data)

    def _take(self, data: bytes) -> None:
        self._patience.reschedule(asyncio.get_running_loop().time() + self._plan.gap_ms / 1000)
        if pcm := self._stream.take(data):
            self._heard_ms += bytes_ms(pcm)
            if self._heard_ms > LONGEST_MS:
                raise troubles.endless(self._host)
            self._hear(pcm)


async def _beginning(response: ClientResponse) -> bytes:
    """The body, as far as it matters."""
    body = b""
    while len(body) < MAX_ERROR_BYTES and (more := await response.content.read(MAX_ERROR_BYTES - len(body))):
        body += more
    return body
