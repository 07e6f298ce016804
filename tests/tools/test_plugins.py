"""Tools of other packages, installed for the test as packages are: by an entry point."""

import asyncio
import sys
import threading

import pytest

from antiphon.tools.plugins import plugin_tools
from tools.toolroom import Lines, Room

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
ENTRIES = """[antiphon.tools]
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
    info = tmp_path / "weather_tools-1.2.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: weather-tools\nVersion: 1.2\n")
    (info / "entry_points.txt").write_text(ENTRIES)
    monkeypatch.syspath_prepend(str(tmp_path))
    yield
    sys.modules.pop("weather_tools", None)


def test_a_package_s_tools_are_there():
    async def main():
        log = Lines()
        room = Room(plugin_tools(["weather"], log))
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
    assert [tool.spec.name for tool in plugin_tools(["one"], Lines())] == ["weather"]


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
    assert len(plugin_tools([name, "weather"], log)) == 5
    (told,) = log.named("plugin-failed")
    assert (told["plugin"], told["version"]) == (name, "weather-tools 1.2")
    assert why in told["why"]


def test_one_that_is_not_installed_is_told():
    log = Lines()
    assert plugin_tools(["sun"], log) == []
    assert "tools.plugins names sun, which no installed package brings" in log.named("plugin-missing")[0]["sentence"]


def test_whatever_it_raises_is_the_model_s_to_know():
    async def main():
        room = Room(plugin_tools(["weather"], Lines()))
        assert await room.ask("breaks") == ({"error": "KeyError: '1234'"}, True)
        assert await room.ask("leaves") == ({"error": "SystemExit: 3"}, True)
        assert "1234" not in str(room.log)

    asyncio.run(main())


def test_a_coroutine_that_quits_ends_nothing_and_one_that_is_wrapped_up_is_awaited():
    async def main():
        room = Room(plugin_tools(["quitting"], Lines()))
        assert await room.ask("quits") == ({"error": "SystemExit: 3"}, True)
        assert await room.ask("wrapped") == ({"city": "x", "degrees": 21}, False)

    asyncio.run(main())


def test_one_that_hangs_on_its_thread_is_not_asked_again_until_it_is_back():
    async def main():
        room = Room(plugin_tools(["weather"], Lines()), limit_ms=50)
        assert "took longer" in (await room.ask("hang"))[0]["error"]
        assert await room.ask("hang") == ({"error": "it is still busy with what it was asked before"}, True)
        threads = [thread for thread in threading.enumerate() if thread.name == "plugin"]
        sys.modules["weather_tools"].release.set()
        for thread in threads:
            await asyncio.to_thread(thread.join, 30)
        room.host._limit_s = 30
        assert await room.ask("hang") == ("late", False)

    asyncio.run(main())
