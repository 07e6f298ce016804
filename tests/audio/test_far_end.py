"""What was played is laid beside what is heard, to the sample, whatever the two cards' clocks do."""

import numpy as np
import pytest

from antiphon.audio.clock import StreamClock
from antiphon.audio.far_end import ADVANCE_S, LONGEST_S, FarEnd

TONES_HZ = np.array([317.0, 811.0, 1913.0, 3307.0])
PHASES = np.array([0.3, 1.7, 4.1, 5.5])
SPEAKER_AT_S = 1002.0123
"""When the first frame of the speaker sounds; the microphone's first frame is there at 1000 s."""


class Cards:
    """A speaker that plays four tones and a microphone, each with a clock of its own; both name jittered moments."""

    def __init__(
        self, speaker_hz: int = 48_000, ear_hz: int = 16_000, ppm: float = 0.0, ear_ppm: float = 0.0, block_ms: int = 80
    ) -> None:
        self.speaker_hz, self.ear_hz = speaker_hz, ear_hz
        self.speaker_true, self.ear_true = speaker_hz * (1 + ppm * 1e-6), ear_hz * (1 + ear_ppm * 1e-6)
        self.microphone = StreamClock(ear_hz)
        self.far = FarEnd(self.microphone)
        self.speaker_at_s = SPEAKER_AT_S
        self.period, self.block = speaker_hz // 50, ear_hz * block_ms // 1000
        self.played = self.taken = 0
        self.out: list[np.ndarray] = []
        self.random = np.random.default_rng(5)

    def moment(self, at_s: float) -> float:
        """As a card tells it: exact to some 50 us, one in ten up to 15 ms late."""
        late_s = self.random.uniform(0, 0.015) if self.random.uniform() < 0.1 else 0.0
        return at_s + abs(self.random.normal(0, 50e-6)) + late_s

    def sound(self, begin: int) -> np.ndarray:
        seconds = np.arange(begin, begin + self.period) / self.speaker_hz
        return _tones(seconds).round().astype(np.int16)

    def play(self, until_s: float) -> None:
        """The card asks 40 ms ahead."""
        while (at_s := self.speaker_at_s + self.played / self.speaker_true) < until_s + 0.04:
            self.far.played(self.sound(self.played), self.speaker_hz, self.moment(at_s))
            self.played += self.period

    def run(self, seconds: float) -> "Cards":
        for _ in range(round(seconds * self.ear_hz / self.block)):
            at_s = 1000 + self.taken / self.ear_true
            self.play(at_s + self.block / self.ear_true)
            self.microphone.told(self.taken, self.moment(at_s))
            self.out.append(self.far.take(self.block))
            self.taken += self.block
        return self

    def lags(self) -> np.ndarray:
        """By how many frames at 16 kHz each block of the far end is off, from 40 ms after the speaker's first frame."""
        lags = []
        for number, block in enumerate(self.out):
            at_s = 1000 + (np.arange(len(block)) + number * self.block) / self.ear_true + ADVANCE_S - self.speaker_at_s
            if at_s[0] > 0.04:
                lags.append(_lag_s(block, at_s * self.speaker_true / self.speaker_hz) * 16_000)
        return np.array(lags)


def _tones(seconds: np.ndarray) -> np.ndarray:
    return 3000 * np.sin(2 * np.pi * TONES_HZ[:, None] * seconds + PHASES[:, None]).sum(axis=0)


def _lag_s(block: np.ndarray, seconds: np.ndarray) -> float:
    """How much later than `seconds` the tones in `block` are, by the phase of the second."""
    waves = 2 * np.pi * TONES_HZ[:, None] * seconds
    basis = np.concatenate((np.cos(waves), np.sin(waves))).T
    weights = np.linalg.solve(basis.T @ basis, basis.T @ block)
    turned = np.arctan2(weights[1], weights[1 + len(TONES_HZ)]) - PHASES[1]
    return float((turned + np.pi) % (2 * np.pi) - np.pi) / (2 * np.pi * TONES_HZ[1])


@pytest.mark.parametrize("ppm", [0.0, 50.0, 200.0, -200.0])
def test_it_is_aligned_whatever_the_drift(ppm: float) -> None:
    cards = Cards(ppm=ppm, ear_ppm=-10.0).run(22)
    lags = cards.lags()
    assert np.abs(lags).max() < 2.5
    assert np.abs(lags[-120:]).max() < 0.5
    assert cards.far.apart.ppm == pytest.approx(ppm + 10, abs=1.5)


@pytest.mark.parametrize("ppm", [0.0, 100.0])
def test_when_the_drift_is_known_it_stands_as_still_as_a_filter_needs(ppm: float) -> None:
    lags = Cards(ppm=ppm).run(32).lags()[125:]
    assert np.ptp(lags) < 0.5
    second = round(1000 / 80)
    assert np.abs(lags[second:] - lags[:-second]).max() < 0.08  # of a frame at 16 kHz: 5 ppm


@pytest.mark.parametrize(
    ("speaker_hz", "ear_hz", "block_ms"),
    [(48_000, 48_000, 20), (44_100, 16_000, 80), (44_100, 48_000, 40), (16_000, 16_000, 20), (24_000, 32_000, 80)],
)
def test_every_pair_of_rates_is_aligned(speaker_hz: int, ear_hz: int, block_ms: int) -> None:
    lags = Cards(speaker_hz, ear_hz, ppm=60.0, block_ms=block_ms).run(8).lags()
    assert np.abs(lags[len(lags) // 2 :]).max() < 1


def test_it_is_the_sound_itself_without_a_click() -> None:
    cards = Cards(ppm=100.0).run(16)
    for number in range(-25, 0):
        block = cards.out[number].astype(float)
        waves = 2 * np.pi * TONES_HZ[:, None] * np.arange(len(block)) / 16_000 * (1 + 100e-6)
        basis = np.concatenate((np.cos(waves), np.sin(waves))).T
        rest = block - basis @ np.linalg.lstsq(basis, block, rcond=None)[0]
        assert 20 * np.log10(np.std(rest) / np.std(block)) < -60


def test_before_and_after_the_speaker_there_is_silence() -> None:
    cards = Cards().run(4)
    sound = np.concatenate(cards.out)
    first = round((SPEAKER_AT_S - 1000 - ADVANCE_S) * 16_000)
    assert not sound[: first - 20].any()
    assert sound[first : first + 200].any()
    for _ in range(3):  # the speaker is closed
        cards.microphone.told(cards.taken, 1000 + cards.taken / 16_000)
        last = cards.far.take(cards.block)
        cards.taken += cards.block
    assert not last.any()


def test_a_second_stream_knows_the_drift_of_the_first_from_its_first_sample() -> None:
    cards = Cards(ppm=-150.0).run(20)
    began = len(cards.out)
    cards.speaker_at_s, cards.played = 1022.0057, 0
    cards.run(6)
    cards.out[:began] = [np.zeros(cards.block, np.int16)] * began
    lags = cards.lags()
    assert np.abs(lags).max() < 0.7
    assert cards.far.apart.ppm == pytest.approx(-150, abs=2)


@pytest.mark.parametrize("dry_s", [0.005, 0.03, 0.14])
def test_a_card_that_ran_dry_is_followed_at_once(dry_s: float) -> None:
    """And in the meantime there was silence, whether or not anything was known to play then."""
    cards = Cards().run(10)
    cards.speaker_at_s += dry_s
    cards.run(1)
    assert np.abs(cards.lags()[-10:]).max() < 0.5
    quiet = np.abs(np.concatenate(cards.out)[-17 * cards.block :]) < 3
    assert quiet.sum() == pytest.approx(dry_s * 16_000, abs=20 + 0.001 * 17 * cards.block)


def test_a_period_that_is_told_late_moves_nothing() -> None:
    cards = Cards().run(10)
    told, cards.moment = cards.moment, lambda at_s: at_s + 0.02
    cards.play(1000 + cards.taken / cards.ear_true + 0.02)  # one
    cards.moment = told
    cards.run(1)
    assert np.abs(cards.lags()[-13:]).max() < 0.5


def test_what_a_closed_card_dropped_is_not_taken_for_heard() -> None:
    cards = Cards()
    cards.microphone.told(0, 1000.0)
    loud = np.full(480, 9000, np.int16)
    for number in range(20):  # 0.2 s of it
        cards.far.played(loud, 48_000, 1000 + number * 0.01)
    cards.far.played(np.zeros(480, np.int16), 48_000, 1000.0 + 0.03)  # closed and opened anew after 30 ms
    sound = cards.far.take(1600)
    assert sound[: round(0.02 * 16_000)].all()
    assert not sound[round(0.024 * 16_000) :].any()


def test_a_gap_between_streams_is_silence_of_its_length() -> None:
    cards = Cards()
    cards.microphone.told(0, 1000.0)
    loud = np.full(960, 9000, np.int16)
    for at_s in (1000.1, 1000.5):
        cards.far.played(loud, 48_000, at_s)
    places = np.flatnonzero(np.abs(cards.far.take(16_000)) > 4500) / 16_000 + ADVANCE_S
    assert places[0] == pytest.approx(0.1, abs=1e-3)
    assert [places[np.argmax(np.diff(places)) + 1], np.diff(places).max()] == pytest.approx([0.5, 0.38], abs=2e-3)


def test_silence_in_between_moves_nothing() -> None:
    def sounds_at(speaker_hz: int, pause: bool) -> list[float]:
        cards = Cards()
        cards.microphone.told(0, 1000.0)
        period = speaker_hz // 50
        for number in range(60):  # the speaker is open for 1.2 s, and silent but at its ends, or but for a hum
            click = number in (2, 50) or not pause
            sound = np.full(period, 9000 if number in (2, 50) else 1, np.int16) * click
            cards.far.played(sound, speaker_hz, 1000.0 + number * 0.02)
        return list(np.flatnonzero(np.abs(cards.far.take(16_000 + 3000)) > 4500))

    for speaker_hz in (48_000, 44_100, 24_000):
        assert sounds_at(speaker_hz, pause=True) == sounds_at(speaker_hz, pause=False)


def test_memory_is_bounded_when_nobody_takes() -> None:
    cards = Cards(ear_hz=16_000)
    cards.play(1000 + 60.0)
    assert sum(len(stream._sound) for stream in cards.far._streams) <= LONGEST_S * 16_000


def test_a_clock_that_means_nothing_costs_no_memory_either() -> None:
    far = FarEnd(StreamClock(16_000))
    for number in range(100):
        far.played(np.ones(960, np.int16), 48_000, 1000 + number % 2)
    assert len(far._streams) <= 4


def test_forgetting_overwrites_what_was_played_and_keeps_what_is_known_of_the_clocks() -> None:
    cards = Cards(ppm=90.0).run(12)
    kept = [stream._sound for stream in cards.far._streams]
    assert any(sound.any() for sound in kept)
    cards.far.forget()
    assert not any(sound.any() for sound in kept)
    assert not cards.far.take(1280).any()
    assert cards.far.apart.ppm == pytest.approx(90, abs=3)
