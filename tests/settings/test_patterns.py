"""What an owner may give as a pattern, and that nobody can keep the process busy with it."""

import pytest

from antiphon.settings.patterns import LONGEST_TEXT, fits, trouble


@pytest.mark.parametrize(
    "pattern",
    [
        "[a-z ]{1,40}", "on|off", "(kitchen|hall) lamp", r"\d+", r"\d{1,2}:\d{2}", "(?i)(on|off)", "(?:a|b)c*",
        "a?b?c?d?",
        r"\(a+\)*", "[(|)*+]+", "(ab){2,3}", r"[\]a]+", "[]a]+", "(abc)+", "(a|b)?", "(a+)?", "a{3}b{4}c{5}d{6}",
    ],
)  # fmt: skip
def test_plain_patterns_can_be_used(pattern: str) -> None:
    assert trouble(pattern) == ""


@pytest.mark.parametrize(
    ("pattern", "words"),
    [
        ("(", "is no regular expression"), ("[a", "is no regular expression"), ("*", "is no regular expression"),
        ("(a+)+", "inside a repetition"), ("(a*)*b", "inside a repetition"), ("(a|a)*", "inside a repetition"),
        ("((a+))+", "inside a repetition"), ("(?:a?)+", "inside a repetition"), ("(a{1,9}){2}", "inside a repetition"),
        ("(x(a|b))+", "inside a repetition"), (r"([\w]+\s?)*", "inside a repetition"), ("a*a*a*a*", "more than 3"),
        ("(?=a)b", "(?…)"), ("(?P<n>a)", "(?…)"), ("(?x) a", "(?…)"),
    ],
)  # fmt: skip
def test_what_may_take_for_ever_is_refused(pattern: str, words: str) -> None:
    assert words in trouble(pattern)


def test_all_of_a_text_must_fit() -> None:
    assert fits("[a-z]+", "lamp")
    for text in ("lamp; rm -rf /", "lamp\n", "", "Lamp", " lamp"):
        assert not fits("[a-z]+", text)
    assert not fits("(on|off)", "on\noff")
    assert fits("a*", "a" * LONGEST_TEXT)
    assert not fits("a*", "a" * (LONGEST_TEXT + 1))
