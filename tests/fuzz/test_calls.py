"""Whole calls, with servers and time in memory: the link closes once and last, each reply begins and ends once, and
nothing is told twice, whatever the service says and the mind wants meanwhile.
"""

import asyncio

from hypothesis import given, settings
from hypothesis import strategies as st

from antiphon.conversation import events as happened
from antiphon.links.cascade.link import CascadeLinkMaker
from antiphon.links.cascade.stages import CascadePlan
from antiphon.links.chat.link import ChatLinkMaker, ChatPlan
from antiphon.links.realtime.link import RealtimeLinkMaker, RealtimePlan
from antiphon.ports import ToolSpec
from fuzz import streams
from fuzz.judging import is_sentence
from fuzz.memory import live
from fuzz.servers import Answerer
from fuzz.tally import many, met
from fuzz.test_services import SECRET, URL, answers, data_sent, sockets

TOOLS = [ToolSpec("set_timer", "Start a timer", {"type": "object", "properties": {"seconds": {"type": "integer"}}})]
LONG_S = 200.0
"""After so long with nothing new the mind hangs up, at the latest."""
WISHES = st.lists(
    st.tuples(
        st.sampled_from([0.0, 0.0, 0.05, 0.5, 3.0, 15.0]),
        st.sampled_from(
            ["speak", "commit", "turn", "turn", "cancel", "cancel old", "outputs", "outputs, none", "check"]
        ),
    ),
    max_size=8,
)


def called(make, world, wishes):
    """The events of a call in which all that was wanted."""
    events = []
    met("examples")

    async def scene():
        link = make(7, (), events.append, trial=False)
        async with asyncio.TaskGroup() as group:
            group.create_task(link.run())
            for pause_s, what in [(0.1, "turn"), *wishes]:
                await asyncio.sleep(pause_s)
                if what in ("speak", "turn"):
                    link.send_audio(bytes(480))
                if what == "turn":
                    link.commit_turn()
                elif what == "check":
                    link.check()
                elif what != "speak":
                    streams.wish(link, what, events)
            await asyncio.sleep(LONG_S)
            link.close()

    live(scene(), world)
    return judged(events)


def judged(events):
    """What holds for every call."""
    closed = [event for event in events if isinstance(event, happened.LinkClosed)]
    assert closed == events[-1:], "it closes once, at last"
    problem = closed[0].problem
    if problem is not None:
        is_sentence(problem.sentence)
    met("hung up" if problem is None else problem.fault)
    streams.replies_are_whole(events)
    counted = happened.ReplyStarted | happened.ToolCalled | happened.ReplyEnded
    met(*(type(event).__name__ for event in events if isinstance(event, counted)))
    met(*(["calls with sound"] if any(isinstance(event, happened.ReplyAudio) for event in events) else []))
    return events


CHAT = ChatPlan(URL, "step-audio-2", "wenrounansheng", "Be brief.", True, 3, 8000, 4000)


@many
@given(answers(streams.chats, 4), WISHES)
def test_chat(world, wishes):
    events = called(ChatLinkMaker(CHAT, SECRET, lambda: TOOLS), world, wishes)
    told = b"".join(event.pcm for event in events if isinstance(event, happened.ReplyAudio))
    text = "".join(event.text for event in events if isinstance(event, happened.ReplyText))
    streams.chat_is_told_once(told, text, data_sent(world))


def realtime(turns):
    return RealtimePlan(
        url="ws://127.0.0.1:9/v1/realtime",
        model="m",
        voice="v",
        instructions="Be brief.",
        turn_detection=turns,
        silence_ms=600,
        prefix_padding_ms=500,
        energy_threshold=2500,
        open_timeout_ms=8000,
        ping_interval_s=10.0,
        ping_timeout_s=5.0,
        append_ms=20,
        proxy=None,
        allow_plain=False,
    )


@many
@given(st.sampled_from(["server", "own"]), sockets(streams.calls, 1), WISHES)
def test_realtime(turns, world, wishes):
    events = called(RealtimeLinkMaker(realtime(turns), SECRET, lambda: TOOLS), world, wishes)
    frames = [text for server in world.met if server for text in server.sent]
    streams.nothing_is_told_twice(events, streams.distinct(frames))


CASCADE = CascadePlan(URL, "hears", "", (), "thinks", "Be brief.", "speaks", "v", "", 1.0, 8000, 4000)


class Three:
    """The three services of a cascade, each a World of its own."""

    def __init__(self, hearing, writing, speaking):
        self.hearing, self.writing, self.speaking = hearing, writing, speaking

    def __call__(self, *, is_http):
        return Answerer(self._choose) if is_http else self.speaking(is_http=False)

    def _choose(self, path):
        try:
            return (self.hearing if path.endswith("/asr/sse") else self.writing)(is_http=True)
        except ConnectionRefusedError:
            return None


WELL = (
    [(True, True, True)] * 4
    + [(True, True, False)] * 3
    + [(True, False, True)] * 2
    + [(False, True, True), (False,) * 3]
)
"""Which of the three do as they should: most often all or all but one, or few walks would come as far as to speak."""


@st.composite
def threes(draw):
    well = draw(st.sampled_from(WELL))
    kinds = ((answers, streams.recognitions), (answers, streams.chats), (sockets, streams.spoken))
    return Three(*(draw(make(kind, 3, well=good)) for (make, kind), good in zip(kinds, well, strict=True)))


@many
@given(threes(), WISHES)
def test_cascade(world, wishes):
    events = called(CascadeLinkMaker(CASCADE, SECRET, lambda: TOOLS), world, wishes)
    told = b"".join(event.pcm for event in events if isinstance(event, happened.ReplyAudio))
    streams.speech_is_told_once(told, [streams.distinct(one.sent) for one in world.speaking.met if one])
    text = "".join(event.text for event in events if isinstance(event, happened.ReplyText))
    streams.chat_is_told_once(b"", text, data_sent(world.writing))


@settings(max_examples=20)
@given(st.builds(Three, *(answers(kind, 1, well=True) for kind in (streams.recognitions, streams.chats)),
                 sockets(streams.spoken, 1, well=True)))  # fmt: skip
def test_an_unharmed_cascade_comes_to_speak(world):
    called(CascadeLinkMaker(CASCADE, SECRET, lambda: TOOLS), world, [])
    assert any(one["type"] == "tts.text.done" for one in world.speaking.log)
