"""An outage of some minutes, in which people go on speaking: what it costs each turn, and when the cloud answers again.

Four rooms with a daemon, a cloud and a LAN server each. In two the cloud is killed (what is new is refused), in two it
is stopped (connections are taken, and nobody speaks). Then come five turns, about ten seconds apart; then the cloud is
back, at a random moment, and the turns go on until it answers.

`cloud_back.waited` is what a turn of the outage waited for the link that is down: from the wake word's detection to the
moment its LAN call was open, where none was before. The first, which finds the outage out, is in `failover`; the
rest are told of it. `cloud_back.turns` counts the turns after the return up to the first that the cloud answers.
"""

import os
import random
import signal
import time
from collections.abc import Iterable
from contextlib import ExitStack
from dataclasses import dataclass, field

from antiphon.simulator.room import Room
from antiphon.staging import Stage, StageError
from bench.figure import Plan, Row, counted, figure, measured

_ROOMS = 4
_TURNS = 5
_TURN_S = 20.0
_MOST_TURNS = 8
_REACH_MS = 1500
"""conversation.switch_ms: the set budget."""
_SETTINGS = ("conversation.follow_up_ms=0",)
_SERVICE = ("--reply", "Yes.")


@dataclass(slots=True)
class _Home:
    stage: Stage
    stack: ExitStack
    port: int
    kind: signal.Signals
    waited_ms: list[float] = field(default_factory=list)
    unanswered: int = 0
    turns: int = 0
    back_after: int | None = None


@figure
def cloud_back(_: Plan) -> Iterable[Row]:
    """Killed and stopped, side by side."""
    chance = random.Random(5)
    with ExitStack() as stack:
        homes = [_open(stack, signal.SIGKILL if number % 2 else signal.SIGSTOP) for number in range(_ROOMS)]
        for home in homes:
            assert home.stage.service is not None
            os.kill(home.stage.service.pid, home.kind)
        for _number in range(_TURNS):
            _turn(homes)
        time.sleep(chance.uniform(0, 10))
        for home in homes:
            _back(home)
        for number in range(1, _MOST_TURNS + 1):
            waiting = [home for home in homes if home.back_after is None]
            if not waiting:
                break
            time.sleep(chance.uniform(0, 5))
            for home, link in zip(waiting, _turn(waiting), strict=True):
                home.back_after = number if link == "realtime" else None
    turns = sum(home.turns for home in homes)
    yield measured("cloud_back.waited", "ms", [ms for home in homes for ms in home.waited_ms], reach=_REACH_MS)
    yield counted("cloud_back.not_answered", f"of {turns}", sum(home.unanswered for home in homes), turns, reach=0)
    yield measured("cloud_back.turns", "turns", [home.back_after or _MOST_TURNS for home in homes], reach=2)


def _open(stack: ExitStack, kind: signal.Signals) -> _Home:
    stage = stack.enter_context(Stage(room=Room(), settings=_SETTINGS, simulate=_SERVICE, lan=_SERVICE, code_s=10))
    assert stage.lan is not None
    stage.lan.wait_for("reply_sent")  # the daemon has tried it
    return _Home(stage, stack, int(stage.url.rpartition(":")[2].partition("/")[0]), kind)


def _back(home: _Home) -> None:
    cloud = home.stage.service
    assert cloud is not None
    if home.kind is signal.SIGSTOP:
        os.kill(cloud.pid, signal.SIGCONT)
    else:
        cloud.end()
        home.stage.start_service(home.stack, home.port)


def _turn(homes: list[_Home]) -> list[str]:
    """One turn in each room at the same time; the link that answered, "" for none."""
    starts = [len(home.stage.daemon.lines) for home in homes]
    for home in homes:
        home.stage.speak("Hey Jarvis", "What time is it?", "slt")
    links = []
    for home, start in zip(homes, starts, strict=True):
        daemon = home.stage.daemon
        home.turns += 1
        try:
            woke = daemon.wait_for("woke", after=start, timeout_s=_TURN_S)
            daemon.wait_for("asleep", after=start, timeout_s=_TURN_S)
        except StageError:
            home.unanswered += 1
            links.append("")
            continue
        opened = [line for line in daemon.said("link-opened", after=start) if line["t"] >= woke["t"]]
        lan = [line for line in opened if str(line["link"]).startswith("generate")]
        told = not daemon.said("link-closed", after=start) and not daemon.said("link-given-up", after=start)
        if lan and told:
            home.waited_ms.append((float(lan[0]["t"]) - float(woke["t"])) * 1000)
        home.unanswered += not daemon.said("heard", after=start)
        over = daemon.said("turn-over", after=start)
        links.append(str(over[-1]["link"]) if over else "")
    return links
