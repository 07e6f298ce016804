"""What does not fit, in sentences: what is wrong, and what is allowed. It reads both from the JSON schema, so that no
bound is written twice; the owner's text is repeated only where it is a word from a short list.
"""

import json
from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from typing import Any, TypeAlias

from pydantic_core import ErrorDetails

from antiphon.settings.layers import Complaint, Path, Sheet, Value, dotted, plain

Schema: TypeAlias = Mapping[str, Any]

VARIABLE_PREFIX = "ANTIPHON_"
KEY_NAMES = ("key", "api_key", "apikey", "token", "secret", "stepfun_api_key")
NO_KEY_HERE = "the API key itself does not belong here; put it in $STEPFUN_API_KEY or a file named by realtime.key_file"


def complaint(sheet: Sheet, schema: Schema, error: ErrorDetails) -> Complaint:
    """One of pydantic's errors, at the place of the value it is about."""
    path = _known_part(schema, error["loc"])
    if error["type"] == "wrong":
        context = error["ctx"]
        paths = [path[:-1] + _split(key) for key in context["keys"]] or [path]
        # Of keys at odds, the one laid last is the one to look at.
        path = max(paths, key=lambda one: (one in sheet.places, sheet.place(one)))
        return Complaint(sheet.place(path), dotted(path), context["sentence"])
    place = sheet.place(path)
    if error["type"] == "extra_forbidden":
        return Complaint(place, dotted(path), unknown(schema, path, place.origin))
    node = node_at(schema, path)
    if error["type"] == "missing":
        return Complaint(place, dotted(path), f"is missing; give {allowed(schema, node)}")
    value = _value_at(sheet.tree, path)
    quoted = ", in quotes" if node.get("type") == "string" and isinstance(value, bool | int | float) else ""
    return Complaint(place, dotted(path), f"{_what_is(value, node)}; give {allowed(schema, node)}{quoted}")


def allowed(schema: Schema, node: Schema) -> str:
    """What may stand where `node` of `schema` does, in words."""
    node = resolved(schema, node)
    if "anyOf" in node:
        return _either([allowed(schema, kind) for kind in node["anyOf"]])
    if "enum" in node:
        return _either(node["enum"])
    match node.get("type"):
        case "integer":
            return "a whole number" + _bounds(node)
        case "number":
            return "a number" + _bounds(node)
        case "boolean":
            return "true or false"
        case "array":
            items = resolved(schema, node["items"])
            kind = "mappings with the keys " + _names(items) if "properties" in items else allowed(schema, items)
            return f"a list, [] for none, of {kind}" + _most(node)
        case "object":
            return "a mapping with the keys " + _names(node)
        case "null":
            return "null"
        case _:
            return "text"


def unknown(schema: Schema, path: Path, origin: str) -> str:
    """About a key that there is not: what was perhaps meant, else what there is."""
    name = str(path[-1])
    if name.lower() in KEY_NAMES:
        return "unknown key; " + NO_KEY_HERE
    siblings = list(node_at(schema, path[:-1]).get("properties", ()))
    every = [dotted(key) for key in keys(schema)]
    meant = [key for key in every if name in (key.rpartition(".")[2], key.replace(".", "_"))]
    if not meant:
        meant = [dotted((*path[:-1], near)) for near in get_close_matches(name, siblings, n=1)]
    if not meant:
        meant = get_close_matches(dotted(path), every, n=1, cutoff=0.75)
    if not meant:
        return "unknown key; there are " + ", ".join(siblings)
    if origin.startswith(VARIABLE_PREFIX):
        return f"unknown key; did you mean {VARIABLE_PREFIX}{meant[0].upper().replace('.', '__')}?"
    return f"unknown key; did you mean {meant[0]}?"


def keys(schema: Schema, node: Schema | None = None, path: Path = ()) -> Iterator[Path]:
    """The path of every key that holds a value of its own; a list is one value."""
    properties = resolved(schema, schema if node is None else node).get("properties")
    if properties is None:
        yield path
        return
    for name, inner in properties.items():
        yield from keys(schema, inner, (*path, name))


def node_at(schema: Schema, path: Path) -> Schema:
    """The part of the schema that describes `path`; {} when nothing does."""
    node: Schema = schema
    for part in path:
        node = resolved(schema, node)
        node = node.get("items", {}) if isinstance(part, int) else node.get("properties", {}).get(part, {})
    return resolved(schema, node)


def resolved(schema: Schema, node: Schema) -> Schema:
    """`node`, or what it refers to."""
    if "$ref" not in node:
        return node
    definition: Schema = schema["$defs"][node["$ref"].rpartition("/")[2]]
    return definition


def _known_part(schema: Schema, loc: Path) -> Path:
    """`loc` without what pydantic appends for the branch of a union."""
    path: Path = ()
    for part in loc:
        if "anyOf" in node_at(schema, path):
            break
        path = (*path, part)
    return path


def _value_at(tree: Value, path: Path) -> Any:
    value: Any = tree
    for part in path:
        value = value[part]
    return value


def _what_is(value: Any, node: Schema) -> str:
    """`value` in words that give no secret away."""
    match value:
        case None:
            return "is null"
        case bool() | int() | float():
            return f"is {json.dumps(value)}"
        case "":
            return "is empty"
        case str() if "enum" in node and len(value) <= 30:
            near = get_close_matches(value, node["enum"], n=1)
            return f"is {json.dumps(value)}" + (f" (perhaps {near[0]}?)" if near else "")
        case str() if plain(value.lstrip("0")) != value.lstrip("0"):
            return "is text, by its quotes or the 0 in front"
        case str():
            return "is text"
        case list():
            return "is a list"
        case _:
            return "is a mapping"


def _split(key: str) -> Path:
    return tuple(int(part) if part.isdigit() else part for part in key.split("."))


def _bounds(node: Schema) -> str:
    low, high = node.get("minimum"), node.get("maximum")
    if high is None:
        return "" if low is None else f" not below {low}"
    return f" from {low} to {high}"


def _most(node: Schema) -> str:
    return f", at most {node['maxItems']}" if "maxItems" in node else ""


def _names(node: Schema) -> str:
    return ", ".join(node["properties"])


def _either(kinds: list[str]) -> str:
    return kinds[0] if len(kinds) == 1 else ", ".join(kinds[:-1]) + " or " + kinds[-1]
