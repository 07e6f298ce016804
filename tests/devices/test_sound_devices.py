"""The list of sound devices, and the choice among them."""

import pytest

from antiphon.devices.sound_devices import Device, choose
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
