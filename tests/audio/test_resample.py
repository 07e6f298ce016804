"""Resampling loses no sample, adds no delay in the stream's own time, and does not care how it is fed."""

import numpy as np
import pytest

from antiphon.audio.resample import Resampler

RATES = [
    (16_000, 24_000),
    (24_000, 16_000),
    (48_000, 16_000),
    (24_000, 48_000),
    (44_100, 16_000),
    (24_000, 44_100),
    (48_000, 8_000),
]


def sine(frames: int, rate_hz: int) -> np.ndarray:
    return np.rint(12_000 * np.sin(2 * np.pi * 440 * np.arange(frames) / rate_hz)).astype(np.int16)


def run(resampler: Resampler, samples: np.ndarray, chunk: int) -> np.ndarray:
    parts = [resampler.take(samples[at : at + chunk]) for at in range(0, len(samples), chunk)]
    return np.concatenate([*parts, resampler.flush()])


@pytest.mark.parametrize(("from_hz", "to_hz"), RATES)
@pytest.mark.parametrize("chunk", [7, 320, 5000])
def test_length_and_time_are_exact(from_hz, to_hz, chunk):
    out = run(Resampler(from_hz, to_hz), sine(10_001, from_hz), chunk)
    assert abs(len(out) - 10_001 * to_hz / from_hz) <= 1
    error = np.abs(out.astype(int) - sine(len(out), to_hz))[100:-100]
    assert error.max() <= 2


@pytest.mark.parametrize(("from_hz", "to_hz"), RATES)
def test_chunks_do_not_matter(from_hz, to_hz):
    noise = np.random.default_rng(7).integers(-20_000, 20_000, 6000).astype(np.int16)
    whole = run(Resampler(from_hz, to_hz), noise, 6000)
    pieces = run(Resampler(from_hz, to_hz), noise, 13)
    assert len(whole) == len(pieces)
    assert np.abs(whole.astype(int) - pieces).max() <= 1


@pytest.mark.parametrize(("from_hz", "to_hz"), RATES)
def test_holds_back_less_than_three_milliseconds(from_hz, to_hz):
    resampler = Resampler(from_hz, to_hz)
    given = 0
    for number in range(1, 50):
        given += len(resampler.take(sine(from_hz // 50, from_hz)))
        assert number / 50 - given / to_hz < 0.003


def test_equal_rates_touch_nothing():
    samples = sine(100, 16_000)
    resampler = Resampler(16_000, 16_000)
    assert resampler.take(samples) is samples
    assert len(resampler.flush()) == 0


def test_after_flush_a_new_stream_begins():
    resampler = Resampler(16_000, 24_000)
    first, second = (run(resampler, sine(3000, 16_000), 320) for _ in range(2))
    assert np.array_equal(first, second)


def test_too_loud_is_clipped_not_wrapped():
    square = np.where(np.arange(4000) // 40 % 2, 32_767, -32_768).astype(np.int16)
    out = run(Resampler(16_000, 24_000), square, 320)
    assert np.all(np.sign(out[30:50]) == -1)
    assert out.max() == 32_767


def test_says_what_it_holds_back():
    """A second stream that begins at the held frames joins the first without a gap."""
    samples = sine(6000, 16_000)
    first = Resampler(16_000, 24_000)
    head = first.take(samples[:3000])
    tail = run(Resampler(16_000, 24_000), samples[3000 - first.held_frames :], 320)
    assert 0 < first.held_frames < 48
    assert abs(len(head) + len(tail) - 9000) <= 1
    assert Resampler(16_000, 16_000).held_frames == 0
