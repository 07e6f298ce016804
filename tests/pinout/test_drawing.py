"""The SVG says what the board's file says, in words too, and nothing by colour alone."""

from xml.etree import ElementTree as ET

from antiphon.pinout import draw
from antiphon.pinout.drawing import DARK, LINE_COLOURS, POWER_COLOURS
from antiphon.settings import Board, BoardLayer, read_board

SVG = "{http://www.w3.org/2000/svg}"
TEXT = """\
title: R&D <board>
tried: so
wiring:
  - {pin: 2, to: "amplifier, VIN"}
  - {pin: 9, to: "amplifier, GND"}
  - {pin: 11, via: 330 Ω, to: "LED, long leg"}
  - {pin: 12, to: "amplifier, clock"}
  - {from: "amplifier, +", to: "loudspeaker, +"}
"""


def board() -> Board:
    found = read_board(BoardLayer("b.yaml", TEXT)).board
    assert found is not None
    return found


def wires(root: ET.Element) -> list[ET.Element]:
    return [one for one in root.iter(f"{SVG}polyline") if one.get("class") == "wire"]


def test_it_is_well_formed_and_always_the_same() -> None:
    text = draw(board())
    assert text == draw(board())
    assert ET.fromstring(text).tag == f"{SVG}svg"


def test_every_wire_is_drawn_and_named() -> None:
    root = ET.fromstring(draw(board()))
    titles = [wire.findtext(f"{SVG}title") for wire in wires(root)]
    assert titles == [
        "pin 2 → amplifier, VIN",
        "pin 9 → amplifier, GND",
        "pin 11 → LED, long leg",
        "pin 12 → amplifier, clock",
        "amplifier, + → loudspeaker, +",
    ]


def test_those_who_do_not_see_are_told() -> None:
    root = ET.fromstring(draw(board()))
    assert root.get("role") == "img"
    assert root.findtext(f"{SVG}title") == "R&D <board>: wiring"
    told = root.findtext(f"{SVG}desc") or ""
    assert "Pin 11 (GPIO 17) through 330 Ω to LED, long leg." in told
    assert "amplifier, + to loudspeaker, +." in told


def test_each_terminal_has_the_number_of_its_pin() -> None:
    root = ET.fromstring(draw(board()))
    written = [one.text for one in root.iter(f"{SVG}text")]
    assert all(written.count(pin) == 2 for pin in ("2", "9", "11", "12"))
    assert written.count("13") == 1
    assert {"330 Ω", "long leg", "loudspeaker", "R&D <board>"} <= set(written)


def test_power_and_ground_have_colours_of_their_own() -> None:
    root = ET.fromstring(draw(board()))
    colours = [wire.get("stroke") for wire in wires(root)]
    assert colours == [POWER_COLOURS["5 V"], POWER_COLOURS["ground"], *LINE_COLOURS[:3]]
    assert not set(POWER_COLOURS.values()) & set(LINE_COLOURS)


def test_a_board_without_wires_is_a_title() -> None:
    bare = read_board(BoardLayer("b.yaml", "title: x\ntried: so\nheader: none")).board
    assert bare is not None
    root = ET.fromstring(draw(bare))
    assert [one.text for one in root.iter(f"{SVG}text")] == ["x"]


def luminance(colour: str) -> float:
    """Relative, 0 to 1: W3C, "Web Content Accessibility Guidelines 2.1"."""
    channels = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.03928 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def test_the_number_of_a_pin_can_be_read_on_every_colour() -> None:
    for colour in (*LINE_COLOURS, *POWER_COLOURS.values()):
        ink = 1.0 if colour in DARK else 0.0
        light, dark = max(ink, luminance(colour)), min(ink, luminance(colour))
        assert (light + 0.05) / (dark + 0.05) >= 4.5, colour
