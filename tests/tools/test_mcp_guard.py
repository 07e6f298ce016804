"""What an MCP server says, as the package gets it."""

import asyncio
from contextlib import asynccontextmanager

import anyio
import pytest
from mcp.types import JSONRPCNotification, JSONRPCResponse

from antiphon.tools import mcp_guard
from antiphon.tools.mcp_guard import Guard

GOOD = {"name": "good", "description": "Is good.", "inputSchema": {"type": "object", "properties": {"a": True}}}
NEWS = JSONRPCNotification(jsonrpc="2.0", method="notifications/message", params={"level": "info", "data": "x"})


class Message:
    def __init__(self, message):
        self.message = message


def listed(*tools, **more):
    return Message(JSONRPCResponse(jsonrpc="2.0", id=1, result={"tools": list(tools), **more}))


class World:
    """A guard whose other side says what `say` is given."""

    def __init__(self):
        self.gone, self.left_out = asyncio.Event(), []
        self.say, self._heard = anyio.create_memory_object_stream(10_000)
        self.guard = Guard(self._transport(), asyncio.Lock(), self.gone, lambda *what: self.left_out.append(what))

    @asynccontextmanager
    async def _transport(self):
        yield self._heard, None

    async def takes(self, *said):
        """What comes of it, to its end."""
        for one in said:
            self.say.send_nowait(one)
        self.say.close()
        async with self.guard as (reading, _), reading:
            return [one async for one in reading]


@pytest.mark.parametrize("version", ["2025-06-18", "2025-11-25"])
@pytest.mark.parametrize(
    ("bad", "named"),
    [
        ({"name": "bad", "inputSchema": {"properties": {}}}, ("bad", "inputSchema.type: Field required")),
        ({"name": "bad", "inputSchema": {"type": "array"}}, ("bad", "inputSchema.type: Input should be 'object'")),
        ({"name": "bad", "inputSchema": {"type": "object", "required": "x"}}, ("bad", "inputSchema.required: ")),
        ({"name": "bad"}, ("bad", "inputSchema: Field required")),
        ({"inputSchema": {"type": "object"}}, ("?", "name: Field required")),
        ({"name": 5, "inputSchema": {"type": "object"}}, ("?", "name: ")),
        ("bad", ("?", "it: ")),
        (None, ("?", "it: ")),
    ],
)
def test_a_tool_that_the_package_would_refuse_is_named_and_the_others_stay(bad, named, version):
    async def main():
        world = World()
        world.guard.version = lambda: version
        (message,) = await world.takes(listed(bad, GOOD))
        assert message.message.result["tools"] == [GOOD]
        ((name, why),) = world.left_out
        assert name == named[0]
        assert why.startswith(named[1])

    asyncio.run(main())


def test_what_it_promises_of_its_output_is_not_taken():
    async def main():
        world = World()
        (message,) = await world.takes(listed(GOOD | {"outputSchema": {"type": "object", "pattern": "(a+)+$"}}))
        assert message.message.result["tools"] == [GOOD]
        assert world.left_out == []

    asyncio.run(main())


def test_a_list_that_is_wrong_itself_is_the_package_s_to_refuse():
    async def main():
        world = World()
        (message,) = await world.takes(listed(GOOD, nextCursor=5))
        assert message.message.result == {"tools": [GOOD], "nextCursor": 5}
        assert world.left_out == []

    asyncio.run(main())


def test_its_end_is_told():
    async def main():
        world = World()
        assert len(await world.takes(Message(NEWS), ValueError("junk"))) == 2
        assert world.gone.is_set()
        assert not world.guard.flooded

    asyncio.run(main())


def test_a_flood_ends_it(monkeypatch):
    monkeypatch.setattr(mcp_guard, "MESSAGES_S", 3600.0)
    most = mcp_guard.MOST_MESSAGES

    async def main():
        world = World()
        assert len(await world.takes(*[Message(NEWS)] * (most + 5))) == most
        assert world.guard.flooded
        assert world.gone.is_set()

    asyncio.run(main())


def test_as_many_in_a_longer_time_are_no_flood(monkeypatch):
    monkeypatch.setattr(mcp_guard, "MESSAGES_S", 0.0)
    guard = Guard(None, None, None, None)
    assert all(guard.takes(Message(NEWS)) for _ in range(3 * mcp_guard.MOST_MESSAGES))
