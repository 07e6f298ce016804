"""Settings written out: the commented file of all keys, what is in force and why, and the schema for editors."""

import json
import re
from collections.abc import Iterator
from textwrap import wrap
from typing import Any

from antiphon.secret import STARS
from antiphon.settings.layers import plain
from antiphon.settings.loading import Loaded
from antiphon.settings.sections import Settings
from antiphon.settings.wording import Schema, allowed, node_at, resolved

WIDTH = 108
SAFE_PLAIN = re.compile(r"[A-Za-z_/][\w./:+-]*")
PASSWORD = re.compile(r"(?<=://)[^/]*@")

HEAD = """\
# yaml-language-server: $schema=schema.json

# Every key of Antiphon, with its default. Copy what you want to change to /etc/antiphon/antiphon.yaml; what you leave
# out keeps its default. README.md beside this file tells how else a key can be set.
"""


def json_schema() -> dict[str, Any]:
    """What an editor needs to complete and check a settings file."""
    schema = Settings.model_json_schema()
    for name, node in schema["properties"].items():
        if "properties" in node_at(schema, (name,)):
            del node["default"]  # each key has its own
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema, "title": "Antiphon's settings"}


def default_yaml() -> str:
    """The text of config/antiphon.yaml: every key with its default, and what it means."""
    schema = Settings.model_json_schema()
    lines = [HEAD]
    for name, values in Settings().model_dump(mode="json").items():
        node = schema["properties"][name]
        section = resolved(schema, node)
        if "properties" in section:
            lines += [*_comment(section["description"]), f"{name}:", *_keys(schema, section, values, "  "), ""]
        else:
            lines += [*_meaning(schema, node), f"{name}: {written(values)}", ""]
    return "\n".join(lines)


def effective(loaded: Loaded, key_origin: str = "") -> str:
    """The settings in force, one a line with its origin; `key_origin` tells where the API key was found.

    A board is told first, and on what it has been tried.
    """
    rows = [(key, written(entry["value"]), entry["origin"]) for key, entry in effective_dict(loaded).items()]
    if loaded.board:
        rows.insert(0, ("(board)", loaded.board.title, loaded.board.tried))
    if key_origin:
        rows.append(("(API key)", STARS, key_origin))
    wide = max(len(key) for key, _, _ in rows)
    return "\n".join(f"{key:{wide}} = {value:28}  # {origin}" for key, value, origin in rows) + "\n"


def effective_dict(loaded: Loaded) -> dict[str, dict[str, Any]]:
    """The same for programs: dotted key to {"value": ..., "origin": ...}."""
    tree = loaded.settings.model_dump(mode="json")
    shown: dict[str, dict[str, Any]] = {}
    for key, origin in loaded.origins.items():
        value: Any = tree
        for part in key.split("."):
            value = value[part]
        shown[key] = {"value": PASSWORD.sub(f"{STARS}@", value) if isinstance(value, str) else value, "origin": origin}
    return shown


def _keys(schema: Schema, section: Schema, values: dict[str, Any], indent: str) -> Iterator[str]:
    """The keys of a section, or of an entry of a list, each under its comment."""
    for number, (name, node) in enumerate(section["properties"].items()):
        if number:
            yield ""
        yield from (indent + line for line in _meaning(schema, node))
        entry = resolved(schema, node.get("items", {}))
        if "properties" in entry and not values[name]:
            yield f"{indent}{name}: []"
            yield from (f"{indent}# {line}" for line in _entry_keys(schema, entry))
        elif "properties" in entry:
            yield f"{indent}{name}:"
            for inner in values[name]:
                yield from _entry(list(_keys(schema, entry, inner, indent + "    ")), indent + "  ")
        else:
            yield f"{indent}{name}: {written(values[name])}"


def _entry_keys(schema: Schema, entry: Schema) -> Iterator[str]:
    """What an entry of an empty list may hold, for a comment: each key, and what it means."""
    for number, (name, node) in enumerate(entry["properties"].items()):
        lead = f"{'- ' if number == 0 else '  '}{name}: "
        below = resolved(schema, node.get("items", {}))
        meaning = " ".join(node["description"].split())
        if "default" in node and node["default"] not in (None, "", []):
            meaning += f" Without it {written(node['default'])}."
        yield from wrap(lead + meaning, WIDTH, subsequent_indent="    ", break_on_hyphens=False)
        if "properties" in below:
            yield from (f"    {line}" for line in _entry_keys(schema, below))


def _entry(lines: list[str], indent: str) -> Iterator[str]:
    """`lines` as one entry of a list: a dash before its first key."""
    first = next(number for number, line in enumerate(lines) if not line.lstrip().startswith("#"))
    yield from (indent + line.lstrip() for line in lines[:first])
    yield f"{indent}- {lines[first].lstrip()}"
    yield from lines[first + 1 :]


def _meaning(schema: Schema, node: Schema) -> list[str]:
    """The comment of a key: what it means, and what may stand there."""
    return [*_comment(node["description"]), *_comment(f"Allowed: {allowed(schema, node)}.")]


def _comment(text: str) -> list[str]:
    return [f"# {line}" for line in wrap(" ".join(text.split()), WIDTH, break_on_hyphens=False)]


def written(value: Any) -> str:
    """`value` as it can be typed in the file, after --set or in a variable."""
    if isinstance(value, list):
        return "[" + ", ".join(written(inner) for inner in value) + "]"
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key}: {written(inner)}" for key, inner in value.items()) + "}"
    if isinstance(value, float):
        return f"{value:g}"
    if isinstance(value, str) and SAFE_PLAIN.fullmatch(value) and plain(value) == value:
        return value
    return json.dumps(value, ensure_ascii=False)
