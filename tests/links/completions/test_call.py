"""A call on which one question is asked at a time, over a service that a script plays."""

import asyncio
from contextlib import nullcontext
from dataclasses import dataclass, field

from antiphon.conversation.effects import ToolOutput
from antiphon.conversation.events import LinkAlive, LinkClosed, LinkOpened, NothingRecognised, ReplyEnded, ReplyStarted
from antiphon.errors import Lost, Refused
from antiphon.links.completions.call import QuestionLink
from antiphon.links.completions.memory import Memory


@dataclass
class There:
    dialling: bool = False
    proof: Exception | None = None
    asked: list = field(default_factory=list)
    answers: dict = field(default_factory=dict)
    """By the reply's name: the error, and how much had sounded; any other never ends."""


@dataclass
class Reply:
    name: str
    length_ms: float = 0.0
    hushed: bool = False


class ScriptedLink(QuestionLink):
    def __init__(self, there, inbox, **more):
        super().__init__(7, inbox.append, Memory("", ()), 5000.0, trial=more.get("trial", False))
        self.there = there

    def _open(self):
        return nullcontext(self.there)

    async def _prove(self, there):
        if there.proof is not None:
            raise there.proof

    def _take(self, speech):
        self._ask(speech)

    def _new_reply(self, name):
        return Reply(name)

    async def _answer(self, there, asked):
        there.asked.append((asked.reply.name, asked.speech))
        if asked.reply.name not in there.answers:
            await asyncio.Event().wait()
        error, asked.reply.length_ms = there.answers[asked.reply.name]
        self._completed(asked.reply) if error is None else self._failed(asked.reply, error)


def lived(steps, there=None, **more):
    """What was posted, by a call that does `steps`, one after the other, and is closed then."""

    async def scene():
        inbox = []
        link = ScriptedLink(there or There(), inbox, **more)
        life = asyncio.get_running_loop().create_task(link.run())
        for step in [lambda _: None, *steps, lambda link: link.close()]:
            for _ in range(5):
                await asyncio.sleep(0)
            step(link)
        async with asyncio.timeout(10):
            await life
        return inbox

    return asyncio.run(scene())


def say(link):
    link.send_audio(b"\1\0")
    link.commit_turn()


OPENED, CLOSED = LinkOpened(7), LinkClosed(7)


def test_a_turn_is_one_question_and_what_tools_answered_the_next():
    there = There(answers={"7-1": (None, 200.0), "7-2": (None, 100.0)})
    told = lived([say, lambda link: link.give_tool_outputs([ToolOutput("c", "x")], respond=True)], there)
    assert there.asked == [("7-1", b"\1\0"), ("7-2", None)]
    replies = [event for name in ("7-1", "7-2") for event in (ReplyStarted(7, name), ReplyEnded(7, name, "completed"))]
    assert told == [OPENED, *replies, CLOSED]


def test_a_turn_of_nothing_is_asked_of_nobody():
    there = There()
    assert lived([lambda link: link.commit_turn()], there) == [OPENED, NothingRecognised(7), CLOSED]
    assert there.asked == []


def test_outputs_that_nobody_waits_for_are_no_question():
    there = There()
    assert lived([lambda link: link.give_tool_outputs([ToolOutput("c", "x")], respond=False)], there) == [
        OPENED,
        CLOSED,
    ]
    assert there.asked == []


def test_a_new_turn_ends_the_reply_of_the_last():
    told = lived([say, say])
    assert told == [OPENED, ReplyStarted(7, "7-1"), ReplyEnded(7, "7-1", "cancelled"), ReplyStarted(7, "7-2"), CLOSED]


def test_only_the_reply_that_is_named_is_cancelled():
    told = lived([say, lambda link: link.cancel_reply("7-0", 0.0), lambda link: link.cancel_reply("7-1", 0.0)])
    assert told == [OPENED, ReplyStarted(7, "7-1"), ReplyEnded(7, "7-1", "cancelled"), CLOSED]


def test_a_failure_before_the_first_sound_ends_the_call_and_one_after_it_the_reply():
    lost = Lost("It is gone")
    told = lived([say], There(answers={"7-1": (lost, 0.0)}))
    assert told == [OPENED, ReplyStarted(7, "7-1"), LinkClosed(7, lost.problem())]
    told = lived([say], There(answers={"7-1": (lost, 40.0)}))
    assert told[2:] == [ReplyEnded(7, "7-1", "failed", lost.problem()), CLOSED]


def test_a_trial_that_fails_never_opens():
    refused = Refused("No such key")
    assert lived([], There(proof=refused), trial=True) == [LinkClosed(7, refused.problem())]
    assert lived([], There(), trial=True) == [OPENED, CLOSED]


def test_there_is_no_sign_of_life_while_a_connection_is_made():
    assert lived([lambda link: link.check()], There(dialling=True)) == [OPENED, CLOSED]
    assert lived([lambda link: link.check()]) == [OPENED, LinkAlive(7), CLOSED]


def test_nothing_is_kept_when_it_is_over():
    links = []
    lived([say, links.append])
    [link] = links
    assert (link._speech, link._asked, link._there, link._memory.messages()) == (b"", None, None, ())
    say(link)
    assert not link._speech
