"""Where everything of a wiring drawing goes: pins, parts, wires and words, as numbers in pixels. It draws nothing.

The header stands on the left, parts stand in a column on the right, and every wire has a lane of its own between them:
it leaves its pin, runs along its lane, and enters its part at its terminal. Wires from part to part run on the far
side. Rows are so placed that no two wires ever lie on each other: even pins on whole rows, wires of odd pins between
them, terminals a quarter off.
"""

from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from antiphon.settings.boards import Board, Wire
from antiphon.settings.header import GROUND, PINS, POWER, pin_name

Role: TypeAlias = Literal["5 V", "3.3 V", "ground", "line"]
Anchor: TypeAlias = Literal["start", "middle", "end"]
Corners: TypeAlias = tuple[tuple[float, float], ...]
Ports: TypeAlias = dict[str, tuple[float, float]]
"""By name, where the cable of a port begins."""
Places: TypeAlias = dict[tuple[str, str], float]
"""By part and terminal, its height."""

ROW = 28.0
TOP = 112.0
LEFT = 20
PIN_X = (124, 152)  # of the odd pins, and of the even
LANE = 15
BOX = 230
SIZE = 12
GLYPH = 0.62  # of the font's size: how wide a letter is at most, on average


@dataclass(frozen=True, slots=True)
class Words:
    """A line of text; `x` is where `anchor` says."""

    x: float
    y: float
    text: str
    anchor: Anchor = "start"
    kind: Literal["", "small", "title", "part", "used", "pin", "via"] = ""

    @property
    def box(self) -> tuple[float, float, float, float]:
        """Left, top, right, bottom; rather too large than too small."""
        size = {"small": 10, "pin": 9, "title": 17, "part": 13, "via": 11}.get(self.kind, SIZE)
        width = len(self.text) * size * GLYPH
        left = self.x - {"start": 0.0, "middle": width / 2, "end": width}[self.anchor]
        return left, self.y - 0.8 * size, left + width, self.y + 0.25 * size


@dataclass(frozen=True, slots=True)
class Path:
    """A wire: its corners, from where it begins to where it ends."""

    wire: Wire
    role: Role
    shade: int
    """Counts the lines, so that neighbours differ in colour."""
    corners: Corners


@dataclass(frozen=True, slots=True)
class Block:
    """A part, as a box."""

    name: str
    x: float
    y: float
    width: float
    height: float


@dataclass(slots=True)
class Sheet:
    """The whole drawing."""

    width: float = 0
    height: float = 0
    words: list[Words] = field(default_factory=list)
    paths: list[Path] = field(default_factory=list)
    blocks: list[Block] = field(default_factory=list)
    vias: list[Block] = field(default_factory=list)
    ports: list[Block] = field(default_factory=list)
    used: dict[int, Role] = field(default_factory=dict)
    """The pins that have a wire."""


def pin_place(pin: int) -> tuple[float, float]:
    """The middle of a pin."""
    return PIN_X[(pin + 1) % 2], TOP + (pin - 1) // 2 * ROW


def role_of(wire: Wire) -> Role:
    """What runs through it: power, ground, or something that is said."""
    what = PINS[wire.pin] if wire.pin is not None else None
    if what == GROUND:
        return "ground"
    return "line" if what not in POWER else "5 V" if what == POWER[1] else "3.3 V"


def layout(board: Board) -> Sheet:
    """Everything in its place."""
    sheet = Sheet()
    near = [wire for wire in board.wiring if wire.start is None]
    far = [wire for wire in board.wiring if wire.start is not None]
    lanes = PIN_X[1] + 92
    via_x = lanes + len(near) * LANE + 14
    box_x = via_x + (74 if any(wire.via for wire in near) else 12)
    places = _put_parts(sheet, board, box_x)
    if has_pins := any(wire.pin is not None for wire in near):
        _put_header(sheet, near)
    ports = _put_ports(sheet, near, TOP + (20.5 if has_pins else 0.5) * ROW)
    order = _in_order(near, ports, places)
    for number, wire in enumerate(near):
        _put_wire(sheet, wire, ports, places, lanes + order.index(number) * LANE, box_x, via_x)
    fed = {wire.to: role_of(wire) for wire in near}
    for number, wire in enumerate(far):
        role = fed.get(wire.start or "", "line")
        _put_far_wire(sheet, wire, role, places, box_x + BOX + (number + 1) * LANE + 16)
    right = max([box_x + BOX + (len(far) * LANE + 34 if far else 0), *(via.x + via.width for via in sheet.vias)])
    heading = [Words(LEFT, 34, board.title, kind="title")]
    if board.hat:
        heading.append(Words(LEFT, 56, "Plug it onto the header; nothing is wired. It uses these pins:"))
    sheet.words += heading
    lowest = [block.y + block.height for block in [*sheet.blocks, *sheet.ports]]
    bottom = max([*lowest, TOP + 19 * ROW + 24 if has_pins else 0])
    sheet.width = max(right, *(words.box[2] for words in heading)) + LEFT
    sheet.height = bottom + 24
    return sheet


def _ends(board: Board) -> dict[str, list[str]]:
    """By part, in the order of the file, its terminals."""
    parts: dict[str, list[str]] = {}
    for wire in board.wiring:
        for end in (wire.start, wire.to):
            if end is not None:
                part, terminal = split(end)
                terminals = parts.setdefault(part, [])
                if terminal not in terminals:
                    terminals.append(terminal)
    return parts


def split(end: str) -> tuple[str, str]:
    """Part and terminal of "part, terminal"."""
    part, _, terminal = end.partition(",")
    return part.strip(), terminal.strip()


def _put_parts(sheet: Sheet, board: Board, x: float) -> Places:
    """The parts, one below the other; returns the height of each terminal."""
    places: Places = {}
    row = -1
    for part, terminals in _ends(board).items():
        top = TOP + row * ROW - 0.25 * ROW
        sheet.blocks.append(Block(part, x, top, BOX, (len(terminals) + 1.2) * ROW))
        sheet.words.append(Words(x + BOX / 2, top + 18, part, "middle", "part"))
        for number, terminal in enumerate(terminals):
            y = top + (number + 1.5) * ROW
            places[part, terminal] = y
            sheet.words.append(Words(x + 16, y + 4, terminal))
        row += len(terminals) + 2
    return places


def _put_header(sheet: Sheet, near: list[Wire]) -> None:
    """The forty pins with their names; those in use are told from the others."""
    sheet.used = {wire.pin: role_of(wire) for wire in near if wire.pin is not None}
    middle = (PIN_X[0] + PIN_X[1]) / 2
    sheet.words.append(Words(middle, TOP - 40, "seen from above, the SD card at the top:", "middle", "small"))
    sheet.words.append(Words(middle, TOP - 26, "pin 1 is square, even pins at the edge", "middle", "small"))
    for pin in PINS:
        x, y = pin_place(pin)
        odd = pin % 2
        sheet.words.append(Words(x, y + 3.2, str(pin), "middle", "pin"))
        kind: Literal["used", "small"] = "used" if pin in sheet.used else "small"
        sheet.words.append(Words(x - 18 if odd else x + 22, y + 4, pin_name(pin), "end" if odd else "start", kind))


def _put_ports(sheet: Sheet, near: list[Wire], top: float) -> Ports:
    """What else the computer has, below the header."""
    ports: Ports = {}
    width = PIN_X[1] + 60
    for wire in near:
        if wire.port is not None and wire.port not in ports:
            y = top + len(ports) * 1.5 * ROW
            sheet.ports.append(Block(wire.port, LEFT, y - 14, width, 28))
            sheet.words.append(Words(LEFT + width / 2, y + 4, wire.port, "middle", "used"))
            ports[wire.port] = (LEFT + width, y)
    return ports


def _start(wire: Wire, ports: Ports) -> Corners:
    """From where a wire begins to where it comes to the lanes; one of an odd pin passes between two even ones."""
    if wire.pin is None:
        assert wire.port is not None  # a wire begins somewhere
        return (ports[wire.port],)
    x, y = pin_place(wire.pin)
    return ((x, y), (x + 14, y + ROW / 2)) if wire.pin % 2 else ((x, y),)


def _in_order(near: list[Wire], ports: Ports, places: Places) -> list[int]:
    """The wires by the lanes they take, so that few cross: first those that go up, from the highest pin on, then those
    that go down, from the lowest.
    """

    def key(index: int) -> tuple[bool, float, int]:
        start, end = _start(near[index], ports)[-1][1], places[split(near[index].to)]
        return (True, -start, index) if end > start else (False, start, index)

    return sorted(range(len(near)), key=key)


def _put_wire(sheet: Sheet, wire: Wire, ports: Ports, places: Places, lane: float, box_x: float, via_x: float) -> None:
    """From a pin or a port to the near side of a part, whose terminal gets the number of the pin."""
    start, end = _start(wire, ports), places[split(wire.to)]
    corners = (*start, (lane, start[-1][1]), (lane, end), (box_x, end))
    sheet.paths.append(Path(wire, role_of(wire), _shade(sheet), corners))
    if wire.pin is not None:
        sheet.words.append(Words(box_x - 6, end - 5, str(wire.pin), "end", "pin"))
    if wire.via:
        _put_via(sheet, wire.via, via_x + 2, end)


def _shade(sheet: Sheet) -> int:
    """How many lines are drawn so far."""
    return sum(path.role == "line" for path in sheet.paths)


def _put_via(sheet: Sheet, what: str, x: float, y: float) -> None:
    words = Words(x + 24, y + 4, what, "middle", "via")
    left, _, right, _ = words.box
    sheet.vias.append(Block(what, left - 5, y - 9, right - left + 10, 18))
    sheet.words.append(words)


def _put_far_wire(sheet: Sheet, wire: Wire, role: Role, places: Places, lane: float) -> None:
    """From part to part, on the side away from the header. `role`: what the header brings to where it begins."""
    assert wire.start is not None  # or it is no such wire
    start, end = places[split(wire.start)], places[split(wire.to)]
    right = sheet.blocks[0].x + BOX
    corners = ((right, start), (lane, start), (lane, end), (right, end))
    sheet.paths.append(Path(wire, role, _shade(sheet), corners))
    if wire.via:
        _put_via(sheet, wire.via, lane - 24, (start + end) / 2)
