"""The commented file of all keys, the settings in force, and the schema."""

import json
import os
import re
from pathlib import Path

import pytest

from antiphon.config_files import read_layers
from antiphon.settings import BoardLayer, Layer, Settings, default_yaml, effective, effective_dict, json_schema, load

CONFIG = Path(__file__).parents[2] / "config"
REGENERATE = """is not up to date; regenerate both with:
.venv/bin/python -c 'import json; from antiphon.settings import default_yaml, json_schema
open("config/antiphon.yaml", "w").write(default_yaml())
open("config/schema.json", "w").write(json.dumps(json_schema(), indent=2) + "\\n")'"""


def test_the_commented_file_is_as_the_code_has_it() -> None:
    assert (CONFIG / "antiphon.yaml").read_text() == default_yaml(), f"config/antiphon.yaml {REGENERATE}"


def test_the_schema_is_as_the_code_has_it() -> None:
    schema = json.loads((CONFIG / "schema.json").read_text())
    assert schema == json_schema(), f"config/schema.json {REGENERATE}"


def test_the_commented_file_equals_the_defaults_and_holds_every_key() -> None:
    loaded = load([Layer("config/antiphon.yaml", default_yaml())])
    assert loaded.settings == Settings()
    assert "default" not in loaded.origins.values()


def test_the_commented_file_can_be_read_by_people() -> None:
    lines = default_yaml().split("\n")
    assert lines[0] == "# yaml-language-server: $schema=schema.json"
    assert max(map(len, lines)) <= 120
    assert not any(line != line.rstrip() for line in lines)


def test_the_demo_s_settings_fit() -> None:
    path = CONFIG / "demo.yaml"
    demo = load(read_layers(path, {}, ["realtime.url=ws://127.0.0.1:1/v1"]))
    assert demo.settings.board == "simulated"
    assert demo.settings.lamps.kind == "terminal"
    assert demo.settings.log.format == "json"
    assert (demo.settings.microphone.device, demo.settings.speaker.device) == ("mic", "spk")
    assert [word.model for word in demo.settings.wake.words] == ["hey_jarvis"]


@pytest.mark.parametrize("page", ["README.md", "docs/lan-server.md", "docs/tools.md", "docs/wake-words.md"])
def test_what_the_pages_tell_to_write_fits(page: str) -> None:
    blocks = re.findall(r"^ *```yaml\n(.*?)^ *```", (CONFIG.parent / page).read_text(), re.DOTALL | re.MULTILINE)
    assert blocks
    server = Layer("another file", "generate: {urls: [http://nas:8000]}")  # what a page has told before
    for block in blocks:
        # A line that begins a top level key again is another choice.
        for choice in re.split(r"^(?=links:)", block, flags=re.MULTILINE):
            load([server, Layer(page, choice)])


def test_the_schema_lets_an_editor_help() -> None:
    schema = json_schema()
    voice = schema["$defs"]["Realtime"]["properties"]["voice"]
    assert voice["default"] == "linjiajiejie"
    assert voice["description"]
    assert schema["$defs"]["Realtime"]["additionalProperties"] is False
    links = schema["properties"]["links"]
    assert links["default"] == ["realtime", "generate"]
    assert (links["minItems"], links["uniqueItems"]) == (1, True)
    assert "default" not in schema["properties"]["generate"]


def test_the_settings_in_force_show_their_origins() -> None:
    loaded = load([Layer("f.yaml", "realtime:\n  voice: two\nlamps: {brightness: 0.5}\n")])
    lines = [line.split() for line in effective(loaded, "$STEPFUN_API_KEY").splitlines()]
    assert ["realtime.voice", "=", "two", "#", "f.yaml:2"] in lines
    assert ["lamps.brightness", "=", "0.5", "#", "f.yaml:3"] in lines
    assert ["log.level", "=", "info", "#", "default"] in lines
    assert lines[-1] == ["(API", "key)", "=", "***", "#", "$STEPFUN_API_KEY"]
    assert "API key" not in effective(loaded)


def test_the_settings_in_force_can_be_typed_again() -> None:
    text = "realtime: {voice: 'on', instructions: 'a: \"b\" # é'}\nlamps: {pins: [1, 2]}\n"
    loaded = load([Layer("f.yaml", text + "links: [generate]\ngenerate: {urls: ['http://nas', 'http://nas:1']}")])
    lines = effective(loaded).splitlines()
    sets = [" = ".join(part.strip() for part in line.rpartition("  # ")[0].split(" = ", 1)) for line in lines]
    assert "links = [generate]" in sets
    assert (
        load(read_layers(Path(os.devnull), {}, [one.replace(" = ", "=", 1) for one in sets])).settings
        == loaded.settings
    )


def test_a_proxy_s_password_is_starred() -> None:
    loaded = load([Layer("f.yaml", "realtime: {proxy: 'http://me:hunt@er2@host:1'}")])
    assert "realtime.proxy" in effective(loaded)
    assert "http://***@host:1" in effective(loaded)
    assert "er2" not in effective(loaded)
    shown = effective_dict(loaded)
    assert shown["realtime.proxy"] == {"value": "http://***@host:1", "origin": "f.yaml:1"}
    assert shown["wake.words"]["value"][0]["model"] == "hey_jarvis"
    assert "er2" not in json.dumps(shown)


def test_the_board_in_force_is_told_first() -> None:
    board = BoardLayer("b.yaml", "title: LED\ntried: on the bench\nsettings:\n  buttons: {talk: 23}\n")
    lines = effective(load([board, Layer("f.yaml", "board: led")])).split("\n")
    assert lines[0].split("#") == [f"{'(board)':32} = {'LED':28}  ", " on the bench"]
    assert "# b.yaml:4" in next(line for line in lines if line.startswith("buttons.talk "))
