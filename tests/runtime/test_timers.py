"""Timers, by clocks that are given: those of boards that know the time, and of boards that do not."""

import asyncio
import json
import threading
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from antiphon.conversation.events import TimerDue
from antiphon.runtime.timers import DAY_S, FORGOTTEN_S, MOST, Moment, TimerKeeper, read_clocks

NOON = 1_800_000_000.0
AT_NOON = Moment("first", 5000.0, NOON, is_set=True)


class Lines(list):
    def write(self, level, what, **fields) -> None:
        self.append((level, what, fields))


class Rig:
    def __init__(self, folder, now=AT_NOON):
        self.path = folder / "state" / "timers.json"
        self.now = now
        self.log = Lines()
        self.posted = []
        self.begin()

    def begin(self, **changes):
        """The program begins, at another moment perhaps."""
        self.now = replace(self.now, **changes)
        self.keeper = TimerKeeper(self.path, self.log, lambda: self.now)

    def end(self):
        """What is kept is written down."""
        assert self.keeper._file.save(*self.keeper._state())

    def passes(self, seconds):
        self.now = replace(self.now, boot_s=self.now.boot_s + seconds, wall_s=self.now.wall_s + seconds)

    def look(self):
        self.posted.clear()
        self.wait_s = self.keeper.look(self.posted.append)
        return self.posted

    def left(self):
        return [round(one.left_s) for one in self.keeper.list()]


async def until(true):
    while not true():  # noqa: ASYNC110 - a file and a thread's line have no event
        await asyncio.sleep(0.001)


@pytest.fixture
def rig(tmp_path):
    return Rig(tmp_path)


def test_a_timer_runs_out(rig):
    running = rig.keeper.set(60, "eggs")
    assert (running.timer, running.label, running.left_s) == (1, "eggs", 60)
    rig.passes(59)
    assert rig.look() == []
    assert rig.wait_s == pytest.approx(1)
    rig.passes(1)
    assert rig.look() == [TimerDue(1, "eggs", 0.0)]
    assert rig.look() == []
    assert rig.wait_s is None
    assert rig.keeper.list() == []


def test_the_next_is_first_and_any_can_be_cancelled(rig):
    for seconds in (300, 60, 120):
        rig.keeper.set(seconds, "")
    assert [one.timer for one in rig.keeper.list()] == [2, 3, 1]
    assert rig.keeper.cancel(2)
    assert not rig.keeper.cancel(2)
    assert rig.left() == [120, 300]
    assert rig.keeper.set(10, "").timer == 4


def test_what_cannot_be_set(rig):
    for seconds in (0, -5, DAY_S + 1, float("nan"), float("inf")):
        assert "24 hours at most" in rig.keeper.set(seconds, "")
    for _ in range(MOST):
        assert not isinstance(rig.keeper.set(DAY_S, ""), str)
    assert "50 timers already" in rig.keeper.set(60, "")


def test_a_wall_clock_that_jumps_moves_no_timer(rig):
    rig.keeper.set(600, "")
    for jump_s in (86_400, -86_400, -NOON):
        rig.now = replace(rig.now, wall_s=rig.now.wall_s + jump_s)
        assert rig.look() == []
        assert rig.left() == [600]


def test_a_new_program_in_the_same_boot_goes_by_the_time_since_boot(rig):
    rig.keeper.set(600, "tea")
    rig.end()
    rig.passes(100)
    rig.begin(wall_s=0.0)
    assert rig.left() == [500]
    assert rig.keeper.set(10, "").timer == 2


def test_after_a_boot_the_wall_clock_tells_how_long_the_power_was_off(rig):
    rig.keeper.set(600, "tea")
    rig.end()
    rig.begin(boot="second", boot_s=20.0, wall_s=NOON + 300)
    assert rig.left() == [300]
    rig.passes(300)
    assert rig.look() == [TimerDue(1, "tea", 0.0)]


def test_one_that_ran_out_while_it_was_off_rings_at_once(rig):
    rig.keeper.set(600, "tea")
    rig.end()
    rig.begin(boot="second", boot_s=20.0, wall_s=NOON + 900)
    assert rig.look() == [TimerDue(1, "tea", 300.0)]
    rig.end()
    rig.begin()
    assert rig.look() == []


def test_one_that_ran_out_long_ago_is_told_to_the_log_alone(rig):
    rig.keeper.set(600, "tea")
    rig.end()
    rig.begin(boot="second", boot_s=20.0, wall_s=NOON + 600 + FORGOTTEN_S + 1)
    assert rig.look() == []
    assert rig.log == [("warning", "timer-missed", {"timer": 1, "late_s": 3601})]
    assert rig.keeper.list() == []


def test_a_board_that_wakes_up_in_1970_waits_for_the_time(rig):
    rig.keeper.set(600, "tea")
    rig.end()
    rig.begin(boot="second", boot_s=20.0, wall_s=20.0, is_set=False)
    assert rig.look() == []
    assert rig.left() == [580]  # as if the power had not been off
    rig.passes(10)
    rig.now = replace(rig.now, wall_s=NOON + 400, is_set=True)
    assert rig.look() == []
    assert rig.left() == [200]
    rig.now = replace(rig.now, wall_s=0.0)  # and from now on it goes by the time since boot
    assert rig.left() == [200]


def test_without_ever_a_time_it_rings_late_and_is_not_lost(rig):
    rig.keeper.set(600, "tea")
    rig.end()
    rig.begin(boot="second", boot_s=20.0, wall_s=20.0, is_set=False)
    rig.passes(570)
    assert rig.look() == []
    rig.passes(11)
    assert [one.timer for one in rig.look()] == [1]


def test_a_clock_that_stood_still_while_the_power_was_off_is_not_believed_at_first(rig):
    """As fake-hwclock has it: the moment of the last shutdown, or one somewhat earlier."""
    rig.keeper.set(600, "tea")
    rig.end()
    for wall_s in (NOON - 1800, NOON + 5):
        rig.begin(boot="second", boot_s=20.0, wall_s=wall_s, is_set=False)
        assert rig.left() == [580]
    rig.now = replace(rig.now, wall_s=NOON + 700, is_set=True)
    assert rig.look() == [TimerDue(1, "tea", 100.0)]


def test_a_clock_far_ahead_rings_nothing_wildly(rig):
    rig.keeper.set(600, "tea")
    rig.end()
    rig.begin(boot="second", boot_s=20.0, wall_s=NOON + 10 * 365 * DAY_S, is_set=False)
    assert rig.look() == []
    rig.passes(10)
    rig.now = replace(rig.now, wall_s=NOON + 100, is_set=True)
    assert rig.left() == [500]
    assert rig.log == []


def test_one_set_before_the_time_was_known_is_written_anew_when_it_is(rig):
    rig.begin(boot="first", boot_s=30.0, wall_s=30.0, is_set=False)
    rig.keeper.set(600, "tea")
    rig.end()
    rig.now = replace(rig.now, boot_s=40.0, wall_s=NOON, is_set=True)
    rig.look()
    assert rig.keeper._dirty
    rig.end()
    rig.begin(boot="second", boot_s=20.0, wall_s=NOON + 90)
    assert rig.left() == [500]


def test_what_is_on_the_disk(rig):
    rig.keeper.set(600, "tea")
    rig.end()
    assert json.loads(rig.path.read_text())["next"] == 2
    assert rig.path.stat().st_mode & 0o777 == 0o600
    assert [one.name for one in rig.path.parent.iterdir()] == ["timers.json"]


@pytest.mark.parametrize(
    "text", ["", "{", "[]", '{"timers": [1], "next": 2}', '{"timers": [{}], "next": 1}', '{"timers": []}', "[" * 9999]
)
def test_a_damaged_file_costs_the_timers_and_nothing_else(tmp_path, text):
    path = tmp_path / "timers.json"
    path.write_text(text)
    log = Lines()
    keeper = TimerKeeper(path, log, lambda: AT_NOON)
    assert keeper.list() == []
    assert [what for _, what, _ in log] == ["not-kept"]
    assert keeper.set(60, "").timer == 1


@settings(deadline=None, max_examples=300)
@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
        lambda inner: (
            st.lists(inner)
            | st.dictionaries(
                st.sampled_from(
                    ["next", "timers", "timer", "label", "boot", "due_boot_s", "left_s", "due_wall_s", "written_wall_s"]
                ),
                inner,
            )
        ),
    )
)
def test_whatever_the_file_holds_it_goes_on(tmp_path_factory, state):
    path = tmp_path_factory.mktemp("state") / "timers.json"
    path.write_text(json.dumps(state))
    keeper = TimerKeeper(path, Lines(), lambda: AT_NOON)
    keeper.look(lambda _: None)
    keeper.list()


@settings(deadline=None, max_examples=300)
@given(
    seconds=st.floats(1, DAY_S),
    off_s=st.floats(0, 7200),
    wrong_s=st.floats(-NOON, NOON),
    up_s=st.floats(0, 170),
)
def test_no_wrong_clock_loses_a_timer_or_makes_it_later_than_its_length(
    tmp_path_factory, seconds, off_s, wrong_s, up_s
):
    """A boot with a clock that is wrong at first, and is set after a while."""
    rig = Rig(tmp_path_factory.mktemp("state"))
    rig.keeper.set(seconds, "")
    rig.end()
    rig.begin(boot="second", boot_s=up_s, wall_s=NOON + wrong_s, is_set=False)
    rang = rig.look()
    if rang:
        assert up_s >= seconds
        return
    assert rig.left()[0] <= seconds - up_s + 1
    rig.now = replace(rig.now, wall_s=NOON + off_s + up_s, is_set=True)
    left_s = seconds - off_s - up_s
    rang = rig.look()
    if left_s > 0.001:
        assert rig.keeper.list()[0].left_s == pytest.approx(left_s, abs=0.01)
    elif left_s < -0.001 and -left_s < FORGOTTEN_S:
        assert [one.timer for one in rang] == [1]


def test_a_disk_that_takes_nothing_is_said_once_and_tried_again(tmp_path):
    async def main():
        (tmp_path / "state").write_text("no folder")
        log = Lines()
        now = [AT_NOON]
        keeper = TimerKeeper(tmp_path / "state" / "timers.json", log, lambda: now[0])
        posted = asyncio.Queue()
        keeper.set(60, "")
        async with asyncio.timeout(30), asyncio.TaskGroup() as group:
            running = group.create_task(keeper.run(posted.put_nowait))
            await until(lambda: log)
            keeper.set(120, "")
            now[0] = replace(AT_NOON, boot_s=AT_NOON.boot_s + 60)
            keeper._changed.set()
            assert await posted.get() == TimerDue(1, "", 0.0)
            (tmp_path / "state").unlink()
            keeper._changed.set()
            await until((tmp_path / "state" / "timers.json").exists)
            running.cancel()
        assert [what for _, what, _ in log] == ["not-kept"]

    asyncio.run(main())


def test_a_disk_that_hangs_keeps_no_timer_from_ringing(tmp_path, monkeypatch):
    monkeypatch.setattr("antiphon.runtime.timers._LAST_S", 0.01)

    async def main():
        now, posted = [AT_NOON], asyncio.Queue()
        hangs, goes_on = asyncio.Event(), threading.Event()
        keeper = TimerKeeper(tmp_path / "timers.json", Lines(), lambda: now[0])
        loop, save = asyncio.get_running_loop(), keeper._file.save

        def hanging(*state):
            loop.call_soon_threadsafe(hangs.set)
            goes_on.wait(30)
            return save(*state)

        keeper._file.save = hanging
        keeper.set(60, "tea")
        try:
            async with asyncio.timeout(30), asyncio.TaskGroup() as group:
                running = group.create_task(keeper.run(posted.put_nowait))
                await hangs.wait()
                now[0] = replace(AT_NOON, boot_s=AT_NOON.boot_s + 60)
                keeper._changed.set()
                assert await posted.get() == TimerDue(1, "tea", 0.0)
                goes_on.set()
                path = tmp_path / "timers.json"
                await until(lambda: path.exists() and json.loads(path.read_text())["timers"] == [])
                running.cancel()
        finally:
            goes_on.set()

    asyncio.run(main())


def test_it_runs_by_the_clocks_of_this_machine_and_keeps_what_it_has_at_its_end(tmp_path):
    async def main():
        path, posted = tmp_path / "timers.json", asyncio.Queue()
        keeper = TimerKeeper(path, Lines())
        keeper.set(1, "soon")
        keeper.set(500, "later")
        async with asyncio.timeout(30), asyncio.TaskGroup() as group:
            running = group.create_task(keeper.run(posted.put_nowait))
            due = await posted.get()
            assert (due.timer, due.label) == (1, "soon")
            assert due.late_s >= 0
            keeper.set(600, "last")
            running.cancel()
        assert [one.label for one in TimerKeeper(path, Lines()).list()] == ["later", "last"]

    asyncio.run(main())


def test_without_a_place_nothing_is_kept():
    keeper = TimerKeeper(None, Lines(), lambda: AT_NOON)
    keeper.set(60, "")
    assert keeper._file.save(*keeper._state())


def test_the_clocks_of_this_machine_go_on():
    first, second = read_clocks(), read_clocks()
    assert first.boot == second.boot != ""
    assert second.boot_s >= first.boot_s > 0
