"""The 40-pin header of a Raspberry Pi: what each pin is. Pins are counted on the header, lines by their BCM numbers."""

POWER = ("3.3 V", "5 V")
GROUND = "ground"

PINS: dict[int, int | str] = dict(
    enumerate(
        (
            *("3.3 V", "5 V", 2, "5 V", 3, GROUND, 4, 14, GROUND, 15),
            *(17, 18, 27, GROUND, 22, 23, "3.3 V", 24, 10, GROUND),
            *(9, 25, 11, 8, GROUND, 7, 0, 1, 5, GROUND),
            *(6, 12, 13, GROUND, 19, 16, 26, 20, GROUND, 21),
        ),
        start=1,
    )
)
"""By pin, 1 to 40: its line, or the power or ground it is; odd pins are the row farther from the board's edge."""

LINES: dict[int, int] = {line: pin for pin, line in PINS.items() if isinstance(line, int)}
"""By line, 0 to 27: its pin. 0 and 1 belong to the memory by which a HAT tells what it is."""

SPI_LINES = {"0": ({"0": 8, "1": 7}, (9, 10, 11)), "1": ({"0": 18, "1": 17, "2": 16}, (19, 20, 21))}
"""By SPI bus: the line of each chip select; and MISO, MOSI and clock."""


def pin_name(pin: int) -> str:
    """What `pin` is, as it is printed beside it: "GPIO 17", "5 V", "ground"."""
    what = PINS[pin]
    return f"GPIO {what}" if isinstance(what, int) else what
