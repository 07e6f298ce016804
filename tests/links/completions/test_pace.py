"""How long a text takes to be spoken, and what was heard of it."""

import pytest

from antiphon.links.completions.pace import FASTEST, heard_of, weight

COUNT = "one two three four five six seven eight"


def test_a_chinese_character_takes_as_long_as_three_letters():
    assert weight("") == 0
    assert weight("Hello") == 5
    assert weight("\u4f60\u597d") == 6
    assert weight("\u4f60\u597d, Bob") == 11


@pytest.mark.parametrize(
    ("heard_ms", "length_ms", "kept"),
    [
        (2000, 4000, "one two three four"),
        (4000, 4000, COUNT),
        (9000, 4000, COUNT),
        (0, 4000, ""),
        (-1, 4000, ""),
        (100, 0, ""),
        (500, 500, "one two three"),  # as fast as anybody speaks
    ],
)
def test_words_are_kept_in_proportion_but_no_more_than_can_be_said(heard_ms, length_ms, kept):
    assert heard_of(COUNT, heard_ms, length_ms) == kept
    assert len(kept) <= FASTEST * max(0, heard_ms) / 1000


def test_of_no_text_nothing_was_heard():
    assert heard_of("", 100, 100) == ""
