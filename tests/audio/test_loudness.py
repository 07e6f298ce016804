"""Percent, decibels and gains: steps that sound even, and a change that makes no click."""

import itertools
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from antiphon.audio.loudness import SOFT_LEAST_DB, Gain, db_of, gain_of, percent_of

RANGES = st.tuples(st.floats(-120, -1), st.floats(-1, 20)) | st.tuples(st.just(-math.inf), st.floats(-1, 20))


@given(RANGES, st.integers(1, 100))
def test_there_and_back_is_the_same(ends, percent):
    assert percent_of(db_of(percent, *ends), *ends) == pytest.approx(percent, abs=0.01)


@given(RANGES)
def test_the_ends_are_the_ends_and_more_is_louder(ends):
    least_db, most_db = ends
    assert db_of(0, *ends) == pytest.approx(least_db)
    assert db_of(100, *ends) == pytest.approx(most_db)
    levels = [db_of(percent, *ends) for percent in range(101)]
    assert all(one < next_ for one, next_ in itertools.pairwise(levels))


def test_alsamixers_scale():
    # What `amixer -M` of alsa-utils 1.2.8 shows of a control from -64 to 0 dB.
    assert round(percent_of(-10.0, -64.0, 0.0)) == 65
    assert round(percent_of(-20.0, -64.0, 0.0)) == 41
    assert db_of(50, -20.0, 0.0) == -10.0  # a short range is cut evenly


def test_a_level_outside_of_the_range_is_its_end():
    assert percent_of(-200.0, -60.0, 0.0) == 0
    assert percent_of(6.0, -60.0, 0.0) == 100
    assert percent_of(-3.0, 0.0, 0.0) == 100  # a control with one step


def test_the_software_gain():
    assert gain_of(100) == gain_of(120) == 1.0
    assert gain_of(0) == gain_of(-5) == 0.0
    levels_db = [20 * math.log10(gain_of(percent)) for percent in range(1, 101)]
    assert levels_db[0] == pytest.approx(SOFT_LEAST_DB, abs=1.6)
    assert all(0 < louder - quieter < 1.6 for quieter, louder in itertools.pairwise(levels_db))


def test_full_volume_is_bit_exact():
    period = np.arange(-240, 240, dtype=np.int16)
    assert Gain().apply(period) is period


def test_a_change_takes_a_period_and_makes_no_step():
    gain, loud = Gain(), np.full(480, 20_000, np.int16)
    gain.wanted = 0.25
    falling, quiet = gain.apply(loud), gain.apply(loud)
    assert falling[-1] == 5000
    assert (quiet == 5000).all()
    gain.wanted = 1.0
    rising = gain.apply(loud)
    assert gain.apply(loud) is loud
    steps = np.abs(np.diff(np.concatenate([loud, falling, quiet, rising, loud]).astype(int)))
    assert steps.max() <= 32  # 15000 in 480 steps, evenly


def test_silence_is_silence():
    gain = Gain()
    gain.wanted = 0.0
    gain.apply(np.full(480, 20_000, np.int16))
    assert not gain.apply(np.full(480, -32_768, np.int16)).any()
