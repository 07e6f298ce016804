"""The sweep: what it is, that it is undone exactly, and where harmonics come out; the probe: what is in it."""

from itertools import pairwise

import numpy as np
import pytest

from antiphon.audio.sweep import LEAD_S, Probe, Sweep
from antiphon.pcm import FULL_SCALE, floats_of

RATE_HZ = 16_000
SWEEP = Sweep(80.0, 7200.0, 1.5)


def path(delay, gain=0.5):
    """The sweep, `delay` frames late, in a stretch that is a second longer."""
    sound = np.zeros(len(SWEEP.sampled(RATE_HZ)) + RATE_HZ, np.float32)
    sound[delay : delay + len(SWEEP.sampled(RATE_HZ))] = gain * SWEEP.sampled(RATE_HZ)
    return sound


def test_it_rises_through_each_octave_in_the_same_time():
    t_s = np.arange(round(SWEEP.length_s * 192_000)) / 192_000
    rises = t_s[1:][np.diff(np.signbit(SWEEP.at(t_s)).astype(int)) == -1]
    per_s = 1 / np.diff(rises)  # of each period
    octave_s = SWEEP.pace_s * np.log(2)
    for hz in (200, 800, 3200):
        at_s = rises[np.argmax(per_s > hz)]
        twice_s = rises[np.argmax(per_s > 2 * hz)]
        assert twice_s - at_s == pytest.approx(octave_s, abs=0.012)


def test_it_is_silent_before_and_after_and_has_soft_edges():
    assert not SWEEP.at(np.array([-0.1, 0.0, 1.5, 1.6])).any()
    assert np.abs(SWEEP.at(np.linspace(0, 0.001, 50))).max() < 0.01
    assert np.abs(SWEEP.sampled(RATE_HZ)).max() == pytest.approx(1.0, abs=1e-3)


@pytest.mark.parametrize("delay", [0, 1, 480, 15_000])
def test_undone_it_is_an_impulse_at_its_delay(delay):
    response = SWEEP.undone(path(delay), RATE_HZ, before=100)
    assert len(response) == 100 + len(path(delay))
    assert int(np.argmax(np.abs(response))) == 100 + delay
    assert float(response @ response) == pytest.approx(0.25 * SWEEP.kept(RATE_HZ), rel=0.02)


def test_a_clock_that_drifts_is_undone_at_its_rate():
    fast = SWEEP.at(np.arange(2 * RATE_HZ) / (RATE_HZ / (1 + 300e-6))).astype(np.float32)
    blurred, sharp = (np.abs(SWEEP.undone(fast, rate_hz, before=0)).max() for rate_hz in (RATE_HZ, RATE_HZ / 1.0003))
    assert sharp > 1.5 * blurred


@pytest.mark.parametrize("order", [2, 3])
def test_harmonics_come_out_before_the_sound(order):
    sweep = SWEEP.sampled(RATE_HZ)
    bent = sweep + 0.1 * {2: sweep**2 - np.mean(sweep**2), 3: sweep**3}[order]
    before = round(0.45 * RATE_HZ)
    response = np.abs(SWEEP.undone(bent.astype(np.float32), RATE_HZ, before=before))
    at = before - round(SWEEP.harmonic_s(order) * RATE_HZ)
    assert response[at - 30 : at + 30].max() > 20 * np.median(response[:before])


@pytest.mark.parametrize(("mic_hz", "spk_hz"), [(16_000, 24_000), (48_000, 48_000), (44_100, 22_050)])
def test_the_probe_is_silence_first_then_quiet_then_normal(mic_hz, spk_hz):
    probe = Probe(mic_hz, spk_hz)
    sound = floats_of(probe.sound())
    assert not sound[: int(LEAD_S * spk_hz)].any()
    assert len(sound) == pytest.approx(probe.length_s * spk_hz, abs=1)
    peaks = []
    for part in (probe.quiet, probe.normal, *probe.marks):
        first = round(part.at_s * spk_hz)
        peaks.append(float(np.abs(sound[first : first + round(part.sweep.length_s * spk_hz)]).max()))
        assert peaks[-1] == pytest.approx(10 ** (part.peak_db / 20), rel=0.03)
        assert probe.high_hz < min(mic_hz, spk_hz) / 2
    quiet, normal, first_mark, *_ = peaks
    assert quiet < first_mark < normal
    assert normal * FULL_SCALE < FULL_SCALE / 5


def test_no_two_parts_of_the_probe_meet():
    probe = Probe(16_000, 16_000)
    parts = sorted((probe.quiet, probe.normal, *probe.marks), key=lambda part: part.at_s)
    for part, after in pairwise(parts):
        assert after.at_s - part.at_s - part.sweep.length_s >= 0.5
