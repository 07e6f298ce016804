"""A card's clock is found from moments that jitter and come late, and is not moved by either."""

import numpy as np
import pytest

from antiphon.audio.clock import Drift, StreamClock

RATE = 48_000
PERIOD = 960


class Card:
    """A stream that begins at 100 s of the monotonic clock, and names the moment of each period."""

    def __init__(self, ppm: float, clock: StreamClock | None = None, jitter_s: float = 50e-6) -> None:
        self.clock = clock or StreamClock(RATE)
        self.true_hz = RATE * (1 + ppm * 1e-6)
        self.begun_s = 100.0
        self.frame = 0
        self._random = np.random.default_rng(3)
        self._jitter_s = jitter_s

    def run(self, seconds: float, late_s: float = 0.0, *, often: float = 0.0) -> "Card":
        """`often` of the moments come late, by up to `late_s`."""
        for _ in range(round(seconds * RATE / PERIOD)):
            self.period(self._random.uniform(0, late_s) if self._random.uniform() < often else 0.0)
        return self

    def period(self, late_s: float = 0.0) -> None:
        self.clock.told(self.frame, self.when(self.frame) + abs(self._random.normal(0, self._jitter_s)) + late_s)
        self.frame += PERIOD

    def when(self, frame: float) -> float:
        return self.begun_s + frame / self.true_hz

    @property
    def error_s(self) -> float:
        """How far off the clock is about the next frame."""
        return self.clock.time_of(self.frame) - self.when(self.frame)


@pytest.mark.parametrize("ppm", [-200.0, 0.0, 20.0, 50.0, 200.0])
def test_offset_and_drift_are_found_among_moments_that_come_late(ppm: float) -> None:
    card = Card(ppm).run(30, late_s=0.03, often=0.3)
    assert card.clock.drift.ppm == pytest.approx(ppm, abs=2)
    assert card.clock.drift.doubt_ppm < 2
    assert abs(card.error_s) < 50e-6
    assert card.clock.breaks == 0


def test_time_and_frame_are_each_others_inverse() -> None:
    clock = Card(120.0).run(10).clock
    assert clock.frame_at(clock.time_of(12_345.25)) == pytest.approx(12_345.25, abs=1e-4)


def test_a_busy_process_does_not_move_the_clock() -> None:
    card = Card(30.0).run(10)
    for late_ms in (5, 5, 5, 5, 5, 5, 5, 5, 80, 60, 40, 20):  # 0.24 s
        card.period(late_ms / 1000)
    assert abs(card.error_s) < 50e-6


def test_a_loss_is_seen_within_half_a_second_and_the_drift_is_kept() -> None:
    card = Card(80.0).run(20)
    card.begun_s += 0.02  # the card ran dry for 20 ms
    card.run(0.3)
    assert card.error_s == pytest.approx(-0.02, abs=1e-3)
    card.run(0.1)
    assert abs(card.error_s) < 100e-6
    assert card.clock.breaks == 1
    assert card.clock.drift.ppm == pytest.approx(80, abs=3)


def test_being_early_is_believed_at_once() -> None:
    card = Card(0.0)
    card.period(late_s=0.03)  # the first moment of all was late
    card.period()
    assert abs(card.error_s) < 200e-6


def test_a_steady_load_that_is_taken_for_a_loss_is_undone_when_it_ends() -> None:
    card = Card(0.0).run(5)
    for _ in range(50):
        card.period(0.005)
    assert card.error_s == pytest.approx(0.005, abs=1e-3)
    card.period()
    assert abs(card.error_s) < 200e-6


def test_jitter_of_a_sound_server_does_not_break_it() -> None:
    card = Card(50.0, jitter_s=2e-3).run(60)
    assert card.clock.drift.ppm == pytest.approx(50, abs=15)
    assert abs(card.error_s) < 1e-3


def test_a_drift_that_is_known_is_right_from_the_first_moment() -> None:
    known = Card(150.0).run(30).clock.drift
    card = Card(150.0, StreamClock(RATE, known.aged())).run(0.5)
    assert card.clock.drift.ppm == pytest.approx(150, abs=3)
    assert Card(150.0).run(0.1).clock.drift.ppm == 0.0  # while a new one knows nothing yet


def test_a_drift_ages() -> None:
    assert Drift(7.0, 3.0).aged().ppm == 7.0
    assert Drift(7.0, 3.0).aged().doubt_ppm > 3.0


def test_the_drift_follows_a_clock_that_warms_up() -> None:
    card = Card(0.0).run(40)
    middle_s = card.when(card.frame)
    card.true_hz = RATE * (1 + 30e-6)
    card.begun_s = middle_s - card.frame / card.true_hz
    card.run(60)
    assert card.clock.drift.ppm == pytest.approx(30, abs=2)
    assert card.clock.breaks == 0


def test_nothing_is_known_before_the_first_moment() -> None:
    assert not StreamClock(RATE).begun
    assert Card(0.0).run(0.02).clock.begun
