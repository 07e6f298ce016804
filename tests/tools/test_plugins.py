"""Tools of other packages, installed for the test as packages are: by an entry point."""

import asyncio
import sys
import threading

import pytest

from antiphon.conversation.events import ToolsChanged
from antiphon.tools.plugins import Plugins
from tools.toolroom import BOUND_S, Lines, Room

PACKAGE = """
import threading
from dataclasses import dataclass

release = threading.Event()

class Weather:
    name = "weather"
    description = "Tell the weather."
    parameters = {
        "type": "object",
        "properties": {"city": {"type": "string"}, "code": {"type": "string"}},
        "required": ["city"],
    }
    secret = ["code"]

    async def run(self, arguments):
        return {"city": arguments["city"], "degrees": 21}

@dataclass
class Tool:
    name: str
    description: str
    run: object

def hang(arguments):
    release.wait(60)
    return "late"

def breaks(arguments):
    raise KeyError("1234")

def leaves(arguments):
    raise SystemExit(3)

def tools():
    return [Weather(), Tool("slow", "Is slow.", lambda arguments: threading.current_thread().name),
            Tool("hang", "Hangs.", hang), Tool("breaks", "Breaks.", breaks), Tool("leaves", "Leaves.", leaves)]

async def quits(arguments):
    raise SystemExit(3)

def odd_schema():
    return [Tool("fine", "Is fine.", hang), Schema("odd", "Is odd.", hang)]

@dataclass
class Schema(Tool):
    parameters = {"type": "object", "properties": {"n": {"enum": {1, 2}}}}

class Spilling(Weather):
    secret = "code"

def quitting():
    wrapped = lambda arguments: Weather().run({"city": "x"})
    return [Tool("quits", "Quits.", quits), Tool("wrapped", "Is wrapped.", wrapped)]

spilling = Spilling()

def broken():
    raise RuntimeError("no such bus")

nothing = 5
one = Weather()
"""
HANGS = """
import builtins
builtins.hanging_import.wait(60)
from weather_tools import Weather

class Late(Weather):
    name = "late"
"""
ENTRIES = """[antiphon.tools]
hangs = hanging_tools:Late
weather = weather_tools:tools
broken = weather_tools:broken
odd = weather_tools:nothing
odd_schema = weather_tools:odd_schema
spilling = weather_tools:spilling
quitting = weather_tools:quitting
one = weather_tools:one
gone = no_such_module:tools
"""


@pytest.fixture(autouse=True)
def installed(tmp_path, monkeypatch):
    (tmp_path / "weather_tools.py").write_text(PACKAGE)
    (tmp_path / "hanging_tools.py").write_text(HANGS)
    info = tmp_path / "weather_tools-1.2.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: weather-tools\nVersion: 1.2\n")
    (info / "entry_points.txt").write_text(ENTRIES)
    monkeypatch.syspath_prepend(str(tmp_path))
    yield
    for name in ("weather_tools", "hanging_tools"):
        sys.modules.pop(name, None)


def test_a_package_s_tools_are_there():
    async def main():
        log = Lines()
        room = Room(Plugins(["weather"], log).tools())
        assert log == [
            (
                "info",
                "plugin",
                {"plugin": "weather", "version": "weather-tools 1.2", "tools": "weather, slow, hang, breaks, leaves"},
            )
        ]
        assert await room.ask("weather", city="Oslo", code="1") == ({"city": "Oslo", "degrees": 21}, False)
        assert room.log.named("tool-values") == [{"tool": "weather", "values": "city=Oslo, code=***"}]
        assert await room.ask("weather") == ({"error": "city is missing"}, True)
        assert await room.ask("slow") == ("plugin", False)  # a thread of its own

    asyncio.run(main())


def test_a_plugin_may_be_one_tool():
    assert [tool.spec.name for tool in Plugins(["one"], Lines()).tools()] == ["weather"]


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("broken", "RuntimeError: no such bus"),
        ("gone", "ModuleNotFoundError"),
        ("odd", "AttributeError"),
        ("odd_schema", "TypeError: Object of type set is not JSON"),
        ("spilling", "secret must be a list of names"),
    ],
)
def test_one_that_is_broken_is_told_and_the_rest_goes_on(name, why):
    log = Lines()
    assert len(Plugins([name, "weather"], log).tools()) == 5
    (told,) = log.named("plugin-failed")
    assert (told["plugin"], told["version"]) == (name, "weather-tools 1.2")
    assert why in told["why"]


def test_one_that_is_not_installed_is_told():
    log = Lines()
    assert Plugins(["sun"], log).tools() == []
    assert "tools.plugins names sun, which no installed package brings" in log.named("plugin-missing")[0]["sentence"]


@pytest.fixture
def going_on(monkeypatch):
    """Until it is set the plugin "hangs" is being imported."""
    event = threading.Event()
    monkeypatch.setattr("builtins.hanging_import", event, raising=False)
    yield event
    event.set()
    for thread in threading.enumerate():
        if thread.name == "plugin-import":
            thread.join(BOUND_S)


def test_one_that_hangs_while_it_is_imported_holds_nobody_up_and_is_offered_when_it_has_come(going_on):
    async def main():
        log = Lines()
        room = Room(boxes=[Plugins(["hangs"], log, 0.0)])
        assert room.host.specs() == []
        (told,) = log.named("plugin-late")
        assert told["sentence"].startswith("the plugin hangs has not been loaded within 0 s: its tools are offered")
        come = asyncio.Event()
        async with asyncio.timeout(BOUND_S), asyncio.TaskGroup() as group:
            running = group.create_task(room.host.run(lambda event: (told.update(news=event), come.set())))
            going_on.set()
            await come.wait()
            assert told["news"] == ToolsChanged()
            assert (await room.ask("late", city="Oslo"))[0]["city"] == "Oslo"
            running.cancel()

    asyncio.run(main())


def test_the_rest_is_loaded_all_the_same(going_on):
    async def main():
        plugins = Plugins(["hangs", "one"], Lines(), 0.0)
        come = asyncio.Event()
        async with asyncio.timeout(BOUND_S), asyncio.TaskGroup() as group:
            running = group.create_task(plugins.run(come.set))
            await come.wait()
            assert [tool.spec.name for tool in plugins.tools()] == ["weather"]
            running.cancel()
        assert not going_on.is_set()

    asyncio.run(main())


def test_whoever_ends_does_not_wait_for_one_that_hangs(going_on):
    room = Room(boxes=[Plugins(["hangs"], Lines(), 0.0)])

    async def main():
        async with room.running():
            assert room.host.specs() == []

    asyncio.run(main())
    assert not going_on.is_set()


def test_whatever_it_raises_is_the_model_s_to_know():
    async def main():
        room = Room(Plugins(["weather"], Lines()).tools())
        assert await room.ask("breaks") == ({"error": "KeyError: '1234'"}, True)
        assert await room.ask("leaves") == ({"error": "SystemExit: 3"}, True)
        assert "1234" not in str(room.log)

    asyncio.run(main())


def test_a_coroutine_that_quits_ends_nothing_and_one_that_is_wrapped_up_is_awaited():
    async def main():
        room = Room(Plugins(["quitting"], Lines()).tools())
        assert await room.ask("quits") == ({"error": "SystemExit: 3"}, True)
        assert await room.ask("wrapped") == ({"city": "x", "degrees": 21}, False)

    asyncio.run(main())


def test_one_that_hangs_on_its_thread_is_not_asked_again_until_it_is_back():
    async def main():
        room = Room(Plugins(["weather"], Lines()).tools(), limit_ms=50)
        assert "took longer" in (await room.ask("hang"))[0]["error"]
        assert await room.ask("hang") == ({"error": "it is still busy with what it was asked before"}, True)
        threads = [thread for thread in threading.enumerate() if thread.name == "plugin"]
        sys.modules["weather_tools"].release.set()
        for thread in threads:
            await asyncio.to_thread(thread.join, 30)
        room.host._limit_s = 30
        assert await room.ask("hang") == ("late", False)

    asyncio.run(main())
