"""The one door: first in, first out, from any thread; closed, it lets nothing in and nobody wait."""

import asyncio
import threading

from antiphon.conversation.events import LinkOpened, Started
from antiphon.runtime.inbox import Inbox

BOUND_S = 20


def within(story):
    async def bounded():
        async with asyncio.timeout(BOUND_S):
            await story()

    asyncio.run(bounded())


def test_first_in_is_first_out():
    async def story():
        inbox = Inbox()
        assert inbox.take() is None
        for call in range(3):
            inbox.post(LinkOpened(call))
        await inbox.wait()
        assert [inbox.take() for _ in range(4)] == [LinkOpened(0), LinkOpened(1), LinkOpened(2), None]
        assert inbox.posted == 3

    within(story)


def test_waiting_ends_when_another_thread_posts():
    async def story():
        inbox = Inbox()
        async with asyncio.TaskGroup() as group:
            waiting = group.create_task(inbox.wait())
            await asyncio.sleep(0)
            assert not waiting.done()
            threading.Thread(target=inbox.post, args=(Started(),)).start()
        assert inbox.take() == Started()

    within(story)


def test_many_threads_post_and_nothing_is_lost():
    """Each thread's events keep their order."""

    async def story():
        inbox = Inbox()
        threads = [
            threading.Thread(target=lambda low: [inbox.post(LinkOpened(low + n)) for n in range(500)], args=(low,))
            for low in (0, 1000, 2000)
        ]
        for thread in threads:
            thread.start()
        taken = []
        while len(taken) < 1500:
            await inbox.wait()
            while (event := inbox.take()) is not None:
                taken.append(event.call)
        for low in (0, 1000, 2000):
            assert [call for call in taken if low <= call < low + 1000] == list(range(low, low + 500))
        assert inbox.posted == 1500

    within(story)


def test_a_wait_after_all_was_taken_waits_again():
    """What was posted and taken before the wait does not end it."""

    async def story():
        inbox = Inbox()
        inbox.post(Started())
        inbox.take()
        async with asyncio.TaskGroup() as group:
            waiting = group.create_task(inbox.wait())
            for _ in range(5):
                await asyncio.sleep(0)
            assert not waiting.done()
            inbox.post(Started())

    within(story)


def test_a_closed_inbox_is_empty_and_lets_nobody_wait():
    async def story():
        inbox = Inbox()
        inbox.post(Started())
        inbox.take()
        async with asyncio.TaskGroup() as group:
            group.create_task(inbox.wait())
            await asyncio.sleep(0)
            inbox.post(Started())
            inbox.close()
        inbox.post(LinkOpened(1))
        await inbox.wait()
        assert inbox.take() is None
        assert inbox.posted == 2, "what came too late is not counted: nobody will handle it"

    within(story)


def test_a_thread_may_post_after_the_loop_is_gone():
    """A driver's thread may be late: it must not fail for that."""
    kept = []

    async def story():
        kept.append(Inbox())
        kept[0].close()

    within(story)
    kept[0].post(Started())
    assert kept[0].take() is None
