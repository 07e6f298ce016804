"""Start to readiness: from the daemon's exec to its line "ready", which is when systemd gets READY=1.

The start is taken just before the process is made. The daemon is started as its owner would start it, on a room with a
card and a service that answers; both clocks are CLOCK_MONOTONIC. Ready means that the microphone is open; the models
were loaded before. Files are in the page cache except perhaps at the first start, which counts like the others.
"""

import time
from collections.abc import Iterable
from contextlib import ExitStack

from antiphon.simulator.room import Room
from antiphon.staging import Stage
from bench.figure import Plan, Row, figure, measured

_STARTS = 10


@figure
def ready_time(_: Plan) -> Iterable[Row]:
    """Over several starts."""
    with Stage(room=Room(), code_s=60) as stage:
        stage.daemon.stop()
        values = [_start_s(stage) for _ in range(_STARTS)]
    yield measured("ready_time", "s", values, reach=1.5)


def _start_s(stage: Stage) -> float:
    with ExitStack() as stack:
        before_s = time.monotonic()
        stage.start_daemon(stack)
        return float(stage.daemon.wait_for("ready")["t"]) - before_s
