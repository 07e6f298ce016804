"""The page says everything that the file says, and the pin-out adds up what the settings and the buses use."""

from antiphon.pinout import essentials, page
from antiphon.settings import BoardLayer, Loaded, load

TEXT = """\
title: A board
about: For trying.
tried: on the bench
parts:
  - {what: LED, count: 2, note: red | green}
wiring:
  - {pin: 11, via: 330 Ω, to: "LED, long leg"}
  - {from: "amplifier, +", to: "loudspeaker, +"}
takes:
  18: I2S clock
overlays: ["dtparam=spi=on"]
sound: [Listen.]
test: [Look., Look again.]
notes: [Mind the gap.]
settings:
  lamps: {kind: gpio, pins: [17], power_pin: 5}
  buttons: {talk: 23, mute_switch: 24}
"""


def loaded(text: str = TEXT) -> Loaded:
    return load([BoardLayer("b.yaml", text)])


def test_the_page_holds_all_of_it() -> None:
    text = page("mine", loaded())
    for line in (
        "# A board",
        "For trying.",
        "**Tried:** on the bench.",
        "board: mine    # in /etc/antiphon/antiphon.yaml",
        "| LED | 2 | red \\| green |",
        "| pin 11 | GPIO 17 | 330 Ω | LED, long leg |",
        "| amplifier, + |  |  | loudspeaker, + |",
        "| 5 | 29 | power of the lamps | `lamps.power_pin` |",
        "| 17 | 11 | lamp | `lamps.pins.0` |",
        "| 18 | 12 | I2S clock | `takes` |",
        "| 23 | 16 | talk button | `buttons.talk` |",
        "| 24 | 18 | mute switch | `buttons.mute_switch` |",
        "dtparam=spi=on",
        "- Listen.",
        "1. Look.",
        "2. Look again.",
        "- Mind the gap.",
        "  pins: [17]",
        "  mute_switch: 24",
    ):
        assert line in text.split("\n"), line
    assert "](wiring/mine.svg)" in text
    assert "boards/mine.yaml" in text


def test_what_is_not_there_has_no_heading() -> None:
    text = page("bare", loaded("title: x\ntried: so\nheader: none"))
    assert "##" not in text
    assert "svg" not in text
    assert essentials("bare", loaded("title: x\ntried: so\nheader: none")) == "bare: x\ntried: so\n"


def test_the_terminal_gets_the_essentials() -> None:
    lines = essentials("mine", loaded()).split("\n")
    assert lines[:2] == ["mine: A board", "tried: on the bench"]
    assert "pin 11        GPIO 17  330 Ω    LED, long leg" in lines
    assert "18    12   I2S clock           takes" in lines
    assert "  dtparam=spi=on" in lines
    assert "    talk: 23" in lines
