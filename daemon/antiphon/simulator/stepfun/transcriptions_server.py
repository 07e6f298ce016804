"""Recognition of an upload over HTTP. What a form may ask for is transcriptions.py's."""

from aiohttp import web

from antiphon.simulator.stepfun.asr import recognised
from antiphon.simulator.stepfun.desk import Asked, Desk
from antiphon.simulator.stepfun.form_reader import read_form
from antiphon.simulator.stepfun.handshake import Refusal
from antiphon.simulator.stepfun.judging import Denial, WrongError, blocked, entry, on_plan
from antiphon.simulator.stepfun.transcriptions import MAX_FILE_BYTES, Transcription, judge


class TranscriptionServer:
    """Answers POST /audio/transcriptions. `transcribed` is what was granted, in order."""

    def __init__(self, desk: Desk) -> None:
        """Its faults are those of "transcriptions"."""
        self._desk = desk
        self.transcribed: list[Transcription] = []

    async def answer(self, asked: Asked) -> web.StreamResponse:
        """One request."""
        options = self._desk.options
        if on_plan(asked.path):
            return self._desk.refuse(asked, Refusal(404))
        if refusal := entry(asked.path, asked.authorization, options):
            return self._desk.refuse(asked, refusal)
        try:
            verdict = judge(asked.path, await read_form(asked.http, MAX_FILE_BYTES), options)
        except WrongError as wrong:
            return self._desk.refuse(asked, Denial(400, str(wrong)))
        if not isinstance(verdict, Transcription):
            return self._desk.refuse(asked, verdict)
        said = recognised(verdict.clip, len(self.transcribed), options)
        if blocked(options, said):
            return self._desk.refuse(asked, Refusal(451))
        self.transcribed.append(verdict)
        told = {"text": said} if verdict.format == "json" else said
        return await self._desk.answer(asked, told, options.timing.first_text_ms)
