"""The wiring of a board as an SVG, made from its file, so that the two cannot disagree. Pure text in, pure text out.

Colours are of Okabe and Ito's set ("Color Universal Design", 2008), which all eyes can tell apart; and nothing is told
by colour alone: each wire has the number of its pin at both ends.
"""

from collections.abc import Iterator
from html import escape

from antiphon.pinout.layout import Block, Path, Sheet, Words, layout, pin_place
from antiphon.settings.boards import Board
from antiphon.settings.header import PINS, pin_name

POWER_COLOURS = {"5 V": "#d55e00", "3.3 V": "#e69f00", "ground": "#333333"}
LINE_COLOURS = ("#0072b2", "#009e73", "#cc79a7", "#56b4e9")
DARK = ("#0072b2", "#333333")
"""On these the number of a pin is white."""

STYLE = """\
text { font-family: "DejaVu Sans", Verdana, "Segoe UI", sans-serif; font-size: 12px; fill: #1b1b1b; }
.title { font-size: 17px; font-weight: bold; }
.part { font-size: 13px; font-weight: bold; }
.small { font-size: 10px; fill: #767676; }
.pin { font-size: 9px; }
.via { font-size: 11px; }
.paper, .plate { fill: #ffffff; }
.header { fill: #f3f1ea; stroke: #8c8778; }
.block { fill: #f7f9fb; stroke: #5b6670; stroke-width: 1.3; }
.component { fill: #ffffff; stroke: #5b6670; }
.free { fill: #ffffff; stroke: #a8a294; }
.halo { fill: none; stroke: #ffffff; stroke-width: 6; stroke-linejoin: round; }
.wire { fill: none; stroke-width: 2.4; stroke-linejoin: round; stroke-linecap: round; }
"""


def draw(board: Board) -> str:
    """The SVG. The same board gives the same text, byte for byte."""
    sheet = layout(board)
    header = list(_header()) if sheet.used else []
    wide, high = f"{sheet.width:g}", f"{sheet.height:g}"
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {wide} {high}" width="{wide}" height="{high}"',
        '  role="img" aria-labelledby="title desc">',
        f'<title id="title">{escape(board.title)}: wiring</title>',
        f'<desc id="desc">{escape(" ".join(_told(board)))}</desc>',
        f"<style>\n{STYLE}</style>",
        '<rect class="paper" width="100%" height="100%"/>',
        *header,
        *(_box(block, "block") for block in [*sheet.ports, *sheet.blocks]),
        *(line for path in sheet.paths for line in _wire(path)),
        *(_pin(sheet, pin) for pin in PINS if sheet.used),
        *(_box(via, "component") for via in sheet.vias),
        *(_plate(words) for words in sheet.words if words.kind == "used" and words.anchor == "start"),
        *(_text(sheet, words) for words in sheet.words),
        "</svg>",
    ]
    return "\n".join(lines) + "\n"


def colour(path: Path) -> str:
    """Of a wire."""
    return POWER_COLOURS.get(path.role) or LINE_COLOURS[path.shade % len(LINE_COLOURS)]


def _told(board: Board) -> Iterator[str]:
    """Each wire in a sentence, for those who cannot see the drawing."""
    for wire in board.wiring:
        start = f"Pin {wire.pin} ({pin_name(wire.pin)})" if wire.pin is not None else wire.port or wire.start
        through = f" through {wire.via}" if wire.via else ""
        yield f"{start}{through} to {wire.to}."


def _header() -> Iterator[str]:
    (left, top), (right, bottom) = pin_place(1), pin_place(40)
    edge = '<rect class="header" x="{:g}" y="{:g}" width="{:g}" height="{:g}" rx="6"/>'
    yield edge.format(left - 14, top - 15, right - left + 28, bottom - top + 30)


def _plate(words: Words) -> str:
    """What lets the name of a pin be read that stands on its wire."""
    left, top, right, bottom = words.box
    size = f'width="{right - left + 4:g}" height="{bottom - top + 2:g}"'
    return f'<rect class="plate" x="{left - 3:g}" y="{top - 1:g}" {size}/>'


def _pin(sheet: Sheet, pin: int) -> str:
    x, y = pin_place(pin)
    role = sheet.used.get(pin)
    shape = (
        f'<rect x="{x - 8:g}" y="{y - 8:g}" width="16" height="16"'
        if pin == 1
        else f'<circle cx="{x:g}" cy="{y:g}" r="8"'
    )
    if role is None:
        return f'{shape} class="free"/>'
    path = next(path for path in sheet.paths if path.wire.pin == pin)
    return f'{shape} fill="{colour(path)}"/>'


def _box(block: Block, kind: str) -> str:
    size = f'width="{block.width:g}" height="{block.height:g}"'
    return f'<rect class="{kind}" x="{block.x:g}" y="{block.y:g}" {size} rx="5"/>'


def _wire(path: Path) -> Iterator[str]:
    points = " ".join(f"{x:g},{y:g}" for x, y in path.corners)
    wire = path.wire
    start = f"pin {wire.pin}" if wire.pin is not None else wire.port or wire.start or ""
    yield f'<polyline class="halo" points="{points}"/>'
    yield (
        f'<polyline class="wire" stroke="{colour(path)}" points="{points}">'
        f"<title>{escape(start)} → {escape(wire.to)}</title></polyline>"
    )
    ends = path.corners[-1:] if wire.pin is not None else (path.corners[0], path.corners[-1])
    for x, y in ends:
        yield f'<circle cx="{x:g}" cy="{y:g}" r="3.5" fill="{colour(path)}"/>'


def _text(sheet: Sheet, words: Words) -> str:
    ink = ""
    if words.kind == "pin" and words.anchor == "middle":
        ink = f' style="fill:{_ink(sheet, int(words.text))}"'
    kind = f' class="{words.kind}"' if words.kind else ""
    return f'<text x="{words.x:g}" y="{words.y:g}" text-anchor="{words.anchor}"{kind}{ink}>{escape(words.text)}</text>'


def _ink(sheet: Sheet, pin: int) -> str:
    """What the number of a pin is written in, to be read on the pin."""
    path = next((path for path in sheet.paths if path.wire.pin == pin), None)
    if path is None:
        return "#767676"
    return "#ffffff;font-weight:bold" if colour(path) in DARK else "#000000;font-weight:bold"
