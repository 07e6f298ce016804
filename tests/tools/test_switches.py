"""Outputs of the board, by their names."""

import asyncio

from antiphon.devices.fake_hands import FakeOutputs
from antiphon.tools.switches import Switchboard
from tools.toolroom import Room


def test_an_output_is_switched_and_asked_about():
    async def main():
        outputs = FakeOutputs("lamp", "fan")
        room = Room([], [Switchboard(outputs)])
        async with room.running():
            assert await room.ask("switch", name="lamp", on=True) == ({"name": "lamp", "on": True}, False)
            assert await room.ask("switch", name="lamp") == ({"name": "lamp", "on": True}, False)
            assert await room.ask("switch", name="fan") == ({"name": "fan", "on": False}, False)
            assert outputs.on == {"lamp"}
        assert outputs.closed  # what nobody watches over does not stay on
        assert outputs.on == set()

    asyncio.run(main())


def test_what_is_no_output_is_not_switched():
    async def main():
        outputs = FakeOutputs("lamp")
        room = Room([], [Switchboard(outputs)])
        assert await room.ask("switch", name="oven", on=True) == ({"error": "name must be one of lamp"}, True)
        assert await room.ask("switch", name="lamp", on="yes") == ({"error": "on must be of type boolean"}, True)
        outputs.broken = {"lamp"}
        assert await room.ask("switch", name="lamp", on=True) == (
            {"error": "switch lamp: its line is gone. Look at the wire"},
            True,
        )
        assert outputs.on == set()
        assert "lamp" in room.host.specs()[0].description

    asyncio.run(main())
