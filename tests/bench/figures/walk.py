"""A million events through the mind: a random walk that breaks no rule and makes every allowed move.

The walk of tests/conversation/walk.py, ten times as long as in the suite and from other seeds. Microseconds per event
are by CLOCK_MONOTONIC, and of the walk's own checks as well as of the mind.
"""

import time
from collections import Counter
from collections.abc import Iterable

from bench.figure import Plan, Row, counted, figure, measured
from conversation import walk as wandering

_PARTS = 10
_EVENTS = 100_000
_SEED = 1_000_000  # far from the suite's


@figure
def walk(_: Plan) -> Iterable[Row]:
    """Rules broken, moves never made, and the time of one event."""
    made: Counter[object] = Counter()
    broken: list[str] = []
    each_us: list[float] = []
    for part in range(_PARTS):
        began_s = time.monotonic()
        try:
            moves, events = wandering.walk(_SEED * (part + 1), _EVENTS)
        except AssertionError as rule:
            broken.append(f"seed {_SEED * (part + 1)}: {rule}")
            continue
        each_us.append(1e6 * (time.monotonic() - began_s) / events)
        made += moves
    for rule in broken:
        print(f"  broken: {rule}")
    every = wandering.EVERY_MOVE
    yield counted("walk.rules_broken", "rules", len(broken), _PARTS * _EVENTS, reach=0)
    yield counted("walk.moves_not_made", f"of {len(every)} moves", len(every - set(made)), _PARTS * _EVENTS, reach=0)
    yield measured("walk.event", "us", each_us)
