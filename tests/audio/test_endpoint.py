"""Marks of voice in, edges of turns out."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from antiphon.audio.endpoint import Edge, Endpointer
from antiphon.audio.level import SILENCE_DB
from antiphon.audio.marks import Mark

NONE, SPEECH = Mark(SILENCE_DB, -50.0), Mark(-20.0, -50.0)
LONG_MS = 60_000


def marks(pattern: str) -> list[Mark]:
    """`v` is 20 ms of speech, `.` 20 ms without."""
    return [SPEECH if mark == "v" else NONE for mark in pattern]


def edges(pattern: str, min_speech_ms: int = 60, trailing_silence_ms: int = 100) -> list[tuple[int, str]]:
    """The edges, each with the number of the mark that brought it."""
    return judged(Endpointer(min_speech_ms, trailing_silence_ms, LONG_MS), marks(pattern))


def judged(judge: Endpointer, sound: list[Mark]) -> list[tuple[int, Edge]]:
    return [(at, edge) for at, mark in enumerate(sound) for edge in judge.hear([mark])]


def test_turn_begins_and_ends():
    assert edges("...vvvvvv.....") == [(5, "began"), (13, "ended")]


def test_silence_is_no_turn():
    assert edges("." * 100) == []


def test_clicks_do_not_add_up():
    assert edges("v.v.vv..v.v." * 20) == []


def test_voice_with_a_hole_in_it_counts():
    assert edges("vv.vv") == [(4, "began")]


def test_pause_shorter_than_the_limit_is_part_of_the_turn():
    assert edges("vvv....v....v.....") == [(2, "began"), (17, "ended")]


def test_second_turn_is_judged_as_the_first():
    assert edges("vvv.....vv..vvv.....") == [(2, "began"), (7, "ended"), (14, "began"), (19, "ended")]


@pytest.mark.parametrize(("min_speech_ms", "at"), [(0, 0), (1, 0), (20, 0), (21, 1), (200, 9)])
def test_minimum_is_rounded_up_to_marks(min_speech_ms, at):
    assert edges("v" * 20, min_speech_ms) == [(at, "began")]


def test_restart_forgets_a_turn_half_heard():
    judge = Endpointer(60, 100, LONG_MS)
    assert judge.hear(marks("vvvv....")) == ["began"]
    judge.restart()
    assert judge.hear(marks(".........")) == []
    assert judge.hear(marks("vvv")) == ["began"]


def test_restart_forgets_voice_too_short_to_be_a_turn():
    judge = Endpointer(60, 100, LONG_MS)
    judge.hear(marks("vv"))
    judge.restart()
    assert judge.hear(marks("v")) == []


def test_noise_that_began_in_the_turn_was_silence_once_it_is_known():
    noise_unknown, noise_known = Mark(-40.0, -50.0), Mark(-40.0, -35.0)
    sound = [SPEECH] * 5 + [noise_unknown] * 50 + [noise_known] * 3
    assert judged(Endpointer(60, 100, LONG_MS), sound) == [(2, "began"), (55, "ended")]


def test_speech_over_a_noise_that_becomes_known_stays_speech():
    loud, noise_known = Mark(-20.0, -50.0), Mark(-40.0, -35.0)
    sound = [loud] * 5 + [noise_known] * 5
    assert judged(Endpointer(60, 100, LONG_MS), sound) == [(2, "began"), (9, "ended")]


def test_noise_that_is_over_does_not_become_speech():
    noise_known, quiet = Mark(-40.0, -35.0), Mark(SILENCE_DB, -70.0)
    sound = [SPEECH] * 5 + [noise_known] * 3 + [quiet] * 2
    assert judged(Endpointer(60, 100, LONG_MS), sound) == [(2, "began"), (9, "ended")]


def test_a_turn_is_at_least_as_long_as_its_silence():
    """Even when all of it turns out to be noise."""
    sound = [Mark(-40.0, -50.0)] * 3 + [Mark(-40.0, -35.0)] * 10
    assert judged(Endpointer(60, 100, LONG_MS), sound) == [(2, "began"), (7, "ended")]


def test_what_never_pauses_ends_at_the_maximum_and_may_begin_again():
    assert judged(Endpointer(60, 100, 400), [SPEECH] * 30) == [(2, "began"), (22, "ended"), (25, "began")]


def test_a_maximum_is_counted_from_the_beginning_of_its_turn():
    assert judged(Endpointer(60, 100, 400), [NONE] * 100 + [SPEECH] * 25) == [(102, "began"), (122, "ended")]


@given(
    st.lists(st.sampled_from([SPEECH, NONE, Mark(-40.0, -50.0), Mark(-40.0, -35.0)]), max_size=200), st.integers(1, 20)
)
def test_blocks_change_nothing_and_edges_alternate(sound, block):
    whole = Endpointer(100, 200, LONG_MS).hear(sound)
    judge = Endpointer(100, 200, LONG_MS)
    assert [edge for at in range(0, len(sound), block) for edge in judge.hear(sound[at : at + block])] == whole
    assert whole == ["began", "ended"] * (len(whole) // 2) + ["began"] * (len(whole) % 2)
