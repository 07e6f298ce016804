"""Uploads as libsndfile reads them, and how much prompt they are."""

import numpy as np
import pytest

from antiphon.simulator.voxserve.hearing import UndecodableError, decode_upload, prompt_tokens, text_tokens
from simulator.voxserve.bench import tone, wav


def frames(content):
    return len(decode_upload(content).samples)


def test_sixteen_bit_mono_comes_through_as_it_is():
    sound = decode_upload(wav(tone(0.25), before=b"LIST\x03\0\0\0abc\0"))
    assert sound.rate_hz == 16_000
    assert sound.duration_s == 0.25
    assert np.array_equal(sound.samples, tone(0.25))


@pytest.mark.parametrize(
    ("data_size", "read"), [(None, 100), (0, 0), (0xFFFFFFFF, 100), (1000, 100), (20, 10)], ids=str
)
def test_a_data_size_is_believed_as_far_as_the_file_reaches(data_size, read):
    assert frames(wav(raw=b"\1\0" * 100, data_size=data_size)) == read


@pytest.mark.parametrize(
    ("form", "read"),
    [
        ({"channels": 2}, 120),
        ({"bits": 8}, 480),
        ({"bits": 24}, 160),
        ({"bits": 32}, 120),
        ({"tag": 3, "bits": 32}, 120),
        ({"tag": 3, "bits": 64}, 60),
    ],
)
def test_other_samples(form, read):
    assert frames(wav(raw=bytes(480), **form)) == read


def test_floats_are_scaled():
    sound = decode_upload(wav(raw=np.array([0.5, -0.5, 2.0], "<f4").tobytes(), tag=3, bits=32))
    assert sound.samples.tolist() == [16_384, -16_384, 32_767]


@pytest.mark.parametrize(
    "content",
    [b"", b"no sound", wav()[:36], wav(channels=0), wav(rate_hz=0), wav(tag=99), wav(bits=40), b"fLaC" + bytes(99)],
)
def test_what_kills(content):
    with pytest.raises(UndecodableError):
        decode_upload(content)


def test_speech_is_from_the_first_to_the_last_loud_moment():
    quiet = np.zeros(8000, np.int16)
    assert decode_upload(wav(np.concatenate([quiet, tone(0.2), quiet, tone(0.1), quiet]))).speech_s == 0.8
    assert decode_upload(wav(quiet)).speech_s == 0.0
    assert decode_upload(wav(quiet[:0])).speech_s == 0.0


@pytest.mark.parametrize(("seconds", "tokens"), [(0, 18), (25, 333), (78, 1003), (80, 1028)])
def test_how_much_prompt_sound_is(seconds, tokens):
    assert prompt_tokens(seconds) == tokens


def test_how_much_prompt_text_is():
    assert text_tokens("") == 18
    assert text_tokens("abcd" * 10) == 28
    assert text_tokens("你好吗") == 20
