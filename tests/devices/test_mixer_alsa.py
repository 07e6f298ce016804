"""The ALSA mixer, on the real alsa-lib and the simulated card's control: what is set is what amixer reads."""

import json
import os
import re
import subprocess
import sys

import pytest

from antiphon.devices.mixer_alsa import AlsaMixer, card_of, cards, choose
from antiphon.errors import DeviceError
from antiphon.simulator.room import Room

# alsa-lib reads its settings once in a process: the mixer of a room needs a process of its own.
CHILD = """
import json, sys
from antiphon.devices.mixer_alsa import AlsaMixer
from antiphon.errors import DeviceError
mixer = AlsaMixer(lambda: sys.argv[1], json.loads(sys.argv[2]))
for line in sys.stdin:
    order = json.loads(line)
    try:
        answer = mixer.get() if order is None else mixer.set(order)
    except DeviceError as error:
        answer = str(error)
    print(json.dumps(answer), flush=True)
mixer.close()
"""


class Child:
    """An AlsaMixer in a process of its own."""

    def __init__(self, room: Room, card: str = "default", control: str | None = None) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-c", CHILD, card, json.dumps(control)],
            env=environment(room),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )

    def __enter__(self):
        return self

    def __exit__(self, *_: object) -> None:
        self._process.communicate(timeout=20)

    def ask(self, order: int | None):
        self._process.stdin.write(json.dumps(order) + "\n")
        self._process.stdin.flush()
        return json.loads(self._process.stdout.readline())

    def set(self, percent: int):
        return self.ask(percent)

    def get(self):
        return self.ask(None)


def environment(room: Room) -> dict[str, str]:
    return os.environ | room.environment()


def amixer(room: Room, *words: str) -> str:
    return subprocess.run(
        ["amixer", *words], env=environment(room), capture_output=True, text=True, check=True, timeout=20
    ).stdout


def shown(room: Room) -> tuple[float, bool]:
    """What amixer shows: decibels, and whether it is on."""
    found = re.search(r"\[(-?[\d.]+)dB\] \[(on|off)\]", amixer(room, "sget", "Master"))
    assert found
    return float(found[1]), found[2] == "on"


@pytest.fixture(scope="module")
def room():
    with Room() as room:
        yield room


def test_what_is_set_is_what_amixer_shows_and_what_is_read_back(room):
    with Child(room) as mixer:
        for percent, level_db in ((100, 0.0), (50, -15.5), (10, -45.0), (1, -61.0)):
            mixer.set(percent)
            assert shown(room) == (level_db, True)
            assert (room.mixer.volume_db, room.mixer.on) == (level_db, True)
            assert mixer.get() == percent


def test_nothing_is_silence_and_switched_off_and_more_switches_on_again(room):
    with Child(room) as mixer:
        mixer.set(0)
        assert shown(room) == (-64.0, False)
        assert mixer.get() == 0
        mixer.set(30)
        assert shown(room)[1]


def test_what_others_set_is_seen(room):
    with Child(room) as mixer:
        mixer.set(80)
        amixer(room, "--", "sset", "Master", "-20dB")
        assert mixer.get() == 41
        amixer(room, "sset", "Master", "mute")
        assert mixer.get() == 0


def test_the_scale_is_alsamixers(room):
    with Child(room) as mixer:
        for level_db in (-1.0, -10.0, -30.5, -60.0):
            room.mixer.turn(level_db)
            mapped = re.search(r"\[(\d+)%\]", amixer(room, "-M", "sget", "Master"))
            assert abs(mixer.get() - int(mapped[1])) <= 1  # they round in their own ways


def test_a_coarse_card_does_not_hold_a_change_up(room):
    with Child(room) as mixer:  # 99 and 100 are the same step of this card
        mixer.set(100)
        mixer.set(99)
        assert room.mixer.volume_db == 0.0
        assert mixer.get() == 99


def test_a_card_that_is_gone_is_said_and_found_again(room):
    with Child(room) as mixer:
        mixer.set(60)
        room.spk.unplug()
        try:
            assert "the mixer of default: No such device" in mixer.get()
            assert "plugged in" in mixer.set(20)
        finally:
            room.spk.replug()
        assert mixer.get() == 60


def test_a_control_that_is_not_there_is_said_with_those_that_are(room):
    with Child(room, control="Speaker") as mixer:
        assert mixer.get() == (
            "the mixer of default: it has no volume control named 'Speaker'. It has Master; name one in speaker.mixer, "
            "or set that to none"
        )
    with Child(room, control="master") as mixer:
        mixer.set(50)
        assert mixer.get() == 50


def test_a_card_that_is_not_there(room):
    with Child(room, card="hw:31") as mixer:
        assert mixer.get().startswith("the mixer of hw:31: ")


def test_a_missing_library_is_said():
    mixer = AlsaMixer(lambda: "default", library="libasound-of-nowhere.so.2")
    with pytest.raises(DeviceError, match=r"libasound-of-nowhere\.so\.2 cannot be loaded"):
        mixer.get()


@pytest.mark.parametrize(
    ("device", "card"),
    [
        ("USB PnP Sound Device: Audio (hw:1,0)", "hw:CARD=Device"),
        ("bcm2835 Headphones: - (hw:0,0)", "hw:0"),  # nothing in /proc
        ("sysdefault:CARD=vc4hdmi0", "hw:CARD=vc4hdmi0"),
        ("front:CARD=U2,DEV=0", "hw:CARD=U2"),
        ("default", "default"),
        ("pulse", "default"),
        ("spk", "default"),
    ],
)
def test_the_card_behind_a_device(tmp_path, device, card):
    (tmp_path / "card1").mkdir()
    (tmp_path / "card1" / "id").write_text("Device\n")
    assert card_of(device, tmp_path) == card


@pytest.mark.parametrize(
    ("names", "wanted", "chosen"),
    [
        (["Headphone", "PCM", "Master", "Mic"], None, "Master"),  # a laptop
        (["Headphone", "Speaker", "Playback"], None, "Playback"),  # WM8960: of both outputs
        (["Headphone", "Speaker", "Mic"], None, "Speaker"),
        (["Mic", "PCM"], None, "PCM"),  # a USB speakerphone
        (["Mic", "Speaker Boost"], None, None),
        (["Analogue Playback Boost", "Digital"], None, "Digital"),  # a DAC HAT
        (["Left Line Out", "ADC"], None, "Left Line Out"),
        (["Mic"], "mic", "Mic"),  # the owner knows
        (["Master"], "Speaker", None),
        ([], None, None),
    ],
)
def test_the_likeliest_control(names, wanted, chosen):
    assert choose(names, wanted) == chosen


def test_a_card_that_has_come_or_gone_makes_another_list(tmp_path):
    assert cards(tmp_path / "nothing") == []
    control = tmp_path / "controlC0"
    control.touch()
    before = cards(tmp_path)
    assert cards(tmp_path) == before
    (tmp_path / "other").touch()  # takes the next inode
    control.rename(tmp_path / "old")
    control.touch()
    (tmp_path / "old").unlink()
    (tmp_path / "other").unlink()
    assert [name for name, _ in cards(tmp_path)] == ["controlC0"]
    assert cards(tmp_path) != before
