"""A recording is cut in a pause, and in the longest quiet of it."""

import numpy as np

from antiphon.audio.cutting import BLOCK_MS, energies, quietest_block

FRAMES = 16 * BLOCK_MS


def loud(ms):
    return np.full(16 * ms, 8000, np.int16)


def quiet(ms):
    return np.full(16 * ms, 10, np.int16)


def cut_ms(*parts):
    return quietest_block(energies(np.concatenate(parts), FRAMES)) * BLOCK_MS


def test_it_is_cut_in_the_middle_of_the_pause():
    assert abs(cut_ms(loud(1000), quiet(400), loud(600)) - 1200) <= 60


def test_a_gap_in_a_word_is_no_pause():
    assert cut_ms(loud(200), quiet(60), loud(700), quiet(300), loud(200)) > 900


def test_of_equals_the_latest():
    assert cut_ms(quiet(300), loud(1000), quiet(300)) > 1300


def test_what_is_shorter_than_a_pause():
    assert quietest_block(energies(quiet(20), FRAMES)) == 0


def test_half_a_block_is_left_out():
    assert len(energies(loud(50), FRAMES)) == 2
