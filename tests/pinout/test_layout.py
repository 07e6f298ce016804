"""Everything of a drawing has a place of its own: no word on another, no wire on another, none through a word."""

from itertools import combinations

import pytest

from antiphon.pinout.layout import PIN_X, ROW, TOP, Sheet, layout, pin_place, role_of, split
from antiphon.settings import Board, BoardLayer, read_board

WIRES = """\
title: Much of everything
tried: so
wiring:
  - {port: USB, to: "card, plug"}
  - {pin: 1, to: "card, VDD"}
  - {pin: 6, to: "card, GND"}
  - {pin: 11, via: 330 Ω, to: "LED, long leg"}
  - {pin: 9, to: "LED, short leg"}
  - {pin: 40, to: "card, data"}
  - {from: "card, out", via: 10 Ω, to: "loudspeaker, +"}
  - {from: "card, ground", to: "loudspeaker, minus"}
"""

Box = tuple[float, float, float, float]
Line = tuple[tuple[float, float], tuple[float, float]]


def board_of(text: str) -> Board:
    board = read_board(BoardLayer("b.yaml", text)).board
    assert board is not None
    return board


def overlap(one: Box, other: Box) -> bool:
    return one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]


def lines_of(sheet: Sheet) -> list[list[Line]]:
    """By wire, its straight pieces."""
    return [list(zip(path.corners, path.corners[1:], strict=False)) for path in sheet.paths]


def box_of(line: Line) -> Box:
    (x1, y1), (x2, y2) = line
    return min(x1, x2) - 0.5, min(y1, y2) - 0.5, max(x1, x2) + 0.5, max(y1, y2) + 0.5


def lie_on_each_other(one: Line, other: Line) -> bool:
    """Whether two pieces share more than a point: both level or both upright, and overlapping."""
    level = [a[1] == b[1] for a, b in (one, other)]
    upright = [a[0] == b[0] for a, b in (one, other)]
    return (all(level) or all(upright)) and overlap(box_of(one), box_of(other))


def complaints(sheet: Sheet) -> list[str]:
    """What a reader of the drawing would complain of."""
    found = [f"{a.text} / {b.text}" for a, b in combinations(sheet.words, 2) if overlap(a.box, b.box)]
    found += [
        f"{a.wire.to} on {b.wire.to}"
        for (a, of_a), (b, of_b) in combinations(zip(sheet.paths, lines_of(sheet), strict=True), 2)
        if (a.wire.pin is None or a.wire.pin != b.wire.pin) and any(lie_on_each_other(x, y) for x in of_a for y in of_b)
    ]
    names = {pin_place(pin)[1] for pin in sheet.used}
    for path, lines in zip(sheet.paths, lines_of(sheet), strict=True):
        for words in sheet.words:
            own_name = words.kind == "used" and words.y - 4 in names and words.y - 4 == path.corners[0][1]
            if words.kind not in ("via", "pin") and not own_name and any(overlap(words.box, box_of(x)) for x in lines):
                found.append(f"wire of {path.wire.to} through {words.text}")
    for words in sheet.words:
        left, top, right, bottom = words.box
        if left < 0 or top < 0 or right > sheet.width or bottom > sheet.height:
            found.append(f"{words.text} leaves the paper")
    return found


def test_nothing_is_drawn_over_anything() -> None:
    assert complaints(layout(board_of(WIRES))) == []


def test_the_test_sees_what_is_drawn_over() -> None:
    sheet = layout(board_of(WIRES))
    sheet.words.append(sheet.words[0])
    sheet.paths.append(sheet.paths[1])
    sheet.height = 100
    found = complaints(sheet)
    assert any(" / " in one for one in found)
    assert any("leaves the paper" in one for one in found)


def test_every_wire_begins_and_ends_where_it_says() -> None:
    board = board_of(WIRES)
    sheet = layout(board)
    assert [path.wire for path in sheet.paths if path.wire.start is None] == list(board.wiring[:6])
    assert sorted(path.wire.to for path in sheet.paths) == sorted(wire.to for wire in board.wiring)
    blocks = {block.name: block for block in sheet.blocks}
    for path in sheet.paths:
        block = blocks[split(path.wire.to)[0]]
        x, y = path.corners[-1]
        assert x in (block.x, block.x + block.width)
        assert block.y < y < block.y + block.height
        if path.wire.pin is not None:
            assert path.corners[0] == pin_place(path.wire.pin)


def test_the_header_is_left_out_where_no_pin_is_used() -> None:
    sheet = layout(board_of('title: x\ntried: so\nwiring: [{port: USB, to: "card, plug"}]'))
    assert not sheet.used
    assert [words.text for words in sheet.words] == ["card", "plug", "USB", "x"]
    assert sheet.height < 250


def test_pins_are_in_two_columns_the_odd_ones_left() -> None:
    assert pin_place(1) == (PIN_X[0], TOP)
    assert pin_place(2) == (PIN_X[1], TOP)
    assert pin_place(39) == (PIN_X[0], TOP + 19 * ROW)


@pytest.mark.parametrize(("pin", "role"), [(1, "3.3 V"), (2, "5 V"), (9, "ground"), (11, "line")])
def test_what_runs_through_a_wire(pin: int, role: str) -> None:
    board = board_of(f"title: x\ntried: so\nwiring: [{{pin: {pin}, to: x}}]")
    assert role_of(board.wiring[0]) == role


def test_a_wire_from_part_to_part_carries_what_the_header_brings_there() -> None:
    text = """\
title: x
tried: so
wiring:
  - {pin: 2, to: "ring, 5 V"}
  - {pin: 6, to: "ring, ground"}
  - {pin: 19, to: "ring, data in"}
  - {from: "ring, 5 V", to: "capacitor, +"}
  - {from: "ring, ground", to: "capacitor, minus"}
  - {from: "ring, data in", to: "ring 2, data in"}
  - {from: "ring, data out", to: "ring 3, data in"}
"""
    roles = {path.wire.to: path.role for path in layout(board_of(text)).paths if path.wire.start is not None}
    assert roles == {
        "capacitor, +": "5 V", "capacitor, minus": "ground", "ring 2, data in": "line", "ring 3, data in": "line",
    }  # fmt: skip


def test_the_drawing_says_how_the_computer_lies_and_that_a_hat_is_plugged() -> None:
    text = 'title: x\ntried: so\n{}wiring: [{{pin: 1, to: "HAT, VDD"}}]'
    bare, hat = (layout(board_of(text.format(more))) for more in ("", "hat: true\n"))
    assert "seen from above, the SD card at the top:" in [words.text for words in bare.words]
    assert not any(words.text.startswith("Plug it onto the header") for words in bare.words)
    assert any(words.text.startswith("Plug it onto the header") for words in hat.words)
    assert complaints(hat) == []


@pytest.mark.parametrize(
    ("end", "parts"), [("LED, long leg", ("LED", "long leg")), ("LED", ("LED", "")), ("a, b, c", ("a", "b, c"))]
)
def test_an_end_is_a_part_and_its_terminal(end: str, parts: tuple[str, str]) -> None:
    assert split(end) == parts
