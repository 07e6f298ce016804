"""Wake word detected, to its first sound at the service.

From `detected_at` of the daemon's line "woke" (the ear's thread, when the engine's score passes the threshold) to the
service's line "first_append" or "append_resumed" (its own process, when the message has been read). Both processes
read CLOCK_MONOTONIC. On loopback: what a network adds is its own, once when warm, and some four times when cold (TCP,
TLS, upgrade, append). Only the wake word is said; what follows it changes nothing of the way to the first append.
"""

from collections.abc import Iterable
from itertools import cycle, islice

from antiphon.simulator.room import Room
from antiphon.simulator.speech import FLITE_VOICES, synthesise
from antiphon.staging import Line, Stage, StageError
from bench.figure import Plan, Row, figure, measured

_TIMES = 24
_MISSES = 6


@figure
def wake_to_wire_warm(_: Plan) -> Iterable[Row]:
    """With a call open while asleep, as the settings have it."""
    yield measured("wake_to_wire_warm", "ms", _latencies_ms("warm"), reach=20)


@figure
def wake_to_wire_cold(_: Plan) -> Iterable[Row]:
    """With a call that is opened at the wake word."""
    yield measured("wake_to_wire_cold", "ms", _latencies_ms("on_demand"))


def _latencies_ms(connection: str) -> list[float]:
    settings = [
        f"realtime.connection={connection}",
        "conversation.nothing_said_ms=1000",
        "conversation.follow_up_ms=0",
    ]
    with Stage(room=Room(), settings=settings, simulate=["--quick", "--reply", "Yes."], code_s=300) as stage:
        values: list[float] = []
        for voice in islice(cycle(FLITE_VOICES), _TIMES + _MISSES):
            if len(values) < _TIMES and (value := _latency_ms(stage, voice)) is not None:
                values.append(value)
        return values


def _latency_ms(stage: Stage, voice: str) -> float | None:
    """Of one wake word; None when it was not heard. Returns when the daemon sleeps again."""
    assert stage.room is not None
    assert stage.service is not None
    said, served = len(stage.daemon.lines), len(stage.service.lines)
    stage.room.say(synthesise("Hey Jarvis.", voice, stage.room.mic.rate_hz))
    try:
        woke = stage.daemon.wait_for("woke", after=said, timeout_s=4)
    except StageError:
        return None
    arrived = stage.service.wait_until(_is_first, after=served, what="an append")
    stage.daemon.wait_for("asleep", after=said)
    return 1000 * (float(arrived["t"]) - float(woke["detected_at"]))


def _is_first(line: Line) -> bool:
    return line["what"] in ("first_append", "append_resumed")
