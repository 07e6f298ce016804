"""How soon a cascade speaks: sentence by sentence, beside the same with a voice that waits for the whole text.

Both ways ask one simulated service in turns, in the same run: recognition with its first word after 0.4 s, a chat model
that begins 0.9 s after it is asked and then writes a word in 60 ms, sixty in all, a voice that needs 0.66 s from a
sentence to its first sound. The time is CLOCK_MONOTONIC from the end of the turn (commit_turn) to the first
sound that the link tells. `ratio` is the one in percent of the other, pair by pair.
"""

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Callable, Iterable

from antiphon.conversation.events import Event, LinkClosed, ReplyAudio
from antiphon.links.cascade.link import CascadeLink
from antiphon.links.cascade.stages import CascadePlan, StepFunStages
from antiphon.pcm import LINK_RATE_HZ, bytes_of
from antiphon.secret import Secret
from antiphon.settings import Settings
from antiphon.simulator.stepfun.options import DEFAULT_KEY, SimulatorOptions, Timing
from antiphon.simulator.stepfun.script import Reply
from antiphon.speech.service import Patience
from bench.figure import Plan, Row, figure, measured
from loopback import stepfun, tone

_PAIRS = 5
_ANSWER = (
    "A rainbow is sunlight that drops of water have sent back to you. As it goes into a drop it is bent, each colour "
    "by another angle, and once more as it comes out again. So red reaches your eyes from the drops higher up, and "
    "blue from those below them. You see it only with the sun behind you and the rain in front."
)


@figure
def cascade(plan: Plan) -> Iterable[Row]:
    """First the one, then the other, so many times."""
    pairs = 2 * _PAIRS if plan.alone else _PAIRS
    logging.getLogger("aiohttp.server").addHandler(logging.NullHandler())  # whoever has heard enough hangs up
    options = SimulatorOptions(timing=Timing(word_ms=60.0), quick_connections=0, replies=(Reply(_ANSWER),))
    with stepfun(options) as service:
        given = Settings().cascade.model_dump()
        wanted = CascadePlan(**{**given, "url": service.speech_url(), "first_sound_ms": 60_000, "gap_ms": 60_000})
        times = [
            (asyncio.run(_turn_ms(wanted, StepFunStages)), asyncio.run(_turn_ms(wanted, _Whole))) for _ in range(pairs)
        ]
    yield measured("cascade.by_sentence", "ms", [sooner for sooner, _ in times])
    yield measured("cascade.whole_text", "ms", [later for _, later in times])
    yield measured("cascade.ratio", "%", [100 * sooner / later for sooner, later in times], reach=60)


class _Whole(StepFunStages):
    """The voice is given all of the text at once."""

    async def speak(self, texts: AsyncIterator[str], hear: Callable[[bytes], None], patience: Patience) -> None:
        async def whole() -> AsyncIterator[str]:
            yield "".join([text async for text in texts])

        await super().speak(whole(), hear, patience)


async def _turn_ms(plan: CascadePlan, stages: type[StepFunStages]) -> float:
    sounded: list[float] = []
    told = asyncio.Event()

    def post(event: Event) -> None:
        if isinstance(event, ReplyAudio):
            sounded.append(time.monotonic())
        if isinstance(event, ReplyAudio | LinkClosed):
            told.set()

    link = CascadeLink(plan, lambda: stages(plan, Secret(DEFAULT_KEY, "the bench")), (), 1, (), post)
    async with asyncio.TaskGroup() as group:
        group.create_task(link.run())
        await asyncio.sleep(0)
        link.send_audio(2 * bytes_of(tone("", "", LINK_RATE_HZ)))
        began_s = time.monotonic()
        link.commit_turn()
        await told.wait()
        link.close()
    return (sounded[0] - began_s) * 1000
