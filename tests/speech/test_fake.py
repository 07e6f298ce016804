"""The speech that needs no service keeps the port's promise."""

import asyncio

import pytest

from antiphon.conversation.events import SpeechMade, SpeechOver
from antiphon.errors import Problem
from antiphon.speech.fake import FakeSpeech


def test_it_gives_its_pieces_and_ends_once():
    problem = Problem("lost", "It broke off")
    speech, events = FakeSpeech([b"\x01\x00", b"\x02\x00"], problem), []
    asyncio.run(speech.make(4, "Hello.", events.append))
    assert events == [SpeechMade(4, b"\x01\x00"), SpeechMade(4, b"\x02\x00"), SpeechOver(4, problem)]
    assert speech.texts == ["Hello."]


def test_it_ends_once_when_it_is_cancelled_too():
    async def scene():
        speech, events = FakeSpeech([b"\x01\x00"], endless=True), []
        began = asyncio.Event()
        task = asyncio.get_running_loop().create_task(
            speech.make(5, "Hello.", lambda event: (events.append(event), began.set()))
        )
        await began.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        return speech, events

    speech, events = asyncio.run(scene())
    assert events == [SpeechMade(5, b"\x01\x00"), SpeechOver(5)]
    assert speech.cancelled == 1
