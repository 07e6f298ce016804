"""Sound in bytes, samples and milliseconds: nothing is lost on the way."""

import struct

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from antiphon.errors import AudioFileError
from antiphon.pcm import (
    LINK_RATE_HZ,
    bytes_ms,
    bytes_of,
    clipped,
    decode,
    first_channel,
    floats_of,
    frames_in,
    ms_of,
    samples_of,
    spread,
)

int16s = st.integers(-32768, 32767)
signals = st.lists(int16s, max_size=60)
rates = st.sampled_from([8000, 11025, 16000, 22050, 24000, 44100, 48000])


def samples(values):
    return np.array(values, dtype=np.int16)


@given(st.integers(0, 10_000_000), rates)
def test_frames_and_milliseconds_are_two_words_for_one_length(frames, rate_hz):
    assert frames_in(ms_of(frames, rate_hz), rate_hz) == frames


def test_lengths():
    assert frames_in(20, 16_000) == 320
    assert frames_in(0.03, 24_000) == 1
    assert bytes_ms(bytes(4800)) == 100.0
    assert bytes_ms(bytes(4801)) == 100.0, "half a sample has no length"
    assert bytes_ms(bytes(320), 16_000) == 10.0
    assert bytes_ms(b"", LINK_RATE_HZ) == 0.0


@given(signals)
def test_bytes_and_samples_round_trip(values):
    raw = struct.pack(f"<{len(values)}h", *values)
    assert samples_of(raw).tolist() == values
    assert bytes_of(samples_of(raw)) == raw


def test_samples_are_a_view_and_never_half():
    with pytest.raises(ValueError, match="read-only"):
        samples_of(b"\0\0")[0] = 1
    with pytest.raises(ValueError, match="multiple"):
        samples_of(b"\0\0\0")


def test_a_strided_view_becomes_bytes_in_its_own_order():
    assert bytes_of(samples([1, 2, 3, 4])[::2]) == struct.pack("<2h", 1, 3)


@given(signals)
def test_floats_round_trip_exactly(values):
    floats = floats_of(samples(values))
    assert floats.dtype == np.float32
    assert np.all(np.abs(floats) <= 1)
    assert clipped(floats).tolist() == values


@given(st.lists(st.floats(-1000, 1000, width=32), max_size=30))
def test_what_is_too_loud_is_clipped_and_keeps_its_sign(values):
    floats = np.array(values, dtype=np.float32)
    back = clipped(floats)
    assert back.dtype == np.int16
    assert np.all(back[floats >= 1] == 32767)
    assert np.all(back[floats <= -1] == -32768)
    inside = np.abs(floats) < 0.999
    assert np.all(np.abs(back[inside] - floats[inside] * 32768) <= 0.5)


@given(signals, st.integers(1, 8))
def test_one_channel_spread_over_many_is_found_in_the_first(values, channels):
    wide = spread(samples(values), channels)
    assert len(wide) == len(values) * channels
    assert first_channel(wide, channels).tolist() == values
    assert wide[channels - 1 :: channels].tolist() == values


# ── decode ───────────────────────────────────────────────────────────────────────────────────────

RANGES = {1: (0, 255), 2: (-(2**15), 2**15 - 1), 3: (-(2**23), 2**23 - 1), 4: (-(2**31), 2**31 - 1)}


def encode(value, width_bytes):
    return value.to_bytes(width_bytes, "little", signed=width_bytes > 1)


def high_16_bits(value, width_bytes):
    return (value - 128) * 256 if width_bytes == 1 else value >> (8 * width_bytes - 16)


@st.composite
def files(draw):
    """(raw, width, channels, first channel as 16 bit): frames of any width, and perhaps a piece of one more."""
    width_bytes, channels = draw(st.integers(1, 4)), draw(st.integers(1, 6))
    frame = st.lists(st.integers(*RANGES[width_bytes]), min_size=channels, max_size=channels)
    frames = draw(st.lists(frame, max_size=20))
    raw = b"".join(encode(value, width_bytes) for frame in frames for value in frame)
    odd_end = draw(st.binary(max_size=width_bytes * channels - 1))
    return raw + odd_end, width_bytes, channels, [high_16_bits(frame[0], width_bytes) for frame in frames]


@given(files())
def test_decode_takes_the_high_bits_of_the_first_channel_of_whole_frames(file):
    raw, width_bytes, channels, expected = file
    decoded = decode(raw, width_bytes, channels)
    assert decoded.dtype == np.int16
    assert decoded.tolist() == expected


@pytest.mark.parametrize("width_bytes", [0, 5, 8])
def test_decode_refuses_other_widths(width_bytes):
    with pytest.raises(AudioFileError, match=f"{8 * width_bytes} bits are not supported: use 16 bit PCM"):
        decode(bytes(40), width_bytes, 1)


def test_decode_refuses_a_file_without_channels():
    with pytest.raises(AudioFileError, match="0 channels"):
        decode(bytes(40), 2, 0)
