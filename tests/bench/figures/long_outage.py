"""A long outage: after a thousand trials of every link the daemon is as it was, has said little, and comes back.

Three daemons side by side, asleep, each with a cloud and a LAN server that do not answer: `refused` (nothing listens at
their ports), `silent` (packets are dropped, so that connecting takes until its timeout: a listening socket whose queue
is full) and `dead` (no cloud, and a healthy door on the LAN with a dead model behind it). Between two trials they wait
10 ms where they would wait up to 30 s (`_IMPATIENT`); all else is as ever. Where a trial takes its time
there are fewer of them.

Growth is from after the first tenth of the trials to the last: resident memory, file descriptors and threads, of which
the least of several readings counts, as a trial that is under way holds some. Lines are those about links that an owner
sees (info and above), from the start to the last trial. Then the services are started, and the trials are counted that
fail all the same: one may have been under way.
"""

import socket
import time
from collections.abc import Callable, Iterable
from contextlib import ExitStack
from dataclasses import dataclass, field

from antiphon.simulator.room import Room
from antiphon.staging import KEY, Line, Stage
from bench.figure import Plan, Row, counted, figure
from bench.processes import descriptors, resident_mb, threads

_IMPATIENT = "import sys; from antiphon import calls, cli; calls._IDLE_FIRST_S = calls._IDLE_MAX_S = 0.01; "
_PROGRAM = ("-c", _IMPATIENT + "sys.exit(cli.main())")
_TRIALS = {"refused": 1000, "silent": 100, "dead": 50}
_LINKS = ("realtime", "generate")
_SETTINGS = (
    "realtime.open_timeout_ms=500",
    "generate.open_timeout_ms=100",
    "generate.first_sound_ms=1000",
    "log.level=debug",  # each trial of an outage is told there
)
_TAKES_S = 600.0  # one kind of outage, on a busy machine
_READINGS, _READ_EVERY_S = 50, 0.02


@dataclass(slots=True)
class _Outage:
    kind: str
    stage: Stage
    stack: ExitStack
    ports: dict[str, int]
    keeps: list[socket.socket]
    """What keeps the ports, and answers nobody."""
    early: dict[str, float] = field(default_factory=dict)
    late: dict[str, float] = field(default_factory=dict)
    lines: int = 0


@figure
def long_outage(_: Plan) -> Iterable[Row]:
    """Growth, lines and the return, of each kind of outage."""
    with ExitStack() as stack:
        outages = [_begin(stack, kind) for kind in reversed(_TRIALS)][::-1]  # the quickest begins last
        for outage in outages:
            _wait_for_trials(outage.stage, _TRIALS[outage.kind] // 10)
            outage.early = _held(outage.stage.daemon.pid)
        for outage in outages:
            _wait_for_trials(outage.stage, _TRIALS[outage.kind])
            outage.late = _held(outage.stage.daemon.pid)
            outage.lines = sum("call" in line and line["level"] != "debug" for line in outage.stage.daemon.lines)
        for outage in outages:
            yield from _rows(outage, _end(outage))


# ── the outage ───────────────────────────────────────────────────────────────────────────────────


def _begin(stack: ExitStack, kind: str) -> _Outage:
    """A daemon that has just found out."""
    keeps: list[socket.socket] = []
    ports = {link: _nobody_at(stack, keeps, silent=kind == "silent") for link in _LINKS}
    services = [f"realtime.url=ws://127.0.0.1:{ports['realtime']}/v1/realtime"]
    if kind != "dead":
        services.append(f"generate.urls=['http://127.0.0.1:{ports['generate']}']")
    stage = Stage(
        room=Room(),
        settings=[*_SETTINGS, *services],
        simulate=None,
        lan=["--fault", "dead"] if kind == "dead" else None,
        environ={"STEPFUN_API_KEY": KEY},
        code_s=1,
        program=_PROGRAM,
    )
    stack.enter_context(stage)
    if kind == "dead":
        ports["generate"] = int(stage.lan_url.rpartition(":")[2])
    return _Outage(kind, stage, stack, ports, keeps)


def _nobody_at(stack: ExitStack, keeps: list[socket.socket], *, silent: bool) -> int:
    """A port that is kept; whoever dials it is refused, or with `silent` hears nothing at all."""
    kept = stack.enter_context(socket.socket())
    kept.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    kept.bind(("127.0.0.1", 0))
    keeps.append(kept)
    if silent:
        kept.listen(0)
        keeps.append(stack.enter_context(socket.create_connection(kept.getsockname())))  # the queue takes one
    return int(kept.getsockname()[1])


def _wait_for_trials(stage: Stage, count: int) -> None:
    """Until every link has failed so often."""
    for link in _LINKS:
        stage.daemon.wait_until(_nth(count, link), timeout_s=_TAKES_S, what=f"{count} trials of {link}")


def _nth(count: int, link: str) -> Callable[[Line], bool]:
    """True of the `count`th failure of `link` that it is shown, and after."""
    seen = 0

    def fits(line: Line) -> bool:
        nonlocal seen
        seen += _is_failure(line, link)
        return seen >= count

    return fits


def _is_failure(line: Line, link: str) -> bool:
    return line["what"] in ("link-closed", "spare-call-closed") and str(line["link"]).startswith(link)


def _held(pid: int) -> dict[str, float]:
    """What the process holds, whatever its trials hold for a moment."""
    readings = []
    for _ in range(_READINGS):
        readings.append({"memory": resident_mb(pid), "descriptors": descriptors(pid), "threads": threads(pid)})
        time.sleep(_READ_EVERY_S)
    return {name: min(one[name] for one in readings) for name in readings[0]}


# ── its end ──────────────────────────────────────────────────────────────────────────────────────


def _end(outage: _Outage) -> int:
    """The services begin; returns how many trials failed after that, of the link with more of them."""
    stage = outage.stage
    for one in outage.keeps:
        one.close()
    if stage.lan is not None:
        stage.lan.process.kill()
        stage.lan.end()
        stage._lan = ()
    told = len(stage.daemon.lines)
    stage.start_service(outage.stack, outage.ports["realtime"])
    stage.start_lan(outage.stack, outage.ports["generate"])
    stage.daemon.wait_for("link-opened", told, link="realtime")
    stage.daemon.wait_until(
        lambda line: line["what"] == "link-tried" and line["link"].startswith("generate"), told, what="link-tried"
    )
    missed = []
    for link, actor in zip(_LINKS, (stage.service, stage.lan), strict=True):
        assert actor is not None
        there_s = float(actor.said("listening")[0]["t"])
        missed.append(sum(_is_failure(line, link) and line["t"] > there_s for line in stage.daemon.lines))
    return max(missed)


def _rows(outage: _Outage, missed: int) -> Iterable[Row]:
    name, trials = f"long_outage.{outage.kind}", _TRIALS[outage.kind]
    counted_over = trials - trials // 10

    def growth(of: str) -> float:
        return outage.late[of] - outage.early[of]

    yield counted(f"{name}.memory", f"MB over {counted_over}", growth("memory"), counted_over, reach=1)
    yield counted(f"{name}.descriptors", f"more over {counted_over}", growth("descriptors"), counted_over, reach=0)
    yield counted(f"{name}.threads", f"more over {counted_over}", growth("threads"), counted_over, reach=0)
    yield counted(f"{name}.lines", f"in {trials} trials", outage.lines, trials, reach=4)
    yield counted(f"{name}.missed", "trials", missed, len(_LINKS), reach=1)
