"""The floor is the noise, whoever speaks over it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from antiphon.audio.noise import LEAST_DB, SMOOTHED_MARKS, WINDOW_MARKS, NoiseFloor

SETTLED = WINDOW_MARKS + SMOOTHED_MARKS


def after(*levels_db: float) -> float:
    floor = NoiseFloor()
    return [floor.hear(level) for level in levels_db][-1]


def test_steady_noise_is_its_own_floor_from_the_first_moment():
    floor = NoiseFloor()
    assert [floor.hear(-40) for _ in range(300)] == pytest.approx([-40] * 300)


def test_it_falls_with_the_noise_within_what_it_is_smoothed_over():
    assert after(*[-30] * 200, *[-60] * SMOOTHED_MARKS) == pytest.approx(-60)


def test_it_rises_with_the_noise_after_its_window_and_not_before():
    floor = NoiseFloor()
    quiet = [floor.hear(-60) for _ in range(100)]
    loud = [floor.hear(-30) for _ in range(SETTLED)]
    assert quiet[-1] == pytest.approx(loud[WINDOW_MARKS - 2]) == pytest.approx(-60)
    assert loud[-1] == pytest.approx(-30)


def test_a_gap_of_100_ms_in_each_window_keeps_it_down_for_ever():
    syllables = [-20] * (WINDOW_MARKS - 2 * SMOOTHED_MARKS) + [-55] * SMOOTHED_MARKS
    floor = NoiseFloor()
    assert max([floor.hear(level) for level in syllables * 30][SETTLED:]) == pytest.approx(-55)


def test_one_quiet_moment_in_a_noise_is_not_the_floor():
    assert after(*[-40] * 100, -90, *[-40] * 10) == pytest.approx(-41, abs=0.05)


def test_digital_silence_has_a_floor():
    assert after(*[-96] * 200) == LEAST_DB


@given(st.lists(st.floats(-96, 0), min_size=1, max_size=250))
def test_it_is_the_least_average_of_its_window(levels_db):
    powers = [10 ** (level / 10) for level in levels_db]
    pieces = [powers[max(0, at + 1 - SMOOTHED_MARKS) : at + 1] for at in range(len(powers))]
    least = min(sum(piece) / len(piece) for piece in pieces[-WINDOW_MARKS:])
    assert 10 ** (after(*levels_db) / 10) == pytest.approx(max(least, 10 ** (LEAST_DB / 10)))
