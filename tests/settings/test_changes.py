"""The owner's file with other values in it: every comment where it was, or, where that cannot be, told."""

import pytest

from antiphon.settings import Layer, load
from antiphon.settings.changes import changed
from antiphon.settings.layers import lay

OWNERS = """\
# The kitchen.
board: usb-speakerphone   # from the shop
links: [realtime, generate]

echo:
  # The window is bare.
  decay_ms: 400  # measured
  cancel: none
microphone: {device: "USB Audio: - (hw:1,0)", channels: 2}  # the round one
speaker:
wake:
  words:
    - {model: hey_jarvis}   # the children like it
# the end
"""


def tree(text):
    sheet = lay([Layer("file", text)])
    assert not sheet.complaints
    return sheet.tree


def comments(text):
    return [line[line.index("#") :] for line in text.splitlines() if "#" in line]


@pytest.mark.parametrize(
    ("key", "value", "line"),
    [
        ("board", "led-button", "board: led-button   # from the shop"),
        ("echo.decay_ms", 150, "  decay_ms: 150  # measured"),
        ("echo.barge_in", False, "  barge_in: false"),
        ("microphone.channels", 1, 'microphone: {device: "USB Audio: - (hw:1,0)", channels: 1}  # the round one'),
        (
            "microphone.rate_hz",
            None,
            'microphone: {rate_hz: null, device: "USB Audio: - (hw:1,0)", channels: 2}  # the round one',
        ),
        ("speaker.device", "HiFi: 1, [2] *3", '  device: "HiFi: 1, [2] *3"'),
        ("links", ["generate"], "links: [generate]"),
        ("log.level", "debug", "  level: debug"),
    ],
)
def test_one_change_leaves_the_rest_as_it_was(key, value, line):
    new = changed(OWNERS, {key: value})
    assert new.keeps_comments
    assert line in new.text.splitlines()
    assert comments(OWNERS) == comments(new.text)
    section, _, name = key.partition(".")
    there = tree(new.text)[section]
    assert (there[name] if name else there) == value
    kept = [one for one in OWNERS.splitlines() if one in new.text.splitlines()]
    assert len(kept) >= len(OWNERS.splitlines()) - 1


def test_many_changes_at_once_are_settings():
    changes = {
        "board": "none",
        "echo.cancel": "software",
        "speaker.volume": 60,
        "speaker.device": 3,
        "log.level": "info",
    }
    new = changed(OWNERS, changes)
    assert new.keeps_comments
    assert comments(new.text) == comments(OWNERS)
    settings = load([Layer("file", new.text)]).settings
    assert (settings.board, settings.echo.cancel, settings.echo.decay_ms) == ("none", "software", 400)
    assert (settings.speaker.volume, settings.speaker.device, settings.log.level) == (60, 3, "info")
    assert settings.wake.words[0].model == "hey_jarvis"


@pytest.mark.parametrize("text", ["", "# nothing yet\n", "---\n", "board: none", "echo: # later\n", "echo: {}\n"])
def test_files_with_little_in_them(text):
    new = changed(text, {"echo.decay_ms": 300, "echo.cancel": "none", "links": ["generate"]})
    assert new.keeps_comments
    assert tree(new.text)["echo"] == {"decay_ms": 300, "cancel": "none"}
    assert comments(new.text) == comments(text)


def test_no_change_is_no_change():
    assert changed(OWNERS, {}) == (OWNERS, True)


@pytest.mark.parametrize(
    ("text", "key", "value"),
    [
        ("{echo: {decay_ms: 100}}  # one line\n", "echo.decay_ms", 200),
        ("lamps:\n  pins:\n    - 17  # red\n    - 27\n  kind: gpio\n", "lamps.pins", [5]),
    ],
)
def test_a_layout_that_cannot_be_changed_in_place_is_written_anew_and_that_is_told(text, key, value):
    new = changed(text, {key: value})
    section, _, name = key.partition(".")
    assert not new.keeps_comments
    assert "#" not in new.text
    assert tree(new.text) == {**tree(text), section: {**tree(text)[section], name: value}}


def test_without_comments_nothing_is_lost():
    assert changed("{echo: {decay_ms: 100}}", {"echo.decay_ms": 200}).keeps_comments
