"""Lamps in turn and moves of the hands as they are told: by fakes on a clock of the test's, and once on mock pins."""

import os
import signal
import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import pytest
from gpiozero.pins.mock import MockFactory, MockPWMPin

from antiphon.conversation.events import ButtonMoved, SwitchMoved
from antiphon.devices.fake_hands import FakeLamps
from antiphon.devices.gpio import chip
from antiphon.errors import DeviceError, SettingsError
from antiphon.settings import Buttons, Lamps, Settings, Switch, Tools
from antiphon.wiring import FACE_S, FACES, PICTURE_S, Hands, Telling, pictures, run_wiring, try_wiring
from verbs import ALONE, TIMEOUT_S

PINS = Path(__file__).parent / "appliance" / "pins.py"
DARK, RED, GREEN, BLUE, WHITE = (0, 0, 0), (255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 255)
TWO_BUTTONS = Buttons(talk=23, mute=24)


class Person:
    """Moves hands at given times, in order; when all is done and somebody waits for ever, Ctrl-C."""

    def __init__(self, *moves):
        self.moves = list(moves)
        self.now_s = 0.0

    def now(self):
        return self.now_s

    def wait(self, seconds):
        ends_s = None if seconds is None else self.now_s + seconds
        if self.moves and (ends_s is None or self.moves[0][0] <= ends_s):
            at_s, moved = self.moves.pop(0)
            self.now_s = max(self.now_s, at_s)
            return moved
        if ends_s is None:
            raise KeyboardInterrupt
        self.now_s = ends_s
        return None


def tried(settings, *moves, count=1):
    """What was said, the lamps, and when it ended."""
    said, person, lamps = [], Person(*moves), FakeLamps(count)
    hands = Hands(settings, said.append, person.now, person.wait)
    try:
        try_wiring(settings, lamps, hands)
    except KeyboardInterrupt:
        said.append("^C")
    return said, lamps, person.now_s


def tap(at_s, button="talk", for_s=0.1):
    return (at_s, ButtonMoved(button, down=True)), (at_s + for_s, ButtonMoved(button, down=False))


# ── lamps ──


def test_each_led_is_lit_of_its_own_with_its_line():
    first, second = pictures(Lamps(kind="gpio", pins=(17, 5), brightness=0.2), 2)
    assert (first.words, first.colours) == ("lamp 1 should be lit (GPIO 17, pin 11)", ((51, 51, 51), DARK))
    assert (second.words, second.colours) == ("lamp 2 should be lit (GPIO 5, pin 29)", (DARK, (51, 51, 51)))


def test_each_colour_of_an_rgb_led_is_lit_with_its_line():
    shown = [(one.words, one.colours) for one in pictures(Lamps(kind="rgb", pins=(17, 27, 22, 5, 6, 13)), 2)]
    assert shown == [
        ("lamp 1 should be red (GPIO 17, pin 11)", (RED, DARK)),
        ("lamp 1 should be green (GPIO 27, pin 13)", (GREEN, DARK)),
        ("lamp 1 should be blue (GPIO 22, pin 15)", (BLUE, DARK)),
        ("lamp 2 should be red (GPIO 5, pin 29)", (DARK, RED)),
        ("lamp 2 should be green (GPIO 6, pin 31)", (DARK, GREEN)),
        ("lamp 2 should be blue (GPIO 13, pin 33)", (DARK, BLUE)),
    ]


@pytest.mark.parametrize("kind", ["apa102", "ws2812", "terminal"])
def test_a_chain_is_lit_in_each_colour_and_then_one_by_one(kind):
    shown = [(one.words, one.colours) for one in pictures(Lamps(kind=kind), 3)]
    assert shown == [
        ("all 3 lamps should be red", (RED,) * 3),
        ("all 3 lamps should be green", (GREEN,) * 3),
        ("all 3 lamps should be blue", (BLUE,) * 3),
        ("one lamp after the other should be white", (WHITE, DARK, DARK)),
        ("", (DARK, WHITE, DARK)),
        ("", (DARK, DARK, WHITE)),
    ]


def test_lamps_without_hands_are_shown_once_with_every_face():
    said, lamps, ended_s = tried(Settings(lamps=Lamps(kind="gpio", pins=(17,))))
    assert said[0].startswith("lamp 1 should be lit")
    assert [line for line in said if "now they say" in line] == said[1:]
    assert [line.partition(": ")[2] for line in said[1:]] == [
        "one moment", "listening", "thinking", "speaking", "still listening", "sorry", "muted",
    ]  # fmt: skip
    assert ended_s == pytest.approx(1 + len(FACES) * FACE_S)
    assert lamps.shown[0][0] == (WHITE,)
    assert lamps.shown[-1][0] == (DARK,)
    assert {word for _, word in lamps.shown} >= {"listening", "muted"}


def test_a_face_moves():
    _, lamps, _ = tried(Settings(lamps=Lamps(kind="gpio", pins=(17,))))
    blinks = [colours for colours, word in lamps.shown if word == "one moment"]
    assert len(blinks) == pytest.approx(2 * FACE_S / 0.4, abs=1)
    assert all(one != next_one for one, next_one in pairwise(blinks))


# ── outputs ──


class Outputs:
    """Those that are set, in order; `broken` cannot be had."""

    def __init__(self, broken=()):
        self.broken, self.moved = broken, []

    def set(self, name, *, on):
        if name in self.broken:
            raise DeviceError("switch fan", "has no line", "look at its wires")
        self.moved.append((name, on))


def test_each_output_is_on_once_and_off_again():
    relays = Tools(switches=(Switch(name="fan", pin=16), Switch(name="lamp", pin=26)))
    said, person, outputs = [], Person(), Outputs(broken=("fan",))
    try_wiring(Settings(tools=relays), FakeLamps(0), Hands(Settings(), said.append, person.now, person.wait), outputs)
    assert said == ["lamp should be on (GPIO 26, pin 37)"]
    assert outputs.moved == [("lamp", True), ("lamp", False)]
    assert person.now_s == PICTURE_S


def test_an_output_is_tried_without_lamps_or_hands(monkeypatch, capsys):
    monkeypatch.setenv("GPIOZERO_PIN_FACTORY", "mock")
    monkeypatch.setattr("antiphon.wiring.PICTURE_S", 0.0)
    assert run_wiring(Settings(tools=Tools(switches=(Switch(name="lamp", pin=26),))))
    assert capsys.readouterr().out == "lamp should be on (GPIO 26, pin 37)\n"


# ── hands ──


def test_presses_are_told_in_the_appliances_own_words():
    settings = Settings(buttons=Buttons(talk=23, mute=24, volume_up=5))
    said, lamps, _ = tried(
        settings, *tap(1), *tap(1.3), *tap(3, "mute", for_s=2), *tap(6, "volume_up", for_s=1.05), *tap(8)
    )
    assert said == [
        "Now move talk (GPIO 23, pin 16), mute (GPIO 24, pin 18), volume up (GPIO 5, pin 29); Ctrl-C ends.",
        "talk button: pressed",
        "talk button: let go: a tap",
        "talk button: pressed again: a double tap",
        "mute button: pressed",
        "mute button: held",
        "volume up button: pressed",
        "volume up button: held on",
        "volume up button: held on",
        "talk button: pressed",
        "talk button: let go: a tap",
        "^C",
    ]
    assert lamps.shown == []


def test_a_press_while_lamps_are_tried_is_told_and_delays_nothing():
    said, _, ended_s = tried(Settings(lamps=Lamps(kind="gpio", pins=(17, 5)), buttons=TWO_BUTTONS), *tap(0.5), count=2)
    assert said[:4] == [
        "lamp 1 should be lit (GPIO 17, pin 11)",
        "talk button: pressed",
        "talk button: let go: a tap",
        "lamp 2 should be lit (GPIO 5, pin 29)",
    ]
    assert ended_s == pytest.approx(2 + len(FACES) * FACE_S)


def test_where_the_switch_is_is_told():
    moves = [(1, SwitchMoved(muted=True)), (2, SwitchMoved(muted=False))]
    said, _, _ = tried(Settings(buttons=Buttons(mute_switch=16)), *moves)
    assert said == [
        "Now move mute switch (GPIO 16, pin 36); Ctrl-C ends.",
        "mute switch: muted",
        "mute switch: not muted",
        "^C",
    ]


# ── what is missing ──


def test_with_nothing_wired_it_says_how_to_name_a_board():
    with pytest.raises(SettingsError, match=r"--set board=led-button"):
        run_wiring(Settings())


def test_what_is_missing_and_what_comes_back_are_told():
    said = []
    telling = Telling(said.append)
    telling.write("info", "line-back", part="lamp 1")
    assert not telling.missing
    telling.write("warning", "lamp-failed", lamp="lamp 1", error="gone")
    assert telling.missing
    telling.write("error", "no-lamp", sentence="lamp 2 on GPIO 5: it is busy")
    telling.miss("lamp 2 on GPIO 5: it is busy")
    assert said == ["lamp 1 can be used now", "lamp 1 fails (gone): look at its wires", "lamp 2 on GPIO 5: it is busy"]


def test_a_line_that_is_busy_is_named_and_the_rest_is_tried(monkeypatch, capsys):
    class Busy(MockFactory):
        def pin(self, name):
            if name == 17:
                raise OSError("GPIO busy")
            return super().pin(name)

    monkeypatch.setattr(chip, "pin_factory", lambda _: Busy(pin_class=MockPWMPin))
    monkeypatch.setattr("antiphon.wiring.FACE_S", 0.0)
    monkeypatch.setattr("antiphon.wiring.PICTURE_S", 0.0)
    assert run_wiring(Settings(lamps=Lamps(kind="gpio", pins=(17, 5)))) is False
    told = capsys.readouterr().out
    assert "lamp 1 on GPIO 17" in told
    assert "systemctl stop antiphon" in told
    assert "lamp 2 should be lit" in told


def test_a_switch_that_cannot_be_read_is_missing_too(monkeypatch, capsys):
    class Busy(MockFactory):
        def pin(self, name):
            raise OSError("GPIO busy")

    def stop(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(chip, "pin_factory", lambda _: Busy(pin_class=MockPWMPin))
    monkeypatch.setattr("antiphon.wiring.Hands.follow", stop)
    assert run_wiring(Settings(buttons=Buttons(mute_switch=16))) is False
    assert capsys.readouterr().out.count("mute switch on GPIO 16") == 1


# ── on mock pins ──


def test_the_verb_tells_presses_while_lamps_are_tried_and_ends_at_ctrl_c():
    arguments = ["wiring", *ALONE, "--set", "board=led-button"]
    path = os.pathsep.join(part for part in (str(PINS.parent.parent), os.environ.get("PYTHONPATH")) if part)
    with subprocess.Popen(
        ["env", "--default-signal=INT", sys.executable, PINS, *arguments],
        env={**os.environ, "GPIOZERO_PIN_FACTORY": "mock", "PYTHONPATH": path},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            assert process.stdout.readline() == "lamp 1 should be lit (GPIO 17, pin 11)\n"
            process.stdin.write("24 down\n")
            process.stdin.flush()
            assert any(line == "mute button: pressed\n" for line in process.stdout)
            process.send_signal(signal.SIGINT)
            process.communicate(timeout=TIMEOUT_S)
        finally:
            process.kill()
    assert process.returncode == 0
