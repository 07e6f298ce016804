"""Whoever asks is answered once: by the news, or when it does not come."""

from hypothesis import given
from hypothesis import strategies as st

from antiphon.conversation.asks import Asks, answer
from antiphon.conversation.effects import Answer


def test_nobody_is_told_where_nobody_asked() -> None:
    assert answer(None, "no") == []
    assert answer(3) == [Answer(3)]
    asks = Asks(2.0, "silence")
    asks.wait(None, 10.0)
    assert (asks.news(), asks.deadline) == ([], None)


def test_all_are_told_the_news() -> None:
    asks = Asks(2.0, "silence")
    asks.wait(1, 10.0)
    asks.wait(2, 11.0)
    assert asks.news("why") == [Answer(1, "why"), Answer(2, "why")]
    assert (asks.news(), asks.deadline) == ([], None)


def test_who_has_waited_too_long_is_told_that() -> None:
    asks = Asks(2.0, "silence")
    asks.wait(1, 10.0)
    asks.wait(2, 11.0)
    assert asks.deadline == 12.0
    assert asks.tick(11.9) == []
    assert asks.tick(12.0) == [Answer(1, "silence")]
    assert asks.news() == [Answer(2)]


@given(st.lists(st.sampled_from(["wait", "news", "tick", "late"]), max_size=40))
def test_each_is_answered_once(happenings: list[str]) -> None:
    asks, told, asked, now = Asks(2.0, "silence"), [], 0, 0.0
    for what in [*happenings, "news"]:
        now += 0.7
        if what == "wait":
            asked += 1
            asks.wait(asked, now)
        elif what == "news":
            told += asks.news()
        else:
            told += asks.tick(now + 5.0 * (what == "late"))
    assert [one.ask for one in told] == list(range(1, asked + 1))
