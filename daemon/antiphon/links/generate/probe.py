"""Whether a server's model speaks: it is asked for a word. Nothing else proves it, as an open door says nothing of it.

The question is in writing, so it harms nobody: speech is deleted 60 s after it came, and a model that is still loading
then, and finds its file gone, ends for good.
"""

import asyncio
from collections.abc import Callable

from antiphon.links.generate import troubles
from antiphon.links.generate.exchange import Exchange
from antiphon.links.generate.seats import Seats
from antiphon.links.generate.server import Server
from antiphon.links.generate.wire import written
from antiphon.ports import LinkCounters

PROBE = "Say yes."
"""The shortest answer there is, so that it holds its seat for a moment only."""

PROBE_ENDS_S = 20.0
"""How long the answer is listened to after its question, beyond the time to its first sound."""


async def probe(
    server: Server,
    seats: Seats,
    counters: LinkCounters,
    spoke: Callable[[float], None],
    *,
    first_sound_ms: float,
    gap_ms: float,
) -> None:
    """Hear the model speak; `spoke` is told at each piece how many seconds went by before the first. Raises LinkError
    when it does not.

    Its few words are heard to their end, so that they hold no seat when we go. Nor do they count as left behind when
    they never come: a server that gets to them is done with them at once.
    """
    loop = asyncio.get_running_loop()
    limits = {"first_sound_ms": first_sound_ms, "gap_ms": gap_ms}
    exchange = Exchange(server, Seats(), lambda _: spoke(exchange.took_s), **limits)
    asked_s = loop.time()
    try:
        async with asyncio.timeout(first_sound_ms / 1000 + PROBE_ENDS_S):
            heard_ms = await exchange.run(written(PROBE))
    except TimeoutError:  # it speaks, if at length
        seats.leave(asked_s, loop.time(), exchange.length_ms / 1000)
        return
    finally:
        counters.received += exchange.pieces
    if not heard_ms:
        raise troubles.no_answer(server.host)
    seats.answered(asked_s, loop.time(), heard_ms / 1000)
