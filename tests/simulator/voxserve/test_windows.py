"""Windows of a reply: sizes, times in tokens, headers."""

import wave
from io import BytesIO

import numpy as np
import pytest

from antiphon.pcm import bytes_of
from antiphon.simulator.voxserve.windows import header, tail_frames, windows_of


def test_the_header_of_a_stream_is_the_real_one():
    words = "52494646 24000000 57415645 666d7420 10000000 0100 0100 c05d0000 80bb0000 0200 1000 64617461 00000000"
    assert header(None) == bytes.fromhex(words)


def test_the_header_of_a_file_tells_its_size_and_rate():
    with wave.open(BytesIO(header(200, 16_000) + bytes(200))) as file:
        assert (file.getnframes(), file.getframerate(), file.getnchannels(), file.getsampwidth()) == (100, 16_000, 1, 2)


def test_fifty_tokens_are_45000_samples():
    windows = windows_of(np.ones(45_000, np.int16))
    assert [(len(window.pcm) // 2, window.tokens) for window in windows] == [(24_000, 28), (21_000, 50)]
    assert b"".join(window.pcm for window in windows) == b"\1\0" * 45_000


@pytest.mark.parametrize("frames", [1, 428, 429, 22_714, 22_715, 24_000, 24_001, 46_714, 46_715, 100_000])
def test_a_reply_is_whole_in_windows_of_sizes_that_occur(frames):
    samples = np.arange(1, frames + 1, dtype=np.int64).astype(np.int16)
    windows = windows_of(samples)
    assert b"".join(window.pcm for window in windows).startswith(bytes_of(samples))
    assert all(len(window.pcm) == 48_000 for window in windows[:-1])
    tokens = windows[-1].tokens - 25 * (len(windows) - 1)
    assert len(windows[-1].pcm) == 2 * tail_frames(tokens)
    assert (3 if len(windows) > 1 else 1) <= tokens <= 27


def test_no_samples_are_no_windows():
    assert windows_of(np.zeros(0, np.int16)) == ()
