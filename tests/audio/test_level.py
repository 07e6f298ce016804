"""Levels read as an engineer expects them."""

import numpy as np
import pytest

from antiphon.audio.level import SILENCE_DB, Loudest, level_db, speech_levels_db


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


def sine(hz: float, frames: int = 1280) -> np.ndarray:
    return (16_384 * np.sin(2 * np.pi * hz * np.arange(frames) / 16_000)).astype(np.int16)


@pytest.mark.parametrize("hz", [300, 1000, 1010, 3333, 5500])
def test_speech_reads_as_the_level_of_all(hz):
    assert speech_levels_db(sine(hz)) == pytest.approx([-9.03] * 4, abs=0.4)


@pytest.mark.parametrize("hz", [10, 20, 50, 60, 7000])
def test_what_is_not_where_speech_is_does_not_count(hz):
    assert max(speech_levels_db(sine(hz))) < -9 - 25


def test_speech_levels_of_silence_of_nothing_and_of_a_part():
    assert speech_levels_db(np.zeros(640, np.int16)) == [SILENCE_DB, SILENCE_DB]
    assert speech_levels_db(np.zeros(0, np.int16)) == []
    with pytest.raises(ValueError, match="reshape"):
        speech_levels_db(np.zeros(321, np.int16))


def test_each_20_ms_has_its_own_level():
    loud_then_quiet = np.concatenate((sine(1000, 320), sine(1000, 320) // 10))
    loud, quiet = speech_levels_db(loud_then_quiet)
    assert loud - quiet == pytest.approx(20, abs=0.1)


def test_the_loudest_is_kept_for_its_window_and_no_longer_than_two() -> None:
    loudest = Loudest(window_ms=1000)
    assert loudest.level_db == SILENCE_DB
    loudest.hear(-20.0, 100)
    for _ in range(10):
        loudest.hear(-60.0, 100)
        assert loudest.level_db == -20.0
    for _ in range(10):
        loudest.hear(-60.0, 100)
    assert loudest.level_db == -60.0
    loudest.forget()
    assert loudest.level_db == SILENCE_DB
