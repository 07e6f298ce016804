"""Thousands of turns, the cloud's connection cut at another place in each: who answered, and what went wrong, counted.

The turns and follow-ups of tests/test_cut_points.py, around every event of both ways and, of turns, at random bytes,
from other seeds. Mind, shell, mouth and both links are real, in one process; the services are simulated, on loopback
sockets; the room is played at ten times its speed. Right is: the LAN's server got the whole utterance once and its
whole reply was heard, or the cloud's reply was heard, to its end or as far as it came; never both, never neither.
"""

import asyncio
from collections.abc import Iterable
from itertools import chain

from bench.figure import Plan, Row, counted, figure
from cut_points import AFTERWARDS, at_bytes, at_events, try_all
from cut_turn import FOLLOWING, PATIENT, follow_up, take

_SEED = 1_000_000  # far from the suite's
_AT_BYTES = 1200
_AT_BYTES_ALONE = 4000


@figure
def cut_points(plan: Plan) -> Iterable[Row]:
    """Turns that went wrong, and who answered the others."""
    events = asyncio.run(take(manners=PATIENT)).events
    around = [
        at_events(way, range(1, events[way] + 1), afterwards, _SEED)
        for way in ("down", "up")
        for afterwards in AFTERWARDS
    ]
    told = asyncio.run(follow_up(manners=PATIENT.model_copy(update={"follow_up_ms": FOLLOWING.follow_up_ms})))
    assert told is not None, "a follow-up that nobody disturbs is heard"
    follow_ups = [
        at_events(way, range(1, told.events[way] + 1), afterwards, _SEED, follow_up=True)
        for way in ("down", "up")
        for afterwards in AFTERWARDS
    ]
    random = at_bytes(_AT_BYTES_ALONE if plan.alone else _AT_BYTES, _SEED)
    tally = try_all([*chain.from_iterable(around), *chain.from_iterable(follow_ups), *random])
    for failure in tally.failures:
        print(f"  wrong: {failure}")
    yield counted("cut_points.wrong", "turns", len(tally.failures), tally.tried, reach=0)
    yield counted("cut_points.not_cut", "turns", tally.tried - tally.struck, tally.tried)
    for outcome, count in sorted(tally.outcomes.items()):
        yield counted(
            f"cut_points.{outcome.replace(', ', '_').replace(' ', '_').lower()}", "turns", count, tally.struck
        )
