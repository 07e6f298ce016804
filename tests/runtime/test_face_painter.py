"""The painter, on a clock that the test turns."""

import asyncio

import pytest

from antiphon.conversation.states import State
from antiphon.devices.fake_hands import FakeLamps
from antiphon.faces import PICTURES_PER_S
from antiphon.night import DAY_S, Brightness, Night
from antiphon.runtime.face_painter import CLOCK_BELIEVED_S, FacePainter, pause
from antiphon.snapshot import Snapshot

BRIGHT = Brightness(1.0)
TEN, SEVEN = 22 * 3600, 7 * 3600
DIM_AT_NIGHT = Brightness(1.0, 0.1, Night(TEN, SEVEN))


class Script:
    """A clock and a pause in one: each pause turns the clock, or plays the next snapshot, until the script ends."""

    def __init__(self, *steps: Snapshot | None, second: int | None = None) -> None:
        self.steps = list(steps)
        self.now_s = 100.0
        self.second = second  # of the day, on the wall, when now_s is 100
        self.waits: list[float | None] = []
        self.painter: FacePainter

    def now(self) -> float:
        return self.now_s

    def second_of_day(self) -> int | None:
        return None if self.second is None else int(self.second + self.now_s - 100) % DAY_S

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


def paint(
    *steps: Snapshot | None,
    count: int = 1,
    brightness: Brightness = BRIGHT,
    second: int | None = None,
    dimmable: bool = True,
) -> tuple[FakeLamps, Script]:
    lamps, script = FakeLamps(count), Script(*steps, second=second)
    clocks = script.now, script.pause, script.second_of_day
    script.painter = FacePainter(lamps, brightness, *clocks, dimmable=dimmable)
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


def test_lamps_that_only_switch_are_painted_when_they_switch():
    lamps, script = paint(seen(State.SPEAKING), *[None] * 4, dimmable=False)
    assert [colours[0] for colours, _ in lamps.shown] == [(0, 255, 80), (0, 0, 0)] * 2 + [(0, 255, 80)]
    assert sum(wait for wait in script.waits[1:] if wait is not None) == pytest.approx(1.4)


# ── the night ────────────────────────────────────────────────────────────────────────────────────

LISTENING, MUTED = seen(State.LISTENING), Snapshot(State.DEAF, 100.0, "none", deaf=True)


def colours_of(lamps: FakeLamps) -> list[tuple[int, int, int]]:
    return [colours[0] for colours, _ in lamps.shown]


def test_the_night_comes_and_goes_and_costs_two_pictures():
    day = range(DAY_S // int(CLOCK_BELIEVED_S) + 1)
    lamps, script = paint(LISTENING, *[None for _ in day], brightness=DIM_AT_NIGHT, second=TEN - 90)
    assert colours_of(lamps) == [(0, 90, 255), (0, 9, 26), (0, 90, 255)]
    assert script.waits[1:4] == [60.0, 30.0, 60.0]


def test_an_hour_of_sleep_costs_one_picture():
    for brightness in (BRIGHT, DIM_AT_NIGHT):
        lamps, script = paint(seen(State.ASLEEP), *[None] * 60, brightness=brightness, second=0)
        assert len(lamps.shown) == 1
        assert script.now_s == pytest.approx(100 if brightness is BRIGHT else 3700)


def test_an_hour_of_thinking_costs_25_pictures_a_second_at_most():
    lamps, script = paint(seen(State.THINKING), *[None] * 90_000, count=3)
    assert script.now_s - 100 == pytest.approx(3600)
    assert len(lamps.shown) == 90_001


def test_muted_is_still_red_at_night():
    lamps, _ = paint(MUTED, brightness=Brightness(1.0, 0.001, Night(TEN, SEVEN)), second=0)
    assert colours_of(lamps) == [(1, 0, 0)]


def test_a_night_without_light_is_dark_and_nothing_moves_in_it():
    dark = Brightness(1.0, 0.0, Night(TEN, SEVEN))
    lamps, script = paint(seen(State.THINKING), *[None] * 3, brightness=dark, second=0)
    assert colours_of(lamps) == [(0, 0, 0)]
    assert script.waits[1:] == [60.0] * 3


def test_a_clock_that_jumps_is_noticed_within_a_minute():
    """It is set by a time server after the start; it is put back for the winter; the owner travels."""
    night = Snapshot(State.LISTENING, 100.0, "open", deaf=False)
    lamps, script = FakeLamps(1), Script(night, second=None)
    clocks = iter([None, None, TEN, TEN - 3600, TEN, SEVEN])

    async def pause(_: asyncio.Event, timeout_s: float | None) -> None:
        assert timeout_s == CLOCK_BELIEVED_S or timeout_s is None
        if timeout_s is None:
            script.painter.see(night)

    def second_of_day() -> int | None:
        try:
            return next(clocks)
        except StopIteration:
            raise asyncio.CancelledError from None

    script.painter = FacePainter(lamps, DIM_AT_NIGHT, script.now, pause, second_of_day)
    with pytest.raises(asyncio.CancelledError):
        asyncio.run(script.painter.run())
    bright, dim = (0, 90, 255), (0, 9, 26)
    assert colours_of(lamps) == [bright, dim, bright, dim, bright]


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
