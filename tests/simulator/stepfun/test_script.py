"""The default answers, and numbers as words."""

import pytest

from antiphon.simulator.stepfun.script import answer_to, in_words


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


def test_an_answer_tells_what_was_heard():
    assert answer_to("speech", 2.3, "").text == "I heard you speak for two point three seconds."
    assert answer_to("text", 0.0, "good day").text == "You wrote: good day"
    assert answer_to("tool", 0.0, "").text == "The tool has answered."
    assert answer_to("nothing", 0.0, "").text == "Hello there."
