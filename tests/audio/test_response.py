"""What an impulse response tells, by responses that are made by hand."""

import math

import numpy as np
import pytest

from antiphon.audio.response import Path, decibels
from antiphon.audio.sweep import Sweep
from antiphon.pcm import frames_in
from antiphon.simulator.acoustics import room_response

RATE_HZ = 16_000
SWEEP = Sweep(80.0, 7200.0, 1.5)
ORIGIN = frames_in(450, RATE_HZ)


def path(response, *, late=0, noise_db=-80.0, gain_db=-10.0, origin=ORIGIN):
    """`response` through the band of the sweep, `late` frames after the origin, over noise (dB a frame)."""
    whole = np.zeros(ORIGIN + RATE_HZ)
    whole[origin + late : origin + late + len(response)] = response * 10 ** (gain_db / 20)
    spectrum = np.fft.rfft(whole) * SWEEP.window(np.fft.rfftfreq(len(whole), 1 / RATE_HZ))
    chance = np.random.default_rng(3).standard_normal((2, len(whole))) * 10 ** (noise_db / 20)
    return Path(np.fft.irfft(spectrum, len(whole)) + chance[0], RATE_HZ, ORIGIN, 160, chance[1], len(whole), SWEEP)


@pytest.mark.parametrize("late", [-100, 0, 333, 8000])
def test_where_the_direct_sound_is(late):
    assert path(room_response(RATE_HZ), late=late).direct == ORIGIN + late


@pytest.mark.parametrize("gain_db", [-40.0, -10.0, 6.0])
def test_how_loud_it_is(gain_db):
    assert path(room_response(RATE_HZ), gain_db=gain_db).gain_db() == pytest.approx(gain_db, abs=0.5)


def test_nothing_is_not_loud():
    alone = path(np.zeros(10))
    assert alone.gain_db() < -70
    assert alone.clear_db() < 15
    assert path(room_response(RATE_HZ)).clear_db() > 55


@pytest.mark.parametrize("decay_ms", [150.0, 400.0, 800.0])
@pytest.mark.parametrize("noise_db", [-90.0, -70.0])
def test_how_long_the_room_sounds_on(decay_ms, noise_db):
    found = path(room_response(RATE_HZ, decay_ms), noise_db=noise_db).decay_ms()
    assert found == pytest.approx(decay_ms, rel=0.12)


def test_a_path_without_a_tail_is_dry_and_one_in_noise_unknown():
    assert path(np.ones(1)).decay_ms() == 0.0
    assert path(room_response(RATE_HZ), noise_db=-40.0).decay_ms() is None


@pytest.mark.parametrize(("order", "ratio_db"), [(2, -20.0), (3, -30.0)])
def test_how_much_is_bent(order, ratio_db):
    response = np.zeros(ORIGIN + 100)
    response[ORIGIN] = 1.0
    response[ORIGIN - frames_in(1000 * SWEEP.harmonic_s(order), RATE_HZ)] = 10 ** (ratio_db / 20)
    assert path(response, origin=0).distortion_db() == pytest.approx(ratio_db, abs=0.7)
    assert path(np.ones(1)).distortion_db() == -math.inf


@pytest.mark.parametrize("limit_hz", [2500.0, 3400.0, 5000.0])
def test_what_is_heard_up_to(limit_hz):
    spectrum = np.where(np.fft.rfftfreq(2048, 1 / RATE_HZ) < limit_hz, 1.0, 0.0)
    dull = np.roll(np.fft.irfft(spectrum), 64)[:160]
    _, high_hz = path(dull).band_hz()
    assert high_hz == pytest.approx(limit_hz, rel=0.2)


def test_a_whole_band_is_heard_as_far_as_it_was_played():
    low_hz, high_hz = path(room_response(RATE_HZ)).band_hz()
    assert low_hz < 200
    assert high_hz > 6500


def test_noise_does_not_narrow_the_band():
    assert path(room_response(RATE_HZ), noise_db=-40.0).band_hz()[1] > 6500


def test_decibels():
    assert decibels(100.0) == pytest.approx(20.0)
    assert decibels(0.0) == -math.inf
