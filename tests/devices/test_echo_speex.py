"""Speex's canceller in a room of numbers: what it takes out, what it leaves alone, and what stays in memory."""

import gc

import numpy as np
import pytest

from antiphon.devices.echo_speex import SpeexEchoCanceller
from antiphon.errors import DeviceError
from antiphon.pcm import WAKE_RATE_HZ
from echoes import RATES_HZ, erle_db, hearing, lateness, left_in_memory, likeness_db, noise, reply, voice

BOTH = pytest.mark.parametrize("residual", [False, True])


@pytest.mark.parametrize("rate_hz", RATES_HZ)
@BOTH
def test_most_of_our_own_sound_is_taken_out(rate_hz, residual):
    far = reply(rate_hz, 6)
    near = hearing(far, rate_hz)
    clean = SpeexEchoCanceller(rate_hz, residual=residual).cancel(near, far)
    assert clean.dtype == np.int16
    assert len(clean) == len(near)
    assert erle_db(near, clean, 4 * rate_hz) > 10


def test_the_residual_is_less_than_what_the_filter_leaves():
    far = reply(WAKE_RATE_HZ, 6)
    near = hearing(far, WAKE_RATE_HZ, drift_ppm=20)
    filtered, less = (SpeexEchoCanceller(WAKE_RATE_HZ, residual=on).cancel(near, far) for on in (False, True))
    assert erle_db(filtered, less, 3 * WAKE_RATE_HZ) > 2


@pytest.mark.parametrize("rate_hz", RATES_HZ)
@BOTH
def test_with_nothing_played_speech_passes_as_late_as_is_said(rate_hz, residual):
    canceller = SpeexEchoCanceller(rate_hz, residual=residual)
    near = voice(rate_hz)
    clean = canceller.cancel(near, np.zeros_like(near))
    assert canceller.late_frames == (rate_hz // 100 if residual else 0)
    assert abs(lateness(near, clean, rate_hz) - canceller.late_frames) <= 1
    assert abs(erle_db(near, clean)) < 1


def test_who_speaks_over_us_stays():
    far = reply(WAKE_RATE_HZ, 6)
    near, said, at = hearing(far, WAKE_RATE_HZ), voice(WAKE_RATE_HZ) // 8, 3 * WAKE_RATE_HZ
    over = slice(at, at + len(said))
    near[over] += said
    clean = SpeexEchoCanceller(WAKE_RATE_HZ).cancel(near, far)
    assert likeness_db(said, clean[over]) > likeness_db(said, near[over]) + 6


@BOTH
def test_frames_may_come_in_any_number(residual):
    far = reply(WAKE_RATE_HZ, 1)
    near = hearing(far, WAKE_RATE_HZ)
    whole = SpeexEchoCanceller(WAKE_RATE_HZ, residual=residual).cancel(near, far)
    canceller = SpeexEchoCanceller(WAKE_RATE_HZ, residual=residual)
    parts = zip(np.split(near, [160, 160, 480, 3200]), np.split(far, [160, 160, 480, 3200]), strict=True)
    assert np.array_equal(np.concatenate([canceller.cancel(*part) for part in parts]), whole)


@pytest.mark.parametrize(("near", "far"), [(160, 320), (100, 100), (161, 161)])
def test_wrong_lengths_are_a_fault_of_the_programmer(near, far):
    with pytest.raises(AssertionError):
        SpeexEchoCanceller(WAKE_RATE_HZ).cancel(np.zeros(near, np.int16), np.zeros(far, np.int16))


@BOTH
def test_who_has_forgotten_learns_anew(residual):
    far = reply(WAKE_RATE_HZ, 2)
    near = hearing(far, WAKE_RATE_HZ)
    canceller = SpeexEchoCanceller(WAKE_RATE_HZ, residual=residual)
    first = canceller.cancel(near, far)
    assert not np.array_equal(canceller.cancel(near, far), first)
    canceller.forget()
    assert np.array_equal(canceller.cancel(near, far), first)


def test_nothing_heard_is_left_in_memory():
    sound = noise(WAKE_RATE_HZ).astype(np.float32)
    emphasised = sound - np.float32(0.9) * np.concatenate(([np.float32(0)], sound[:-1]))
    forms = [noise(WAKE_RATE_HZ), sound, emphasised]
    heard, forgotten = left_in_memory("echo_speex.SpeexEchoCanceller", WAKE_RATE_HZ, forms)
    assert heard > 40
    assert forgotten == 0


def test_it_is_found_before_it_is_needed():
    SpeexEchoCanceller.seek()
    with pytest.raises(DeviceError, match=r"libnone\.so\.1 is missing"):
        SpeexEchoCanceller.seek("libnone.so.1")


def test_a_missing_library_is_named_with_its_remedy():
    with pytest.raises(DeviceError, match=r"libnone\.so\.1 is missing\. Install it \(sudo apt install libspeexdsp1\)"):
        SpeexEchoCanceller(WAKE_RATE_HZ, library="libnone.so.1")


def test_the_library_is_given_back_what_it_lent():
    canceller = SpeexEchoCanceller(WAKE_RATE_HZ, residual=True)
    before = canceller._free
    canceller.forget()
    now = canceller._free
    assert not before.alive
    assert now.alive
    del canceller
    gc.collect()
    assert not now.alive
