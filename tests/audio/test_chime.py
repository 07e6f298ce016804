"""Chimes are short, quiet and free of clicks, at any rate."""

import numpy as np
import pytest

from antiphon.audio.chime import CHIMES, chime
from antiphon.audio.level import level_db
from antiphon.conversation.effects import ChimeName


def test_every_chime_the_mind_can_ask_for_exists():
    assert set(CHIMES) == set(ChimeName.__args__)


@pytest.mark.parametrize("name", CHIMES)
@pytest.mark.parametrize("rate_hz", [16_000, 24_000, 44_100, 48_000])
def test_is_short_quiet_and_soft_edged(name, rate_hz):
    sound = chime(name, rate_hz, -26.0)
    assert 0.1 < len(sound) / rate_hz < 0.5
    assert -32 < level_db(sound) < -25
    assert abs(int(sound[0])) < 5
    assert abs(int(sound[-1])) < 50
    steepest = np.abs(np.diff(sound.astype(int))).max()
    assert steepest < 2400 * 2 * np.pi * 900 / rate_hz  # no step that a 900 Hz sine of this height would not take


def test_level_can_be_chosen():
    assert level_db(chime("wake", 24_000, -40.0)) == pytest.approx(level_db(chime("wake", 24_000, -26.0)) - 14, abs=0.3)


def test_unknown_name():
    with pytest.raises(KeyError):
        chime("trumpet", 24_000, -26.0)
