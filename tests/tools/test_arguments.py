"""What a model puts into a call is checked, in words that it can mend it by."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from antiphon.tools.arguments import LONGEST, parsed, wrong
from antiphon.tools.tool import schema

LAMP = schema(
    {
        "name": {"type": "string", "enum": ["lamp", "fan"]},
        "on": {"type": "boolean"},
        "level": {"type": "integer", "minimum": 0, "maximum": 10},
        "note": {"type": ["string", "null"], "maxLength": 5},
        "rooms": {
            "type": "array",
            "items": {"type": "object", "required": ["id"], "properties": {"id": {"type": "number"}}},
        },
    },
    ["name"],
)  # fmt: skip


def test_what_is_json_is_taken():
    assert parsed('{"a": 1}') == {"a": 1}
    assert parsed("") == {}
    assert parsed("[1]") == "the arguments are not a JSON object"
    for text in ("{", "{'a': 1}", "[" * 100_000):
        assert isinstance(parsed(text), str)
    assert "longer than" in parsed(" " * (LONGEST + 1))


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"name": "lamp"}, ""),
        ({"name": "lamp", "on": True, "level": 3.0, "note": None, "rooms": [{"id": 1.5, "more": 1}]}, ""),
        ({}, "name is missing"),
        ({"name": "oven"}, "name must be one of lamp, fan"),
        ({"name": 3}, "name must be of type string"),
        ({"name": "lamp", "on": 1}, "on must be of type boolean"),
        ({"name": "lamp", "level": True}, "level must be of type integer"),
        ({"name": "lamp", "level": 2.5}, "level must be of type integer"),
        ({"name": "lamp", "level": 11}, "level must be 10 or less"),
        ({"name": "lamp", "level": -1}, "level must be 0 or more"),
        ({"name": "lamp", "level": float("nan")}, "level must be of type integer"),
        ({"name": "lamp", "note": "too long"}, "note must have 5 characters at most"),
        ({"name": "lamp", "rooms": [{"id": 1}, {}]}, "id is missing in rooms[1]"),
        ({"name": "lamp", "col\nour": 1}, "col?our is no argument of it; there are: name, on, level, note, rooms"),
        ({"on": 1, "level": "x"}, "name is missing; on must be of type boolean; level must be of type integer"),
    ],
)
def test_what_does_not_fit_is_said(arguments, words):
    assert wrong(arguments, LAMP) == words


WORDS = st.sampled_from(["type", "properties", "items", "enum", "required", "object", "array", "a"])
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | WORDS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(WORDS, inner, max_size=4),
    max_leaves=8,
)


@given(VALUES, VALUES)
def test_no_schema_and_no_arguments_break_it(arguments, wanted):
    wrong({"a": arguments}, {"type": "object", "properties": {"a": wanted}})
    taken = parsed(json.dumps(arguments))
    if isinstance(taken, dict):
        wrong(taken, wanted if isinstance(wanted, dict) else {})
