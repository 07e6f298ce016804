"""An hour of a lived-in room, and nobody speaks to the device: does it grow, and does it wake?

Sentences, silences and noise are laid under the microphone beforehand, so that nothing but the daemon uses the
processor while it listens. The daemon's memory (VmRSS), file descriptors and threads are read every ten seconds;
growth is from the minute after the first five to the last one, so that what settles in the beginning does not count. A
false wake is a line "woke". With a warm call the hour includes its renewal after 25 minutes.

A plain `make bench` listens for five minutes, of which the first one settles; `make bench ONLY=idle_hour` for an hour,
and `HOURS=3` for three. The unit says which it was.
"""

import statistics
import time
from collections.abc import Iterable
from dataclasses import dataclass

from antiphon.simulator.room import Room
from antiphon.staging import Stage
from bench import processes
from bench.figure import Plan, Row, counted, figure
from bench.household import furnish

_SHORT_S = 300.0
_EVERY_S = 10.0
_AROUND = 6  # readings, so a minute, whose middle one counts


@dataclass(frozen=True, slots=True)
class _Reading:
    at_s: float
    resident_mb: float
    descriptors: int
    threads: int
    cpu_s: float

    @classmethod
    def of(cls, pid: int) -> "_Reading":
        return cls(
            time.monotonic(),
            processes.resident_mb(pid),
            processes.descriptors(pid),
            processes.threads(pid),
            processes.cpu_s(pid),
        )


@figure
def idle_hour(plan: Plan) -> Iterable[Row]:
    """Growth, false wakes, and what it cost."""
    seconds = plan.hours * 3600 if plan.hours else 3600.0 if plan.alone else _SHORT_S
    with Stage(room=Room(), code_s=1) as stage:
        assert stage.room is not None
        said = furnish(stage.room, seconds)
        readings = _watch(stage, seconds)
        wakes = len(stage.daemon.said("woke"))
        overflows = stage.room.overflows
    settled_s = min(300.0, seconds / 5)
    later = [one for one in readings if one.at_s - readings[0].at_s >= settled_s]
    first, last = later[:_AROUND], later[-_AROUND:]
    span_s = later[-1].at_s - later[0].at_s
    over = f"over {span_s / 60:.0f} min"

    def growth(name: str) -> float:
        before, after = (statistics.median(getattr(one, name) for one in some) for some in (first, last))
        return float(after - before)

    yield counted("idle_hour.false_wakes", f"in {seconds / 60:.0f} min", wakes, said, reach=0)
    yield counted("idle_hour.memory_growth", f"MB {over}", growth("resident_mb"), len(later))
    yield counted("idle_hour.memory_most", "MB", max(one.resident_mb for one in later), len(later), reach=100)
    yield counted("idle_hour.descriptors", f"more {over}", growth("descriptors"), len(later), reach=0)
    yield counted("idle_hour.threads", f"more {over}", growth("threads"), len(later), reach=0)
    yield counted("idle_hour.cpu", "ms per s", 1000 * (later[-1].cpu_s - later[0].cpu_s) / span_s, len(later), reach=20)
    yield counted("idle_hour.overflows", f"in {seconds / 60:.0f} min", overflows, len(later), reach=0)


def _watch(stage: Stage, seconds: float) -> list[_Reading]:
    """A reading every ten seconds, for so long."""
    readings = [_Reading.of(stage.daemon.pid)]
    while (elapsed_s := time.monotonic() - readings[0].at_s) < seconds:
        time.sleep(min(_EVERY_S, seconds - elapsed_s + 0.01))
        readings.append(_Reading.of(stage.daemon.pid))
    return readings
