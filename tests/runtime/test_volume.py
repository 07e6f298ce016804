"""The volume's keeper: who turns what, what is told, and what is kept."""

import contextlib
import json
import math
import threading
from collections.abc import Iterator
from queue import Empty, SimpleQueue

import pytest

from antiphon.audio.loudness import gain_of
from antiphon.conversation.events import VolumeChanged
from antiphon.devices.fake_sound import FakeMixer
from antiphon.errors import DeviceError
from antiphon.runtime.kept import KeptVolume
from antiphon.runtime.thread import ZombieThread
from antiphon.runtime.volume import SoftMixer, VolumeKeeper, VolumeMeans, VolumePlan

BOUND_S = 20
GONE = DeviceError("the mixer of hw:1", "No such device", "Plug it in")
SELDOM = VolumePlan(look_s=math.inf, keep_s=0.0)
OFTEN = VolumePlan(look_s=0.002, look_at_most_s=0.002, keep_s=0.0)


class Rig:
    def __init__(self, path, mixer, first, plan, named) -> None:
        self.events: SimpleQueue = SimpleQueue()
        self.lines: SimpleQueue = SimpleQueue()
        self.gains: list[float] = []
        self.cards = 1
        self.soft = SoftMixer(self.gains.append)
        kept = KeptVolume(path, self)
        means = VolumeMeans(mixer, named, kept, lambda: self.cards)
        self.keeper = VolumeKeeper(means, self.soft, first, self.events.put, self, plan)

    def write(self, level, what, **fields) -> None:
        self.lines.put((level, what, fields.get("sentence", "")))

    def told(self) -> int:
        return self.events.get(timeout=BOUND_S).percent

    def line(self) -> tuple[str, str, str]:
        return self.lines.get(timeout=BOUND_S)

    def silent(self) -> bool:
        return self.events.empty() and self.lines.empty()


@contextlib.contextmanager
def running(path=None, mixer=None, first=None, plan=SELDOM, *, named=True) -> Iterator[Rig]:
    rig = Rig(path, mixer, first, plan, named)
    rig.keeper.start()
    try:
        yield rig
    finally:
        rig.keeper.stop(BOUND_S)


def test_the_mixer_is_left_as_it_is_where_nobody_wants_more():
    mixer = FakeMixer(37)
    with running(mixer=mixer) as rig:
        assert rig.told() == 37
    assert mixer.sets == []
    assert mixer.closed
    assert rig.silent()


def test_the_settings_count_at_first_and_then_what_was_kept(tmp_path):
    path, mixer = tmp_path / "state.json", FakeMixer()
    with running(path, mixer, first=30) as rig:
        assert rig.told() == 30
        assert not path.exists()  # the settings may still change
        rig.keeper.set(45)
        assert rig.told() == 45
    assert json.loads(path.read_text()) == {"volume": 45}
    with running(path, mixer, first=30) as rig:
        assert rig.told() == 45
    assert mixer.sets == [30, 45, 45]
    assert rig.gains == []  # as it comes: bit-exact


def test_without_a_mixer_the_sound_itself_is_turned():
    with running() as rig:
        assert rig.told() == 100
        rig.keeper.set(20)
        assert rig.told() == 20
    assert rig.gains == [gain_of(20)]


def test_a_mixer_that_never_worked_leaves_it_to_the_sound_until_it_does():
    mixer = FakeMixer(80)
    mixer.refusal = GONE
    with running(mixer=mixer, first=50) as rig:
        level, what, sentence = rig.line()
        assert (level, what) == ("warning", "mixer-failed")
        assert sentence.endswith("Plug it in; until then the sound itself is made quieter")
        assert rig.told() == 50
        rig.keeper.set(60)
        assert rig.told() == 60
        mixer.refusal = None
        rig.keeper.look()
        assert rig.line()[:2] == ("info", "mixer-back")
    assert mixer.sets == [60]
    assert rig.gains == [gain_of(50), gain_of(60), 1.0]
    assert rig.silent()  # one warning for all of it


def test_that_a_card_has_no_mixer_is_no_trouble():
    mixer = FakeMixer()
    mixer.refusal = GONE
    with running(mixer=mixer, first=50, named=False) as rig:
        assert rig.line()[:2] == ("info", "mixer-failed")
        assert rig.told() == 50


def test_a_mixer_that_cannot_even_be_read():
    mixer = FakeMixer(80)
    mixer.refusal = GONE
    with running(mixer=mixer) as rig:
        assert rig.line()[1] == "mixer-failed"
        assert rig.told() == 100
        mixer.refusal = None
        rig.keeper.look()
        assert rig.told() == 80
    assert mixer.sets == []


def test_a_card_that_was_away_gets_what_it_should_be():
    mixer = FakeMixer()
    with running(mixer=mixer, first=50, plan=OFTEN) as rig:
        assert rig.told() == 50
        mixer.refusal = GONE
        assert rig.line()[1] == "mixer-failed"
        rig.keeper.set(70)
        assert rig.told() == 70
        mixer.percent, mixer.refusal = 100, None  # as it wakes up
        assert rig.line()[1] == "mixer-back"
    assert mixer.sets == [50, 70]
    assert rig.gains == []  # twice quieter it never was


def test_another_card_in_its_place_is_nobodys_wish():
    mixer = FakeMixer()
    with running(mixer=mixer, first=50) as rig:
        assert rig.told() == 50
        mixer.percent = 100  # pulled and plugged in again, before anybody has looked
        rig.keeper.look()
        rig.keeper.set(51)
        assert rig.told() == 51
    assert mixer.sets in ([50, 50, 51], [50, 51])


def test_a_card_that_has_come_is_turned_at_the_next_look():
    mixer = FakeMixer()
    again = threading.Event()
    with running(mixer=mixer, first=50, plan=OFTEN) as rig:
        assert rig.told() == 50
        mixer.set = lambda percent: (FakeMixer.set(mixer, percent), again.set())
        mixer.percent, rig.cards = 50, 2
        assert again.wait(BOUND_S)
    assert mixer.sets == [50, 50]
    assert rig.silent()


def test_what_a_full_disk_did_not_take_is_kept_when_it_has_room(tmp_path):
    path, blocked = tmp_path / "state.json", tmp_path / ".state.json.new"
    blocked.mkdir()
    plan = VolumePlan(look_s=math.inf, keep_s=0.0, keep_again_s=0.002)
    with running(path, FakeMixer(37), plan=plan) as rig:
        assert rig.told() == 37
        rig.keeper.set(45)
        assert rig.told() == 45
        assert rig.line()[:2] == ("warning", "not-kept")
        blocked.rmdir()
    assert json.loads(path.read_text()) == {"volume": 45}
    assert rig.silent()  # said once


def test_what_others_turn_is_told_and_kept(tmp_path):
    path, mixer = tmp_path / "state.json", FakeMixer(50)
    with running(path, mixer, first=50, plan=OFTEN) as rig:
        assert rig.told() == 50
        mixer.percent = 65
        assert rig.told() == 65
    assert json.loads(path.read_text()) == {"volume": 65}
    assert mixer.sets == [50]


def test_a_mixer_that_hangs_holds_up_nobody_and_the_last_wish_counts():
    entered, freed = threading.Event(), threading.Event()

    class Hanging(FakeMixer):
        def set(self, percent: int) -> None:
            entered.set()
            assert freed.wait(BOUND_S)
            super().set(percent)

    mixer = Hanging()
    with running(mixer=mixer) as rig:
        assert rig.told() == 100
        rig.keeper.set(10)
        assert entered.wait(BOUND_S)
        for percent in (20, 30, 40):
            rig.keeper.set(percent)
        with pytest.raises(Empty):
            rig.events.get_nowait()
        with pytest.raises(ZombieThread, match="volume"):
            rig.keeper.stop(0.0)
        freed.set()
        assert rig.told() == 10
    assert mixer.sets in ([10], [10, 40])


def test_a_button_that_is_held_writes_once(tmp_path):
    saved: list[int] = []

    class Counting(KeptVolume):
        def save(self, percent: int) -> bool:
            saved.append(percent)
            return True

    events: SimpleQueue = SimpleQueue()
    means = VolumeMeans(FakeMixer(), False, Counting(None, None))
    keeper = VolumeKeeper(means, SoftMixer(lambda _: None), 50, events.put, None, VolumePlan(keep_s=1e6))
    keeper.start()
    for percent in (50, 55, 60, 65):
        if percent > 50:
            keeper.set(percent)
        assert events.get(timeout=BOUND_S) == VolumeChanged(percent)
    keeper.stop(BOUND_S)
    assert saved == [65]
