"""Memory of the whole daemon after its first turn: VmRSS of /proc/PID/status, and PSS of /proc/PID/smaps_rollup.

PSS shares out what several processes map, such as the C library; on a device where nothing else runs Python, the two
are close. After a turn every part has been used: ear, wake word models, link, mouth.
"""

from collections.abc import Iterable

from antiphon.simulator.room import Room
from antiphon.staging import Stage
from bench.figure import Plan, Row, figure, measured
from bench.processes import proportional_mb, resident_mb

_STARTS = 3


@figure
def resident_memory(_: Plan) -> Iterable[Row]:
    """Of several daemons, one after the other."""
    sizes = [_after_a_turn_mb() for _ in range(_STARTS)]
    yield measured("resident_memory", "MB", [resident for resident, _ in sizes], reach=100)
    yield measured("resident_memory.pss", "MB", [proportional for _, proportional in sizes])


def _after_a_turn_mb() -> tuple[float, float]:
    with Stage(room=Room(), settings=["conversation.follow_up_ms=0"], code_s=60) as stage:
        stage.speak("Hey Jarvis", "What time is it?")
        stage.daemon.wait_for("heard")
        stage.daemon.wait_for("asleep")
        return resident_mb(stage.daemon.pid), proportional_mb(stage.daemon.pid)
