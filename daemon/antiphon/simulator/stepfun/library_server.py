"""Files and voices over HTTP. What a request may ask for, and what there is, is library.py's."""

import asyncio
import base64
from collections.abc import Awaitable, Callable

from aiohttp import web

from antiphon.errors import DeviceError
from antiphon.pcm import bytes_of
from antiphon.simulator.stepfun import library
from antiphon.simulator.stepfun.desk import Asked, Desk
from antiphon.simulator.stepfun.encoding import encode
from antiphon.simulator.stepfun.form_reader import read_form
from antiphon.simulator.stepfun.handshake import Refusal
from antiphon.simulator.stepfun.judging import Denial, WrongError, entry, on_plan
from antiphon.simulator.stepfun.library import Json, Library, Preview

MAX_BODY_BYTES = 64 * 1024
_SPEAKER = "awb"


class LibraryServer:
    """Answers /files, /audio/voices, /audio/voices/preview and /audio/system_voices."""

    def __init__(self, files: Desk, voices: Desk) -> None:
        """Their faults are those of "files" and of "voices"."""
        self._files, self._voices = files, voices
        self.library = Library(files.options, files.rng)

    async def upload(self, asked: Asked) -> web.StreamResponse:
        """POST /files, which is not on the plan's path."""
        if on_plan(asked.path):
            return self._files.refuse(asked, Refusal(404))

        async def take() -> Json:
            return self.library.upload(await read_form(asked.http, library.MAX_FILE_BYTES))

        return await self._answer(self._files, asked, take)

    async def clone(self, asked: Asked) -> web.StreamResponse:
        """POST /audio/voices."""

        async def make() -> Json | Refusal:
            return self.library.clone(asked.path, await self._voices.json(asked, MAX_BODY_BYTES))

        return await self._answer(self._voices, asked, make)

    async def preview(self, asked: Asked) -> web.StreamResponse:
        """POST /audio/voices/preview."""

        async def speak() -> Json | Refusal | Denial:
            made = self.library.preview(asked.path, await self._voices.json(asked, MAX_BODY_BYTES))
            if isinstance(made, Refusal):
                return made
            try:
                sound = await asyncio.to_thread(self._sound, made)
            except (DeviceError, ValueError) as error:
                return Denial(500, str(error), "internal_error")
            return {
                "sample_text": made.sample_text,
                "sample_audio": base64.b64encode(sound).decode(),
                "request_id": asked.trace,
            }

        return await self._answer(self._voices, asked, speak)

    async def list(self, asked: Asked) -> web.StreamResponse:
        """GET /audio/voices."""

        async def page() -> Json:
            return self.library.voices(tuple(asked.http.query.items()))

        return await self._answer(self._voices, asked, page)

    async def system(self, asked: Asked) -> web.StreamResponse:
        """GET /audio/system_voices."""

        async def names() -> Json | Refusal:
            return library.system_voices(asked.path, tuple(asked.http.query.items()))

        return await self._answer(self._voices, asked, names)

    async def _answer(
        self, desk: Desk, asked: Asked, make: Callable[[], Awaitable[Json | Refusal | Denial]]
    ) -> web.StreamResponse:
        if refusal := entry(asked.path, asked.authorization, desk.options):
            return desk.refuse(asked, refusal)
        try:
            made = await make()
        except WrongError as wrong:
            return desk.refuse(asked, Denial(400, str(wrong)))
        return await desk.answer(asked, made) if isinstance(made, dict) else desk.refuse(asked, made)

    def _sound(self, asked: Preview) -> bytes:
        pcm = bytes_of(self._voices.synthesise(asked.sample_text, _SPEAKER, asked.rate_hz))
        return encode(pcm, asked.rate_hz, asked.format)
