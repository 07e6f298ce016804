"""A speech service is loaded once, when it is first wanted, and nobody waits for it in vain."""

import asyncio
import threading

from antiphon.conversation.events import SpeechMade, SpeechOver
from antiphon.runtime.late_speech import LateSpeech
from antiphon.speech.fake import FakeSpeech

BOUND_S = 20


def test_it_is_loaded_once_and_not_before_it_is_wanted():
    loaded = []

    def load():
        loaded.append(threading.current_thread() is threading.main_thread())
        return FakeSpeech([b"ab"])

    async def story():
        speech, told = LateSpeech(load), []
        assert loaded == []
        async with asyncio.timeout(BOUND_S):
            await asyncio.gather(speech.make(1, "dinner", told.append), speech.make(2, "supper", told.append))
        assert loaded == [False], "once, and not on the loop's thread"
        for say in (1, 2):
            mine = [event for event in told if event.say == say]
            assert mine == [SpeechMade(say, b"ab"), SpeechOver(say)]

    asyncio.run(story())


def test_cancelled_while_it_is_loaded_its_end_is_told_all_the_same():
    loading, may_end = threading.Event(), threading.Event()

    def load():
        loading.set()
        may_end.wait(BOUND_S)
        return FakeSpeech([b"ab"])

    async def story():
        speech, told = LateSpeech(load), []
        async with asyncio.timeout(BOUND_S), asyncio.TaskGroup() as group:
            making = group.create_task(speech.make(1, "dinner", told.append))
            await asyncio.to_thread(loading.wait, BOUND_S)
            making.cancel()
            await asyncio.wait([making])
            assert told == [SpeechOver(1)]
            may_end.set()
            await speech.make(2, "supper", told.append)
            assert told[-1] == SpeechOver(2)

    asyncio.run(story())
