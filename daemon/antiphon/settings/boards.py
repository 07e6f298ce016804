"""What a board file says: which lines a board uses, which settings suit it, and what a maker needs to build it.

A new board is a YAML file like those of hardware/boards; nothing else need change. This file opens none.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Annotated, Any, Literal

from pydantic import Field, ValidationError, ValidationInfo, field_validator

from antiphon.settings.header import LINES, PINS, pin_name
from antiphon.settings.layers import BoardLayer, Complaint, Layer, Path, Place, Sheet, Value, dotted, lay
from antiphon.settings.sections import Section, Settings, Tools, wrong
from antiphon.settings.wording import complaints, validated

UNTRIED = "not yet tried on real parts"
SECTIONS = ("lamps", "buttons", "microphone", "speaker", "echo")
"""Which sections a board may set: what is soldered or plugged, and nothing of the owner's affairs."""
SWITCHES = "switches"
"""And this of the section tools: the relays that are on it."""


class Part(Section):
    """One kind of thing to buy."""

    what: str = Field(min_length=1)
    """What it is called in a shop."""

    count: int = Field(default=1, ge=1, le=99)
    """How many."""

    note: str = ""
    """What to look for."""


class Wire(Section):
    """One wire. It begins at a pin of the header, at another port of the computer, or at another part."""

    pin: int | None = Field(default=None, ge=1, le=40)
    """The pin of the header, counted on the header, 1 to 40."""

    port: str | None = Field(default=None, min_length=1)
    """A port that is not on the header, as USB."""

    start: str | None = Field(default=None, alias="from", min_length=1)
    """A terminal of another part, as `level shifter, 1Y`."""

    via: str = ""
    """What is in the wire, as `330 Ω`."""

    to: str = Field(min_length=1)
    """The part, a comma, and its terminal, as `LED, long leg`."""

    @field_validator("to")
    @classmethod
    def _begins_once(cls, to: str, info: ValidationInfo) -> str:
        given = [key for key in ("pin", "port", "start") if info.data.get(key) is not None]
        if {"pin", "port", "start"} <= set(info.data) and len(given) != 1:
            wrong("begins nowhere or in two places; give one of pin, port and from")
        return to


class Board(Section):
    """One board file."""

    title: str = Field(min_length=1)
    """Its name for people."""

    about: str = Field(default="")
    """What it is, and for whom."""

    tried: str = Field(min_length=1)
    """On what it has been tried; or `not yet tried on real parts`."""

    header: Literal["raspberry-pi-40", "none"] = "raspberry-pi-40"
    """The header that its lines are of."""

    hat: bool = False
    """Whether it is plugged onto the header: nothing is wired, and the lines of its own lamps and buttons stay its own
    when they are set otherwise.
    """

    parts: tuple[Part, ...] = ()
    """What is needed beside the computer."""

    wiring: tuple[Wire, ...] = ()
    """Every wire."""

    @field_validator("wiring")
    @classmethod
    def _fits_the_header(cls, wiring: tuple[Wire, ...], info: ValidationInfo) -> tuple[Wire, ...]:
        seen: list[int] = []
        for number, wire in enumerate(wiring):
            if wire.pin is None:
                continue
            if info.data.get("header") == "none":
                wrong(
                    "is a pin, and the board has no header; take the pin or `header: none` out", f"wiring.{number}.pin"
                )
            if wire.pin in seen and isinstance(PINS[wire.pin], int):
                sentence = f"pin {wire.pin} ({pin_name(wire.pin)}) has a wire already; only power and ground take two"
                wrong(sentence, f"wiring.{number}.pin")
            seen.append(wire.pin)
        return wiring

    takes: Mapping[str, Annotated[str, Field(min_length=1)]] = {}
    """The lines that its buses use, by their BCM numbers, and for what: nothing else can use them."""

    @field_validator("takes")
    @classmethod
    def _are_lines(cls, takes: Mapping[str, str], info: ValidationInfo) -> Mapping[str, str]:
        for line in takes:
            if line not in map(str, LINES):
                wrong("is no line of the header; give BCM numbers from 0 to 27", f"takes.{line}")
            if info.data.get("header") == "none":
                wrong("is a line, and the board has no header; take it or `header: none` out", f"takes.{line}")
        return takes

    overlays: tuple[str, ...] = ()
    """Lines for /boot/firmware/config.txt; one that begins with # is a comment."""

    sound: tuple[str, ...] = ()
    """What ALSA says about it, and what to tell ALSA."""

    test: tuple[str, ...] = ()
    """How to see that it works, step by step."""

    notes: tuple[str, ...] = ()
    """What else a maker must know, and how sure it is."""

    settings: Mapping[str, Any] = {}
    """Lamps, buttons, microphone, speaker, echo and tools.switches as they are on this board."""

    @property
    def taken(self) -> dict[int, str]:
        """By line, what uses it."""
        return {int(line): what for line, what in self.takes.items()}

    @property
    def is_tried(self) -> bool:
        """Whether somebody has tried it."""
        return not self.tried.lower().startswith(UNTRIED)


@dataclass(frozen=True, slots=True)
class BoardReading:
    """A board file that was read: the board, if it fits; its settings; and all that is wrong with it."""

    board: Board | None = None
    settings: Sheet = field(default_factory=Sheet)
    complaints: tuple[Complaint, ...] = ()


def read_board(layer: BoardLayer) -> BoardReading:
    """What a board file says. Its settings are looked at for what they set, not whether they fit."""
    sheet = lay([layer])
    if sheet.complaints and not sheet.tree:  # nothing of it can be read; to miss anything would mislead
        return BoardReading(complaints=tuple(sheet.complaints))
    sheet.places[()] = Place(0, 0, layer.origin)  # of what is missing
    settings = sheet.under("settings")
    found = [*sheet.complaints, *_foreign(settings), *_unprintable(sheet, sheet.tree, ())]
    board = None
    try:
        board = validated(Board, sheet.tree)
    except ValidationError as error:
        errors = error.errors(include_url=False, include_input=False)
        found += complaints(sheet, sheet.tree, Board.model_json_schema(), errors)
    return BoardReading(board, settings, tuple(found))


def chosen_board(layers: Sequence[Layer]) -> tuple[str, Place] | None:
    """The board that the layers choose, and where they do; None for none, or for what is no name."""
    sheet = lay(layers)
    name = sheet.tree.get("board")
    return (name, sheet.place(("board",))) if isinstance(name, str) and name not in ("", "none") else None


def _foreign(settings: Sheet) -> Iterator[Complaint]:
    """Take out of `settings` what is none of a board's business, and complain of it."""
    sentence = f"is not for a board to set, only for its owner; a board sets {', '.join(SECTIONS)} and tools.{SWITCHES}"
    for key in [key for key in settings.tree if key in Settings.model_fields and key not in (*SECTIONS, "tools")]:
        del settings.tree[key]
        yield Complaint(settings.place((key,)), f"settings.{key}", sentence)
    tools = settings.tree.get("tools")
    if isinstance(tools, dict):
        for key in [key for key in tools if key in Tools.model_fields and key != SWITCHES]:
            del tools[key]
            yield Complaint(settings.place(("tools", key)), f"settings.tools.{key}", sentence)


def _unprintable(sheet: Sheet, value: Value, path: Path) -> Iterator[Complaint]:
    """Complain of texts that would write over a terminal, or break a table; only `about` has lines."""
    if isinstance(value, str):
        lines = value.splitlines() if path == ("about",) else [value]
        if not all(line.isprintable() for line in lines):
            sentence = "holds a line break or a character that cannot be shown; write it as one line of plain text"
            yield Complaint(sheet.place(path), dotted(path), sentence)
        return
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, one in inner:
        yield from _unprintable(sheet, one, (*path, key))
