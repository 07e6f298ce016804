"""A call ends once, whoever ends it, and nothing is told of it afterwards."""

import asyncio

import pytest

from antiphon.conversation.events import LinkAlive, LinkClosed, LinkOpened
from antiphon.errors import Problem
from antiphon.links.life import Life

LOST = Problem("lost", "the cable was pulled")
OTHER = Problem("garbled", "it sang")


def play(scene):
    """Run `scene(life)`; what was posted of call 4."""
    posted = []

    async def in_loop():
        await scene(Life(4, posted.append))

    asyncio.run(asyncio.wait_for(in_loop(), 10))
    return posted


async def for_ever():
    await asyncio.Event().wait()


@pytest.mark.parametrize(("reasons", "stands"), [([LOST, OTHER], LOST), ([None, LOST], None)])
def test_the_first_reason_stands(reasons, stands):
    async def scene(life):
        async def live():
            life.tell(LinkOpened(4))
            for reason in reasons:
                life.end(reason)
            life.tell(LinkAlive(4))
            await for_ever()

        assert not life.over
        await life.run(live)
        assert life.over
        assert life.problem == stands

    assert play(scene) == [LinkOpened(4), LinkClosed(4, stands)]


def test_one_that_has_nothing_more_to_do_lasts_until_it_is_ended():
    async def scene(life):
        over = []

        async def live():
            asyncio.get_running_loop().call_soon(lambda: (over.append(life.over), life.end(None)))

        await life.run(live)
        assert over == [False]

    assert play(scene) == [LinkClosed(4)]


def test_what_it_was_doing_is_over_before_it_says_so():
    posted = []

    async def scene():
        life = Life(4, posted.append)

        async def live():
            life.end(None)
            try:
                await for_ever()
            finally:
                posted.append("tidied up")

        await life.run(live)

    asyncio.run(asyncio.wait_for(scene(), 10))
    assert posted == ["tidied up", LinkClosed(4)]


def test_one_that_is_ended_before_it_runs():
    async def scene(life):
        life.end(LOST)
        await life.run(for_ever)

    assert play(scene) == [LinkClosed(4, LOST)]


def test_one_that_is_cancelled_has_no_problem():
    async def scene(life):
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(life.run(for_ever), 0.01)
        life.tell(LinkAlive(4))

    assert play(scene) == [LinkClosed(4)]


def test_a_fault_of_ours_is_not_hidden():
    async def scene(life):
        async def live():
            raise ZeroDivisionError

        with pytest.raises(ExceptionGroup):
            await life.run(live)

    assert play(scene) == [LinkClosed(4)]
