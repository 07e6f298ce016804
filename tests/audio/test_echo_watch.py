"""Microphone, far end and what a canceller leaves in; verdict, delay and figures out. All sound is made up here."""

from typing import NamedTuple

import numpy as np
import pytest

from antiphon.audio.echo_watch import EchoWatch, lag_between

RATE_HZ = 16_000
LEAST_ERLE_DB = 10.0
BLOCK = RATE_HZ // 50
FAULT_S = 4.0


def voice(seed: int, seconds: float = 8.0, level_db: float = -20.0):
    """What correlates like speech: noise that comes in syllables, with pauses."""
    chance = np.random.default_rng(seed)
    frames = int(seconds * RATE_HZ)
    loud = chance.random(frames // 1600 + 2) > 0.25
    envelope = np.interp(np.arange(frames), np.arange(len(loud)) * 1600, loud)
    sound = np.convolve(chance.standard_normal(frames), [1, 0.9, 0.6, 0.3], "same") * envelope
    return sound / np.sqrt(np.mean(sound**2)) * 32_768 * 10 ** (level_db / 20)


def room(far, delay_ms: float = 12.0, gain_db: float = -12.0, seed: int = 9):
    """The echo of `far`: a delay and a tail of 100 ms."""
    tail = np.random.default_rng(seed).standard_normal(1600) * 10 ** (-3 * np.arange(1600) / 1600)
    tail[0] = 12
    response = np.concatenate((np.zeros(int(delay_ms * RATE_HZ / 1000)), tail / np.sqrt(np.sum(tail**2))))
    size = 1 << (len(far) + len(response)).bit_length()
    echo = np.fft.irfft(np.fft.rfft(far, size) * np.fft.rfft(response, size), size)[: len(far)]
    return echo * 10 ** (gain_db / 20)


def hiss(frames: int, level_db: float = -65.0, seed: int = 5):
    return np.random.default_rng(seed).standard_normal(frames) * 32_768 * 10 ** (level_db / 20)


def late(sound, frames: int, at: int):
    """`sound`, from frame `at` on `frames` later than it was."""
    return np.concatenate((sound[:at], np.zeros(frames), sound[at:]))[: len(sound)]


def s16(sound):
    return np.clip(np.rint(sound), -32_768, 32_767).astype(np.int16)


class Told(NamedTuple):
    at_s: float
    cancelled: bool


def watched(watch: EchoWatch, near, far, heard, playing=None) -> list[Told]:
    """Each change of the verdict, and when."""
    near, far, heard = s16(near), s16(far), s16(heard)
    playing = far if playing is None else playing
    told, last = [], watch.cancelled
    for at in range(0, len(near), BLOCK):
        part = slice(at, at + BLOCK)
        watch.hear(near[part], far[part], heard[part], playing=bool(np.any(playing[part])))
        if watch.cancelled != last:
            last = watch.cancelled
            told.append(Told(min(at + BLOCK, len(near)) / RATE_HZ, last))
    return told


def a_watch(**options: bool) -> EchoWatch:
    return EchoWatch(RATE_HZ, LEAST_ERLE_DB, **options)


FAR = voice(1)
ECHO = room(FAR)
NOISE = hiss(len(FAR))
NEAR = ECHO + NOISE
HEARD = 0.01 * ECHO + NOISE
FAULT = int(FAULT_S * RATE_HZ)


def after_fault(sound_before, sound_after):
    return np.concatenate((sound_before[:FAULT], sound_after[FAULT:]))


# ── all is well ──────────────────────────────────────────────────────────────────────────────────


def test_what_works_is_measured():
    watch = a_watch()
    assert watched(watch, NEAR, FAR, HEARD) == []
    assert watch.cancelled
    assert watch.delay_ms == pytest.approx(12.0, abs=0.5)
    assert watch.erle_db > 25


def test_before_anything_plays_it_is_trusted_and_measures_nothing():
    watch = a_watch()
    silence = np.zeros(len(FAR))
    assert watched(watch, NOISE, silence, NOISE) == []
    assert (watch.cancelled, watch.erle_db, watch.delay_ms) == (True, 0.0, 0.0)


@pytest.mark.parametrize("near_db", [-6, 0, 6])
def test_somebody_who_speaks_over_it_is_no_fault(near_db):
    person = voice(2, level_db=-32.0 + near_db)
    person[: 2 * RATE_HZ] = person[5 * RATE_HZ :] = 0
    watch = a_watch()
    assert watched(watch, NEAR + person, FAR, HEARD + person) == []
    assert watch.erle_db > 25


def test_an_echo_below_the_noise_is_no_fault():
    noise = hiss(len(FAR), -30.0)
    assert watched(a_watch(), ECHO + noise, FAR, ECHO + noise) == []


def test_a_quiet_reply_is_measured_too():
    watch = a_watch()
    assert watched(watch, ECHO / 10 + hiss(len(FAR), -75), FAR / 10, ECHO / 1000 + hiss(len(FAR), -75)) == []
    assert watch.delay_ms == pytest.approx(12.0, abs=0.5)


def test_a_dip_that_recovers_is_no_fault():
    """As when the microphone is moved."""
    moved = after_fault(ECHO, room(FAR, 14.0, -10.0, seed=8))
    dip = moved.copy()
    dip[FAULT + 3200 :] *= 0.01
    dip[:FAULT] *= 0.01
    assert watched(a_watch(), moved + NOISE, FAR, dip + NOISE) == []


def test_a_canceller_that_learns_for_a_second_is_trusted():
    heard = np.concatenate((ECHO[:14_000], 0.01 * ECHO[14_000:])) + NOISE
    assert watched(a_watch(), NEAR, FAR, heard) == []


# ── it fails ─────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("late_ms", [80, 300])
def test_a_far_end_that_comes_late_is_told_within_a_second(late_ms):
    far = late(FAR, late_ms * 16, FAULT)
    watch = a_watch()
    (told,) = watched(watch, NEAR, far, after_fault(HEARD, NEAR), playing=FAR)
    assert not told.cancelled
    assert FAULT_S < told.at_s <= FAULT_S + 1.0
    assert watch.delay_ms == pytest.approx(12 - late_ms, abs=1.0)
    assert watch.erle_db < 3


def test_a_far_end_that_falls_silent_while_it_plays_is_told_within_a_second():
    (told,) = watched(a_watch(), NEAR, after_fault(FAR, np.zeros(len(FAR))), after_fault(HEARD, NEAR), playing=FAR)
    assert not told.cancelled
    assert FAULT_S < told.at_s <= FAULT_S + 1.0


def test_a_canceller_that_lets_all_through_is_told_within_a_second():
    (told,) = watched(a_watch(), NEAR, FAR, after_fault(HEARD, NEAR))
    assert not told.cancelled
    assert FAULT_S < told.at_s <= FAULT_S + 1.0


def test_one_that_never_worked_is_found_out():
    told = watched(a_watch(), NEAR, FAR, NEAR)
    assert [change.cancelled for change in told] == [False]
    assert told[0].at_s < 2.5


def test_what_recovers_is_trusted_again():
    end = FAULT + 2 * RATE_HZ
    heard = np.concatenate((HEARD[:FAULT], NEAR[FAULT:end], HEARD[end:]))
    watch = a_watch()
    assert [change.cancelled for change in watched(watch, NEAR, FAR, heard)] == [False, True]


def test_who_speaks_in_a_pause_of_the_reply_is_no_fault():
    """Nothing plays then, so a far end without sound is as it should be."""
    far, person = FAR.copy(), voice(2)
    far[FAULT : FAULT + RATE_HZ] = 0
    person[:FAULT] = person[FAULT + RATE_HZ :] = 0
    echo = room(far)
    assert watched(a_watch(), echo + person + NOISE, far, 0.01 * echo + person + NOISE) == []


def test_blocks_of_any_length_change_nothing():
    one, other = a_watch(), a_watch()
    near, far, heard = s16(NEAR), s16(FAR), s16(HEARD)
    one.hear(near, far, heard, playing=True)
    for at in range(0, len(near), 1234):
        part = slice(at, at + 1234)
        other.hear(near[part], far[part], heard[part], playing=True)
    assert (one.erle_db, one.delay_ms) == (other.erle_db, other.delay_ms)


def test_figures_and_verdict_outlive_what_was_heard():
    watch = a_watch()
    watched(watch, NEAR, FAR, NEAR)
    before = watch.cancelled, watch.erle_db, watch.delay_ms
    watch.forget()
    assert (watch.cancelled, watch.erle_db, watch.delay_ms) == before
    assert not before[0]


# ── a voice that falls silent with us ────────────────────────────────────────────────────────────


def test_a_voice_that_fell_silent_with_us_twice_was_ours():
    watch = a_watch()
    watch.doubted("began")
    watch.doubted("ended")
    assert watch.cancelled
    watch.doubted("began")
    assert not watch.cancelled


def test_a_cough_is_forgiven_when_all_is_well_after_it():
    watch = a_watch()
    watch.doubted("began")
    watch.doubted("ended")
    watched(watch, NEAR, FAR, HEARD)
    watch.doubted("began")
    assert watch.cancelled


def test_somebody_who_was_sure_was_not_us():
    watch = a_watch()
    for edge in ("began", "sure", "ended", "began", "sure", "ended"):
        watch.doubted(edge)
    assert watch.cancelled


# ── a microphone that cancels by itself ──────────────────────────────────────────────────────────


def test_of_hardware_that_works_nothing_is_told():
    watch = a_watch(hardware=True)
    assert watched(watch, HEARD, FAR, HEARD) == []


def test_hardware_that_lets_us_through_is_told():
    loud = room(FAR, gain_db=-3.0) + NOISE
    (told,) = watched(a_watch(hardware=True), loud, FAR, loud)
    assert not told.cancelled


# ── delays ───────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("delay_ms", [-300, -40, 0, 25, 450])
def test_a_delay_is_found_on_both_sides(delay_ms):
    sound = np.random.default_rng(3).standard_normal(4000 + 4000).astype(np.float32)
    lag = lag_between(sound[2000:6000], sound[2000 - delay_ms * 4 : 6000 - delay_ms * 4])
    assert lag.delay_ms == delay_ms
    assert lag.peak > 20


def test_two_who_speak_at_once_do_not_correlate():
    one, other = (np.random.default_rng(seed).standard_normal(4000).astype(np.float32) for seed in (1, 2))
    assert lag_between(one, other).peak < 6


def test_silence_correlates_with_nothing():
    silence = np.zeros(4000, np.float32)
    assert lag_between(silence, silence).peak == 0.0
