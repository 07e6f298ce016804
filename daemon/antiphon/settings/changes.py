"""Settings changed in the owner's own file: his text with other values in it, his comments where they were.

A text that is laid out so that a change would have to guess is written anew from its values, without its comments.
"""

from collections.abc import Mapping
from typing import NamedTuple

import yaml

from antiphon.settings.layers import Layer, Value, lay
from antiphon.settings.pages import written

INDENT = "  "


class Text(NamedTuple):
    """A settings file that was changed."""

    text: str
    keeps_comments: bool
    """Whether every comment of the owner is still there."""


class _Unclear(Exception):
    """This layout is not one of those that are changed in place."""


def changed(text: str, changes: Mapping[str, Value]) -> Text:
    """`text`, a settings file without mistakes, with each of `changes` ("section.key", or "key") set."""
    wanted = _with(lay([Layer("file", text)]).tree, changes)
    try:
        new = text
        for key, value in changes.items():
            new = _set(new, key.split("."), written(value))
    except (_Unclear, yaml.YAMLError):
        new = ""
    sheet = lay([Layer("file", new)])
    if new and not sheet.complaints and sheet.tree == wanted:
        return Text(new, keeps_comments=True)
    return Text(_anew(wanted), keeps_comments="#" not in text)


def _with(tree: Mapping[str, Value], changes: Mapping[str, Value]) -> dict[str, Value]:
    """The values after the changes."""
    result = {key: dict(value) if isinstance(value, dict) else value for key, value in tree.items()}
    for key, value in changes.items():
        section, dot, name = key.partition(".")
        if not dot:
            result[section] = value
            continue
        below = result.get(section)
        result[section] = {**(below if isinstance(below, dict) else {}), name: value}
    return result


def _anew(tree: Mapping[str, Value]) -> str:
    lines: list[str] = []
    for key, value in tree.items():
        if isinstance(value, dict):
            lines += [f"{key}:", *(f"{INDENT}{name}: {written(one)}" for name, one in value.items())]
        else:
            lines.append(f"{key}: {written(value)}")
    return "".join(f"{line}\n" for line in lines)


# ── in place ─────────────────────────────────────────────────────────────────────────────────────


def _set(text: str, path: list[str], value: str) -> str:
    """`text` with one value set. Raises _Unclear, YAMLError."""
    root = yaml.compose(text, Loader=yaml.SafeLoader)
    if _is_nothing(root):
        return _appended(text, path, value)
    if not isinstance(root, yaml.MappingNode) or root.flow_style:
        raise _Unclear
    key, node = _entry(root, path[0])
    if key is None:
        return _appended(text, path, value)
    if len(path) == 1:
        return _replaced(text, node, value)
    if _is_nothing(node):
        return _below(text, key, f"{INDENT}{path[1]}: {value}\n")
    if not isinstance(node, yaml.MappingNode):
        raise _Unclear
    inner, old = _entry(node, path[1])
    if inner is not None:
        return _replaced(text, old, value)
    if node.flow_style:
        at = node.start_mark.index + 1
        return f"{text[:at]}{path[1]}: {value}{', ' if node.value else ''}{text[at:]}"
    first = node.value[0][0].start_mark
    if first.line == key.start_mark.line:
        raise _Unclear
    return _below(text, key, f"{' ' * first.column}{path[1]}: {value}\n")


def _is_nothing(node: yaml.Node | None) -> bool:
    return node is None or (isinstance(node, yaml.ScalarNode) and node.tag == "tag:yaml.org,2002:null")


def _entry(mapping: yaml.MappingNode, name: str) -> tuple[yaml.Node | None, yaml.Node]:
    """The nodes of a key and its value; no key where there is none such."""
    for key, value in mapping.value:
        if key.value == name:
            return key, value
    return None, mapping


def _replaced(text: str, node: yaml.Node, value: str) -> str:
    """With other words where `node` stands, which must end where its own words do."""
    if isinstance(node, yaml.CollectionNode) and not node.flow_style:
        raise _Unclear
    first, end = node.start_mark.index, node.end_mark.index
    space = " " if first and text[first - 1] == ":" else ""
    return f"{text[:first]}{space}{value}{text[end:]}"


def _below(text: str, key: yaml.Node, line: str) -> str:
    """With another line below the one of `key`."""
    end = text.find("\n", key.end_mark.index)
    return f"{text}\n{line}" if end < 0 else f"{text[: end + 1]}{line}{text[end + 1 :]}"


def _appended(text: str, path: list[str], value: str) -> str:
    line_end = "" if not text or text.endswith("\n") else "\n"
    if len(path) == 1:
        return f"{text}{line_end}{path[0]}: {value}\n"
    return f"{text}{line_end}{path[0]}:\n{INDENT}{path[1]}: {value}\n"
