"""The page says everything that the file says, and the pin-out adds up what the settings and the buses use."""

import pytest

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


def steps(name: str, text: str) -> str:
    return page(name, loaded(f"title: x\ntried: so\n{text}")).partition("## See that it works\n\n")[2]


def test_lamps_and_buttons_are_tried_by_the_verb_after_the_boards_own_steps() -> None:
    first, second = steps(
        "mine", "test: [Look.]\nsettings: {lamps: {kind: gpio, pins: [17]}, buttons: {talk: 23, mute: 24}}"
    ).splitlines()
    assert first == "1. Look."
    assert second.startswith(
        "2. `antiphon wiring --set board=mine`, which needs neither key nor sound: the LED is lit; it"
    )
    assert "and every press of talk button and mute button is told. Ctrl-C ends it." in second


@pytest.mark.parametrize(
    ("lamps", "seen"),
    [
        ("{kind: gpio, pins: [17, 27]}", "each LED is lit in turn"),
        ("{kind: rgb, pins: [17, 27, 22]}", "the LED is red, green and blue"),
        ("{kind: apa102, leds: 12}", "all 12 LEDs are red, green and blue, then one after the other white"),
        ("{kind: ws2812, leds: 8}", "all 8 LEDs are red"),
    ],
)
def test_what_should_be_seen_is_what_the_lamps_can_do(lamps: str, seen: str) -> None:
    assert seen in steps("mine", f"settings: {{lamps: {lamps}}}")


@pytest.mark.parametrize("text", ["header: none\nsettings: {lamps: {kind: terminal}}", "notes: [x]"])
def test_without_lamps_and_buttons_there_is_nothing_to_try(text: str) -> None:
    assert steps("mine", text) == ""


def test_what_is_wired_says_how_wires_are_joined_and_a_hat_that_it_is_plugged() -> None:
    text = 'title: x\ntried: so\nwiring: [{pin: 1, to: "HAT, VDD"}]'
    assert "README.md#joining-wires" in page("mine", loaded(text))
    assert "plug it onto the header" not in page("mine", loaded(text))
    hat = loaded(f"{text}\nhat: true")
    assert "README.md#joining-wires" not in page("mine", hat)
    assert "plug it onto the header" in page("mine", hat)
    assert "plug it onto the header" in essentials("mine", hat)
    assert "joining" not in page("mine", loaded(text.replace("pin: 1", "port: USB")))


def test_the_terminal_gets_the_essentials() -> None:
    lines = essentials("mine", loaded()).split("\n")
    assert lines[:2] == ["mine: A board", "tried: on the bench"]
    assert "pin 11        GPIO 17  330 Ω    LED, long leg" in lines
    assert "18    12   I2S clock           takes" in lines
    assert "  dtparam=spi=on" in lines
    assert "    talk: 23" in lines
