"""What listening costs: processor time per second of audio with one openWakeWord model, beside the bare engine.

The daemon sleeps, and the room holds noise with ordinary sentences and no wake word. The daemon (all threads, user's
and system's time, from the kernel's clock of the process) and a child that runs the engine alone over the same file,
in 80 ms blocks at the same pace, are read together every five seconds. So both meet the same machine, and the ratio
holds on another one. Beside them, in a room like the first, a daemon that knows a server on its LAN as well.
"""

import subprocess
import sys
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from antiphon.simulator.room import Room
from antiphon.staging import Stage
from bench import engine_alone
from bench.figure import Plan, Row, figure, measured
from bench.household import furnish
from bench.processes import cpu_s

_WINDOWS = 18
_WINDOW_S = 5.0
_SETTLING_S = 5.0


class _WokeError(Exception):
    """The daemon did not stay asleep, so what was measured is not its idling."""


@figure
def idle_cpu(_: Plan) -> Iterable[Row]:
    """Daemon, engine, and the one by the other."""
    with Stage(room=Room(), code_s=1) as stage, Stage(room=Room(), lan=(), code_s=1) as with_lan:
        for one in (stage, with_lan):
            assert one.room is not None
            furnish(one.room, _SETTLING_S + _WINDOWS * _WINDOW_S + 5)
        assert stage.room is not None
        with _engine_alone(stage.room) as engine:
            time.sleep(_SETTLING_S)
            daemon_ms, engine_ms, with_lan_ms = _side_by_side(stage.daemon.pid, engine, with_lan.daemon.pid)
        if stage.daemon.said("woke") or with_lan.daemon.said("woke"):
            raise _WokeError("a daemon heard a wake word where there was none")
    ratios = [ours / theirs for ours, theirs in zip(daemon_ms, engine_ms, strict=True)]
    yield measured("idle_cpu.daemon", "ms per s", daemon_ms, reach=20)
    yield measured("idle_cpu.with_lan", "ms per s", with_lan_ms, reach=20)
    yield measured("idle_cpu.engine", "ms per s", engine_ms)
    yield measured("idle_cpu.ratio", "x", ratios, reach=2.5)


@contextmanager
def _engine_alone(room: Room) -> Iterator[int]:
    """The child hears what the microphone hears; yields its process id."""
    frame = room.mic.now_frame()
    arguments = [str(room.mic.path), str(frame), str(room.mic.time_of(frame))]
    child = subprocess.Popen([sys.executable, str(Path(engine_alone.__file__)), *arguments])
    try:
        yield child.pid
    finally:
        child.terminate()
        child.wait()


def _side_by_side(*pids: int) -> list[list[float]]:
    """For each process, window by window, the milliseconds of processor time that a second of audio took."""
    costs: list[list[float]] = [[] for _ in pids]
    before = [(time.monotonic(), cpu_s(pid)) for pid in pids]
    for _ in range(_WINDOWS):
        time.sleep(_WINDOW_S)
        after = [(time.monotonic(), cpu_s(pid)) for pid in pids]
        for cost, (began_s, had_s), (ended_s, has_s) in zip(costs, before, after, strict=True):
            cost.append(1000 * (has_s - had_s) / (ended_s - began_s))
        before = after
    return costs
