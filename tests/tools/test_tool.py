"""What all tools share."""

import pytest

from antiphon.tools.tool import ToolFault, as_text, schema


def test_a_schema_names_all_there_is():
    assert schema({"a": {"type": "string"}}, ["a"]) == {
        "type": "object",
        "properties": {"a": {"type": "string"}},
        "required": ["a"],
        "additionalProperties": False,
    }


def test_text_stays_and_values_become_json():
    assert as_text("日本\n") == "日本\n"
    assert as_text({"ok": True, "name": "é"}) == '{"ok": true, "name": "é"}'
    loop = []
    loop.append(loop)
    for odd in (object(), {1: {2}}, loop):
        with pytest.raises(ToolFault):
            as_text(odd)


def test_a_fault_may_have_other_words_for_the_log():
    assert ToolFault("no lamp 1234").logged == "no lamp 1234"
    assert ToolFault("no lamp 1234", "no lamp").logged == "no lamp"
