"""Tools that are imported late, or that cannot be."""

import asyncio
import threading

import pytest

from antiphon.conversation.events import ToolsChanged
from antiphon.tools.late import LateBox
from tools.toolroom import Room, tool


class Box:
    def __init__(self, there):
        self._there = there

    def tools(self):
        return self._there

    async def run(self, changed):
        changed()
        await asyncio.Event().wait()


async def says(_):
    return "ok"


def room_with(load):
    room = Room()
    room.host._boxes = [LateBox(load, "Install it", room.log)]
    room.changed = asyncio.Event()
    room.posted = []
    return room


def test_they_are_there_once_they_are_imported():
    async def main():
        threads = []

        def load():
            threads.append(threading.current_thread())
            return Box([tool("late", says)])

        room = room_with(load)
        assert room.host.specs() == []
        async with asyncio.timeout(30), asyncio.TaskGroup() as group:
            come = asyncio.Event()
            task = group.create_task(room.host.run(lambda event: (room.posted.append(event), come.set())))
            await come.wait()
            assert room.posted == [ToolsChanged()]
            assert await room.ask("late") == ("ok", False)
            task.cancel()
        assert threads != [threading.main_thread()]

    asyncio.run(main())


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (ImportError("No module named 'mcp'"), "a Python package is missing (No module named 'mcp'). Install it"),
        (AttributeError("no 'Event'"), "a Python package is broken (AttributeError: no 'Event'). Install it"),
    ],
)
def test_a_package_that_cannot_be_imported_is_one_sentence(error, words):
    async def main():
        def load():
            raise error

        room = room_with(load)
        async with asyncio.timeout(30):
            await room.host._boxes[0].run(lambda: None)
        assert room.log == [("error", "no-tools", {"sentence": words})]

    asyncio.run(main())
