"""From layers to settings that fit, with the origin of each; or one error that names everything that does not."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from pydantic import ValidationError

from antiphon.errors import SettingsError
from antiphon.settings.boards import Board, BoardReading, read_board
from antiphon.settings.layers import DEFAULT, BoardLayer, Complaint, Layer, Sheet, Value, dotted, lay, plain
from antiphon.settings.sections import Settings, lines_in_use
from antiphon.settings.wording import Schema, complaints, keys, node_at, resolved, validated


@dataclass(frozen=True, slots=True)
class Loaded:
    """Settings, and where each of them was given."""

    settings: Settings
    origins: Mapping[str, str]
    """Dotted key to origin: "default", "config/demo.yaml:12", "ANTIPHON_REALTIME__VOICE", "--set"."""
    board: Board | None = None
    """What the board file says, where one was chosen."""


def load(layers: Sequence[Layer]) -> Loaded:
    """The settings that `layers`, lowest first, make of the defaults; a board's lie beneath them all.

    Raises SettingsError with every error, one a line, as `file:line: key: what is wrong; what is allowed`.
    """
    reading = next((read_board(layer) for layer in layers if isinstance(layer, BoardLayer)), BoardReading())
    schema = Settings.model_json_schema()
    soldered = _soldered(reading, schema)  # before the owner's settings are laid over the board's
    sheet = lay([layer for layer in layers if not isinstance(layer, BoardLayer)], reading.settings)
    found = [*reading.complaints, *sheet.complaints]
    tree = _completed(sheet.tree, schema)
    try:
        settings = validated(Settings, tree, reading.board.taken if reading.board else None, soldered)
    except ValidationError as error:
        found += complaints(sheet, tree, schema, error.errors(include_url=False, include_input=False))
    else:
        found += _headless(reading.board, settings, sheet)
    if found:
        raise SettingsError("\n".join(str(one) for one in sorted(set(found))))
    origins = {dotted(path): str(sheet.places.get(path, DEFAULT)) for path in keys(schema)}
    return Loaded(settings, origins, reading.board)


def _soldered(reading: BoardReading, schema: Schema) -> dict[int, str]:
    """Of a HAT: the lines of its own lamps and buttons, each with the key that uses it."""
    if reading.board is None or not reading.board.hat:
        return {}
    try:
        alone = validated(Settings, _completed(reading.settings.tree, schema))
    except ValidationError:  # which is told when all layers are laid
        return {}
    return {line: key for key, line in lines_in_use(alone.lamps, alone.buttons, alone.tools.switches)}


def _headless(board: Board | None, settings: Settings, sheet: Sheet) -> Iterator[Complaint]:
    """Of a board without a header: the lines that it uses all the same. The owner's own are his affair."""
    if board is None or board.header != "none":
        return
    for key, line in lines_in_use(settings.lamps, settings.buttons, settings.tools.switches):
        section, name, *_ = key.split(".")
        place = sheet.place((section, name))
        if place.rank == 0:
            sentence = f"pin {line} is of a header, and the board has none; take it or `header: none` out"
            yield Complaint(place, f"{section}.{name}", sentence)


def _completed(tree: dict[str, Value], schema: Schema) -> dict[str, Value]:
    """What was given, and what goes without saying: an empty section is none, and a list may lack its brackets."""
    completed: dict[str, Value] = {}
    for key, value in tree.items():
        node = node_at(schema, (key,))
        if "properties" not in node:
            completed[key] = _listed(value, schema, node)
        elif isinstance(value, dict):
            completed[key] = {name: _listed(one, schema, node_at(schema, (key, name))) for name, one in value.items()}
        elif value is not None:  # all the keys of an empty section may be commented out
            completed[key] = value
    return completed


def _listed(value: Value, schema: Schema, node: Schema) -> Value:
    """The words of a list that was written without brackets, as in `links: realtime, generate`; else `value`."""
    one_line = isinstance(value, bool | int | float | str)
    if not one_line or node.get("type") != "array" or "properties" in resolved(schema, node["items"]):
        return value
    return [plain(word.strip()) for word in value.split(",")] if isinstance(value, str) else [value]
