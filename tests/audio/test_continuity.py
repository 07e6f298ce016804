"""Losses are seen, filled where they happened, and counted; what only came late is not a loss."""

import numpy as np
import pytest

from antiphon.audio.continuity import LONGEST_FILL_S, MOST_HELD, Continuity, Pace

RATE = 16_000
BLOCK = 1280
STEP = BLOCK / RATE


class Card:
    """A sound card that numbers its frames from 1 and can lose some."""

    def __init__(self, rate_ppm: float = 0.0) -> None:
        self.continuity = Continuity(RATE)
        self.frame = 0
        self.scale = 1 / (RATE * (1 + rate_ppm * 1e-6))
        self.heard: list[np.ndarray] = []
        self.wall_s = 1_795_000_000.0

    def block(
        self, *, late_s: float = 0.0, device_late_s: float = 0.0, overflowed: bool = False, frames: int = BLOCK
    ) -> int:
        samples = (np.arange(self.frame, self.frame + frames) % 30_000 + 1).astype(np.int16)
        began_s = self.frame * self.scale
        self.frame += frames
        arrived_s = 50.0 + began_s + frames * self.scale + late_s
        got = self.continuity.admit(samples, self.wall_s + began_s + device_late_s, arrived_s, overflowed=overflowed)
        self.heard += got
        return sum(len(piece) for piece in got)

    def lose(self, frames: int) -> None:
        self.frame += frames

    @property
    def sound(self) -> np.ndarray:
        return np.concatenate(self.heard)

    def assert_every_frame_is_in_its_place(self) -> None:
        sound = self.sound
        expected = (np.arange(len(sound)) % 30_000 + 1).astype(np.int16)
        there = sound != 0
        assert np.array_equal(sound[there], expected[there])


def test_quiet_running_passes_blocks_through_untouched():
    card = Card()
    for _ in range(100):
        assert card.block(late_s=0.001) == BLOCK
    assert card.continuity.losses.lost_frames == 0


def test_overflow_is_filled_at_once_and_exactly():
    card = Card()
    for _ in range(10):
        card.block()
    card.lose(24_001)
    assert card.block(overflowed=True) == 24_001 + BLOCK
    card.block()
    card.assert_every_frame_is_in_its_place()
    losses = card.continuity.losses
    assert (losses.overflows, losses.silent_losses, losses.filled_frames) == (1, 0, 24_001)


def test_overflow_after_a_stall_that_also_made_the_callback_late():
    card = Card()
    for _ in range(10):
        card.block()
    card.block(late_s=1.5)  # its own device time is right, it only waited for this process
    card.lose(20_000)
    card.block(overflowed=True, late_s=0.3)
    card.block()
    assert len(card.sound) == card.frame
    card.assert_every_frame_is_in_its_place()


@pytest.mark.parametrize("lost", [BLOCK, 5000, 46_720])
def test_silent_loss_is_filled_where_it_happened(lost):
    card = Card()
    for _ in range(10):
        card.block()
    card.lose(lost)
    given = [card.block() for _ in range(5)]
    assert given[:2] == [0, 0]
    assert given[2:] == [lost + 3 * BLOCK, BLOCK, BLOCK]
    card.assert_every_frame_is_in_its_place()
    losses = card.continuity.losses
    assert (losses.overflows, losses.silent_losses, losses.filled_frames) == (0, 1, lost)


def test_two_losses():
    card = Card()
    for lost in (0, 4000, 9000):
        card.lose(lost)
        for _ in range(6):
            card.block()
    card.assert_every_frame_is_in_its_place()
    assert len(card.sound) == card.frame
    assert card.continuity.losses.silent_losses == 2


def test_late_callbacks_that_catch_up_are_no_loss():
    card = Card()
    for late_s in [0, 0, 0.5, 0.42, 0.34, 0.26, 0.18, 0.1, 0.02, 0, 0]:
        card.block(late_s=late_s)
    assert len(card.sound) == card.frame
    assert card.continuity.losses.lost_frames == 0


def test_late_by_both_clocks_but_catching_up_is_no_loss():
    """Some servers say the time of delivery for the time of capture."""
    card = Card()
    for late_s in [0, 0, 0.5, 0.42, 0.34, 0.26, 0.18, 0.1, 0.02, 0, 0]:
        card.block(late_s=late_s, device_late_s=late_s)
    card.assert_every_frame_is_in_its_place()
    assert len(card.sound) == card.frame
    assert card.continuity.losses.lost_frames == 0


@pytest.mark.parametrize("ppm", [-300, 300])
def test_slow_drift_is_no_loss(ppm):
    card = Card(rate_ppm=ppm)
    for _ in range(5000):
        assert card.block() == BLOCK
    assert card.continuity.losses.lost_frames == 0


def test_loss_is_still_seen_after_an_hour_of_drift():
    card = Card(rate_ppm=100)
    for _ in range(45_000):
        card.block()
        card.heard.clear()
    card.lose(8000)
    given = [card.block() for _ in range(3)]
    assert given[2] == pytest.approx(8000 + 3 * BLOCK, abs=20)


@pytest.mark.parametrize("step_s", [-86_400.0, -3.0, 0.4, 3.0, 1e9])
def test_a_clock_that_is_set_is_no_loss(step_s):
    card = Card()
    for _ in range(10):
        card.block()
    card.wall_s += step_s
    for _ in range(10):
        assert card.block() == BLOCK
    assert card.continuity.losses.lost_frames == 0
    card.lose(6400)
    for _ in range(3):
        card.block()
    assert card.continuity.losses.filled_frames == 6400


def test_a_late_first_block_is_no_gain():
    card = Card()
    card.block(late_s=1.5)
    for _ in range(5):
        card.block()
    card.lose(3200)
    for _ in range(3):
        card.block()
    assert card.continuity.losses.filled_frames == 3200


def test_jitter_of_a_sound_server_is_no_loss():
    card = Card()
    jitter = np.random.default_rng(3).uniform(0, 0.02, 2000)
    for late_s in jitter:
        card.block(late_s=late_s, device_late_s=late_s)
    assert card.continuity.losses.lost_frames == 0


def test_a_very_long_gap_is_counted_whole_and_filled_in_part():
    card = Card()
    card.block()
    card.lose(RATE * 60)
    card.block(overflowed=True)
    losses = card.continuity.losses
    assert losses.lost_frames == RATE * 60
    assert losses.filled_frames == RATE * LONGEST_FILL_S
    assert card.block() == BLOCK


def test_never_holds_more_than_a_dozen_blocks():
    card = Card()
    card.block()
    given = [card.block(late_s=0.5 + 0.07 * n, device_late_s=0.5 + 0.07 * n) for n in range(12)]
    assert given[:11] == [0] * 11
    assert given[11] > 0


def test_forgetting_drops_what_is_held_back():
    card = Card()
    card.block()
    card.lose(8000)
    assert card.block() == 0
    card.continuity.forget()
    assert not card.continuity._held


# ── the pace ─────────────────────────────────────────────────────────────────────────────────────


def keeps_up(seconds: float, slow: float = 0.0, most_late_ms: float = 450, block: int = BLOCK) -> list[bool]:
    """Blocks of a card whose clock is `slow`, by that share."""
    pace = Pace(RATE, most_late_ms)
    step = block / RATE / (1 - slow)
    return [pace.keeps_up(block, 7.0 + number * step) for number in range(round(seconds / step))]


@pytest.mark.parametrize("block", [320, 1280])
@pytest.mark.parametrize("slow", [0.0, 0.001, 0.05, -0.001, -0.5])
def test_drift_is_no_delay(slow, block):
    assert all(keeps_up(120, slow, block=block))


@pytest.mark.parametrize("slow", [0.07, 0.5, 0.9])
def test_a_stream_that_is_too_slow_is_found_out(slow):
    kept = keeps_up(120, slow)
    assert not kept[-1]
    assert all(kept[:MOST_HELD])


def test_time_to_find_out_that_frames_were_lost_is_given():
    pace = Pace(RATE, 450)
    assert pace.keeps_up(BLOCK, 1.0)
    assert all(pace.keeps_up(BLOCK, 2.0 + number * STEP) for number in range(MOST_HELD))
    assert not pace.keeps_up(BLOCK, 2.0 + MOST_HELD * STEP)
    pace.restart()
    assert all(pace.keeps_up(BLOCK, 3.0 + number * STEP) for number in range(100))


def test_a_first_block_that_was_late_hides_nothing():
    pace = Pace(RATE, 450)
    assert pace.keeps_up(BLOCK, 1.4)
    assert pace.keeps_up(BLOCK, 1.0 + STEP)
    late = [pace.keeps_up(BLOCK, 1.7 + number * STEP) for number in range(2, MOST_HELD + 4)]
    assert not late[-1]
