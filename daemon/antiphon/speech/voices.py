"""StepFun's voices over HTTP: which there are, how a new one would sound, and how it is made. See voices_wire.py."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, replace
from types import TracebackType
from typing import Any, Final, Self, TypeVar

from aiohttp import FormData

from antiphon.errors import Garbled, LinkError, Lost
from antiphon.secret import Secret
from antiphon.speech import troubles
from antiphon.speech import voices_wire as wire
from antiphon.speech.keys import without_key
from antiphon.speech.service import Patience, Service
from antiphon.speech.voices_wire import Clone, OwnVoice, SystemVoice

VOICES: Final = troubles.Where(
    voice="", given="the recording", answer="an answer", rules="take another recording, or another text"
)
LISTS: Final = troubles.Where(voice="", given="the question", answer="a list of voices")
FILES: Final = replace(VOICES, given="the file", answer="a file's id", on_plan=False)
"""StepFun documents no upload on the Step Plan."""
WAIT_S: Final = 30.0
"""How long one request may take besides its upload, further tries included."""
SLOWEST_BYTES_PER_S: Final = 48_000
"""An upload slower than that is given up."""
LIST_WAIT_S: Final = 15.0
"""The same, of a list: nobody looks at an empty screen for a minute."""
MAX_BYTES: Final = 32 * 2**20
"""Of an answer: a preview is some seconds of sound."""
MOST_PAGES: Final = 100

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class VoicesPlan:
    """How the service is asked; the names are those of the settings."""

    url: str
    """Without the last part, as https://api.stepfun.com/v1."""
    model: str
    """The model that is to speak in the voice."""
    proxy: str | None = None
    model_from: str = "speech.model"
    """Where the model was named."""

    @property
    def on_plan(self) -> bool:
        """Whether the address is the Step Plan's."""
        return "/step_plan/" in self.url + "/"


class Voices:
    """One session; an async context. Everything raises LinkError, in words that hold no key."""

    def __init__(self, plan: VoicesPlan, key: Secret | None) -> None:
        """Nothing is connected yet."""
        self._plan, self._key = plan, key
        self._service = Service(plan.url, key, VOICES, plan.proxy)

    async def __aenter__(self) -> Self:
        """Raises Refused for a key that is none."""
        await self._service.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Every connection is closed."""
        await self._service.__aexit__(kind, error, trace)

    async def system(self) -> tuple[SystemVoice, ...]:
        """The system voices of the model; the Step Plan's path has no such list."""
        return await self._ask(
            "GET", wire.system_path(self._plan.model), wire.read_system, where=LISTS, wait_s=LIST_WAIT_S
        )

    async def own(self) -> tuple[OwnVoice, ...]:
        """All cloned voices of the account, the newest first."""
        found: dict[str, OwnVoice] = {}
        after = ""
        for _ in range(MOST_PAGES):
            page = await self._ask("GET", wire.page_path(after), wire.read_page, where=LISTS, wait_s=LIST_WAIT_S)
            before = len(found)
            found |= {one.voice: one for one in page.voices}
            if not page.after or len(found) == before:  # a service that repeats itself has no more
                break
            after = page.after
        return tuple(found.values())

    async def upload(self, name: str, sound: bytes) -> str:
        """Keep a recording (wav or mp3) with the service; its id there."""

        def form() -> FormData:
            data = FormData()
            data.add_field("purpose", "storage")
            data.add_field("file", sound, filename=name, content_type="application/octet-stream")
            return data

        wait_s = WAIT_S + len(sound) / SLOWEST_BYTES_PER_S
        return await self._ask("POST", wire.FILES, wire.read_file, form, where=FILES, wait_s=wait_s)

    async def preview(self, file: str, sample: str, instruction: str = "") -> bytes:
        """How the voice of the recording would say `sample`: a sound file. It makes no voice, and is not paid for."""
        body = wire.preview(self._plan.model, file, sample, instruction)
        return await self._ask("POST", wire.PREVIEW, wire.read_preview, lambda: body)

    async def clone(self, file: str, words: str = "") -> Clone:
        """Have the voice of the recording made; it is paid for."""
        body = wire.clone(self._plan.model, file, words)
        return await self._ask("POST", wire.CLONES, wire.read_clone, lambda: body)

    async def _ask(
        self,
        method: str,
        path: str,
        read: Callable[[bytes], T],
        body: Callable[[], Any] | None = None,
        where: troubles.Where = VOICES,
        wait_s: float = WAIT_S,
    ) -> T:
        patience = Patience(asyncio.get_running_loop().time() + wait_s, wait_s * 1000)
        self._service.where = replace(where, model=self._plan.model_from)
        headers = {"Content-Type": "application/json"} if path in (wire.PREVIEW, wire.CLONES) else None
        host = self._service.host
        try:
            async with patience, self._service.ask(method, path, patience, body=body, headers=headers) as response:
                said = b""
                while len(said) <= MAX_BYTES and (piece := await response.content.readany()):
                    said += piece
            return read(said)
        except Garbled as error:
            raise Garbled(f"{host} sent {error}: check {where.url}") from error
        except LinkError as error:
            raise type(error)(without_key(self._key, str(error))) from error
        except TimeoutError:
            raise patience.met or Lost(f"{host} has not answered within {wait_s:.0f} s: try it again later") from None
