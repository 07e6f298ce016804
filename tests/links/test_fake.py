"""The scripted link keeps the port's promises: it ends once, last, whoever ends it."""

import asyncio

import pytest

from antiphon.conversation.events import (
    LinkAlive,
    LinkClosed,
    LinkOpened,
    ReplyAudio,
    ReplyEnded,
    ReplyStarted,
    UserSaid,
)
from antiphon.conversation.history import Turn
from antiphon.errors import Problem
from antiphon.links.fake import AfterAudio, AfterCancels, AfterCommits, FakeLinks, one_turn

LOST = Problem("lost", "the cable was pulled")
MS = bytes(48)


async def settle():
    """Let every task that can go on go on."""
    for _ in range(10):
        await asyncio.sleep(0)


def play(script, *acts):
    """Run one call of the script, doing one act after the other; returns the link and what it posted."""

    async def scene():
        posted = []
        link = FakeLinks(script)(4, [Turn("user", "hello")], posted.append, trial=False)
        async with asyncio.TaskGroup() as group:
            task = group.create_task(link.run())
            for act in acts:
                await settle()
                act(link, task)
        return link, posted

    return asyncio.run(asyncio.wait_for(scene(), 10))


def close(link, _):
    link.close()


def check(link, _):
    link.check()


def test_script_waits_for_what_it_waits_for():
    script = [
        LinkOpened(0),
        AfterAudio(2.0),
        UserSaid(0, "a", ""),
        AfterCommits(),
        UserSaid(0, "b", ""),
        AfterCancels(),
        LinkClosed(0, LOST),
    ]
    seen = []
    link, posted = play(
        script,
        lambda link, _: link.send_audio(MS),
        lambda link, _: (seen.append(len(link.heard)), link.send_audio(MS)),
        lambda link, _: link.commit_turn(),
        lambda link, _: link.cancel_reply("r", 3.0),
    )
    assert posted == [LinkOpened(4), UserSaid(4, "a", ""), UserSaid(4, "b", ""), LinkClosed(4, LOST)]
    assert seen == [48]
    assert (bytes(link.heard), link.commits, link.cancelled) == (MS * 2, 1, [("r", 3.0)])
    assert link.history == (Turn("user", "hello"),)


def test_script_without_an_end_waits_for_close():
    _, posted = play([LinkOpened(0)], close, close)
    assert posted == [LinkOpened(4), LinkClosed(4)]


def test_a_check_shows_life_until_the_end():
    link, posted = play([LinkOpened(0)], check, check, close, check)
    assert posted == [LinkOpened(4), LinkAlive(4), LinkAlive(4), LinkClosed(4)]
    assert link.checks == 3


def test_close_in_the_middle():
    link, posted = play(
        [LinkOpened(0), AfterAudio(1.0), UserSaid(0, "a", "")], close, lambda link, _: link.send_audio(MS)
    )
    assert posted == [LinkOpened(4), LinkClosed(4)]
    assert not link.heard


def test_close_before_it_runs():
    async def scene():
        posted = []
        link = FakeLinks([LinkOpened(0)])(4, [], posted.append, trial=False)
        link.close()
        await link.run()
        return posted

    assert asyncio.run(scene()) == [LinkClosed(4)]


def test_cancelled_from_outside():
    async def scene():
        posted = []
        link = FakeLinks([LinkOpened(0)])(4, [], posted.append, trial=False)
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(link.run(), 0.01)
        return posted

    assert asyncio.run(scene())[-1] == LinkClosed(4)


def test_one_turn_is_a_whole_one():
    _, posted = play(one_turn(MS, speech_ms=2), lambda link, _: link.send_audio(MS * 2), close)
    kinds = [type(event) for event in posted]
    assert kinds.index(ReplyStarted) < kinds.index(ReplyAudio) < kinds.index(ReplyEnded) < kinds.index(LinkClosed)


def test_each_call_has_its_script_and_further_ones_the_last():
    async def scene():
        posted = []
        links = FakeLinks([LinkClosed(0, LOST)], [LinkClosed(0)])
        for call in (1, 2, 3):
            await links(call, [], posted.append, trial=call == 2).run()
        return posted, [(link.call, link.trial) for link in links.made]

    events, made = asyncio.run(scene())
    assert events == [LinkClosed(1, LOST), LinkClosed(2), LinkClosed(3)]
    assert made == [(1, False), (2, True), (3, False)]
