"""From layers of text to one tree of plain values that remembers where each came from. It knows no key by name.

The YAML is the part people write by hand: no anchors, tags or second documents, and a number with a leading zero is
text (YAML 1.1 would read pin 017 as 15). yes, no, on and off are truth values, as they are to PyYAML.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NoReturn, TypeAlias

import yaml

Value: TypeAlias = "bool | int | float | str | list[Value] | dict[str, Value] | None"
Path: TypeAlias = tuple[str | int, ...]

MAX_DEPTH = 20  # settings are four deep; this is only a stop for nonsense
PLAIN_NULL = re.compile(r"~?|null|Null|NULL")
PLAIN_TRUTH = re.compile(r"(true|yes|on)|false|no|off", re.IGNORECASE)
PLAIN_INT = re.compile(r"[-+]?(0|[1-9][0-9_]{0,17})")
PLAIN_FLOAT = re.compile(r"[-+]?([0-9]+\.[0-9]*|\.[0-9]+)([eE][-+]?[0-9]{1,2})?|[-+]?[0-9]+[eE][-+]?[0-9]{1,2}")

REMEDIES = {
    r"'\t' that cannot start": "a tab; indent with spaces",
    "that cannot start": "a word begins with a character that YAML keeps for itself; put the text in quotes",
    "mapping values are not allowed": "a colon where none can be; put text with a colon in quotes, "
    "and see that the line above has its own",
    "could not find expected ':'": "a key without a colon; write `key: value`",
    "expected <block end>": "this line does not fit those above; begin all keys of a section in the same column",
    "unexpected end of stream": "a quote is opened and never closed",
    "expected the node content": "a bracket is opened and not closed, or a value is missing",
    "another document": "a second document begins (---); keep one",
    "expected ',' or": "a bracket is opened and not closed, or a comma is missing",
}


class Typed(str):
    """A value as it was typed in a variable or on the command line: a plain scalar, or YAML in quotes or brackets."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class Layer:
    """One source of settings. Later layers win, key by key; a list replaces a list."""

    origin: str
    """What to call it: the path of a file, the name of a variable, "--set"."""
    data: str | Mapping[str, Any]
    """The text of a YAML file, or a tree of plain values, of which some may be `Typed`."""


@dataclass(frozen=True, slots=True)
class BoardLayer(Layer):
    """The text of a board file: what it says under `settings` lies beneath all other layers."""


@dataclass(frozen=True, slots=True, order=True)
class Place:
    """Where a value was given; places sort as they are laid."""

    rank: int
    line: int
    """From 1; 0 where there are no lines."""
    origin: str

    def __str__(self) -> str:
        """As editors and compilers write it: file:line."""
        return f"{self.origin}:{self.line}" if self.line else self.origin


@dataclass(frozen=True, slots=True, order=True)
class Complaint:
    """One thing that is wrong with the settings."""

    place: Place
    key: str
    sentence: str

    def __str__(self) -> str:
        """One line, whatever characters are in it."""
        line = f"{self.place}: {self.key}: {self.sentence}" if self.key else f"{self.place}: {self.sentence}"
        return line if line.isprintable() else "".join(c if c.isprintable() else ascii(c)[1:-1] for c in line)


@dataclass(slots=True)
class Sheet:
    """All layers laid over each other."""

    tree: dict[str, Value] = field(default_factory=dict)
    places: dict[Path, Place] = field(default_factory=dict)
    complaints: list[Complaint] = field(default_factory=list)

    def place(self, path: Path) -> Place:
        """Where `path` was given, or what holds it, if it was not given itself."""
        while path and path not in self.places:
            path = path[:-1]
        return self.places.get(path, DEFAULT)

    def under(self, key: str) -> "Sheet":
        """What lies under `key`, as a sheet of its own, without the complaints."""
        tree = self.tree.get(key)
        places = {path[1:]: place for path, place in self.places.items() if path[:1] == (key,)}
        return Sheet(tree if isinstance(tree, dict) else {}, places)


DEFAULT = Place(-1, 0, "default")


def lay(layers: Sequence[Layer], beneath: Sheet | None = None) -> Sheet:
    """Read the layers, lowest first, and lay each over those before it; the first over what is `beneath` them all."""
    sheet = Sheet() if beneath is None else beneath
    for rank, layer in enumerate(layers, start=0 if beneath is None else 1):
        reading = _Reading(rank, layer)
        upper = reading.text(layer.data) if isinstance(layer.data, str) else reading.given(layer.data)
        sheet.complaints += reading.complaints
        if isinstance(upper, dict):
            laid: set[Path] = set()
            _lay_over(sheet.tree, upper, (), laid)
            below = {path: place for path, place in sheet.places.items() if not _is_within(path, laid)}
            sheet.places = below | {path: place for path, place in reading.places.items() if _is_within(path, laid)}
    return sheet


def plain(text: str) -> Value:
    """What a word means in YAML when it stands without quotes."""
    if PLAIN_NULL.fullmatch(text):
        return None
    if truth := PLAIN_TRUTH.fullmatch(text):
        return truth[1] is not None
    if PLAIN_INT.fullmatch(text):
        return int(text.replace("_", ""))
    return float(text) if PLAIN_FLOAT.fullmatch(text) else text


def dotted(path: Path) -> str:
    """`path` as the owner writes it: section.key."""
    return ".".join(str(part) for part in path)


def _lay_over(lower: dict[str, Value], upper: dict[str, Value], path: Path, laid: set[Path]) -> None:
    """Put `upper`, found at `path`, over `lower`, which becomes the result; and the paths that it has now in `laid`."""
    for key, value in upper.items():
        here = (*path, key)
        below = lower.get(key)
        if isinstance(below, dict) and isinstance(value, dict):
            _lay_over(below, value, here, laid)
        elif isinstance(below, dict) and value is None:
            continue  # an empty section takes nothing away
        elif below is not None and isinstance(value, dict):
            continue  # a section was given as something else: that stays, to be complained of
        else:
            lower[key] = value
            laid.add(here)


def _is_within(path: Path, laid: set[Path]) -> bool:
    """Whether `path` is one of these, or lies under one."""
    return any(path[:length] in laid for length in range(1, len(path) + 1))


class _Reading:
    """One layer being read: its values are returned, their places and what is wrong are kept here."""

    def __init__(self, rank: int, layer: Layer) -> None:
        self.rank = rank
        self.origin = layer.origin
        self.is_file = isinstance(layer.data, str)  # what was typed for one key has no line worth telling
        self.places: dict[Path, Place] = {}
        self.complaints: list[Complaint] = []

    def at(self, line: int = 0) -> Place:
        """The place of a line of this layer."""
        return Place(self.rank, line if self.is_file else 0, self.origin)

    def complain(self, line: int, path: Path, sentence: str) -> None:
        """Keep what is wrong, to tell all of it at the end."""
        self.complaints.append(Complaint(self.at(line), dotted(path), sentence))

    def text(self, text: str, path: Path = ()) -> Value:
        """The value of a YAML text; None, and a complaint, when it has none."""
        try:
            node = yaml.compose(text, Loader=_Plain)
        except yaml.MarkedYAMLError as error:
            mark = error.problem_mark or error.context_mark
            self.complain(mark.line + 1 if mark else 0, path, _remedy(error.problem or ""))
            return None
        except yaml.reader.ReaderError as error:
            line = text.count("\n", 0, error.position) + 1
            self.complain(line, path, "holds a character that is not text; take it out")
            return None
        if node is None or (isinstance(node, yaml.ScalarNode) and node.style is None and plain(node.value) is None):
            return None
        if self.is_file and not isinstance(node, yaml.MappingNode):
            sentence = "holds no sections; write a section's name and a colon, and below it its keys, indented"
            self.complain(node.start_mark.line + 1, (), sentence)
            return None
        return self._value(node, path, node.start_mark.line + 1)

    def given(self, value: Any, path: Path = ()) -> Value:
        """A value that comes from no file: its place is the whole layer."""
        if isinstance(value, Typed):
            if value.startswith(("[", "{", '"', "'")):
                return self.text(value, path)
            value = plain(value.strip())
        self.places[path] = self.at()
        if isinstance(value, Mapping):
            return {str(key): self.given(inner, (*path, str(key))) for key, inner in value.items()}
        if isinstance(value, list | tuple):
            return [self.given(inner, (*path, number)) for number, inner in enumerate(value)]
        known: Value = value
        return known

    def _value(self, node: yaml.Node, path: Path, line: int) -> Value:
        self.places[path] = self.at(line)
        if isinstance(node, yaml.MappingNode):
            return self._mapping(node, path)
        if isinstance(node, yaml.SequenceNode):
            items = enumerate(node.value)
            return [self._value(item, (*path, number), item.start_mark.line + 1) for number, item in items]
        assert isinstance(node, yaml.ScalarNode)  # there is no fourth kind
        text = str(node.value)
        return plain(text) if node.style is None else text

    def _mapping(self, node: yaml.MappingNode, path: Path) -> Value:
        tree: dict[str, Value] = {}
        lines: dict[str, int] = {}
        for key_node, value_node in node.value:
            line = key_node.start_mark.line + 1
            key = str(key_node.value)
            if not isinstance(key_node, yaml.ScalarNode):
                self.complain(line, path, "a list or mapping stands where a key should be; write `key: value`")
            elif key in lines:
                self.complain(line, (*path, key), f"is given twice, first in line {lines[key]}; keep one")
            else:
                lines[key] = line
                tree[key] = self._value(value_node, (*path, key), line)
        return tree


class _Plain(yaml.BaseLoader):
    """YAML as in the head of this file. Composing stops at the first thing that is not plain."""

    _depth = 0

    def compose_node(self, parent: yaml.Node | None, index: Any) -> yaml.Node | None:
        event = self.peek_event()  # type: ignore[no-untyped-call]  # the stubs leave it untyped
        if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None):
            _refuse("& and * (anchors and aliases) are not used here; put text that begins so in quotes", event)
        if getattr(event, "tag", None):
            _refuse("! (a tag) is not used here; put text that begins so in quotes", event)
        if self._depth > MAX_DEPTH:
            _refuse("brackets or indents are too deep", event)
        self._depth += 1
        node = super().compose_node(parent, index)
        self._depth -= 1
        return node


def _refuse(sentence: str, event: yaml.Event) -> NoReturn:
    mark = event.start_mark
    assert isinstance(mark, yaml.Mark)  # the C parser, which has marks of another kind, is not used
    raise yaml.MarkedYAMLError(problem=sentence, problem_mark=mark)


def _remedy(problem: str) -> str:
    """The parser's `problem` in words that say what to do."""
    for part, sentence in REMEDIES.items():
        if part in problem:
            return sentence
    return problem
