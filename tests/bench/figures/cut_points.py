"""Thousands of turns, the cloud's connection cut at another place in each: who answered, and what went wrong, counted.

The turns of tests/test_cut_points.py, around every event of both ways and at random bytes, from other seeds. Mind,
shell, mouth and both links are real, in one process; the services are simulated, on loopback sockets; the room is
played at ten times its speed. Right is: the LAN's server got the whole utterance once and its whole reply was heard, or
the cloud's reply was heard, to its end or as far as it came; never both, never neither.
"""

import asyncio
from collections.abc import Iterable
from itertools import chain

from bench.figure import Plan, Row, counted, figure
from cut_points import AFTERWARDS, at_bytes, at_events, try_all
from cut_turn import PATIENT, take

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
    tally = try_all([*chain.from_iterable(around), *at_bytes(_AT_BYTES_ALONE if plan.alone else _AT_BYTES, _SEED)])
    for failure in tally.failures:
        print(f"  wrong: {failure}")
    yield counted("cut_points.wrong", "turns", len(tally.failures), tally.tried, reach=0)
    yield counted("cut_points.not_cut", "turns", tally.tried - tally.struck, tally.tried)
    for outcome, count in sorted(tally.outcomes.items()):
        yield counted(
            f"cut_points.{outcome.replace(', ', '_').replace(' ', '_').lower()}", "turns", count, tally.struck
        )
