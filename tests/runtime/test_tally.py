"""Counters become lines of the log."""

from antiphon.runtime.tally import Tally


def test_only_what_has_grown_is_told_and_by_how_much() -> None:
    tally = Tally()
    assert tally.grown({"a": 0, "b": 2}) == {"b": 2}
    assert tally.grown({"a": 0, "b": 2}) == {}
    assert tally.grown({"a": 1, "b": 5}) == {"a": 1, "b": 3}


def test_a_counter_that_begins_anew_counts_from_nothing() -> None:
    tally = Tally()
    tally.grown({"a": 7})
    assert tally.grown({"a": 3}) == {"a": 3}
    assert tally.grown({"a": 0}) == {}
