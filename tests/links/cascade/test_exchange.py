"""An exchange: three services joined in time. How it looks as events is told in test_link.py."""

import asyncio

import pytest

from antiphon.errors import Lost
from antiphon.links.cascade.exchange import Exchange
from antiphon.links.completions.wire import Message, Request, Said, ToolCall
from links.cascade.scripted import LETTER, SPEECH, Gate, Scripted, play

LIGHT = ToolCall("c1", "lamp", "{}")
REQUEST = Request([Message("user", "Hello?")])


class Told:
    """A Listener that keeps what it is told, in order."""

    def __init__(self):
        self.all = []

    def heard(self, text):
        self.all.append(("heard", text))

    def wrote(self, text):
        self.all.append(("wrote", text))

    def sounds(self, pcm):
        assert pcm == LETTER
        self.all.append(("sounds", ""))

    def calls(self, calls):
        self.all.append(("calls", calls))

    def kinds(self):
        return [kind for kind, _ in self.all]


def exchange(stages, told, first_sound_ms=20_000, gap_ms=20_000):
    by_s = asyncio.get_running_loop().time() + first_sound_ms / 1000
    return Exchange(stages, told, by_s=by_s, first_sound_ms=first_sound_ms, gap_ms=gap_ms)


def run(stages, **limits):
    """One exchange to its end: what it returned, what was told, and itself."""

    async def scene():
        told = Told()
        one = exchange(stages, told, **limits)
        return await one.run(SPEECH, lambda: REQUEST), told, one

    return play(scene())


def test_what_was_said_is_told_before_the_question_is_made():
    async def scene():
        told = Told()

        def question():
            assert told.kinds() == ["heard"]
            return REQUEST

        assert await exchange(Scripted(), told).run(SPEECH, question)

    play(scene())


def test_a_blank_is_nothing_said_and_nobody_is_asked():
    stages = Scripted(hears=[" \n"])
    answered, told, one = run(stages)
    assert (answered, told.all, one.length_ms, stages.requests) == (False, [], 0.0, [])


def test_it_counts_the_sound():
    _, told, one = run(Scripted(writes=[["Yes."]]))
    assert (one.length_ms, one.pieces, told.kinds().count("sounds")) == (400.0, 4, 4)


def test_what_is_no_speech_is_answered_without_being_heard():
    async def scene():
        stages, told = Scripted(writes=[["Yes."]]), Told()
        await exchange(stages, told).go_on(REQUEST)
        assert stages.speech == []
        assert stages.requests == [REQUEST]
        assert told.kinds() == ["wrote", *["sounds"] * 4]

    play(scene())


@pytest.mark.parametrize("first", ["sound", "answer"])
def test_calls_are_told_when_there_is_sound_and_the_whole_answer_whichever_is_first(first):
    async def scene():
        gate = Gate()
        writes = ["Well. ", *([gate] if first == "sound" else []), Said("I do.", calls=(LIGHT,))]
        stages, told = Scripted(writes=[writes], speaks=[[gate] if first == "answer" else []]), Told()
        async with asyncio.TaskGroup() as group:
            group.create_task(exchange(stages, told).go_on(REQUEST))
            await gate.reached.wait()
            for _ in range(20):
                await asyncio.sleep(0)
            assert "calls" not in told.kinds()
            gate.open()
        assert told.all.count(("calls", (LIGHT,))) == 1
        assert told.kinds().index("sounds") < told.kinds().index("calls")

    play(scene())


def test_calls_of_an_answer_that_breaks_off_are_never_told():
    async def scene():
        told = Told()
        stages = Scripted(writes=[["One. ", Said(calls=(LIGHT,)), "T", Lost("gone")]])
        with pytest.raises(Lost, match="Answering it: gone"):
            await exchange(stages, told).go_on(REQUEST)
        assert "calls" not in told.kinds()

    play(scene())


def test_who_is_cancelled_leaves_nothing_running():
    async def scene():
        gate = Gate()
        stages, told = Scripted(writes=[["One. ", gate]]), Told()
        task = asyncio.get_running_loop().create_task(exchange(stages, told).run(SPEECH, lambda: REQUEST))
        await gate.reached.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert {"answer is cancelled", "speak is cancelled"} <= {*stages.log}

    play(scene())
