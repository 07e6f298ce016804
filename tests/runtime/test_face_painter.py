"""The painter, on a clock that the test turns."""

import asyncio

import pytest

from antiphon.conversation.states import State
from antiphon.devices.fake_hands import FakeLamps
from antiphon.faces import PICTURES_PER_S
from antiphon.runtime.face_painter import FacePainter, pause
from antiphon.snapshot import Snapshot


class Script:
    """A clock and a pause in one: each pause turns the clock, or plays the next snapshot, until the script ends."""

    def __init__(self, *steps: Snapshot | None) -> None:
        self.steps = list(steps)
        self.now_s = 100.0
        self.waits: list[float | None] = []
        self.painter: FacePainter

    def now(self) -> float:
        return self.now_s

    async def pause(self, woken: asyncio.Event, timeout_s: float | None) -> None:
        if not self.steps:
            raise asyncio.CancelledError
        self.waits.append(timeout_s)
        step = self.steps.pop(0)
        if step is not None:
            self.painter.see(step)
            assert woken.is_set()
        elif timeout_s is not None:
            self.now_s += timeout_s


def paint(*steps: Snapshot | None, count: int = 1) -> tuple[FakeLamps, Script]:
    lamps, script = FakeLamps(count), Script(*steps)
    script.painter = FacePainter(lamps, 1.0, script.now, script.pause)
    with pytest.raises(asyncio.CancelledError):
        asyncio.run(script.painter.run())
    return lamps, script


def seen(state: State, problem: str = "") -> Snapshot:
    return Snapshot(state, 100.0, "open", False, problem)


def test_nothing_is_painted_before_something_is_seen():
    lamps, script = paint(None)
    assert lamps.shown == []
    assert script.waits == [None]


def test_what_stands_still_is_painted_once_and_waits_for_ever():
    lamps, script = paint(seen(State.LISTENING), None, None, seen(State.LISTENING, "news"), None, count=3)
    assert lamps.shown == [(((0, 90, 255),) * 3, "listening")]
    assert script.waits == [None] * 5


def test_what_moves_is_painted_at_its_changes_only():
    lamps, script = paint(seen(State.OPENING), *[None] * 4)
    assert [colours[0] for colours, _ in lamps.shown] == [(0, 160, 255), (0, 0, 0)] * 2 + [(0, 160, 255)]
    assert script.waits[1:] == pytest.approx([0.2] * 4)


def test_a_running_face_makes_25_pictures_a_second_and_no_more():
    lamps, script = paint(seen(State.THINKING), *[None] * 100, count=12)
    assert len(lamps.shown) == 101
    assert script.waits[1:] == pytest.approx([1 / PICTURES_PER_S] * 100)


def test_a_new_state_is_painted_without_waiting_for_the_old_face():
    lamps, _ = paint(seen(State.OPENING), seen(State.LISTENING))
    assert [word for _, word in lamps.shown] == ["one moment", "listening"]


def test_a_real_pause_ends_when_woken_and_when_time_is_up():
    async def both() -> None:
        woken = asyncio.Event()
        await pause(woken, 0)
        woken.set()
        await pause(woken, None)

    asyncio.run(asyncio.wait_for(both(), 10))
