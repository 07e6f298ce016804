"""Layers of text become one tree that remembers where each value came from."""

import pytest

from antiphon.settings.layers import DEFAULT, Layer, Typed, dotted, lay, plain


def told(text: str) -> list[str]:
    return [str(one) for one in lay([Layer("f.yaml", text)]).complaints]


@pytest.mark.parametrize(
    ("word", "value"),
    [
        ("", None),
        ("~", None),
        ("null", None),
        ("true", True),
        ("Yes", True),
        ("on", True),
        ("false", False),
        ("NO", False),
        ("off", False),
        ("0", 0),
        ("-26", -26),
        ("16_000", 16_000),
        ("0.5", 0.5),
        (".5", 0.5),
        ("1e3", 1000.0),
        ("hey_jarvis", "hey_jarvis"),
        ("hw:1,0", "hw:1,0"),
        ("1:30", "1:30"),
        (".inf", ".inf"),
        ("2024-01-01", "2024-01-01"),
        ("9" * 5000, "9" * 5000),
    ],
)
def test_plain_words_mean_what_people_mean(word: str, value: object) -> None:
    assert plain(word) == value
    assert type(plain(word)) is type(value)


def test_a_pin_with_a_zero_in_front_is_not_octal() -> None:
    assert plain("017") == "017"


def test_values_and_lines_of_a_file() -> None:
    sheet = lay([Layer("f.yaml", "# first\na:\n  b: 1\n  c:\n    - x\n    - 'yes'\n  d:\n    |\n    12\n")])
    assert sheet.tree == {"a": {"b": 1, "c": ["x", "yes"], "d": "12\n"}}
    lines = {dotted(path): place.line for path, place in sheet.places.items() if path}
    assert lines == {"a": 2, "a.b": 3, "a.c": 4, "a.c.0": 5, "a.c.1": 6, "a.d": 7}
    assert str(sheet.place(("a", "b"))) == "f.yaml:3"
    assert sheet.place(("a", "z")).line == 2
    assert sheet.place(("z",)) == DEFAULT


@pytest.mark.parametrize("text", ["", "\n\n", "# nothing\n", "---\n", "\ufeff"])
def test_an_empty_file_sets_nothing(text: str) -> None:
    sheet = lay([Layer("f.yaml", text)])
    assert sheet.tree == {}
    assert sheet.complaints == []


def test_the_last_layer_wins_key_by_key_and_lists_replace_lists() -> None:
    sheet = lay(
        [
            Layer("low.yaml", "a:\n  x: 1\n  y: 1\n  list: [1, 2, 3]\n"),
            Layer("high.yaml", "a:\n  y: 2\n  list:\n    - 9\n"),
            Layer("--set", {"a": {"z": Typed("3")}}),
        ]
    )
    assert sheet.tree == {"a": {"x": 1, "y": 2, "list": [9], "z": 3}}
    origins = {dotted(path): str(place) for path, place in sheet.places.items()}
    assert origins["a.x"] == "low.yaml:2"
    assert origins["a.y"] == "high.yaml:2"
    assert origins["a.z"] == "--set"
    assert origins["a.list"] == "high.yaml:3"
    assert "a.list.1" not in origins


def test_an_empty_section_takes_nothing_away() -> None:
    assert lay([Layer("a", "a: {x: 1}"), Layer("b", "a:\n")]).tree == {"a": {"x": 1}}
    assert lay([Layer("a", "a:\n"), Layer("b", "a: {x: 1}")]).tree == {"a": {"x": 1}}


def test_a_section_given_as_something_else_is_not_hidden_by_a_higher_layer() -> None:
    assert lay([Layer("a", "a: 5"), Layer("b", "a: {x: 1}")]).tree == {"a": 5}


def test_layers_do_not_change_what_they_were_given() -> None:
    data = {"a": {"x": 1}}
    lay([Layer("a", data), Layer("b", {"a": {"x": 2}})])
    assert data == {"a": {"x": 1}}


@pytest.mark.parametrize(
    ("typed", "value"),
    [
        ("40", 40),
        (" yes ", True),
        ("", None),
        ("Say: hi # please", "Say: hi # please"),
        ("*mic", "*mic"),
        ("wss://host:1/x", "wss://host:1/x"),
        ("'40'", "40"),
        ('"a: b"', "a: b"),
        ("[17, 27]", [17, 27]),
        ("[{model: hey_jarvis, threshold: 0.5}]", [{"model": "hey_jarvis", "threshold": 0.5}]),
    ],
)
def test_typed_values(typed: str, value: object) -> None:
    sheet = lay([Layer("--set", {"a": {"x": Typed(typed)}})])
    assert sheet.tree == {"a": {"x": value}}
    assert sheet.complaints == []
    assert {str(place) for place in sheet.places.values()} == {"--set"}


def test_a_typed_value_that_is_broken_names_its_origin_and_key() -> None:
    sheet = lay([Layer("ANTIPHON_LAMPS__PINS", {"lamps": {"pins": Typed("[17,")}})])
    assert [str(one) for one in sheet.complaints] == [
        "ANTIPHON_LAMPS__PINS: lamps.pins: a bracket is opened and not closed, or a value is missing"
    ]


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("a:\n\tb: 1\n", "f.yaml:2: a tab; indent with spaces"),
        ("a:\n  b: @home\n", "f.yaml:2: a word begins with a character that YAML keeps for itself"),
        ("a:\n  b: Say: hi\n", "f.yaml:2: a colon where none can be"),
        ("a:\n  b: 1\n c: 2\n", "f.yaml:3: this line does not fit those above"),
        ("a:\n  b: 1\n  c\n  d: 2\n", "f.yaml:4: a key without a colon"),
        ("a:\n  b: 'x\n", "f.yaml:3: a quote is opened and never closed"),
        ("a:\n  b: [1, 2\nc: 3\n", "f.yaml:3: a bracket is opened and not closed"),
        ("a: &x 1\nb: *x\n", "f.yaml:1: & and * (anchors and aliases) are not used here"),
        ("a: *x\n", "f.yaml:1: & and * (anchors and aliases) are not used here"),
        ("a: !!python/object:os.system x\n", "f.yaml:1: ! (a tag) is not used here"),
        ("a: 1\n---\nb: 2\n", "f.yaml:2: a second document begins"),
        ("a\n  b: 1\n", "f.yaml:2: a colon where none can be; put text with a colon in quotes, and see that the line"),
        ("a:\n  b: !x 1\n", "f.yaml:2: ! (a tag) is not used here"),
        ("a: 1\nb: \x00\n", "f.yaml:2: holds a character that is not text"),
        ("[" * 5000, "f.yaml:1: brackets or indents are too deep"),
        ("a\n", "f.yaml:1: holds no sections"),
        ("- a: 1\n", "f.yaml:1: holds no sections"),
        ("{[a]: 1}\n", "f.yaml:1: a list or mapping stands where a key should be"),
        ("a:\n  b: 1\n  b: 2\n", "f.yaml:3: a.b: is given twice, first in line 2; keep one"),
        ("a: {b: 1}\nc: 1\na: {b: 2}\n", "f.yaml:3: a: is given twice, first in line 1; keep one"),
    ],
)
def test_broken_yaml_is_one_line_with_a_remedy(text: str, sentence: str) -> None:
    lines = told(text)
    assert len(lines) == 1
    assert lines[0].startswith(sentence)
    assert "\n" not in lines[0]


def test_control_characters_do_not_reach_the_terminal() -> None:
    (line,) = told('"\\e[31m\\n": 1\n"\\e[31m\\n": 2\n')
    assert line.startswith("f.yaml:2: \\x1b[31m\\n: is given twice")


def test_a_tree_of_plain_values_is_taken_as_it_is() -> None:
    sheet = lay([Layer("a test", {"lamps": {"pins": (17, 27), "kind": "gpio"}})])
    assert sheet.tree == {"lamps": {"pins": [17, 27], "kind": "gpio"}}
    assert str(sheet.places["lamps", "pins", 1]) == "a test"
