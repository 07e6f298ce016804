"""The header is the one that is printed on every pin-out of a Raspberry Pi."""

import pytest

from antiphon.settings.header import GROUND, LINES, PINS, SPI_LINES, pin_name


def test_there_are_forty_pins_and_twenty_eight_lines() -> None:
    assert list(PINS) == list(range(1, 41))
    assert sorted(LINES) == list(range(28))
    assert [pin for pin, what in PINS.items() if what == GROUND] == [6, 9, 14, 20, 25, 30, 34, 39]
    assert [pin for pin, what in PINS.items() if what == "5 V"] == [2, 4]
    assert [pin for pin, what in PINS.items() if what == "3.3 V"] == [1, 17]


@pytest.mark.parametrize(
    ("line", "pin"),
    [(2, 3), (3, 5), (4, 7), (17, 11), (27, 13), (22, 15), (10, 19), (9, 21), (11, 23), (8, 24), (7, 26), (5, 29),
     (6, 31), (13, 33), (19, 35), (26, 37), (14, 8), (15, 10), (18, 12), (23, 16), (24, 18), (25, 22), (12, 32),
     (16, 36), (20, 38), (21, 40), (0, 27), (1, 28)],
)  # fmt: skip
def test_lines_are_where_they_are(line: int, pin: int) -> None:
    assert LINES[line] == pin
    assert pin_name(pin) == f"GPIO {line}"


def test_power_has_names_too() -> None:
    assert [pin_name(pin) for pin in (1, 2, 6)] == ["3.3 V", "5 V", "ground"]


def test_the_buses_are_lines_of_the_header() -> None:
    for selects, wires in SPI_LINES.values():
        assert {*selects.values(), *wires} <= set(LINES)
