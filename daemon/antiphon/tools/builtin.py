"""Floor 3. Its own tools: the volume, the microphone, timers, the clock. They give orders, and decide nothing.

Descriptions are in English: StepFun's realtime model calls tools that are described so most surely.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, Protocol

from antiphon.conversation.events import Commanded, Event, VolumeWanted
from antiphon.ports import Timers, ToolSpec
from antiphon.tools.tool import Tool, ToolFault, schema

ORDER_S = 8.0
MOST_LABEL = 60
DAY_S = 86_400
_SAID = frozenset({"label"})
"""What the owner has said: the model, the status and the file of the timers have it, the log never."""


class Orders(Protocol):
    """Gives orders to the mind."""

    async def order(self, make: Callable[[int], Event], limit_s: float) -> str:
        """Its answer: "", or what is wrong."""


def builtin_tools(
    wanted: Sequence[str],
    orders: Orders,
    timers: Timers,
    now: Callable[[], datetime | None],
) -> list[Tool]:
    """Those of `wanted`. `now` is the local time with its zone; None while the clock has not been set."""
    makers: dict[str, Callable[[], Tool]] = {
        "set_volume": lambda: _set_volume(orders),
        "mute": lambda: _mute(orders),
        "set_timer": lambda: _set_timer(timers),
        "list_timers": lambda: _list_timers(timers),
        "cancel_timer": lambda: _cancel_timer(timers),
        "get_time": lambda: _get_time(now),
    }
    return [makers[name]() for name in wanted]


def _set_volume(orders: Orders) -> Tool:
    async def run(arguments: Mapping[str, Any]) -> Any:
        given = arguments.keys() & {"percent", "change"}
        if len(given) != 1:
            raise ToolFault("give either percent or change")
        percent = int(arguments["percent"]) if "percent" in arguments else None
        change = int(arguments.get("change", 0))
        await _obeyed(orders, lambda ask: VolumeWanted(percent, change, ask))
        return {"ok": True, **arguments}

    spec = ToolSpec(
        "set_volume",
        "Make this device louder or quieter. Give either percent (how loud it is to be) or change (by how much).",
        schema(
            {
                "percent": {"type": "integer", "minimum": 0, "maximum": 100, "description": "0 is silent, 100 loudest"},
                "change": {"type": "integer", "minimum": -100, "maximum": 100, "description": "e.g. 10 or -10"},
            }
        ),
    )
    return Tool(spec, run)


def _mute(orders: Orders) -> Tool:
    async def run(_: Mapping[str, Any]) -> Any:
        await _obeyed(orders, lambda ask: Commanded("mute", ask))
        return {"ok": True}

    description = (
        "Close the microphone of this device, only when the user asks for exactly that. "
        "Nothing is heard afterwards until somebody opens it again by hand."
    )
    return Tool(ToolSpec("mute", description, schema({})), run)


async def _obeyed(orders: Orders, make: Callable[[int], Event]) -> None:
    if problem := await orders.order(make, ORDER_S):
        raise ToolFault(problem)


def _set_timer(timers: Timers) -> Tool:
    async def run(arguments: Mapping[str, Any]) -> Any:
        running = timers.set(float(arguments["seconds"]), _label(arguments))
        if isinstance(running, str):
            raise ToolFault(running)
        return {"ok": True, "timer": running.timer, "seconds": round(running.left_s)}

    spec = ToolSpec(
        "set_timer",
        "Set a timer or alarm on this device. It rings when the time is over. For a time of day, work out the seconds "
        "with get_time.",
        schema(
            {
                "seconds": {
                    "type": "number",
                    "minimum": 1,
                    "maximum": DAY_S,
                    "description": "from now; a day at most",
                },
                "label": {"type": "string", "maxLength": MOST_LABEL, "description": "what it is for, if the user said"},
            },
            ["seconds"],
        ),
    )
    return Tool(spec, run, _SAID)


def _list_timers(timers: Timers) -> Tool:
    async def run(_: Mapping[str, Any]) -> Any:
        return {
            "timers": [
                {"timer": one.timer, "label": one.label, "seconds_left": max(0, round(one.left_s))}
                for one in timers.list()
            ]
        }

    return Tool(ToolSpec("list_timers", "List the timers that are running on this device.", schema({})), run)


def _cancel_timer(timers: Timers) -> Tool:
    async def run(arguments: Mapping[str, Any]) -> Any:
        running = timers.list()
        if "timer" in arguments:
            meant = [one for one in running if one.timer == arguments["timer"]]
        elif "label" in arguments:
            label = _label(arguments).casefold()
            meant = [one for one in running if one.label.casefold() == label]
        else:
            meant = list(running)
        if len(meant) != 1:
            which = ", ".join(f"{one.timer} ({one.label})" if one.label else str(one.timer) for one in running)
            unclear = "it is not clear which timer is meant"
            raise ToolFault(f"{unclear}; there are: {which or 'none'}", logged=unclear)
        timers.cancel(meant[0].timer)
        return {"ok": True, "timer": meant[0].timer}

    spec = ToolSpec(
        "cancel_timer",
        "Cancel a timer of this device, by its number or its label; with neither, the only one there is.",
        schema({"timer": {"type": "integer"}, "label": {"type": "string", "maxLength": MOST_LABEL}}),
    )
    return Tool(spec, run, _SAID)


def _label(arguments: Mapping[str, Any]) -> str:
    """What the timer is for, on one line that any terminal can show."""
    return " ".join("".join(one if one.isprintable() else " " for one in arguments.get("label", "")).split())


def _get_time(now: Callable[[], datetime | None]) -> Tool:
    async def run(_: Mapping[str, Any]) -> Any:
        moment = now()
        if moment is None:
            raise ToolFault("the clock of this device has not been set yet")
        return {
            "time": moment.isoformat(timespec="seconds"),
            "weekday": f"{moment:%A}",
            "zone": moment.tzname() or "",
        }

    return Tool(ToolSpec("get_time", "Tell the local date, weekday and time.", schema({})), run)
