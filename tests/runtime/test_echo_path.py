"""The echo path: the driver's thread only queues, and what is known outlives the microphone's streams."""

import numpy as np
import pytest

from antiphon.conversation.events import EchoJudged
from antiphon.devices.echo_speex import SpeexEchoCanceller
from antiphon.errors import DeviceError
from antiphon.pcm import Samples
from antiphon.ports import EchoCanceller
from antiphon.runtime.echo_path import MOST_QUEUED, EchoPath
from antiphon.runtime.echo_stream import ROOM_LOSS_DB, EchoPlan

RATE = 16_000
HARDWARE = EchoPlan(least_erle_db=10.0, decay_ms=250.0)
BLOCK = np.zeros(1280, np.int16)


def loud(seconds: float = 0.02, seed: int = 1) -> Samples:
    return (np.random.default_rng(seed).standard_normal(round(seconds * RATE)) * 3000).astype(np.int16)


def run(path: EchoPath, begun_s: float, seconds: float, *, ppm: float = 0.0, echo: bool = False) -> list[EchoJudged]:
    """A speaker plays noise in syllables, and a microphone hears it or not; returns the verdicts."""
    sound = loud(seconds + 1)
    sound = (sound * np.clip(np.sin(np.arange(len(sound)) * 20 / RATE) + 0.4, 0, 1)).astype(np.int16)
    mic = np.concatenate((np.zeros(320, np.int16), sound)) // 2 if echo else np.zeros_like(sound)
    verdicts: list[EchoJudged] = []
    played = 0
    for at in range(0, round(seconds * RATE), len(BLOCK)):
        while played < at + 2 * len(BLOCK):
            path.played(sound[played : played + 320], RATE, begun_s + played / (RATE * (1 + ppm * 1e-6)))
            played += 320
        path.clean(mic[at : at + len(BLOCK)], begun_s + at / RATE)
        verdicts += [event for event in path.judge([]) if isinstance(event, EchoJudged)]
    return verdicts


def test_what_plays_waits_for_the_ear_and_the_oldest_is_dropped_when_it_does_not_come() -> None:
    path = EchoPath(HARDWARE)
    for number in range(MOST_QUEUED + 100):
        path.played(loud(), RATE, 100 + number * 0.02)
    assert len(path._queue) == MOST_QUEUED
    path.begin(RATE)
    assert not path._queue
    path.played(loud(), RATE, 200.0)
    assert not path.sounding
    path.clean(BLOCK, 200.0)
    assert path.sounding


def test_without_an_open_microphone_nothing_is_known_and_nothing_kept() -> None:
    path = EchoPath(HARDWARE)
    path.played(loud(), RATE, 100.0)
    cleaned = path.clean(BLOCK, 100.0)
    assert cleaned.heard is cleaned.wake is BLOCK
    assert not path._queue
    path.forget()


def test_at_a_rate_of_no_canceller_it_says_what_to_do_and_lets_all_through() -> None:
    path = EchoPath(HARDWARE)
    [judged] = path.begin(44_100)
    assert isinstance(judged, EchoJudged)
    assert not judged.cancelled
    assert judged.problem is not None
    assert "microphone.rate_hz" in judged.problem.sentence
    assert path.clean(BLOCK, 100.0).heard is BLOCK
    assert path.judge([]) == []
    assert path.begin(44_100) == []  # it was said
    [again] = path.begin(48_000)
    assert isinstance(again, EchoJudged)
    assert again.cancelled


def test_a_verdict_is_told_when_it_changes() -> None:
    path = EchoPath(HARDWARE)
    path.begin(RATE)
    assert run(path, 100.0, 2.0) == []
    path.begin(RATE)
    [judged] = run(path, 200.0, 4.0, echo=True)
    assert not judged.cancelled
    assert judged.problem is None
    assert judged.erle_db < 10 + ROOM_LOSS_DB
    assert judged.delay_ms == pytest.approx(20, abs=2)  # beyond what both cards say of themselves


def test_what_is_measured_is_known_to_whoever_asks() -> None:
    path = EchoPath(HARDWARE)
    assert path.judged is None
    path.begin(RATE)
    assert path.judged == EchoJudged(True, 0.0, 0.0, 0.0)
    verdicts = run(path, 100.0, 4.0, echo=True)
    assert path.judged is not None
    assert not path.judged.cancelled
    assert path.judged.delay_ms == verdicts[-1].delay_ms
    [path_judged] = path.begin(44_100)
    assert path.judged is path_judged


def test_what_is_known_of_the_clocks_outlives_the_streams() -> None:
    path = EchoPath(HARDWARE)
    path.begin(RATE)
    run(path, 100.0, 12.0, ppm=120.0)
    assert path._stream is not None
    assert path._stream.drifts[1].ppm == pytest.approx(120, abs=2)
    path.begin(48_000)
    assert path._stream.drifts[1].ppm == pytest.approx(120, abs=2)
    assert path._stream.drifts[1].doubt_ppm < 10


class Maker:
    """Makes Speex's canceller, unless it `is_missing` or `fails` when it is made, and counts."""

    def __init__(self, *, is_missing: bool = False, fails: bool = False) -> None:
        self.is_missing, self.fails = is_missing, fails
        self.made: list[int] = []

    def seek(self) -> None:
        if self.is_missing:
            raise DeviceError("echo cancellation", "its library is missing", "Install it")

    def __call__(self, rate_hz: int, /) -> EchoCanceller:
        self.made.append(rate_hz)
        if self.fails:
            raise DeviceError("echo cancellation", "its library is broken", "Mend it")
        return SpeexEchoCanceller(rate_hz)


def test_a_missing_canceller_is_told_once_and_before_anything_plays() -> None:
    path = EchoPath(EchoPlan(10.0, 250.0, (Maker(is_missing=True), Maker())))
    [judged] = path.begin(RATE)
    assert isinstance(judged, EchoJudged)
    assert not judged.cancelled
    assert judged.problem is not None
    assert judged.problem.sentence.endswith("Install it")
    assert judged.delay_ms == 0  # it was not measured
    assert run(path, 100.0, 1.0, echo=True) == []
    assert path.begin(RATE) == []
    assert run(path, 200.0, 1.0, echo=True) == []


def test_a_canceller_that_cannot_be_made_is_told_once_when_something_plays() -> None:
    link = Maker(fails=True)
    path = EchoPath(EchoPlan(10.0, 250.0, (link, Maker())))
    assert path.begin(RATE) == []
    [judged] = run(path, 100.0, 1.0, echo=True)
    assert judged.problem is not None
    assert judged.problem.sentence.endswith("Mend it")
    assert path.begin(RATE) == []
    assert run(path, 200.0, 1.0, echo=True) == []
    assert link.made == [RATE]


def test_cancellers_are_kept_while_the_rate_stays() -> None:
    makers = Maker(), Maker()
    path = EchoPath(EchoPlan(10.0, 250.0, makers))
    for begun_s, rate_hz in ((100.0, RATE), (200.0, RATE), (300.0, 48_000)):
        path.begin(rate_hz)
        run(path, begun_s, 0.5)
    assert [maker.made for maker in makers] == [[RATE, 48_000]] * 2
