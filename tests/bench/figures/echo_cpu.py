"""What taking our own sound out costs: milliseconds of processor time per second of sound, by the clock of the thread.

A reply at 24 kHz in a room, and a microphone at 16 and at 48 kHz, in blocks of 80 ms. `link` and `wake` are the two
cancellers alone, `both` one after the other; `path` is the whole echo path with clocks, resampling, both cancellers and
its judges, while it sounds, and `rest` the same while nothing plays. Of the ear's thread only, which does all of it.
"""

import time
from collections.abc import Callable, Iterable
from itertools import cycle

import numpy as np

from antiphon.audio.marks import MARK_MS, Mark
from antiphon.devices.echo_speex import SpeexEchoCanceller
from antiphon.devices.echo_webrtc import WebrtcEchoCanceller
from antiphon.pcm import Samples, frames_in
from antiphon.runtime.echo_path import EchoPath
from antiphon.simulator.acoustics import Acoustics, heard_in_room, room_response
from antiphon.simulator.speech import synthesise
from bench.closed_room import BLOCK_MS, BOTH, PERIOD_MS, SPK_HZ
from bench.figure import Plan, Row, figure, measured
from bench.household import SENTENCES

RATES_HZ = (16_000, 48_000)
_SECONDS = 8.0
_SETTLING_S = 2.0
_TIMES = 3
_NO_VOICE = [Mark(-96.0, -50.0)] * (BLOCK_MS // MARK_MS)

_Hear = Callable[[int], None]
"""The next block: its number."""


@figure
def echo_cpu(_: Plan) -> Iterable[Row]:
    """At each rate of the microphone."""
    for rate_hz in RATES_HZ:
        mic, far = _scene(rate_hz)
        makers: dict[str, Callable[[], _Hear]] = {
            "link": lambda: _cancelling(mic, far, WebrtcEchoCanceller(rate_hz)),  # noqa: B023 - called in this turn
            "wake": lambda: _cancelling(mic, far, SpeexEchoCanceller(rate_hz)),  # noqa: B023
            "both": lambda: _cancelling(mic, far, WebrtcEchoCanceller(rate_hz), SpeexEchoCanceller(rate_hz)),  # noqa: B023
            "path": lambda: _path(mic, _reply(SPK_HZ), rate_hz),  # noqa: B023
            "rest": lambda: _path(mic, np.zeros(_frames(SPK_HZ), np.int16), rate_hz),  # noqa: B023
        }
        for what, make in makers.items():
            costs = [_cost(make()) for _ in range(_TIMES)]
            yield measured(f"echo_cpu.{rate_hz // 1000}_khz.{what}", "ms per s", costs)


def _cost(hear: _Hear) -> float:
    blocks, settled = (round(seconds * 1000 / BLOCK_MS) for seconds in (_SECONDS, _SETTLING_S))
    for block in range(settled):
        hear(block)
    began_s = time.thread_time()
    for block in range(settled, blocks):
        hear(block)
    return 1000 * (time.thread_time() - began_s) / (_SECONDS - _SETTLING_S)


def _cancelling(mic: Samples, far: Samples, *cancellers: SpeexEchoCanceller | WebrtcEchoCanceller) -> _Hear:
    block = frames_in(BLOCK_MS, cancellers[0].rate_hz)

    def hear(number: int) -> None:
        part = slice(number * block, (number + 1) * block)
        for canceller in cancellers:
            canceller.cancel(mic[part], far[part])

    return hear


def _path(mic: Samples, reply: Samples, rate_hz: int) -> _Hear:
    path = EchoPath(BOTH)
    path.begin(rate_hz)
    block, period = frames_in(BLOCK_MS, rate_hz), frames_in(PERIOD_MS, SPK_HZ)

    def hear(number: int) -> None:
        at_s = 1000.0 + number * BLOCK_MS / 1000
        for each in range(BLOCK_MS // PERIOD_MS):
            at = (number * BLOCK_MS // PERIOD_MS + each) * period
            path.played(reply[at : at + period], SPK_HZ, at_s + each * PERIOD_MS / 1000)
        path.clean(mic[number * block : (number + 1) * block], at_s)
        path.judge(_NO_VOICE)

    return hear


def _scene(rate_hz: int) -> tuple[Samples, Samples]:
    """What the microphone hears, and what plays, both at its rate."""
    room = Acoustics(room_response(rate_hz, 200.0), 20.0)
    return heard_in_room(_reply(SPK_HZ), room, mic_rate_hz=rate_hz, spk_rate_hz=SPK_HZ).mic, _reply(rate_hz)


def _reply(rate_hz: int) -> Samples:
    said: list[Samples] = []
    for text in cycle(SENTENCES):
        said.append(synthesise(text, "slt", rate_hz))
        if sum(map(len, said)) >= _frames(rate_hz):
            return np.concatenate(said)[: _frames(rate_hz)]
    raise AssertionError


def _frames(rate_hz: int) -> int:
    return frames_in(_SECONDS * 1000, rate_hz)
