"""The pre-roll keeps exactly the last frames, at their positions."""

import numpy as np
import pytest

from antiphon.audio.preroll import Preroll


def numbers(start: int, end: int) -> np.ndarray:
    return np.arange(start, end).astype(np.int16)


@pytest.mark.parametrize("chunk", [1, 3, 7, 10, 11, 25])
def test_keeps_the_last_frames_however_they_come(chunk):
    ring = Preroll(10)
    for at in range(0, 100, chunk):
        ring.add(numbers(at, at + chunk))
        kept = min(10, ring.end)
        assert ring.last(10).tolist() == list(range(ring.end - kept, ring.end))
        assert ring.start == ring.end - kept


def test_positions_are_absolute():
    ring = Preroll(100)
    ring.add(numbers(0, 250))
    assert ring.since(200).tolist() == list(range(200, 250))
    assert ring.since(0).tolist() == list(range(150, 250))
    assert ring.since(250).tolist() == []
    assert ring.since(999).tolist() == []


def test_what_is_given_is_a_copy():
    ring = Preroll(4)
    ring.add(numbers(1, 5))
    given = ring.last(4)
    ring.add(numbers(5, 9))
    assert given.tolist() == [1, 2, 3, 4]


def test_zero_overwrites_the_memory():
    ring = Preroll(8)
    ring.add(numbers(1, 9))
    ring.zero()
    assert not ring._ring.any()
    assert ring.last(8).tolist() == []
    ring.add(numbers(20, 23))
    assert ring.last(8).tolist() == [20, 21, 22]
    assert ring.start == 8
