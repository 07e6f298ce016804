"""Tools are found, checked, limited and told to the log, whatever they do."""

import asyncio
import json

import pytest

from antiphon.conversation.events import ToolAnswered, ToolsChanged
from antiphon.tools.host import LONGEST_SPEC, MOST_BYTES, MOST_CHANGES, MOST_LEFT_OUT, MOST_TOOLS, ToolHost, cut
from antiphon.tools.tool import ToolFault, schema
from tools.toolroom import Lines, Room, tool

ROOM = schema({"room": {"type": "string"}, "code": {"type": "string"}}, ["room"])


async def says_ok(arguments):
    return {"ok": True, **arguments}


def test_a_tool_is_run_with_what_it_is_given():
    async def main():
        room = Room([tool("lights", says_ok, ROOM)])
        assert await room.ask("lights", room="hall") == ({"ok": True, "room": "hall"}, False)
        (line,) = room.log.named("tool")
        assert line == {"tool": "lights", "arguments": "room", "ms": line["ms"], "failed": 0}
        assert [spec.name for spec in room.host.specs()] == ["lights"]

    asyncio.run(main())


def test_values_are_told_at_debug_only_and_secrets_never():
    async def main():
        room = Room([tool("door", says_ok, ROOM, secret=["code"])])
        await room.ask("door", room="hall", code="1234")
        assert [fields["values"] for fields in room.log.named("tool-values")] == ["room=hall, code=***"]
        assert all("hall" not in str(fields) for level, _, fields in room.log if level != "debug")
        assert "1234" not in str(room.log)

    asyncio.run(main())


def test_what_is_secret_stays_so_within_other_values():
    async def main():
        parameters = schema({"find": {"type": "object"}, "all": {"type": "array"}})
        room = Room([tool("door", says_ok, parameters, secret=["code"])])
        await room.ask("door", find={"by": {"code": "1234"}}, all=[{"code": "1234"}, "x"])
        (line,) = room.log.named("tool-values")
        assert line["values"] == 'find={"by": {"code": "***"}}, all=[{"code": "***"}, "x"]'

    asyncio.run(main())


@pytest.mark.parametrize(
    "parameters",
    [{"properties": None}, {"properties": ["room"]}, {"required": [["room"], None]}, {"required": "room"},
     {"properties": {"room": None}}, {"properties": {"room": {"type": [["x"]], "enum": 3, "minimum": "a"}}}],
)  # fmt: skip
def test_a_schema_that_is_none_ends_nothing(parameters):
    async def main():
        room = Room([tool("lights", says_ok, {"type": "object"} | parameters)])
        assert await room.ask("lights", room="hall") == ({"ok": True, "room": "hall"}, False)

    asyncio.run(main())


def test_whatever_can_be_read_can_be_told_to_the_log():
    async def main():
        room = Room([tool("lights", says_ok, {"type": "object", "properties": {"room": {}}})])
        for depth in range(900, 1000):  # somewhere there what can be read can not be written any more
            await room.ask_text("lights", f'{{"room": {"[" * depth}{"]" * depth}}}')
        assert len(room.log.named("tool")) == 100

    asyncio.run(main())


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("oven", "{}", "there is no such tool; there are: lights"),
        ("lights", "{", "the arguments are not JSON"),
        ("lights", "[]", "the arguments are not a JSON object"),
        ("lights", "{}", "room is missing"),
        ("lights", '{"room": 4}', "room must be of type string"),
        ("lights", '{"room": "a", "colour": "red"}', "colour is no argument of it; there are: room, code"),
    ],
)
def test_what_cannot_be_run_is_told_to_the_model_and_not_run(name, text, words):
    async def main():
        room = Room([tool("lights", says_ok, ROOM)])
        assert await room.ask_text(name, text) == ({"error": words}, True)
        assert [level for level, what, _ in room.log if what.startswith("tool")][:1] == ["warning"]

    asyncio.run(main())


def test_a_tool_that_fails_says_so():
    async def main():
        async def fails(_):
            raise ToolFault("no bulb 1234", "no bulb")

        room = Room([tool("lights", fails)])
        assert await room.ask("lights") == ({"error": "no bulb 1234"}, True)
        assert room.log.named("tool")[0]["why"] == "no bulb"

    asyncio.run(main())


def test_one_that_takes_too_long_is_ended():
    async def main():
        ended = []

        async def hangs(_):
            try:
                await asyncio.Event().wait()
            finally:
                ended.append(True)

        room = Room([tool("slow", hangs)], limit_ms=10)
        assert await room.ask("slow") == ({"error": "it took longer than 0.01 s, and was given up"}, True)
        assert ended == [True]
        assert await room.ask("slow") == ({"error": "it took longer than 0.01 s, and was given up"}, True)

    asyncio.run(main())


def test_one_that_will_not_end_keeps_nobody_waiting(monkeypatch):
    monkeypatch.setattr("antiphon.tools.host.ENDS_S", 0.01)

    async def main():
        release = asyncio.Event()

        async def stubborn(_):
            while not release.is_set():
                try:
                    await release.wait()
                except asyncio.CancelledError:
                    continue
            raise ValueError("nobody hears of this any more")

        room = Room([tool("slow", stubborn)], limit_ms=10)
        assert (await room.ask("slow"))[1]
        assert room.log.named("zombie") == [{"task": "tool-slow"}]
        assert await room.ask("slow") == ({"error": "it is still busy with what it was asked before, for 0.01 s"}, True)
        release.set()
        await asyncio.sleep(0)

    asyncio.run(main())


def test_a_second_call_waits_for_the_first():
    async def main():
        began, release = [], asyncio.Event()

        async def run(arguments):
            began.append(arguments["room"])
            await release.wait()
            return arguments["room"]

        room = Room([tool("lights", run, ROOM), tool("other", says_ok)])
        async with asyncio.TaskGroup() as group:
            first = group.create_task(room.ask("lights", room="one"))
            second = group.create_task(room.ask("lights", room="two"))
            await room.ask("other")  # another tool waits for nobody
            assert began == ["one"]
            release.set()
        assert (first.result(), second.result()) == (("one", False), ("two", False))
        assert began == ["one", "two"]

    asyncio.run(main())


def test_a_call_that_is_cancelled_is_answered_all_the_same_once():
    async def main():
        begun = asyncio.Event()

        async def hangs(_):
            begun.set()
            await asyncio.Event().wait()

        room, answers = Room([tool("slow", hangs)]), []
        task = asyncio.get_running_loop().create_task(room.host.call(3, "slow", "{}", answers.append))
        await begun.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert answers == [ToolAnswered(3, '{"error": "it was given up"}', failed=True)]
        assert room.log.named("tool")[0]["why"] == "given up"
        assert [level for level, what, _ in room.log if what == "tool"] == ["info"]  # of that nobody need be warned

    asyncio.run(main())


def test_a_tool_that_ends_itself_ends_nothing_else():
    async def main():
        async def gives_up(_):
            raise asyncio.CancelledError

        room = Room([tool("odd", gives_up)])
        assert await room.ask("odd") == ({"error": "it ended before it was done"}, True)

    asyncio.run(main())


def test_a_fault_of_ours_is_not_hidden():
    async def main():
        async def breaks(_):
            raise ZeroDivisionError

        room, answers = Room([tool("broken", breaks)]), []
        with pytest.raises(ZeroDivisionError):
            await room.host.call(1, "broken", "{}", answers.append)
        assert len(answers) == 1

    asyncio.run(main())


def test_what_is_too_long_is_cut():
    async def main():
        async def talks(_):
            return "é" * MOST_BYTES

        output, failed = await Room([tool("talks", talks)]).ask("talks")
        assert not failed
        assert len(output.encode()) <= MOST_BYTES
        assert output.endswith("… (cut off)")
        assert cut("short \udcff") == "short ?"

    asyncio.run(main())


def test_what_is_no_plain_value_is_a_failure():
    async def main():
        async def odd(_):
            return object()

        assert (await Room([tool("odd", odd)]).ask("odd"))[1]

    asyncio.run(main())


def test_of_two_tools_with_one_name_the_first_counts():
    log = Lines()
    host = ToolHost([tool("a", says_ok), tool("a", says_ok), tool("a b", says_ok), tool("x" * 65, says_ok)], log, 1000)
    assert [spec.name for spec in host.specs()] == ["a"]
    assert len(log.named("tool-left-out")) == 3
    many = [tool(f"t{number}", says_ok) for number in range(MOST_TOOLS + 5)]
    assert len(ToolHost(many, Lines(), 1000).specs()) == MOST_TOOLS


class Box:
    def __init__(self):
        self.there = []

    def tools(self):
        return self.there

    async def run(self, changed):
        self.changed = changed
        self.begun.set()
        await asyncio.Event().wait()


@pytest.mark.parametrize(
    ("parameters", "why"),
    [
        ({"type": "object", "maximum": float("nan")}, "cannot be written as JSON"),
        ({"type": "object", "enum": {1, 2}}, "cannot be written as JSON"),
        ({"type": "object", "title": "\ud800"}, "cannot be written as JSON"),
        ({"type": "object", "title": "x" * LONGEST_SPEC}, f"more than {LONGEST_SPEC} bytes"),
    ],
)
def test_one_that_would_keep_a_model_from_knowing_the_others_is_left_out(parameters, why):
    log = Lines()
    host = ToolHost([tool("odd", says_ok, parameters), tool("lights", says_ok)], log, 1000)
    assert [spec.name for spec in host.specs()] == ["lights"]
    (line,) = log.named("tool-left-out")
    assert line["tool"] == "odd"
    assert why in line["why"]


def test_tools_that_cannot_be_told_do_not_fill_the_log():
    log = Lines()
    ToolHost([tool(f"odd tool {number}", says_ok) for number in range(2 * MOST_LEFT_OUT)], log, 1000)
    assert len(log.named("tool-left-out")) == MOST_LEFT_OUT


def test_tools_come_and_go():
    async def main():
        box = Box()
        box.begun = asyncio.Event()
        room = Room([tool("own", says_ok)], [box])
        async with room.running():
            await box.begun.wait()
            box.there = [tool("home_lights", says_ok)]
            box.changed()
            assert [spec.name for spec in room.host.specs()] == ["own", "home_lights"]
            box.changed()
            await told(room, 1)
            box.there = []
            box.changed()
            await told(room, 2)
            assert (await room.ask("home_lights"))[0] == {"error": "there is no such tool; there are: own"}
        assert room.posted == [ToolsChanged(), ToolsChanged()]

    asyncio.run(main())


def test_a_server_that_has_other_tools_each_time_renews_no_call_for_ever():
    async def main():
        box, clock = Box(), [0.0]
        box.begun = asyncio.Event()
        room = Room([], [box])
        room.host._clock = lambda: clock[0]
        async with room.running():
            await box.begun.wait()
            for number in range(50):
                box.there = [tool(f"home_{number}", says_ok)]
                box.changed()
                assert [spec.name for spec in room.host.specs()] == [f"home_{number}"]
                await told(room, min(number + 1, MOST_CHANGES))

    asyncio.run(main())


async def told(room, times):
    """Wait until it has been told so often; and a little more."""
    while len(room.posted) < times:  # noqa: ASYNC110 - a few turns of the loop
        await asyncio.sleep(0)
    for _ in range(10):
        await asyncio.sleep(0)
    assert room.posted == [ToolsChanged()] * times


def test_a_name_that_a_model_has_made_up_does_not_reach_the_log_as_it_is():
    async def main():
        room = Room()
        assert await room.ask_text("rm -rf /\n", "{}") == ({"error": "there is no such tool; there are: none"}, True)
        assert room.log.named("tool-unknown") == [{"tool": "?"}]
        assert json.dumps(room.log)

    asyncio.run(main())
