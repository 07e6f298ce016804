"""The volume while it is tried, on a mixer that is driven by hand."""

import numpy as np
import pytest

from antiphon.errors import DeviceError
from antiphon.setting_up.loudness import Loudness

LOUD = np.full(100, 10_000, np.int16)


class Mixer:
    def __init__(self, percent=70):
        self.percent, self.broken = percent, False

    def get(self):
        if self.broken:
            raise DeviceError("the mixer", "it has gone", "Plug it in")
        return self.percent

    def set(self, percent):
        self.percent = self.get() and percent

    def close(self):
        pass


def test_the_mixer_is_turned_and_left_as_it_was_found():
    mixer = Mixer(70)
    loudness = Loudness(mixer, None)
    assert (loudness.percent, loudness.was_turned) == (70, False)
    loudness.turn(10)
    assert (mixer.percent, loudness.percent, loudness.was_turned) == (80, 80, True)
    assert loudness.of(LOUD) is LOUD
    loudness.back()
    assert mixer.percent == 70


def test_what_is_wanted_is_where_it_begins():
    mixer = Mixer(70)
    loudness = Loudness(mixer, 40)
    assert (mixer.percent, loudness.was_turned) == (40, False)
    loudness.back()
    assert mixer.percent == 70


@pytest.mark.parametrize("mixer", [None, "broken"])
def test_without_a_mixer_the_sound_itself_is_turned(mixer):
    if mixer is not None:
        mixer = Mixer()
        mixer.broken = True
    loudness = Loudness(mixer, 50)
    assert 0 < int(loudness.of(LOUD)[0]) < 10_000
    loudness.turn(-60)
    assert loudness.percent == 0
    assert not loudness.of(LOUD).any()
    loudness.turn(200)
    assert loudness.percent == 100
    assert loudness.of(LOUD).tolist() == LOUD.tolist()
    loudness.back()


def test_a_mixer_that_goes_is_done_without():
    mixer = Mixer(70)
    loudness = Loudness(mixer, None)
    mixer.broken = True
    loudness.turn(-20)
    assert loudness.percent == 50
    assert int(loudness.of(LOUD)[0]) < 10_000
