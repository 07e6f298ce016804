"""The unmodified daemon in a room that carries its sound: what the figures in rooms of numbers (echo, wake_over_reply,
echo_cpu) are in earnest.

`echo_daemon.left` is how much of the echo is in what the service is sent while a reply sounds, second by second,
without the reply's first three; the room's own noise is in it, 35 dB below the echo. `echo_daemon.left.numbers` is what
the echo path makes of the very same sound without a daemon: the two are to be alike.

`echo_daemon.wake_silence` is from a wake word that is heard over a reply, 6 dB below its echo, to the last frame of the
reply that sounds. The voice alone is kept from interrupting (`echo.barge_in: false`).

`echo_daemon.cpu` is processor time per second of a reply with both cancellers, `.without` the same with
`echo.cancel: none`, and `.ratio` the one by the other; the two daemons speak side by side. What the simulated card
needs for the echo is in both.
"""

import time
from collections.abc import Iterable, Iterator

import numpy as np

from antiphon.pcm import LINK_RATE_HZ, Samples
from antiphon.runtime.echo_path import EchoPath
from antiphon.simulator.acoustics import Acoustics, active_level_db, room_response
from antiphon.simulator.room import Room, wait_for_frame
from antiphon.simulator.speech import FLITE_VOICES, synthesise
from antiphon.staging import Line, Stage, StageError
from bench.closed_room import BLOCK_MS, BOTH, MIC_HZ, left_db
from bench.figure import Plan, Row, counted, figure, measured
from bench.figures.heard_error import REPLIES
from bench.playback import find, spoken_reply
from bench.processes import cpu_s

ROOM = Acoustics(room_response(MIC_HZ, 200.0))
LONG = " Then, ".join(REPLIES + REPLIES)
_SETTLED_S = 3.0
_WINDOW_S, _WINDOWS = 4.0, 6
_LEVEL_DB = -6.0
_QUIET = ("conversation.follow_up_ms=0", "conversation.nothing_said_ms=1000", "speaker.chimes=false")


@figure
def echo_daemon(plan: Plan) -> Iterable[Row]:
    """What is left, what the wake word does, and what it costs."""
    yield from _left()
    yield from _wake_silence(32 if plan.alone else 16)
    yield from _cpu()


def _stage(*settings: str, replies: tuple[str, ...] = (LONG,)) -> Stage:
    simulate = ["--switch", "timing.first_audio_ms=200"]
    for text in replies:
        simulate += ["--reply", text]
    return Stage(room=Room(), acoustics=ROOM, settings=[*_QUIET, *settings], simulate=simulate, code_s=600)


def _ask(stage: Stage) -> Line:
    after = len(stage.daemon.lines)
    stage.speak("Hey Jarvis", "Tell me something.", level_db=-20.0)
    return stage.daemon.wait_for("sounded", after)


# ── what is left ─────────────────────────────────────────────────────────────────────────────────


def _left() -> Iterator[Row]:
    with _stage("echo.cancel=software") as stage:
        assert stage.room is not None
        spoken = stage.speak("Hey Jarvis", "Tell me something.", level_db=-20.0)
        sounded = stage.daemon.wait_for("sounded")
        heard = stage.daemon.wait_for("heard", timeout_s=90)
        stage.daemon.wait_for("asleep")
        room, end = stage.room, stage.room.mic.frame_at(float(heard["t"]))
        mic, echo, played = room.sensed(0, end), room.echo(0, end), room.heard(0, room.spk.stretch[1])
        first = room.mic.frame_at(float(sounded["t"]) + _SETTLED_S)
        stage.end_daemon()
        received = stage.received()[0]
        sent_first = stage.verdict(spoken, received).first_frame
    begin = (first - sent_first) * LINK_RATE_HZ // MIC_HZ
    seconds = (end - first) // MIC_HZ
    sent = received[begin : begin + seconds * LINK_RATE_HZ]
    yield measured("echo_daemon.left", "dB left", _by_second(echo[first:], sent))
    numbers = _through_path(mic, played)
    yield measured("echo_daemon.left.numbers", "dB left", left_db(echo[first : len(numbers)], numbers[first:]))


def _by_second(echo: Samples, sent: Samples) -> list[float]:
    """As `left_db`, of two rates."""
    powers = [
        np.mean(part[: len(part) // hz * hz].astype(np.float64).reshape(-1, hz) ** 2, axis=1)
        for part, hz in ((echo, MIC_HZ), (sent, LINK_RATE_HZ))
    ]
    return [float(10 * np.log10(after / before)) for before, after in zip(*powers, strict=False)]


def _through_path(mic: Samples, played: Samples) -> Samples:
    """What the link would get of it."""
    path = EchoPath(BOTH)
    path.begin(MIC_HZ)
    block, period = MIC_HZ * BLOCK_MS // 1000, LINK_RATE_HZ // 50
    heard = []
    told = 0
    for at in range(0, len(mic) - block + 1, block):
        while told < len(played) and told / LINK_RATE_HZ < (at + block) / MIC_HZ + 0.04:
            path.played(played[told : told + period], LINK_RATE_HZ, 1000.0 + told / LINK_RATE_HZ)
            told += period
        heard.append(path.clean(mic[at : at + block], 1000.0 + at / MIC_HZ).heard)
        path.judge([])
    return np.concatenate(heard)


# ── the wake word ────────────────────────────────────────────────────────────────────────────────


def _wake_silence(times: int) -> Iterator[Row]:
    silent_ms, missed = [], 0
    with _stage("echo.cancel=software", "echo.barge_in=false", replies=REPLIES) as stage:
        assert stage.room is not None
        for number in range(times):
            value = _one_wake(stage, stage.room, FLITE_VOICES[number % len(FLITE_VOICES)])
            missed += value is None
            silent_ms += [] if value is None else [value]
    yield measured("echo_daemon.wake_silence", "ms", silent_ms, reach=100)
    yield counted("echo_daemon.wake_silence.not_heard", f"of {times}", missed, times)


def _one_wake(stage: Stage, room: Room, voice: str) -> float | None:
    """From its detection to silence; None when it was not heard. The daemon sleeps before and after."""
    sounded = _ask(stage)
    assert stage.service is not None
    text = str(stage.service.wait_for("response_created", response=sounded["reply"])["text"])
    after = len(stage.daemon.lines)
    first = room.mic.frame_at(float(sounded["t"]))
    wait_for_frame(room.mic, first + round(_SETTLED_S * MIC_HZ))
    echo_db = active_level_db(room.echo(first, first + round(_SETTLED_S * MIC_HZ)))
    room.say(synthesise("Hey Jarvis.", voice, MIC_HZ), level_db=echo_db + _LEVEL_DB)
    try:
        woke = stage.daemon.wait_for("woke", after, timeout_s=4)
    except StageError:
        woke = None
    ended = stage.daemon.wait_until(lambda line: line["what"] in ("hushed", "heard"), after, what="its end")
    stage.daemon.wait_for("asleep", after)
    if woke is None:
        return None
    played = find(room, spoken_reply(text), float(sounded["t"]) - 0.3, float(ended["t"]) + 0.3)
    silent_s = room.spk.time_of(played.first_frame + played.audible_frames)
    return 1000 * (silent_s - float(woke["detected_at"]))


# ── what it costs ────────────────────────────────────────────────────────────────────────────────


def _cpu() -> Iterator[Row]:
    with _stage("echo.cancel=software") as cancelling, _stage("echo.cancel=none") as plain:
        costs: dict[int, list[float]] = {cancelling.daemon.pid: [], plain.daemon.pid: []}
        for stage in (cancelling, plain):
            _ask(stage)
        time.sleep(_SETTLED_S)
        before = {pid: (time.monotonic(), cpu_s(pid)) for pid in costs}
        for _ in range(_WINDOWS):
            time.sleep(_WINDOW_S)
            for pid, (began_s, had_s) in before.items():
                before[pid] = now_s, has_s = time.monotonic(), cpu_s(pid)
                costs[pid].append(1000 * (has_s - had_s) / (now_s - began_s))
        both, none = costs.values()
        assert not cancelling.daemon.said("heard"), "it spoke all the while"
    yield measured("echo_daemon.cpu", "ms per s", both)
    yield measured("echo_daemon.cpu.without", "ms per s", none)
    yield measured("echo_daemon.cpu.ratio", "x", [one / other for one, other in zip(both, none, strict=True)])
