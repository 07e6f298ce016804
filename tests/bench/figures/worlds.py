"""A hundred thousand turns in virtual time, where links fail in every way: how many were not as they should be.

The worlds of tests/conversation/world.py, all arrangements of links, from other seeds than the suite's: a third of all
links fail in a turn, and a tenth of all turns are interrupted, muted or given up. What is right is told by judge.py
there. Turns per second are by CLOCK_MONOTONIC, and of the world's own work as well as of the mind.
"""

import time
from collections import Counter
from collections.abc import Iterable

from bench.figure import Plan, Row, counted, figure, measured
from conversation.world import ARRANGEMENTS, Climate, live

_TURNS = 100_000
_IN_A_WORLD = 100
_SEED = 1_000_000  # far from the suite's
_STORM = Climate(faults=0.3, disturbances=0.1)
_OUTCOMES = ("answered", "sorry", "given up", "withdrawn", "unnoticed", "ignored")


@figure
def worlds(_: Plan) -> Iterable[Row]:
    """Rules broken, what came of the turns, and the time of one."""
    seeds = range(_SEED, _SEED + -(-_TURNS // (_IN_A_WORLD * len(ARRANGEMENTS))))
    score: Counter[str] = Counter()
    turns = wrong = 0
    each_ms: list[float] = []
    for arrangement in ARRANGEMENTS:
        began_s = time.monotonic()
        tally = live(arrangement, _STORM, seeds, _IN_A_WORLD)
        each_ms.append(1000 * (time.monotonic() - began_s) / max(1, tally.turns))
        for one in tally.wrong:
            print(f"  wrong: {one}")
        turns, wrong, score = turns + tally.turns, wrong + len(tally.wrong), score + tally.score
    yield counted("worlds.wrong", "turns", wrong, turns, reach=0)
    for outcome in _OUTCOMES:
        yield counted(f"worlds.{outcome.replace(' ', '_')}", "turns", score[outcome], turns)
    yield measured("worlds.turn", "ms", each_ms)
