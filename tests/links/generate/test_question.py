"""No word of a turn is lost, unless it is longer than the server survives: then its beginning is, cut in a pause."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from antiphon.links.generate.question import LONGEST_MS, MARK_MS, SEARCHED_MS, SLICE_MS, Question, quietest
from antiphon.pcm import bytes_of, frames_in, samples_of

NOISE = np.random.default_rng(3).integers(-9000, 9000, 24_000).astype(np.int16)


def sine(ms, rate_hz, hz=300):
    """Loud, and of the same shape at every rate."""
    return np.rint(9000 * np.sin(2 * np.pi * hz * np.arange(frames_in(ms, rate_hz)) / rate_hz)).astype(np.int16)


def ask(*pieces):
    question = Question()
    for piece in pieces:
        question.add(bytes_of(piece))
    return end(question)


def end(question):
    """The turn is over, and there is time to make it ready."""
    while question.work():
        pass
    return question.end()


def test_speech_is_all_there_at_16_khz():
    asked = ask(sine(1000, 24_000))
    assert asked.left_out_ms == 0
    heard = samples_of(asked.pcm).astype(int)
    assert len(heard) == 16_000
    assert np.abs(heard - sine(1000, 16_000))[100:-100].max() <= 2


@given(st.lists(st.integers(0, 24_000), max_size=8))
def test_pieces_do_not_matter(places):
    whole, pieces = ask(NOISE), ask(*np.split(NOISE, sorted(places)))
    assert len(whole.pcm) == len(pieces.pcm)
    assert np.abs(samples_of(whole.pcm).astype(int) - samples_of(pieces.pcm)).max() <= 1


def test_what_comes_at_once_is_made_ready_in_slices():
    question = Question()
    question.add(bytes_of(sine(10_000, 24_000)))
    assert question.work()
    assert len(question._kept) <= 2 * frames_in(2 * SLICE_MS, 16_000)
    for _ in range(20_000 // SLICE_MS):  # what comes in its own time takes one of the kept along
        question.add(bytes_of(sine(SLICE_MS / 2, 24_000)))
    assert not question.work()
    assert len(samples_of(end(question).pcm)) == frames_in(20_000, 16_000)


def test_silence_is_something_and_nothing_is_not():
    question = Question()
    question.add(b"")
    assert question.empty
    question.add(bytes(2))
    question.add(b"")
    assert not question.empty


def test_what_was_asked_is_let_go():
    question = Question()
    question.add(bytes_of(NOISE))
    assert end(question).pcm
    assert len(question._kept) + len(question._raw) == 0


def test_half_a_sample_is_dropped():
    question = Question()
    question.add(bytes_of(NOISE) + b"\x01")
    assert end(question) == ask(NOISE)


def test_a_minute_is_asked_whole():
    asked = ask(*[sine(20_000, 24_000)] * 3)
    assert asked.left_out_ms == 0
    assert len(samples_of(asked.pcm)) == frames_in(60_000, 16_000)


@pytest.mark.parametrize("piece_ms", [40, 75_000])
def test_of_more_than_a_minute_the_end_is_asked_from_a_pause_on(piece_ms):
    speech = sine(75_000, 24_000)
    at = frames_in(18_000, 24_000)  # 3 s into the last minute
    speech[at : at + frames_in(200, 24_000)] = 0
    whole = frames_in(piece_ms, 24_000)
    asked = ask(*np.split(speech, range(whole, len(speech), whole)))
    assert 18_000 <= asked.left_out_ms <= 18_200
    heard = samples_of(asked.pcm)
    assert len(heard) == frames_in(75_000 - asked.left_out_ms, 16_000)
    assert np.abs(heard[: frames_in(20, 16_000)]).max() <= 2
    assert np.array_equal(np.abs(heard[-16_000:]).max(), np.abs(sine(1000, 16_000)).max())


def test_what_can_never_be_sent_is_not_kept():
    question = Question()
    for _ in range(10):
        question.add(bytes_of(sine(10_000, 24_000)))
        assert len(question._kept) <= 2 * frames_in(LONGEST_MS, 16_000)
        assert len(question._raw) <= 2 * frames_in(LONGEST_MS, 24_000)
    asked = end(question)
    assert 40_000 <= asked.left_out_ms <= 40_000 + SEARCHED_MS
    assert len(samples_of(asked.pcm)) == frames_in(100_000 - asked.left_out_ms, 16_000)


def test_one_sample_too_many_costs_no_more_than_the_search():
    speech = sine(60_000, 24_000)
    asked = ask(speech, speech[:30])
    assert asked.left_out_ms <= SEARCHED_MS
    assert len(samples_of(asked.pcm)) <= frames_in(LONGEST_MS, 16_000)


# ── the quietest moment ──────────────────────────────────────────────────────────────────────────

MARK = frames_in(MARK_MS, 16_000)


@given(st.integers(0, SEARCHED_MS // MARK_MS - 1), st.integers(1, 30_000))
def test_the_quiet_mark_is_found(number, loudness):
    samples = np.full(frames_in(SEARCHED_MS + 5000, 16_000), loudness, np.int16)
    samples[number * MARK : (number + 1) * MARK] = loudness // 2
    assert quietest(samples) == number * MARK


def test_quiet_that_comes_too_late_is_not_looked_at():
    samples = np.full(frames_in(SEARCHED_MS + 5000, 16_000), 500, np.int16)
    samples[frames_in(SEARCHED_MS, 16_000) :] = 0
    assert quietest(samples) == 0


def test_the_loudest_samples_do_not_overflow():
    samples = np.full(10 * MARK, -32_768, np.int16)
    samples[3 * MARK : 4 * MARK] = 32_000
    assert quietest(samples) == 3 * MARK


@pytest.mark.parametrize("length", [0, 1, MARK - 1])
def test_less_than_a_mark_is_kept_whole(length):
    assert quietest(np.ones(length, np.int16)) == 0
