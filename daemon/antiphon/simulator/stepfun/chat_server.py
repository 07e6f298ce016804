"""Chat completions over HTTP: thinks of an answer, speaks it, and sends it whole or in chunks, with faults.

What a request may ask for is chat.py's, what an answer looks like chat_reply.py's.
"""

import asyncio
from collections.abc import AsyncIterator

from aiohttp import web

from antiphon.errors import DeviceError
from antiphon.pcm import LINK_RATE_HZ, bytes_of, ms_of
from antiphon.simulator.stepfun import chat, chat_reply, voices
from antiphon.simulator.stepfun.chat import Question
from antiphon.simulator.stepfun.chat_reply import Answer, Chunks
from antiphon.simulator.stepfun.desk import Asked, Desk
from antiphon.simulator.stepfun.encoding import wav
from antiphon.simulator.stepfun.judging import Denial, WrongError, entry
from antiphon.simulator.stepfun.script import Script


class ChatServer:
    """Answers POST /chat/completions. `chats` is what was granted, in order."""

    def __init__(self, desk: Desk) -> None:
        """Its faults are those of "chat"."""
        self._desk = desk
        self._script = Script(desk.options.replies)
        self.chats: list[Question] = []

    async def answer(self, asked: Asked) -> web.StreamResponse:
        """One request."""
        options = self._desk.options
        if refusal := entry(asked.path, asked.authorization, options):
            return self._desk.refuse(asked, refusal)
        try:
            question = chat.judge(asked.path, await self._desk.json(asked, 2 * chat.MAX_BODY_BYTES), options)
        except WrongError as wrong:
            return self._desk.refuse(asked, Denial(400, str(wrong)))
        if not isinstance(question, Question):
            return self._desk.refuse(asked, question)
        number = len(self.chats)
        self.chats.append(question)
        made = chat_reply.answer(question, self._script, options, self._desk.rng)
        try:
            pcm = await asyncio.to_thread(self._sound, question, made)
        except (DeviceError, ValueError) as error:
            return self._desk.refuse(asked, Denial(500, str(error), "internal_error"))
        if not question.stream:
            sound = wav(pcm, LINK_RATE_HZ) if pcm else b""
            whole = chat_reply.whole(question, made, sound, number)
            return await self._desk.answer(asked, whole, options.timing.first_audio_ms)
        chunks = self._paced(question, number, made, pcm)
        return await self._desk.stream(asked, chunks, chat_reply.ERROR, options.timing.first_audio_ms)

    def _sound(self, question: Question, made: Answer) -> bytes:
        if not question.voice or not made.text.strip():
            return b""
        return bytes_of(self._desk.synthesise(made.text, voices.speaker(question.voice), LINK_RATE_HZ))

    async def _paced(self, question: Question, number: int, made: Answer, pcm: bytes) -> AsyncIterator[str]:
        """Words at the pace of words, sound some times faster than it sounds."""
        timing = self._desk.options.timing
        for data, sound_bytes in Chunks(question, number, self._desk.rng, timing.delta_bytes).all(made, pcm):
            yield data
            if not sound_bytes:
                await asyncio.sleep(timing.word_ms / 1000)
            elif timing.speed:
                await asyncio.sleep(ms_of(sound_bytes // 2, LINK_RATE_HZ) / 1000 / timing.speed)
