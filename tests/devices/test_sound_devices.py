"""The list of sound devices, and the choice among them."""

from contextlib import nullcontext

import pytest

from antiphon.devices import sound_devices
from antiphon.devices.sound_devices import Absence, Device, Lookout, choose
from antiphon.errors import DeviceError

DEVICES = [
    Device(0, "HDMI 0", 0, 8, 48_000, False, True),
    Device(1, "USB PnP Sound: Audio (hw:1,0)", 1, 2, 44_100, False, False),
    Device(2, "seeed-2mic", 2, 2, 16_000, True, False),
    Device(3, "seeed-2mic-dsnoop", 2, 0, 16_000, False, False),
]


@pytest.mark.parametrize(
    ("direction", "wanted", "index"),
    [
        ("input", None, 2),
        ("output", None, 0),
        ("input", 1, 1),
        ("input", "usb pnp", 1),
        ("input", "SEEED-2MIC", 2),  # an exact name is meant, though another begins with it
        ("output", "seeed", 2),
    ],
)
def test_chooses(direction, wanted, index):
    assert choose(DEVICES, direction, wanted).index == index


@pytest.mark.parametrize(
    ("direction", "wanted", "sentence"),
    [
        ("input", "HDMI", "the microphone: no device's name holds 'HDMI'. Choose one that is there (1: USB PnP"),
        ("input", "seeed", "2 devices' names hold 'seeed'"),
        ("output", 3, "the speaker: no device has the index 3. Choose one that is there (0: HDMI 0; 1: USB PnP"),
    ],
)
def test_says_what_there_is(direction, wanted, sentence):
    with pytest.raises(DeviceError) as caught:
        choose(DEVICES, direction, wanted)
    assert sentence in str(caught.value)


def test_no_device_at_all():
    with pytest.raises(DeviceError, match="this machine has none, or another program holds it"):
        choose([], "input", None)


# ── devices that are missing ─────────────────────────────────────────────────────────────────────


class Clock:
    now_s = 1000.0

    def monotonic(self):
        return self.now_s


@pytest.fixture
def clock(monkeypatch):
    made = Clock()
    monkeypatch.setattr(sound_devices, "time", made)
    return made


@pytest.fixture
def cards(monkeypatch):
    made = ["card0"]
    monkeypatch.setattr(sound_devices, "_cards", lambda: list(made))
    return made


def test_what_is_missing_for_long_is_looked_for_by_another_process_and_seldom(clock, cards, monkeypatch):
    asked, there = [], []
    monkeypatch.setattr(sound_devices, "_list_of_another_process", lambda: asked.append(clock.now_s) or there)
    absence = Absence("output", "seeed", DeviceError("the speaker", "it is gone", "Wait"))
    looked = []
    for second in range(100):
        if not absence.lasts():
            looked.append(second)
            absence.again(absence.error)
        clock.now_s += 1.0
    assert looked == list(range(60))
    assert [at - 1000 for at in asked] == [74, 89]
    cards.append("card1")
    assert not absence.lasts(), "a card has come"
    absence.again(absence.error)
    assert absence.lasts()
    there += DEVICES
    clock.now_s += 15.0
    assert not absence.lasts(), "it is there again, as a sound server's may be"


def test_another_process_is_asked_ever_more_seldom_and_at_once_when_a_card_comes(clock, cards, monkeypatch):
    lists = []
    monkeypatch.setattr(sound_devices, "_list_of_another_process", lambda: lists.append(clock.now_s) or [])
    monkeypatch.setattr(sound_devices, "open_library", nullcontext)
    monkeypatch.setattr(sound_devices, "devices_of", lambda _: [])
    lookout = Lookout()
    for _ in range(100):
        assert not lookout.sees_another("output", "usb")
        clock.now_s += 1.0
    assert [at - 1000 for at in lists] == [0, 1, 3, 7, 15, 31, 61, 91]
    cards.append("card1")
    lookout.sees_another("output", "usb")
    assert lists[-1] == clock.now_s
