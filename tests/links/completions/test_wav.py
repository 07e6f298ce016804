"""WAV files as others read and write them, and what is none."""

import contextlib
import io
import struct
import wave

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from antiphon.errors import Garbled
from antiphon.links.completions.wav import HEADER_BYTES, pcm_of, wav_file
from antiphon.pcm import bytes_of

PCM = bytes_of(np.arange(-3000, 3000, dtype=np.int16))


def written(pcm=PCM, rate_hz=24_000, channels=1, width=2):
    file = io.BytesIO()
    with wave.open(file, "wb") as out:
        out.setnchannels(channels)
        out.setsampwidth(width)
        out.setframerate(rate_hz)
        out.writeframes(pcm)
    return file.getvalue()


def test_what_is_written_is_read_by_others():
    with wave.open(io.BytesIO(wav_file(PCM))) as file:
        assert (file.getnchannels(), file.getsampwidth(), file.getframerate()) == (1, 2, 24_000)
        assert file.readframes(9999) == PCM


def test_half_a_sample_is_dropped():
    assert wav_file(PCM + b"\1") == wav_file(PCM)
    assert pcm_of(written() + b"\1") == PCM


def test_what_others_write_is_read():
    assert pcm_of(written()) == PCM


def test_chunks_that_nobody_needs_are_passed_over():
    wav = written()
    extra = b"LIST" + struct.pack("<I", 3) + b"abc\0"
    assert pcm_of(wav[:36] + extra + wav[36:]) == PCM


@pytest.mark.parametrize("size", [0, 0xFFFFFFFF, len(PCM) + 1000])
def test_a_size_that_is_not_true_does_no_harm(size):
    wav = bytearray(wav_file(PCM))
    wav[40:44] = struct.pack("<I", size)
    assert pcm_of(bytes(wav)) == PCM


def test_another_rate_is_resampled():
    assert len(pcm_of(written(rate_hz=16_000))) == len(PCM) * 3 // 2


@pytest.mark.parametrize(
    ("wav", "words"),
    [
        (b"", "no WAV"),
        (b"ID3" + bytes(100), "no WAV"),
        (b"RIFF\0\0\0\0WAVE", "without samples"),
        (b"RIFF\0\0\0\0WAVEdata\4\0\0\0abcd", "without samples"),
        (b"RIFF\0\0\0\0WAVEfmt \4\0\0\0\1\0\1\0", "says nothing"),
        (written(channels=2), "2 x 16 bit"),
        (written(width=1), "1 x 8 bit"),
    ],
)
def test_what_cannot_be_played_is_named(wav, words):
    with pytest.raises(Garbled, match=words):
        pcm_of(wav)


@given(st.binary(max_size=100), st.integers(0, HEADER_BYTES))
def test_nonsense_is_garbled_at_worst(tail, kept):
    with contextlib.suppress(Garbled):
        assert len(pcm_of(wav_file(PCM)[:kept] + tail)) % 2 == 0
