"""The boards of hardware/: each fits, says what it is, and its page and drawing are the ones that its file makes."""

from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from antiphon.config_files import BoardEntry, board_files
from antiphon.pinout import draw, page
from antiphon.pinout.layout import layout
from antiphon.settings import Board, BoardLayer, Loaded, load
from antiphon.settings.boards import UNTRIED
from antiphon.settings.header import LINES, PINS
from antiphon.settings.sections import lines_in_use
from pinout.test_layout import complaints

HARDWARE = Path(__file__).resolve().parents[1] / "hardware"
ENTRIES = board_files([HARDWARE / "boards"])
WIRED = [one for one in ENTRIES if one.board and one.board.wiring]
WITHOUT_PARTS = {"none", "simulated", "terminal"}


def named(entry: BoardEntry) -> str:
    return entry.name


def loaded(entry: BoardEntry) -> Loaded:
    return load([BoardLayer(str(entry.path), entry.path.read_text(encoding="utf-8"))])


def board_of(entry: BoardEntry) -> Board:
    assert entry.board is not None
    return entry.board


def test_they_are_all_there() -> None:
    assert {one.name for one in ENTRIES} == WITHOUT_PARTS | {
        "i2s-mic-amp", "led-button", "respeaker-2mic", "respeaker-4mic", "respeaker-usb", "rgb-led", "usb-speakerphone",
        "ws2812-ring",
    }  # fmt: skip


@pytest.mark.parametrize("entry", ENTRIES, ids=named)
def test_a_board_passes_the_check(entry: BoardEntry) -> None:
    assert loaded(entry).board == entry.board


@pytest.mark.parametrize("entry", ENTRIES, ids=named)
def test_a_board_that_nobody_has_tried_says_so(entry: BoardEntry) -> None:
    assert board_of(entry).tried.startswith(UNTRIED) is (entry.name not in WITHOUT_PARTS)


@pytest.mark.parametrize("entry", ENTRIES, ids=named)
def test_the_page_is_the_one_that_the_file_makes(entry: BoardEntry) -> None:
    text = (HARDWARE / f"{entry.name}.md").read_text(encoding="utf-8")
    assert text == page(entry.name, loaded(entry)), "run `make boards`"


@pytest.mark.parametrize("entry", WIRED, ids=named)
def test_the_drawing_is_the_one_that_the_file_makes(entry: BoardEntry) -> None:
    text = (HARDWARE / "wiring" / f"{entry.name}.svg").read_text(encoding="utf-8")
    assert text == draw(board_of(entry)), "run `make boards`"
    ET.fromstring(text)
    for wire in board_of(entry).wiring:
        assert f"→ {wire.to}</title>" in text


@pytest.mark.parametrize("entry", WIRED, ids=named)
def test_nothing_is_drawn_over_anything(entry: BoardEntry) -> None:
    assert complaints(layout(board_of(entry))) == []


@pytest.mark.parametrize("entry", WIRED, ids=named)
def test_the_wires_are_those_of_the_lines_in_use(entry: BoardEntry) -> None:
    """Every lamp and button has a wire, and every wire of a line has a use; a bus may have lines without wires."""
    board, settings = board_of(entry), loaded(entry).settings
    wires = {wire.pin for wire in board.wiring if wire.pin is not None and isinstance(PINS[wire.pin], int)}
    uses = list(lines_in_use(settings.lamps, settings.buttons))
    must = {LINES[line] for key, line in uses if key != "lamps.spi"}
    may = {LINES[line] for _, line in uses} | {LINES[line] for line in board.taken}
    assert must <= wires <= may


@pytest.mark.parametrize("entry", WIRED, ids=named)
def test_there_are_as_many_jumper_wires_as_wires_from_the_header(entry: BoardEntry) -> None:
    board = board_of(entry)
    pins = [] if board.hat else [wire for wire in board.wiring if wire.pin is not None]
    counts = {part.what: part.count for part in board.parts}
    assert counts.get("jumper wire, female to male", 0) == len(pins)
    assert ("breadboard" in counts) is bool(pins)


def test_the_section_on_joining_wires_is_there() -> None:
    assert "\n## Joining wires\n" in (HARDWARE / "README.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("entry", WIRED, ids=named)
def test_what_has_a_line_has_power_or_ground_too(entry: BoardEntry) -> None:
    parts: dict[str, set[bool]] = {}
    for wire in board_of(entry).wiring:
        if wire.pin is not None:
            parts.setdefault(wire.to.partition(",")[0], set()).add(isinstance(PINS[wire.pin], int))
    assert all(kinds == {True, False} for part, kinds in parts.items() if part != "ring")


@pytest.mark.parametrize("entry", ENTRIES, ids=named)
def test_one_card_that_has_one_rate_is_opened_at_one_rate(entry: BoardEntry) -> None:
    settings = loaded(entry).settings
    if settings.echo.cancel == "software":
        assert settings.microphone.rate_hz == settings.speaker.rate_hz
        assert settings.microphone.device == settings.speaker.device


def test_the_readme_names_every_board() -> None:
    text = (HARDWARE / "README.md").read_text(encoding="utf-8")
    assert [one.name for one in ENTRIES if f"[{one.name}]({one.name}.md)" not in text] == []


def test_there_is_no_page_or_drawing_without_a_board() -> None:
    assert {path.stem for path in HARDWARE.glob("*.md")} - {"README"} == {one.name for one in ENTRIES}
    assert {path.stem for path in (HARDWARE / "wiring").glob("*.svg")} == {one.name for one in WIRED}
