"""Orders, and the answers that find their askers."""

import asyncio

from antiphon.conversation.events import Commanded, VolumeWanted
from antiphon.runtime.orders import Orders


def test_each_asker_gets_his_own_answer():
    async def main():
        posted, all_of_them = [], asyncio.Event()

        def post(event):
            posted.append(event)
            if len(posted) == 2:
                all_of_them.set()

        orders = Orders(post)
        async with asyncio.TaskGroup() as group:
            stop = group.create_task(orders.order(lambda ask: Commanded("stop", ask), 30))
            volume = group.create_task(orders.order(lambda ask: VolumeWanted(40, 0, ask), 30))
            await all_of_them.wait()
            orders.answer(2, "the mixer is silent")
            orders.answer(2, "told twice")
            orders.answer(99, "nobody asked")
            orders.answer(1, "")
        assert posted == [Commanded("stop", 1), VolumeWanted(40, 0, 2)]
        assert (stop.result(), volume.result()) == ("", "the mixer is silent")
        orders.answer(1, "too late")

    asyncio.run(main())


def test_an_order_that_nobody_answers_is_given_up():
    async def main():
        orders = Orders(lambda _: None)
        assert "nobody has answered for 0.01 s" in await orders.order(lambda ask: Commanded("mute", ask), 0.01)

    asyncio.run(main())
