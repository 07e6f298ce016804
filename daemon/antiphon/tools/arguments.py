"""Floor 3. What a model puts into a call, checked before anything is run: JSON, and what its schema says.

Of JSON schema it knows what tools' schemas use: type, properties, required, additionalProperties, enum, pattern, items,
and bounds. What it does not know it lets through; the tool, or its server, judges that.
"""

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

LONGEST = 65_536
_KINDS: dict[str, tuple[type, ...]] = {
    "object": (dict,),
    "array": (list,),
    "string": (str,),
    "integer": (int,),
    "number": (int, float),
    "boolean": (bool,),
    "null": (type(None),),
}
_MOST_SAID = 5


def parsed(text: str) -> dict[str, Any] | str:
    """The arguments of a call, or one sentence about what is wrong. A call without any may come as ""."""
    if len(text) > LONGEST:
        return f"the arguments are longer than {LONGEST} characters"
    try:
        value = json.loads(text or "{}")
    except (ValueError, RecursionError):
        return "the arguments are not JSON"
    return value if isinstance(value, dict) else "the arguments are not a JSON object"


def wrong(arguments: Mapping[str, Any], schema: Mapping[str, Any]) -> str:
    """What of `arguments` does not fit `schema`, in one sentence; "" when all does."""
    try:
        said = list(_complaints(arguments, schema, "the arguments"))
    except RecursionError:
        return "the arguments are nested too deeply"
    return "; ".join(said[:_MOST_SAID])


def properties(schema: Mapping[str, Any]) -> Mapping[str, Any]:
    """What an object may have, by its name; a schema that is not ours may hold anything in its place."""
    known = schema.get("properties")
    return known if isinstance(known, Mapping) else {}


def _complaints(value: Any, schema: Any, name: str) -> Iterator[str]:
    if not isinstance(schema, Mapping):
        return
    kinds = schema.get("type")
    kinds = [kinds] if isinstance(kinds, str) else kinds if isinstance(kinds, list) else []
    if kinds and not any(_is(value, kind) for kind in kinds):
        yield f"{name} must be of type {' or '.join(map(str, kinds))}"
        return
    choices = schema.get("enum")
    if isinstance(choices, list) and value not in choices:
        yield f"{name} must be one of {', '.join(map(str, choices[:50]))}"
    yield from _bounds(value, schema, name)
    if isinstance(value, dict):
        yield from _members(value, schema, name)
    elif isinstance(value, list):
        for number, one in enumerate(value):
            yield from _complaints(one, schema.get("items"), f"{name}[{number}]")


def _is(value: Any, kind: Any) -> bool:
    """A truth value is no number, and 5.0 is an integer, as JSON schema has it."""
    if isinstance(value, bool):
        return bool(kind == "boolean")
    if kind == "integer" and isinstance(value, float):
        return value.is_integer()
    return not isinstance(kind, str) or isinstance(value, _KINDS.get(kind, (object,)))


def _bounds(value: Any, schema: Mapping[str, Any], name: str) -> Iterator[str]:
    if isinstance(value, int | float) and not isinstance(value, bool):
        least, most = schema.get("minimum"), schema.get("maximum")
        if isinstance(least, int | float) and not value >= least:
            yield f"{name} must be {least} or more"
        if isinstance(most, int | float) and not value <= most:
            yield f"{name} must be {most} or less"
    if isinstance(value, str):
        longest = schema.get("maxLength")
        if isinstance(longest, int) and len(value) > longest:
            yield f"{name} must have {longest} characters at most"


def _members(value: dict[str, Any], schema: Mapping[str, Any], name: str) -> Iterator[str]:
    known = properties(schema)
    required = schema.get("required")
    for one in required if isinstance(required, list) else []:
        if isinstance(one, str) and one not in value:
            yield f"{one} is missing" if name == "the arguments" else f"{one} is missing in {name}"
    for key, inner in value.items():
        if key in known:
            yield from _complaints(inner, known[key], key)
        elif schema.get("additionalProperties") is False:
            there = ", ".join(known) or "none"
            yield f"{_shown(key)} is no argument of it; there are: {there}"


def _shown(key: str) -> str:
    """A name that a model has made up, fit to be repeated."""
    return re.sub(r"[^\w-]", "?", key[:40])
