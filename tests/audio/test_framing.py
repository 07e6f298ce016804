"""What is worked on in frames comes out as long as it went in, and evenly."""

import numpy as np
import pytest

from antiphon.audio.framing import Delay, Framing

FRAME = 160


def through(framing: Framing, lengths: list[int]) -> tuple[np.ndarray, list[int]]:
    """Counting numbers in blocks of these lengths, and their negatives as the second version; the lengths that came."""
    count, came, got = 1, [], []
    for length in lengths:
        whole = framing.put(np.arange(count, count + length).astype(np.int16))
        count += length
        assert len(whole) % FRAME == 0
        got.append(framing.give(np.stack((whole, -whole))))
        came.append(got[-1].shape[1])
    return np.concatenate(got, axis=1), came


def test_whole_frames_go_straight_through() -> None:
    sound, came = through(Framing(FRAME, 2), [1280, 320, 160])
    assert came == [1280, 320, 160]
    assert (sound[0] == np.arange(1, 1761)).all()
    assert (sound[1] == -sound[0]).all()


@pytest.mark.parametrize("lengths", [[1024] * 9, [100] * 20, [1, 2, 3, 999, 7, 7, 7, 1280, 159, 161, 3]])
def test_other_lengths_are_held_back_by_less_than_a_frame_and_lose_nothing(lengths: list[int]) -> None:
    sound, came = through(Framing(FRAME, 2), lengths)
    assert (sound[0] == np.arange(1, len(sound[0]) + 1)).all()
    assert 0 <= sum(lengths) - len(sound[0]) < FRAME
    behind = np.cumsum(lengths) - np.cumsum(came)
    assert (behind < FRAME).all()


def test_it_is_always_as_far_behind() -> None:
    _, came = through(Framing(FRAME, 2), [1024] * 50)
    assert came == [1024 - FRAME + 32, *[1024] * 49]  # 32 is the most that 1024 and 160 have in common


def test_one_odd_length_costs_its_delay_once() -> None:
    sound, came = through(Framing(FRAME, 2), [1280, 1280, 777, 1280, 1280])
    assert came == [1280, 1280, 777 - 159, 1280, 1280]
    assert (sound[0] == np.arange(1, len(sound[0]) + 1)).all()


def test_what_is_no_sound_at_the_beginning_is_skipped() -> None:
    sound, came = through(Framing(FRAME, 2, skip=200), [160, 160, 160])
    assert came == [0, 120, 160]
    assert sound[0][0] == 201


def test_a_delay_is_as_long_as_it_should_be() -> None:
    delay = Delay(5)
    sound = np.concatenate([delay.take(np.arange(at, at + 3).astype(np.int16)) for at in range(1, 13, 3)])
    assert sound.tolist() == [0, 0, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7]
    assert Delay(0).take(sound).tolist() == sound.tolist()


def test_what_is_held_back_can_be_overwritten() -> None:
    framing, delay = Framing(FRAME, 2), Delay(10)
    through(framing, [1000])
    delay.take(np.ones(10, np.int16))
    held = framing._waiting, framing._done, delay._past
    assert all(sound.any() for sound in held)
    framing.zero()
    delay.zero()
    assert not any(sound.any() for sound in held)
