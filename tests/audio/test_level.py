"""Levels read as an engineer expects them."""

import numpy as np
import pytest

from antiphon.audio.level import SILENCE_DB, level_db


def test_silence_and_nothing_have_a_level():
    assert level_db(np.zeros(0, np.int16)) == SILENCE_DB
    assert level_db(np.zeros(160, np.int16)) == SILENCE_DB


def test_full_square_wave_is_zero_db():
    assert level_db(np.full(160, -32768, np.int16)) == pytest.approx(0.0)


def test_sine_reads_three_db_under_its_peak():
    sine = (16384 * np.sin(2 * np.pi * np.arange(1600) / 16)).astype(np.int16)
    assert level_db(sine) == pytest.approx(-9.03, abs=0.02)


def test_half_the_amplitude_is_six_db_less():
    assert level_db(np.full(99, 2000, np.int16)) - level_db(np.full(99, 1000, np.int16)) == pytest.approx(
        6.02, abs=0.01
    )
