"""Its own tools, and what they ask of the mind, of timers and of the clock."""

import asyncio
from datetime import UTC, datetime, timedelta, timezone

import pytest

from antiphon.conversation.events import Commanded, VolumeWanted
from antiphon.runtime.timers import Moment, TimerKeeper
from antiphon.settings import Settings
from antiphon.tools.builtin import builtin_tools
from tools.toolroom import Lines, Room

EVERY = Settings().tools.builtin


class Orders:
    def __init__(self, problem=""):
        self.problem = problem
        self.given = []

    async def order(self, make, limit_s):
        assert limit_s < Settings().tools.limit_ms / 1000
        self.given.append(make(9))
        return self.problem


def room_with(orders=None, now=lambda: None):
    timers = TimerKeeper(None, Lines(), lambda: Moment("boot", 100.0, 1_800_000_000.0, is_set=True))
    room = Room(builtin_tools(EVERY, orders or Orders(), timers, now))
    room.timers = timers
    return room


def test_there_are_those_that_are_wanted():
    assert [spec.name for spec in room_with().host.specs()] == list(EVERY)
    only = builtin_tools(["get_time"], Orders(), TimerKeeper(None, Lines()), lambda: None)
    assert [tool.spec.name for tool in only] == ["get_time"]


@pytest.mark.parametrize(
    ("arguments", "event"),
    [
        ({"percent": 40}, VolumeWanted(40, 0, 9)),
        ({"percent": 0.0}, VolumeWanted(0, 0, 9)),
        ({"change": -10}, VolumeWanted(None, -10, 9)),
    ],
)
def test_the_volume_is_an_order(arguments, event):
    async def main():
        orders = Orders()
        assert await room_with(orders).ask("set_volume", **arguments) == ({"ok": True, **arguments}, False)
        assert orders.given == [event]

    asyncio.run(main())


@pytest.mark.parametrize("arguments", [{}, {"percent": 40, "change": 10}, {"percent": 101}, {"percent": "loud"}])
def test_a_volume_that_cannot_be_is_no_order(arguments):
    async def main():
        orders = Orders()
        assert (await room_with(orders).ask("set_volume", **arguments))[1]
        assert orders.given == []

    asyncio.run(main())


def test_the_mind_s_answer_is_the_tool_s():
    async def main():
        orders = Orders("the switch keeps it closed")
        assert await room_with(orders).ask("mute") == ({"error": "the switch keeps it closed"}, True)
        assert orders.given == [Commanded("mute", 9)]

    asyncio.run(main())


def test_timers_are_set_listed_and_cancelled():
    async def main():
        room = room_with()
        assert await room.ask("set_timer", seconds=300, label=" eggs ") == (
            {"ok": True, "timer": 1, "seconds": 300},
            False,
        )
        assert (await room.ask("set_timer", seconds=60))[0]["timer"] == 2
        assert (await room.ask("list_timers"))[0] == {
            "timers": [
                {"timer": 2, "label": "", "seconds_left": 60},
                {"timer": 1, "label": "eggs", "seconds_left": 300},
            ]
        }
        assert await room.ask("cancel_timer", label="Eggs") == ({"ok": True, "timer": 1}, False)
        assert await room.ask("cancel_timer") == ({"ok": True, "timer": 2}, False)
        assert await room.ask("cancel_timer") == (
            {"error": "it is not clear which timer is meant; there are: none"},
            True,
        )

    asyncio.run(main())


def test_it_must_be_clear_which_timer_is_meant():
    async def main():
        room = room_with()
        await room.ask("set_timer", seconds=60, label="tea")
        await room.ask("set_timer", seconds=90, label="tea")
        for arguments in ({}, {"label": "tea"}, {"label": "eggs"}, {"timer": 5}):
            output, failed = await room.ask("cancel_timer", **arguments)
            assert failed
            assert output == {"error": "it is not clear which timer is meant; there are: 1 (tea), 2 (tea)"}
        assert len(room.timers.list()) == 2

    asyncio.run(main())


def test_what_a_timer_is_for_is_on_one_line_and_never_in_the_log():
    async def main():
        room = room_with()
        for label in ("tea", "tea", "\x1b[2J\n tea\t\ud800two "):
            await room.ask("set_timer", seconds=60, label=label)
        assert [one.label for one in room.timers.list()] == ["tea", "tea", "[2J tea two"]
        assert "tea" in (await room.ask("cancel_timer", label="tea"))[0]["error"]
        assert "1 (tea)" in (await room.ask("cancel_timer"))[0]["error"]
        assert room.log.named("tool-values")
        assert "tea" not in str(room.log)

    asyncio.run(main())


@pytest.mark.parametrize(
    "arguments", [{}, {"seconds": 0}, {"seconds": 90_000}, {"seconds": "5"}, {"seconds": 5, "label": "x" * 61}]
)
def test_a_timer_that_cannot_be_is_not_set(arguments):
    async def main():
        room = room_with()
        assert (await room.ask("set_timer", **arguments))[1]
        assert room.timers.list() == []

    asyncio.run(main())


def test_the_time_has_its_zone_and_day():
    async def main():
        zone = timezone(timedelta(hours=8), "CST")
        moment = datetime(2026, 11, 21, 20, 30, tzinfo=zone)
        said = (await room_with(now=lambda: moment).ask("get_time"))[0]
        assert said == {"time": "2026-11-21T20:30:00+08:00", "weekday": "Saturday", "zone": "CST"}
        assert (await room_with(now=lambda: datetime.now(UTC)).ask("get_time"))[1] is False
        assert await room_with().ask("get_time") == ({"error": "the clock of this device has not been set yet"}, True)

    asyncio.run(main())
