"""What a recording of the probe tells: rooms of numbers with known figures, which must be found again."""

import math

import numpy as np
import pytest

from antiphon.audio.acoustic import Recording, measure
from antiphon.audio.sweep import Probe
from sweeping import hum, lost, measured, noise_like, only_below, recorded, turned_down


def near(found, *, delay_ms=30.0, gain_db=-10.0, drift_ppm=0.0):
    """Within 1 ms, 1 dB and 5 ppm."""
    assert found.delay_ms == pytest.approx(delay_ms, abs=1.0)
    assert found.gain_db == pytest.approx(gain_db, abs=1.0)
    assert found.clocks.drift_ppm == pytest.approx(drift_ppm, abs=5.0)
    assert found.clocks.lost_frames == ()


@pytest.mark.parametrize("delay_ms", [2.0, 30.0, 200.0, 600.0])
def test_delay(delay_ms):
    near(measured(delay_ms=delay_ms), delay_ms=delay_ms)


@pytest.mark.parametrize("gain_db", [-40.0, -25.0, 0.0, 10.0])
def test_level(gain_db):
    near(measured(gain_db=gain_db), gain_db=gain_db)


@pytest.mark.parametrize("drift_ppm", [-500, -80, 15, 200])
def test_drift(drift_ppm):
    near(measured(drift_ppm=drift_ppm), drift_ppm=drift_ppm)


@pytest.mark.parametrize(("mic_hz", "spk_hz"), [(48_000, 48_000), (44_100, 48_000), (16_000, 16_000)])
def test_rates(mic_hz, spk_hz):
    near(measured(mic_hz=mic_hz, spk_hz=spk_hz, drift_ppm=60), drift_ppm=60)


def test_all_at_once_in_a_noisy_place():
    near(
        measured(delay_ms=77.0, gain_db=-15.0, drift_ppm=120, noise_db=-45.0, decay_ms=300.0),
        delay_ms=77.0,
        gain_db=-15.0,
        drift_ppm=120,
    )


@pytest.mark.parametrize("noise_db", [-75.0, -60.0, -40.0])
def test_noise(noise_db):
    assert measured(noise_db=noise_db).noise_db == pytest.approx(noise_db, abs=1.0)


@pytest.mark.parametrize("decay_ms", [120.0, 300.0, 700.0])
def test_decay(decay_ms):
    assert measured(decay_ms=decay_ms, noise_db=-70.0).decay_ms == pytest.approx(decay_ms, rel=0.1)


def test_a_room_without_noise_or_tail():
    found = measured(noise_db=None, decay_ms=0.0)
    near(found)
    assert found.noise_db == -math.inf
    assert found.decay_ms == 0.0
    assert found.clipped == 0.0


def test_polarity_does_not_matter():
    near(measured(change=lambda heard, _: -heard))


def test_a_bent_echo_is_told_and_its_room_is_not_mistaken():
    straight, bent = measured(), measured(soft_clip=0.03)
    assert straight.distortion_db < -60
    assert bent.distortion_db > -20
    assert bent.compression_db > 3
    assert bent.decay_ms == pytest.approx(straight.decay_ms, rel=0.2)


def test_the_part_that_clips():
    found = measured(change=lambda heard, _: np.clip(40 * heard, -1, 1))
    assert found.clipped == pytest.approx(0.5, abs=0.3)
    assert measured().clipped == 0.0


def test_a_gain_that_moves_by_itself():
    assert measured().compression_db == pytest.approx(0.0, abs=0.3)
    assert measured(change=turned_down).compression_db == pytest.approx(8.0, abs=0.5)


@pytest.mark.parametrize("frames", [160, 1280, -480])
def test_frames_that_got_lost_and_the_drift_beside(frames):
    found = measured(drift_ppm=100, change=lost(frames))
    assert found.clocks.lost_frames == (pytest.approx(frames, abs=2),)
    assert found.clocks.drift_ppm == pytest.approx(100, abs=5)


def test_the_band():
    assert measured(change=only_below(3400.0)).band_hz[1] == pytest.approx(3400, rel=0.15)
    assert measured().band_hz[1] > 6500


def test_direct_current():
    found = measured(change=lambda heard, _: heard + 0.05)
    assert found.channels[0].dc == pytest.approx(0.05, abs=0.001)
    assert found.noise_db == pytest.approx(-60.0, abs=1.0)
    near(found)


@pytest.mark.parametrize("mains_hz", [50.0, 60.0])
def test_hum(mains_hz):
    assert measured(change=hum(-45.0, mains_hz)).hum_hz == mains_hz
    assert measured().hum_hz is None


def test_nothing_is_heard():
    found = measured(change=lambda heard, _: noise_like(heard, -60.0))
    assert found.gain_db is None
    assert found.delay_ms is found.decay_ms is found.band_hz is found.clocks.drift_ppm is None
    assert found.noise_db == pytest.approx(-60.0, abs=1.0)


def test_digital_silence():
    found = measured(change=lambda heard, _: np.zeros_like(heard))
    assert found.gain_db is None
    assert found.noise_db == -math.inf


def test_noise_is_never_taken_for_the_probe():
    probe = Probe(16_000, 24_000)
    for seed in range(8):
        heard = noise_like(np.zeros(16_000 * 14), -30.0, seed)[None]
        assert measure(Recording(heard, 16_000, 0.7 * 16_000 + 5.7 * 16_000), probe).gain_db is None


def test_each_channel_has_its_own_figures_and_the_first_that_hears_is_judged():
    found = measured(change=lambda heard, _: np.stack([noise_like(heard, -60.0), heard, 0.1 * heard]))
    assert found.channel == 1
    assert [one.gain_db if one.gain_db is None else round(one.gain_db) for one in found.channels] == [None, -10, -30]
    near(found)
    assert measured(change=lambda heard, _: np.stack([0.1 * heard, heard])).channel == 0


def test_what_the_cards_say_is_passed_on():
    found = measure(*recorded(overflows=2, underflows=3))
    assert (found.overflows, found.underflows) == (2, 3)


def test_a_recording_that_ends_too_soon_is_refused():
    recording, probe = recorded()
    short = Recording(recording.heard[:, : 16_000 * 8], recording.rate_hz, recording.said_frame)
    with pytest.raises(ValueError, match="ends before"):
        measure(short, probe)
