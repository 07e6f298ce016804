"""The model process by the clock: who asks gets what is made, who has died gives nothing."""

import asyncio

import pytest

from antiphon.simulator.voxserve.batch import Batch, FullError, Job
from antiphon.simulator.voxserve.engine import Engine
from antiphon.simulator.voxserve.windows import Window
from simulator.voxserve.bench import run

REPLY = (Window(b"ab", 28), Window(b"c", 31))


def scene(play, **settings):
    """Run `play(engine, deaths)` beside a running engine."""

    async def whole():
        engine, deaths = Engine(Batch(**({"slots": 2, "prefill_s": 0.0, "speed": 0.0} | settings))), asyncio.Queue()
        async with asyncio.TaskGroup() as group:
            task = group.create_task(engine.run(lambda number, why, _now: deaths.put_nowait((number, why))))
            result = await play(engine, deaths)
            task.cancel()
        return result

    return run(whole)


async def whole_of(made):
    windows = [await made.get()]
    while not windows[-1].last:
        windows.append(await made.get())
    return [(window.number, window.pcm) for window in windows]


@pytest.mark.parametrize("speed", [0.0, 1000.0])
def test_each_gets_its_own(speed):
    async def play(engine, _deaths):
        queues = [asyncio.Queue() for _ in range(5)]
        for number, queue in enumerate(queues):
            engine.ask(Job(number, REPLY), queue)
        return [await whole_of(queue) for queue in queues]

    assert scene(play, speed=speed) == [[(number, b"ab"), (number, b"c")] for number in range(5)]


def test_a_death_is_told_and_nothing_comes_after_it():
    async def play(engine, deaths):
        before, after = asyncio.Queue(), asyncio.Queue()
        engine.ask(Job(0, REPLY), before)
        got = await whole_of(before)
        engine.ask(Job(1, doom="why"), after)
        death = await deaths.get()
        engine.ask(Job(2, REPLY), after)
        return len(got), death, engine.dead, after.empty()

    assert scene(play) == (2, (1, "why"), True, True)


def test_the_killed_take_in_what_they_never_read():
    async def play(engine, _deaths):
        engine.kill()
        for _ in range(272):
            engine.tell()
        with pytest.raises(FullError):
            engine.tell()

    scene(play)
