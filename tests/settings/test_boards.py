"""A board file is read whole: what fits is a board with settings, and all that does not is said at once."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from antiphon.errors import SettingsError
from antiphon.settings import BoardLayer, Layer, Loaded, Typed, chosen_board, load, read_board

LED = """\
title: LED
tried: on the bench
wiring:
  - {pin: 11, via: 330 Ω, to: "LED, long leg"}
  - {pin: 9, to: "LED, short leg"}
takes:
  18: I2S clock
settings:
  lamps: {kind: gpio, pins: [17]}
  buttons:
    talk: 23
"""


def loaded(board: str, *layers: Layer) -> Loaded:
    return load([BoardLayer("b.yaml", board), *layers])


def wrong(board: str, *layers: Layer) -> list[str]:
    with pytest.raises(SettingsError) as caught:
        loaded(board, *layers)
    return str(caught.value).split("\n")


def fact(text: str) -> list[str]:
    """What is wrong with a board that says `text` beside its title."""
    return wrong(f"title: x\ntried: so\n{text}\n")


def test_a_board_lies_beneath_what_the_owner_says() -> None:
    owner = Layer("f.yaml", "board: led\nbuttons:\n  talk: 24\n")
    result = loaded(LED, owner, Layer("--set", {"buttons": {"mute": Typed("25")}}))
    assert result.settings.lamps.pins == (17,)
    assert (result.settings.buttons.talk, result.settings.buttons.mute) == (24, 25)
    assert result.origins["lamps.pins"] == "b.yaml:9"
    assert result.origins["buttons.talk"] == "f.yaml:3"
    assert result.origins["buttons.mute"] == "--set"
    assert result.board is not None
    assert result.board.title == "LED"
    assert result.board.taken == {18: "I2S clock"}


def test_without_a_board_there_is_none() -> None:
    assert load([]).board is None


def test_every_fact_is_kept() -> None:
    board = read_board(BoardLayer("b.yaml", LED)).board
    assert board is not None
    assert [(wire.pin, wire.via, wire.to) for wire in board.wiring] == [
        (11, "330 Ω", "LED, long leg"),
        (9, "", "LED, short leg"),
    ]
    assert board.is_tried
    untried = read_board(BoardLayer("b.yaml", LED.replace("on the bench", "not yet tried on real parts; soon"))).board
    assert untried is not None
    assert not untried.is_tried


def test_mistakes_in_facts_and_in_settings_are_told_at_once() -> None:
    lines = wrong(
        LED.replace("title", "titel").replace("kind: gpio", "kind: gipo").replace("talk", "tlak"),
        Layer("f.yaml", "log: {level: loud}"),
    )
    assert [line.partition(": ")[0] for line in lines] == ["b.yaml", "b.yaml:1", "b.yaml:9", "b.yaml:11", "f.yaml:1"]
    assert len(lines) == 5
    assert "titel: unknown key; did you mean title?" in lines[1]
    assert "title: is missing; give text" in lines[0]
    assert 'lamps.kind: is "gipo" (perhaps gpio?)' in lines[2]
    assert "buttons.tlak: unknown key; did you mean buttons.talk?" in lines[3]


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("wiring: [{pin: 41, to: x}]", "b.yaml:3: wiring.0.pin: is 41; give a whole number from 1 to 40 or null"),
        ("wiring: [{to: x}]", "b.yaml:3: wiring.0.to: begins nowhere or in two places; give one of pin, port and from"),
        ("wiring: [{pin: 1, port: USB, to: x}]", "b.yaml:3: wiring.0.to: begins nowhere or in two places"),
        ("wiring:\n  - {pin: 11, to: x}\n  - {pin: 11, to: y}", "b.yaml:5: wiring.1.pin: pin 11 (GPIO 17) has a wire"),
        ("header: none\nwiring: [{pin: 11, to: x}]", "b.yaml:4: wiring.0.pin: is a pin, and the board has no header"),
        ("header: none\ntakes: {18: x}", "b.yaml:4: takes.18: is a line, and the board has no header"),
        ("takes: {28: x}", "b.yaml:3: takes.28: is no line of the header; give BCM numbers from 0 to 27"),
        ("takes: {clock: x}", "b.yaml:3: takes.clock: is no line of the header"),
        ("takes:\n  2: x\n  28: x", "b.yaml:5: takes.28: is no line of the header"),
        ("takes: {018: x}", "b.yaml:3: takes.018: is no line of the header"),
        ("takes: {³: x}", "b.yaml:3: takes.³: is no line of the header"),
        ("takes: {18: ''}", "b.yaml:3: takes.18: is empty; give text"),
        ("takes: 18", "b.yaml:3: takes: is 18; give a mapping"),
        ("header: none\nsettings:\n  buttons: {talk: 3}", "b.yaml:5: buttons.talk: pin 3 is of a header, and"),
        ('notes: ["\\e[2J"]', "b.yaml:3: notes.0: holds a line break or a character that cannot be shown"),
        ('settings: {microphone: {device: "a\\nb"}}', "b.yaml:3: settings.microphone.device: holds a line break or"),
        ("header: arduino", 'b.yaml:3: header: is "arduino"; give raspberry-pi-40 or none'),
        ("parts: [{what: LED, count: 0}]", "b.yaml:3: parts.0.count: is 0; give a whole number from 1 to 99"),
        ("settings: {realtime: {url: x}}", "b.yaml:3: settings.realtime: is not for a board to set, only"),
        ("settings: {board: x}", "b.yaml:3: settings.board: is not for a board to set"),
        ("settings: [17]", "b.yaml:3: settings: is a list; give a mapping"),
        ("title: y", "b.yaml:3: title: is given twice, first in line 1; keep one"),
    ],
)  # fmt: skip
def test_what_people_write_wrong_in_a_board(text: str, line: str) -> None:
    assert fact(text)[0].startswith(line)


def test_of_a_text_that_cannot_be_read_nothing_is_missed() -> None:
    for text in ("title: x\ntried: so\nnotes: [*x]", "root:x:0:0", "title: 'x", "- a"):
        assert len(wrong(text)) == 1


def test_a_description_has_lines_and_no_other_fact_has() -> None:
    board = loaded('about: "one\\ntwo"\ntitle: x\ntried: so').board
    assert board is not None
    assert board.about == "one\ntwo"
    assert wrong('title: "x\\ny"\ntried: so')[0].startswith("b.yaml:1: title: holds a line break")


def test_the_owner_may_put_a_button_on_a_computer_whose_board_has_no_header() -> None:
    board = "title: x\ntried: so\nheader: none\nsettings: {lamps: {kind: terminal}}"
    assert loaded(board, Layer("f.yaml", "buttons: {talk: 17}")).settings.buttons.talk == 17


def test_power_and_ground_take_more_than_one_wire() -> None:
    for text in ("wiring: [{pin: 1, to: x}, {pin: 1, to: y}]", "wiring: [{pin: 9, to: x}, {pin: 9, to: y}]"):
        assert loaded(f"title: x\ntried: so\n{text}").board


def test_a_wire_may_begin_at_a_port_or_a_part() -> None:
    text = 'title: x\ntried: so\nwiring: [{port: USB, to: x}, {from: "amplifier, +", to: "loudspeaker, +"}]'
    board = loaded(text).board
    assert board is not None
    assert [(wire.port, wire.start) for wire in board.wiring] == [("USB", None), (None, "amplifier, +")]


# ── two things on one pin ────────────────────────────────────────────────────────────────────────


def test_the_owners_button_on_a_line_that_the_board_takes() -> None:
    (said,) = wrong(LED, Layer("f.yaml", "buttons:\n  mute: 18\n"))
    assert said == "f.yaml:2: buttons.mute: pin 18 is taken by the board: I2S clock; give another"


def test_the_owners_lamps_on_the_boards_button_are_the_owners_mistake() -> None:
    (said,) = wrong(LED, Layer("f.yaml", "lamps:\n  pins:\n    - 17\n    - 23\n"))
    assert said.startswith("f.yaml:4: lamps.pins.1: pin 23 is already used by buttons.talk")


def test_every_clash_is_told() -> None:
    lines = wrong(LED, Layer("f.yaml", "lamps: {pins: [18, 17, 17]}\nbuttons:\n  mute: 23\n  volume_up: 17\n"))
    assert [line.split(": ")[1] for line in lines] == [
        "lamps.pins.0",
        "lamps.pins.2",
        "buttons.mute",
        "buttons.volume_up",
    ]


@pytest.mark.parametrize(
    ("lamps", "button", "said"),
    [
        ("{kind: apa102, spi: '0.1'}", 7, "is already used by lamps.spi"),
        ("{kind: apa102, spi: '0.0'}", 10, "is already used by lamps.spi"),
        ("{kind: ws2812, spi: '0.0'}", 11, "is already used by lamps.spi"),
        ("{kind: apa102, power_pin: 5}", 5, "is already used by lamps.power_pin"),
        ("{kind: apa102, spi: '1.2'}", 16, "is already used by lamps.spi"),
    ],
)
def test_a_button_on_a_line_of_the_bus(lamps: str, button: int, said: str) -> None:
    (line,) = wrong("title: x\ntried: so\n", Layer("f.yaml", f"lamps: {lamps}\nbuttons:\n  talk: {button}\n"))
    assert line.startswith(f"f.yaml:3: buttons.talk: pin {button} {said}")


def test_leds_on_a_bus_that_the_board_takes() -> None:
    lines = wrong(LED, Layer("f.yaml", "lamps: {kind: apa102, spi: '1.0'}"))
    assert lines == ["f.yaml:1: lamps.spi: pin 18 is taken by the board: I2S clock; give another"]


def test_the_other_chip_select_of_a_bus_is_free() -> None:
    text = "lamps: {kind: apa102, spi: '0.1'}\nbuttons: {talk: 8}"
    assert loaded("title: x\ntried: so\n", Layer("f.yaml", text)).settings.buttons.talk == 8


HAT = """\
title: HAT
tried: so
hat: true
settings:
  lamps: {kind: apa102, spi: "0.1", power_pin: 5}
  buttons: {talk: 17}
"""


@pytest.mark.parametrize(
    ("owner", "said"),
    [
        ("lamps: {kind: gpio, pins: [10]}", "f.yaml:1: lamps.pins.0: pin 10 is soldered to the board's own chain of"),
        ("lamps: {kind: none}\nbuttons: {mute: 11}", "f.yaml:2: buttons.mute: pin 11 is soldered to the board's own"),
        ("lamps: {kind: none}\nbuttons: {mute: 5}", "f.yaml:2: buttons.mute: pin 5 is soldered to the board's own sw"),
        ("lamps: {kind: gpio, pins: [17]}\nbuttons: {talk: null}", "f.yaml:1: lamps.pins.0: pin 17 is soldered to the"),
        ("buttons: {mute: 10}", "f.yaml:1: buttons.mute: pin 10 is already used by lamps.spi"),
    ],
)
def test_what_is_soldered_on_keeps_its_line_when_it_is_set_otherwise(owner: str, said: str) -> None:
    (line,) = wrong(HAT, Layer("f.yaml", owner))
    assert line.startswith(said)
    assert loaded(HAT.replace("hat: true", "hat: false"), Layer("f.yaml", owner.replace("mute: 10", "mute: 12"))).board


@pytest.mark.parametrize("owner", ["buttons: {talk: null, mute: 17}", "lamps: {spi: '0.0'}", "lamps: {kind: none}", ""])
def test_what_is_soldered_on_may_do_something_else(owner: str) -> None:
    assert loaded(HAT, Layer("f.yaml", owner)).board


def test_of_a_hat_with_wrong_settings_its_mistakes_are_told_once() -> None:
    (line,) = wrong(HAT.replace("apa102", "apa"), Layer("f.yaml", "buttons: {mute: 12}"))
    assert line.startswith("b.yaml:5: lamps.kind")


# ── which board ──────────────────────────────────────────────────────────────────────────────────


def test_the_last_layer_chooses() -> None:
    layers = [Layer("f.yaml", "log: {}\nboard: a\n"), Layer("--set", {"board": Typed("b")})]
    assert chosen_board(layers[:1]) == ("a", load_place("f.yaml:2", layers[:1]))
    choice = chosen_board(layers)
    assert choice is not None
    assert choice[0] == "b"


def load_place(words: str, layers: list[Layer]) -> object:
    choice = chosen_board(layers)
    assert choice is not None
    assert str(choice[1]) == words
    return choice[1]


@pytest.mark.parametrize("text", ["", "board: none", "board: 7", "board: [a]", "board:", "board: ''", "{"])
def test_none_is_no_board_and_neither_is_nonsense(text: str) -> None:
    assert chosen_board([Layer("f.yaml", text)]) is None


WORDS = st.sampled_from(
    [*LED.split(), "\n", "\n  ", "- ", "[", "]", "{", "}", ": ", ", ", "~", "99", "header", "parts", "none"]
)  # fmt: skip


@settings(max_examples=60, deadline=None)
@given(st.one_of(st.text(max_size=40), st.lists(WORDS, max_size=30).map(" ".join), st.lists(WORDS).map("".join)))
def test_any_text_is_a_board_or_one_line_for_each_error(text: str) -> None:
    for whole in (text, f"{LED}\n{text}"):
        try:
            assert loaded(whole).board is not None
        except SettingsError as error:
            for line in str(error).split("\n"):
                assert line.startswith("b.yaml")
                assert line.isprintable()


def test_a_board_may_name_its_relays_and_no_other_tool() -> None:
    switches = "tools:\n    switches: [{name: relay, pin: 26}]\n"
    head = "title: Relays\ntried: on the bench\nsettings:\n  "
    (relay,) = load([BoardLayer("b.yaml", head + switches)]).settings.tools.switches
    assert (relay.name, relay.pin) == ("relay", 26)
    with pytest.raises(SettingsError, match=r"settings.tools.commands: is not for a board to set"):
        load([BoardLayer("b.yaml", f"{head}{switches}    commands: []\n")])
