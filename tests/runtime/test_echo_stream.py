"""What plays is taken out while it plays, and not a sample of anything else is lost, doubled or changed."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

from antiphon.audio.clock import UNKNOWN
from antiphon.audio.far_end import ADVANCE_S
from antiphon.audio.framing import Delay
from antiphon.audio.marks import Mark
from antiphon.devices.echo_speex import SpeexEchoCanceller
from antiphon.errors import DeviceError
from antiphon.pcm import Samples
from antiphon.runtime.echo_stream import FLUSH_MS, OWN_WORD_MS, EchoPlan, EchoStream
from antiphon.simulator.acoustics import Acoustics, heard_in_room, room_response

RATE = 16_000
SPEAKER = 24_000
LATE = 128
BEGUN_S = 100.0
SPEEX = (SpeexEchoCanceller, SpeexEchoCanceller)


class Canceller:
    """Cancels nothing; gives what it hears `late` frames later, times `gain`, and keeps what it was given."""

    rate_hz = RATE
    late_frames = 0

    def __init__(self, late: int = 0, gain: float = 1.0) -> None:
        self._delay, self._gain = Delay(late), gain
        self.near: list[Samples] = []
        self.far: list[Samples] = []
        self.forgotten = 0

    def cancel(self, near: Samples, far: Samples) -> Samples:
        assert len(near) == len(far)
        assert len(near) % (RATE // 100) == 0
        self.near.append(near.copy())
        self.far.append(far.copy())
        return (self._delay.take(near) * self._gain).astype(np.int16)

    def forget(self) -> None:
        self.forgotten += 1


@dataclass(frozen=True)
class Maker:
    """Makes a canceller by a function."""

    make: Callable[[int], Canceller]

    def __call__(self, rate_hz: int, /) -> Canceller:
        return self.make(rate_hz)

    def seek(self) -> None:
        pass


class Missing:
    """What is asked for is not there."""

    def __call__(self, rate_hz: int, /) -> Canceller:
        raise AssertionError("it is known to be missing")

    def seek(self) -> None:
        raise DeviceError("echo cancellation", "its library is missing", "Install it")


class Weary(Canceller):
    """Gives up after so many samples."""

    def __init__(self, frames: int) -> None:
        super().__init__()
        self.left = frames

    def cancel(self, near: Samples, far: Samples) -> Samples:
        self.left -= len(near)
        if self.left < 0:
            raise DeviceError("echo cancellation", "it cannot go on", "Start again")
        return super().cancel(near, far)


class Room:
    """A stream, and what plays: `sound` of the speaker from its time 0 on, told 40 ms ahead in periods of 20 ms."""

    def __init__(self, sound: Samples, plan: EchoPlan, *, rate_hz: int = RATE, ppm: float = 0.0) -> None:
        self.stream = EchoStream(rate_hz, plan, UNKNOWN, UNKNOWN, plan.cancellers_at(rate_hz))
        self.rate_hz, self.true_hz = rate_hz, SPEAKER * (1 + ppm * 1e-6)
        self.sound, self.at = sound, 0
        self.played = 0
        self.out: list[Any] = []
        self.random = np.random.default_rng(2)

    def hear(self, mic: Samples, length: int | Callable[[], int] = 1280) -> "Room":
        end = self.at + len(mic)
        begin = self.at
        while self.at < end:
            frames = min(length if isinstance(length, int) else length(), end - self.at)
            self._play((self.at + frames) / self.rate_hz + 0.04)
            block = mic[self.at - begin : self.at - begin + frames]
            self.out.append(self.stream.clean(block, BEGUN_S + self._late(self.at / self.rate_hz)))
            self.at += frames
        return self

    def _play(self, until_s: float) -> None:
        while self.played < len(self.sound) and self.played / self.true_hz < until_s:
            period = self.sound[self.played : self.played + SPEAKER // 50]
            self.stream.played(period, SPEAKER, BEGUN_S + self._late(self.played / self.true_hz))
            self.played += len(period)

    def _late(self, at_s: float) -> float:
        """As a card tells it: exact to 30 us, one in ten up to 10 ms late."""
        busy_s = self.random.uniform(0, 0.01) if self.random.uniform() < 0.1 else 0.0
        return at_s + abs(self.random.normal(0, 30e-6)) + busy_s

    @property
    def heard(self) -> Samples:
        return np.concatenate([one.heard for one in self.out])

    @property
    def wake(self) -> Samples:
        return np.concatenate([one.wake for one in self.out])


def plan(link: Canceller, wake: Canceller, late: int = 0) -> EchoPlan:
    return EchoPlan(10.0, 250.0, (Maker(lambda _: link), Maker(lambda _: wake)), {RATE: late})


def never(_rate_hz: int) -> Canceller:
    raise AssertionError("nothing plays, so no canceller is needed")


def noise(seconds: float, rate_hz: int, level: float = 3000.0, seed: int = 1) -> Samples:
    return (np.random.default_rng(seed).standard_normal(round(seconds * rate_hz)) * level).astype(np.int16)


def talk(seconds: float, seed: int = 1) -> Samples:
    """Noise for the speaker that comes and goes like syllables, after 0.5 s of silence."""
    sound = noise(seconds, SPEAKER, seed=seed)
    wave = np.sin(2 * np.pi * 3.1 * np.arange(len(sound)) / SPEAKER)
    sound = (np.convolve(sound, np.ones(6) / 2.4, "same") * np.clip(0.5 + wave, 0.02, 1)).astype(np.int16)
    sound[: SPEAKER // 2] = 0
    return sound


def test_while_nothing_plays_sound_goes_through_as_it_is_and_no_canceller_is_made() -> None:
    mic = noise(2, RATE)
    room = Room(np.zeros(SPEAKER, np.int16), EchoPlan(10.0, 250.0, (Maker(never), Maker(never)), {})).hear(mic)
    assert (room.heard == mic).all()
    assert all(one.heard is one.wake for one in room.out)
    assert not room.stream.sounding


@pytest.mark.parametrize("length", [1280, 320, 1000, "any"])
def test_no_sample_is_lost_or_doubled_as_cancelling_begins_and_ends(length: int | str) -> None:
    mic = noise(3, RATE)
    sound = np.zeros(3 * SPEAKER, np.int16)
    for begin_s in (0.3, 1.31, 2.0):
        sound[round(begin_s * SPEAKER) :][:4000] = noise(4000 / SPEAKER, SPEAKER)
    link, wake = Canceller(LATE), Canceller()
    chance = np.random.default_rng(7)
    lengths = length if isinstance(length, int) else lambda: int(chance.integers(1, 1500))
    room = Room(sound, plan(link, wake, LATE)).hear(mic, lengths)
    behind = len(mic) - len(room.heard)
    assert behind < LATE + RATE // 100
    assert length not in (1280, 320) or behind == LATE
    assert (room.heard == mic[: len(room.heard)]).all()
    assert (room.wake == mic[: len(room.wake)]).all()
    assert link.near  # they ran
    assert len(link.near) < 300  # and not all the time


def test_cancellers_run_from_the_first_sound_until_it_has_left_their_filters() -> None:
    sound = np.zeros(4 * SPEAKER, np.int16)
    sound[SPEAKER : SPEAKER + SPEAKER // 2] = 3000
    link, wake = Canceller(), Canceller()
    room = Room(sound, plan(link, wake))
    states = [room.hear(noise(0.01, RATE), 160).stream.sounding for _ in range(400)]
    ran = sum(map(len, link.near)) * 1000 / RATE
    assert ran == pytest.approx(500 + FLUSH_MS, abs=21)
    assert sum(map(len, wake.near)) == sum(map(len, link.near))
    assert [states.index(True) * 10, sum(states) * 10] == pytest.approx([1000 - 1000 * ADVANCE_S, 750], abs=31)


def test_what_a_chime_has_taught_the_linear_canceller_is_forgotten_and_what_a_reply_has_is_not() -> None:
    sound = np.zeros(9 * SPEAKER, np.int16)
    for begin_s, end_s in ((1.0, 1.2), (3.0, 4.5), (7.0, 7.2)):
        sound[round(begin_s * SPEAKER) : round(end_s * SPEAKER)] = 3000
    link, wake = Canceller(), Canceller()
    room = Room(sound, plan(link, wake))
    assert [room.hear(noise(2, RATE)) and wake.forgotten for _ in range(4)] == [1, 1, 1, 1]
    assert link.forgotten == 0


def test_they_get_what_plays_beside_what_is_heard() -> None:
    echo = heard_in_room(talk(6), Acoustics(np.ones(1, np.float32), delay_ms=30, drift_ppm=80), spk_rate_hz=SPEAKER)
    link, wake = Canceller(), Canceller()
    Room(talk(6), plan(link, wake), ppm=80).hear(echo.mic)
    near, far = np.concatenate(link.near)[-2 * RATE :], np.concatenate(link.far)[-2 * RATE :]
    alike = np.fft.irfft(np.fft.rfft(near.astype(float)) * np.conj(np.fft.rfft(far.astype(float))))
    assert int(np.argmax(alike)) == pytest.approx((0.030 + ADVANCE_S) * RATE, abs=2)


def test_it_changes_over_without_a_click() -> None:
    sound = np.zeros(2 * SPEAKER, np.int16)
    sound[SPEAKER // 2 : SPEAKER] = 3000
    mic = np.full(2 * RATE, 8000, np.int16)
    room = Room(sound, plan(Canceller(gain=0.0), Canceller(gain=0.5))).hear(mic)
    assert room.heard.min() == 0
    assert np.abs(np.diff(room.heard)).max() <= 8000 / 160 + 1
    assert np.abs(np.diff(room.wake)).max() <= 4000 / 160 + 1
    assert room.heard[-1] == room.wake[-1] == 8000


@pytest.mark.parametrize("ppm", [0, 50, 200])
def test_a_linear_canceller_stays_good_however_the_clocks_drift(ppm: int) -> None:
    sound = talk(14)
    mic = heard_in_room(sound, Acoustics(room_response(RATE), drift_ppm=ppm), spk_rate_hz=SPEAKER).mic
    room = Room(sound, EchoPlan(10.0, 250.0, SPEEX), ppm=ppm).hear(mic)
    left, before = (part[-4 * RATE :].astype(float) for part in (room.wake, mic[: len(room.wake)]))
    assert 10 * np.log10(np.mean(before**2) / np.mean(left**2)) > 25
    assert room.stream.drifts[1].ppm == pytest.approx(ppm, abs=2)
    assert room.stream.cancelled
    assert room.stream.watch.erle_db > 20


def test_a_canceller_that_does_nothing_is_found_out() -> None:
    sound = talk(4)
    mic = heard_in_room(sound, Acoustics(room_response(RATE)), spk_rate_hz=SPEAKER).mic
    room = Room(sound, plan(Canceller(), Canceller())).hear(mic)
    assert not room.stream.cancelled
    assert room.stream.watch.delay_ms == pytest.approx(20 + 1000 * ADVANCE_S, abs=2)


@pytest.mark.parametrize("fails", ["link", "wake"])
def test_one_of_both_that_does_nothing_is_enough(fails: str) -> None:
    """As when the echo comes later than the linear one looks for it."""
    sound = talk(5)
    mic = heard_in_room(sound, Acoustics(room_response(RATE)), spk_rate_hz=SPEAKER).mic
    idle = Maker(lambda _: Canceller())
    makers = (idle, SpeexEchoCanceller) if fails == "link" else (SpeexEchoCanceller, idle)
    room = Room(sound, EchoPlan(10.0, 250.0, makers)).hear(mic)
    assert not room.stream.cancelled


@pytest.mark.parametrize(("gain_db", "good"), [(-10.0, False), (-90.0, True)])
def test_a_microphone_that_cancels_by_itself_is_only_watched(gain_db: float, good: bool) -> None:
    sound = talk(4)
    mic = heard_in_room(sound, Acoustics(room_response(RATE), gain_db=gain_db), spk_rate_hz=SPEAKER).mic
    room = Room(sound, EchoPlan(10.0, 250.0)).hear(mic)
    assert (room.heard == mic[: len(room.heard)]).all()
    assert len(room.heard) == len(mic)
    assert all(one.heard is one.wake for one in room.out)
    assert room.stream.cancelled == good


def test_who_speaks_over_it_is_told_once_and_never_of_an_earlier_sound() -> None:
    sound = talk(10)
    scene = heard_in_room(
        sound, Acoustics(room_response(RATE)), spk_rate_hz=SPEAKER, near=[(7 * RATE, noise(1, RATE))], near_db=0
    )
    room = Room(sound, EchoPlan(10.0, 250.0, SPEEX)).hear(scene.mic[: 7 * RATE])
    room.stream.edges([])
    room.hear(scene.mic[7 * RATE : 8 * RATE])
    assert room.stream.edges([])[:1] == ["began"]
    assert room.stream.edges([]) == []
    room.hear(scene.mic[8 * RATE :])
    room.hear(noise(1, RATE, 3))  # all is over, and nobody asked
    room.sound, room.played = talk(2), 0
    room.at = 0
    room.stream.played(np.full(480, 3000, np.int16), SPEAKER, BEGUN_S + (len(scene.mic) + RATE) / RATE)
    room.out.append(room.stream.clean(noise(0.01, RATE, 3), BEGUN_S + (len(scene.mic) + RATE) / RATE))
    assert room.stream.edges([]) == []


def test_a_word_is_ours_only_while_we_have_been_speaking_for_as_long_as_it_takes() -> None:
    sound = talk(12)
    sound[8 * SPEAKER :] = 0
    scene = heard_in_room(sound, Acoustics(room_response(RATE)), spk_rate_hz=SPEAKER)
    room = Room(sound, EchoPlan(10.0, 250.0, SPEEX))
    ours = [room.hear(block).stream.own_word for block in np.split(scene.mic[: 11 * RATE], 11 * RATE // 1600)]
    first, last = ours.index(True) / 10, 11 - ours[::-1].index(True) / 10
    assert first == pytest.approx(0.5 + 1.2, abs=0.2)
    assert last == pytest.approx(8.0 + OWN_WORD_MS / 1000, abs=0.3)
    assert all(ours[round(first * 10) : round(last * 10) - 1])


@pytest.mark.parametrize(
    ("spoke_s", "ours"),
    [(None, True), ((4.4, 4.7), True), ((5.0, 5.3), False), ((5.42, 5.5), False), ((6.0, 6.3), False)],
    ids=["nobody", "long ago", "before us", "until we began", "over us"],
)
def test_a_word_with_which_we_begin_is_ours_unless_somebody_spoke(
    spoke_s: tuple[float, float] | None, ours: bool
) -> None:
    """We sound until 4 s, and again from 5.5 s on; the word is heard at 6.4 s."""
    sound = talk(7)
    sound[4 * SPEAKER : round(5.5 * SPEAKER)] = 0
    mic = heard_in_room(sound, Acoustics(room_response(RATE)), spk_rate_hz=SPEAKER).mic[: round(6.4 * RATE)]
    near = np.zeros_like(mic)
    if spoke_s is not None:
        since, until = (round(at_s * RATE) for at_s in spoke_s)
        near[since:until] = noise(1, RATE, seed=3)[: until - since]
    room = Room(sound, EchoPlan(10.0, 250.0, SPEEX))
    for at in range(0, len(mic), 1280):
        room.hear((mic + near)[at : at + 1280])
        pieces = near[at : at + 1280].reshape(-1, RATE // 50)
        room.stream.edges([Mark(0.0 if piece.any() else -96.0, -50.0) for piece in pieces])
    assert room.stream.own_word == ours


def test_without_its_libraries_it_says_so_and_lets_all_through() -> None:
    mic = noise(2, RATE)
    room = Room(talk(2), EchoPlan(10.0, 250.0, (Missing(), Missing()), {RATE: LATE}))
    assert room.stream.problem is not None
    assert room.stream.problem.sentence.count("Install it") == 2
    assert not room.stream.cancelled
    room.hear(mic)
    assert (room.heard == mic[: len(room.heard)]).all()
    assert len(mic) - len(room.heard) == LATE
    assert room.stream.sounding
    assert not room.stream.own_word


def test_the_wake_words_keep_their_canceller_where_that_of_the_link_is_missing() -> None:
    sound = talk(6)
    mic = heard_in_room(sound, Acoustics(room_response(RATE)), spk_rate_hz=SPEAKER).mic[: 6 * RATE]
    room = Room(sound, EchoPlan(10.0, 250.0, (Missing(), SpeexEchoCanceller), {RATE: LATE})).hear(mic)
    assert not room.stream.cancelled
    assert (room.heard == mic[: len(room.heard)]).all()
    left, before = (part[3 * RATE : len(room.wake)].astype(float) for part in (room.wake, mic))
    assert 10 * np.log10(np.mean(before**2) / np.mean(left**2)) > 15
    assert room.stream.own_word


def test_a_canceller_that_gives_up_takes_nothing_with_it() -> None:
    mic, wake = noise(3, RATE), Canceller(gain=0.5)
    room = Room(talk(3), EchoPlan(10.0, 250.0, (Maker(lambda _: Weary(RATE)), Maker(lambda _: wake)))).hear(mic)
    assert room.stream.problem is not None
    assert room.stream.problem.sentence.endswith("Start again")
    assert not room.stream.cancelled
    assert (room.heard == mic).all()
    assert sum(map(len, wake.near)) > 2 * RATE


def test_forgetting_overwrites_and_counts_on() -> None:
    link, wake = Canceller(LATE), Canceller()
    room = Room(talk(4), plan(link, wake, LATE)).hear(noise(1, RATE)[:15_900], 1060)
    stream = room.stream
    held = [stream._framing._waiting, stream._framing._done, stream._heard_late._past, stream._wake_late._past]
    held += [one._sound for one in stream._far._streams]
    assert all(sound.any() for sound in held)
    stream.forget()
    assert not any(sound.any() for sound in held)
    assert [link.forgotten, wake.forgotten] == [1, 1]
    assert not stream.sounding
    room.hear(np.zeros(15_900, np.int16), 1060)
    assert len(room.heard) == 2 * 15_900 - LATE - 140  # 160 less the 20 that it has in common with 1060
