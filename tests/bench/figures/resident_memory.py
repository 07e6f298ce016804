"""Memory of the whole daemon after its first turn: VmRSS of /proc/PID/status, and PSS of /proc/PID/smaps_rollup.

PSS shares out what several processes map, such as the C library; on a device where nothing else runs Python, the two
are close. After a turn every part has been used: ear, wake word models, link, mouth. `with_lan` has a server on its LAN
as well, and a second turn behind it, which that one answered in the cloud's place.
"""

from collections.abc import Iterable

from antiphon.simulator.room import Room
from antiphon.staging import Stage
from bench.figure import Plan, Row, figure, measured
from bench.processes import proportional_mb, resident_mb

_STARTS = 3
_SETTINGS = ("conversation.follow_up_ms=0",)


@figure
def resident_memory(_: Plan) -> Iterable[Row]:
    """Of several daemons, one after the other."""
    sizes = [_after_a_turn_mb() for _ in range(_STARTS)]
    yield measured("resident_memory", "MB", [resident for resident, _ in sizes], reach=100)
    yield measured("resident_memory.pss", "MB", [proportional for _, proportional in sizes])
    with_lan = [_after_a_turn_of_each_mb() for _ in range(_STARTS)]
    yield measured("resident_memory.with_lan", "MB", with_lan, reach=100)


def _after_a_turn_mb() -> tuple[float, float]:
    with Stage(room=Room(), settings=_SETTINGS, code_s=60) as stage:
        _take_turn(stage, "realtime")
        return resident_mb(stage.daemon.pid), proportional_mb(stage.daemon.pid)


def _after_a_turn_of_each_mb() -> float:
    with Stage(room=Room(), settings=_SETTINGS, lan=(), code_s=60) as stage:
        _take_turn(stage, "realtime")
        assert stage.service is not None
        stage.service.process.kill()
        stage.daemon.wait_for("link-closed")
        _take_turn(stage, "generate")
        return resident_mb(stage.daemon.pid)


def _take_turn(stage: Stage, link: str) -> None:
    told = len(stage.daemon.lines)
    stage.speak("Hey Jarvis", "What time is it?")
    over = stage.daemon.wait_for("turn-over", told)
    stage.daemon.wait_for("heard", told)
    stage.daemon.wait_for("asleep", told)
    assert str(over["link"]).startswith(link), over
