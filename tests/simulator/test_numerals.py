"""Numbers as words."""

import pytest

from antiphon.simulator.numerals import in_words


@pytest.mark.parametrize(
    ("number", "words"),
    [
        (0, "zero"),
        (2.3, "two point three"),
        (2.96, "three"),
        (17, "seventeen"),
        (40, "forty"),
        (61.5, "sixty one point five"),
        (305, "three hundred five"),
        (1800, "one thousand eight hundred"),
    ],
)
def test_numbers_are_said_as_words(number, words):
    assert in_words(number) == words
