"""Marks of voice in, edges of turns out."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from antiphon.audio.endpoint import Endpointer


def marks(pattern: str) -> list[bool]:
    """`v` is 20 ms of voice, `.` 20 ms without."""
    return [mark == "v" for mark in pattern]


def edges(pattern: str, min_speech_ms: int = 60, trailing_silence_ms: int = 100) -> list[tuple[int, str]]:
    """The edges, each with the number of the mark that brought it."""
    judge = Endpointer(min_speech_ms, trailing_silence_ms)
    return [(at, edge) for at, mark in enumerate(marks(pattern)) for edge in judge.hear([mark])]


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
    judge = Endpointer(60, 100)
    assert judge.hear(marks("vvvv....")) == ["began"]
    judge.restart()
    assert judge.hear(marks(".........")) == []
    assert judge.hear(marks("vvv")) == ["began"]


def test_restart_forgets_voice_too_short_to_be_a_turn():
    judge = Endpointer(60, 100)
    judge.hear(marks("vv"))
    judge.restart()
    assert judge.hear(marks("v")) == []


@given(st.lists(st.booleans(), max_size=200), st.integers(1, 20))
def test_blocks_change_nothing_and_edges_alternate(sound, block):
    whole = Endpointer(100, 200).hear(sound)
    judge = Endpointer(100, 200)
    assert [edge for at in range(0, len(sound), block) for edge in judge.hear(sound[at : at + block])] == whole
    assert whole == ["began", "ended"] * (len(whole) // 2) + ["began"] * (len(whole) % 2)
