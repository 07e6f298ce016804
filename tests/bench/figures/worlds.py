"""A hundred thousand turns in virtual time, where links fail in every way: how many were not as they should be.

The worlds of tests/conversation/world.py, all arrangements of links, from other seeds than the suite's: a third of all
links fail in a turn, and a tenth of all turns are interrupted, muted, begun anew or given up. In two thirds of the
worlds the ear hears while we sound, and half of all replies there are spoken or coughed over; in half of these somebody
elsewhere has texts said and turns the volume. What is right is told by judge.py there. Turns per second are by
CLOCK_MONOTONIC, and of the world's own work as well as of the mind.
"""

import time
from collections import Counter
from collections.abc import Iterable
from itertools import product

from bench.figure import Plan, Row, counted, figure, measured
from conversation.world import ARRANGEMENTS, Climate, live

_TURNS = 100_000
_IN_A_WORLD = 100
_SEED = 1_000_000  # far from the suite's
_STORMS = (
    Climate(faults=0.3, disturbances=0.1, overlaps=0.2),
    Climate(faults=0.3, disturbances=0.1, overlaps=0.5, full=True),
    Climate(faults=0.3, disturbances=0.1, overlaps=0.5, full=True, orders=True),
)
_OUTCOMES = ("answered", "sorry", "interrupted", "begun anew", "given up", "withdrawn", "unnoticed", "ignored")
_OVER_REPLIES = ("barge-in", "coughed over", "held", "resumed", "coughs believed")


@figure
def worlds(_: Plan) -> Iterable[Row]:
    """Rules broken, what came of the turns, and the time of one."""
    seeds = range(_SEED, _SEED + -(-_TURNS // (_IN_A_WORLD * len(ARRANGEMENTS) * len(_STORMS))))
    score: Counter[str] = Counter()
    turns = wrong = 0
    each_ms: list[float] = []
    for arrangement, storm in product(ARRANGEMENTS, _STORMS):
        began_s = time.monotonic()
        tally = live(arrangement, storm, seeds, _IN_A_WORLD)
        each_ms.append(1000 * (time.monotonic() - began_s) / max(1, tally.turns))
        for one in tally.wrong:
            print(f"  wrong: {one}")
        turns, wrong, score = turns + tally.turns, wrong + len(tally.wrong), score + tally.score
    yield counted("worlds.wrong", "turns", wrong, turns, reach=0)
    for outcome in _OUTCOMES + _OVER_REPLIES:
        yield counted(f"worlds.{outcome.replace(' ', '_').replace('-', '_')}", "turns", score[outcome], turns)
    yield measured("worlds.turn", "ms", each_ms)
