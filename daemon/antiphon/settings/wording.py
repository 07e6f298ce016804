"""What does not fit, in sentences: what is wrong, and what is allowed. It reads both from the JSON schema, so that no
bound is written twice; the owner's text is repeated only where it is a word from a short list.
"""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from difflib import get_close_matches
from typing import Any, TypeAlias, TypeVar

from pydantic import BaseModel
from pydantic_core import ErrorDetails

from antiphon.settings.layers import Complaint, Path, Sheet, Value, dotted, plain

Schema: TypeAlias = Mapping[str, Any]
Model = TypeVar("Model", bound=BaseModel)

VARIABLE_PREFIX = "ANTIPHON_"
MOST_ERRORS = 50
"""Of one file; one of another kind has thousands."""
KEY_NAMES = ("key", "api_key", "apikey", "token", "secret", "stepfun_api_key")
NO_KEY_HERE = "the API key itself does not belong here; put it in $STEPFUN_API_KEY or a file named by realtime.key_file"


def validated(
    model: type[Model], tree: Value, taken: Mapping[int, str] | None = None, soldered: Mapping[int, str] | None = None
) -> Model:
    """`tree` as a `model`; `taken` are the lines of the header that the board needs, `soldered` the keys of its own
    lamps and buttons, by their lines. Raises ValidationError.
    """
    # Through JSON, where "strict" still takes a list for a tuple and a mapping for a section, and little else.
    context = {"taken": taken or {}, "soldered": soldered or {}}
    return model.model_validate_json(json.dumps(tree), strict=True, context=context)


def complaints(sheet: Sheet, tree: Value, schema: Schema, errors: Iterable[ErrorDetails]) -> Iterator[Complaint]:
    """Pydantic's errors about `tree`, each at the place of the value it is about; of very many the first."""
    errors = list(errors)
    if len(errors) > MOST_ERRORS:
        place = sheet.place(_known_part(schema, errors[MOST_ERRORS]["loc"]))
        yield Complaint(
            place, "", f"from here on there are {len(errors) - MOST_ERRORS} more mistakes; mend these first"
        )
    for error in errors[:MOST_ERRORS]:
        path = _known_part(schema, error["loc"])
        context = error.get("ctx", {})
        if error["type"] == "wrong":
            paths = [_split(key, tree, path[:-1]) for key in context["keys"]] or [path]
            yield _at_odds(sheet, paths, context["sentence"])
        elif error["type"] == "clashes":
            for sentence, keys_at_odds in context["clashes"]:
                yield _at_odds(sheet, [_split(key, tree, path[:-1]) for key in keys_at_odds], sentence)
        else:
            yield _complaint(sheet, tree, schema, path, error["type"])


def _at_odds(sheet: Sheet, paths: Sequence[Path], sentence: str) -> Complaint:
    """Of keys at odds, the one laid last is the one to look at; the other may be named in the sentence."""
    path = max(paths, key=lambda one: (one in sheet.places, sheet.place(one)))
    other = next((one for one in paths if one != path), path)
    return Complaint(sheet.place(path), dotted(path), sentence.replace("{other}", dotted(other)))


def _complaint(sheet: Sheet, tree: Value, schema: Schema, path: Path, kind: str) -> Complaint:
    """What pydantic finds wrong by itself, with the value at `path`."""
    place = sheet.place(path)
    if kind == "extra_forbidden":
        return Complaint(place, dotted(path), unknown(schema, path, place.origin))
    node = node_at(schema, path)
    if kind == "missing":
        return Complaint(place, dotted(path), f"is missing; give {allowed(schema, node)}")
    value = _value_at(tree, path)
    quoted = ""
    if node.get("type") == "string" and isinstance(value, bool | int | float):
        shells = place.origin.startswith(("-", VARIABLE_PREFIX))
        quoted = f""", in quotes, and these in the shell's: '"{json.dumps(value)}"'""" if shells else ", in quotes"
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
            return f"a list of {kind}" if node.get("minItems") else f"a list, [] for none, of {kind}" + _most(node)
        case "object":
            return "a mapping" + (" with the keys " + _names(node) if "properties" in node else "")
        case "null":
            return "null"
        case _:
            return f'text like "{node["examples"][0]}"' if "examples" in node else "text"


def unknown(schema: Schema, path: Path, origin: str) -> str:
    """About a key that there is not: what was perhaps meant, else what there is."""
    name = str(path[-1])
    if name.lower() in KEY_NAMES:
        return "unknown key; " + NO_KEY_HERE
    home = path[:-1]
    meant = _perhaps(schema, home, name)
    if not meant:
        return "unknown key; there are " + ", ".join(node_at(schema, home).get("properties", ()))
    return f"unknown key; did you mean {_either([_to_write(key, home, origin) for key in meant])}?"


def _to_write(key: Path, home: Path, origin: str) -> str:
    """How `key` is written in `origin`, for an owner who wrote something in the section `home`."""
    if origin.startswith(VARIABLE_PREFIX):
        return VARIABLE_PREFIX + "__".join(map(str, key)).upper()
    if origin.startswith("-") or key[:-1] == home:
        return dotted(key)
    # In a file a dotted name is no key, and would be met with the same words again.
    return f"{key[-1]}, " + (f"indented under {dotted(key[:-1])}" if key[:-1] else "at the left edge")


def _perhaps(schema: Schema, home: Path, name: str) -> list[Path]:
    """The keys that `name`, found in the section `home`, may have been meant to be, the likeliest only."""
    every = list(keys(schema))
    small = name.lower()
    siblings = list(node_at(schema, home).get("properties", ()))
    if near := get_close_matches(small, siblings, n=1, cutoff=0.8):
        return [(*home, near[0])]
    exact = [key for key in every if small in (key[-1], dotted(key), "_".join(map(str, key)))]
    if exact:
        return exact
    if near := get_close_matches(small, siblings, n=1):
        return [(*home, near[0])]
    spelt = {dotted(key): key for key in every} | {str(key[-1]): key for key in reversed(every)}
    return [spelt[near] for near in get_close_matches(dotted((*home, small)), spelt, n=1, cutoff=0.75)]


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
        case str() if "pattern" in node and len(value) <= 30:
            return f"is {json.dumps(value)}"
        case str():
            return "is text"
        case list() if node.get("type") == "array":
            return f"has {len(value)} entries"
        case list():
            return "is a list"
        case _:
            return "is a mapping"


def _split(key: str, tree: Value, home: Path) -> Path:
    """The path of the dotted `key`, which is said from `home` on. Only what is in a list is counted."""
    path, value = home, _value_at(tree, home)
    for part in key.split("."):
        if isinstance(value, list):
            path, value = (*path, int(part)), value[int(part)]
        else:
            path, value = (*path, part), value.get(part) if isinstance(value, dict) else None
    return path


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
