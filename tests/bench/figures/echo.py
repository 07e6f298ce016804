"""How much of our own sound is left in what is heard, and how soon the device knows when it is not taken out.

The real echo path with both its cancellers, faster than real time in rooms of numbers (closed_room.py), a microphone at
16 kHz and a speaker at 24 kHz. `link` is what goes to the service, `wake` what the wake words are heard in. Nobody
speaks and there is no noise, so what is left is ours: in dB against the echo, second by second, in all rooms together.

`first` the first 3 s of a reply, by a device that was just switched on; `steady` its seconds 20 to 30; `moved` the 3 s
after the microphone was put elsewhere (the whole response is another), `later` the next 3 s.

`echo.alarm` is from the moment at which what the path knows of the speaker is wrong, in the middle of a reply, to the
verdict: it comes 80 or 300 ms late, or it is `dropped`, so that the mouth plays but the sound is not known.
`echo.recovery` is from when it is right again to the next verdict. One that never came counts as WAITED_S.
"""

from collections.abc import Callable, Iterable, Iterator
from functools import partial
from itertools import cycle

import numpy as np

from antiphon.pcm import Samples, frames_in
from antiphon.simulator.acoustics import Acoustics, room_response
from antiphon.simulator.speech import synthesise
from bench.closed_room import MIC_HZ, SPK_HZ, ClosedRoom, left_db
from bench.figure import Plan, Row, counted, figure, measured
from bench.household import SENTENCES

PPM = (0, 20, 50, 100, 200)
LATE_MS = {"late_80": 80, "late_300": 300}
FAULTS = (*LATE_MS, "dropped")
REACH_S = 1.0
WAITED_S = 10.0
_QUIET_S = 0.96
_MOVED_S = 30.0
_STRETCHES_S = {
    "first": (0.0, 3.0),
    "steady": (20.0, 30.0),
    "moved": (_MOVED_S, _MOVED_S + 3.0),
    "later": (_MOVED_S + 3.0, _MOVED_S + 6.0),
}
_FAULT_S = (6.0, 6.7, 7.4, 8.3, 9.1, 10.2)  # after the reply began
_VOICES = ("slt", "rms", "awb", "kal16")


def rooms(ppm: int = 0, place: int = 0) -> dict[str, Acoustics]:
    """Another `place` of the microphone is as far from the first as another seat of the same room."""
    aside_ms = 2.0 * place
    return {
        "dry": Acoustics(room_response(MIC_HZ, 120.0, seed=1 + 10 * place), 20.0 + aside_ms, drift_ppm=ppm),
        "living": Acoustics(room_response(MIC_HZ, 200.0, seed=2 + 10 * place), 60.0 + aside_ms, drift_ppm=ppm),
        "reverberant": Acoustics(
            room_response(MIC_HZ, 300.0, direct_db=0.0, seed=3 + 10 * place), 20.0 + aside_ms, -6.0, drift_ppm=ppm
        ),
        "distorting": Acoustics(
            room_response(MIC_HZ, 200.0, seed=4 + 10 * place), 20.0 + aside_ms, -6.0, soft_clip=0.15, drift_ppm=ppm
        ),
    }


@figure
def echo(_: Plan) -> Iterable[Row]:
    """What is left at each drift; alarms and recoveries at each fault."""
    for ppm in PPM:
        yield from _left(ppm)
    for fault in FAULTS:
        yield from _alarms(fault)


def _left(ppm: int) -> Iterator[Row]:
    left: dict[str, list[float]] = {}
    for name, acoustics in rooms(ppm).items():
        room = ClosedRoom(acoustics, noise_db=None, yields=False, keep=True)
        room.run(_QUIET_S)
        began = room.frame
        room.reply(_speech(_MOVED_S + 6.5))
        room.run(_MOVED_S)
        room.move(rooms(ppm, place=1)[name])
        room.run(6.4)
        assert room.record is not None
        _, ours, link, wake = room.record.whole()
        for what, (since_s, until_s) in _STRETCHES_S.items():
            part = slice(*(began + frames_in(at_s * 1000, MIC_HZ) for at_s in (since_s, until_s)))
            for output, heard in (("link", link), ("wake", wake)):
                left.setdefault(f"{output}.{what}", []).extend(left_db(ours[part], heard[part]))
    for what, values in left.items():
        yield measured(f"echo.{ppm}_ppm.{what}", "dB left", values)


def _alarms(fault: str) -> Iterator[Row]:
    alarms, recoveries = [], []
    for number, (name, acoustics) in enumerate(rooms().items()):
        for at_s in _FAULT_S:
            room = ClosedRoom(acoustics, yields=False, seed=number + 1)
            alarm_s, recovery_s = _one_fault(room, fault, at_s, number)
            alarms.append(WAITED_S if alarm_s is None else alarm_s)
            if REACH_S < alarms[-1] < WAITED_S:
                print(f"  late: {fault} in the {name} room, {at_s} s into the reply: {alarms[-1]:.2f} s")
            if alarm_s is not None:
                recoveries.append(WAITED_S if recovery_s is None else recovery_s)
    yield measured(f"echo.alarm.{fault}", "s", alarms, reach=REACH_S)
    yield counted(f"echo.alarm.{fault}.worst", "s", max(alarms), len(alarms))
    if recoveries:
        yield measured(f"echo.recovery.{fault}", "s", recoveries)


def _one_fault(room: ClosedRoom, fault: str, at_s: float, voice: int) -> tuple[float | None, float | None]:
    """After how many seconds it was noticed, and after how many that all is well again."""
    room.run(_QUIET_S)
    room.reply(_speech(at_s + 2 * WAITED_S + 2.0, voice))
    room.run(at_s)
    assert not room.count("alarm"), "nothing was wrong yet"
    broken_s = _next_period_s(room)
    mend = _break(room, fault)
    alarm_s = _await(room, "alarm")
    if alarm_s is None:
        return None, None
    room.run(1.0)
    mend()
    mended_s = _next_period_s(room)
    cancelled_s = _await(room, "cancelled")
    return alarm_s - broken_s, None if cancelled_s is None else cancelled_s - mended_s


def _await(room: ClosedRoom, what: str) -> float | None:
    """When it was told next."""
    since_s = room.now_s
    while room.now_s < since_s + WAITED_S:
        room.run(0.08)
        for told_s, told in room.told:
            if told == what and told_s > since_s:
                return told_s
    return None


def _next_period_s(room: ClosedRoom) -> float:
    """When the first period sounds that the card did not ask for yet: a little after now."""
    return room._played / SPK_HZ


def _break(room: ClosedRoom, fault: str) -> Callable[[], None]:
    """From the next period on the path knows something else than what plays; what mends it."""
    path = room.path
    assert path._stream is not None
    owner = path._stream._far if fault == "dropped" else path
    tell = owner.played
    late = [np.zeros(frames_in(LATE_MS.get(fault, 0), SPK_HZ), np.int16)]

    def other(samples: Samples, rate_hz: int, heard_at_s: float) -> None:
        if fault == "dropped":
            tell(np.zeros_like(samples), rate_hz, heard_at_s)
        else:
            waiting = np.concatenate((late[0], samples))
            late[0] = waiting[len(samples) :]
            tell(waiting[: len(samples)], rate_hz, heard_at_s)

    setattr(owner, "played", other)  # noqa: B010 - a method is not to be assigned, and here it is
    return partial(delattr, owner, "played")


def _speech(seconds: float, voice: int = 0) -> Samples:
    """So long a reply, in one voice."""
    said: list[Samples] = []
    for text in cycle(SENTENCES):
        said.append(synthesise(text, _VOICES[voice], SPK_HZ))
        if sum(map(len, said)) >= seconds * SPK_HZ:
            return np.concatenate(said)
    raise AssertionError
