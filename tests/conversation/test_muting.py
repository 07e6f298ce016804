"""Who keeps the microphone closed, and who is told of it."""

from antiphon.conversation.effects import Answer
from antiphon.conversation.muting import BY_HAND, BY_SWITCH, Muting


def test_the_switch_comes_before_the_hand() -> None:
    muting = Muting(by_hand=False)
    assert muting.why == ""
    muting.by_hand = True
    assert muting.why == BY_HAND
    muting.switched_off = True
    assert muting.why == BY_SWITCH


def test_who_waits_for_one_thing_is_told_when_the_contrary_is_wanted() -> None:
    muting = Muting(by_hand=False)
    muting.await_closing(1, 10.0)
    assert muting.closes() == []
    (told,) = muting.opens()
    assert isinstance(told, Answer)
    assert (told.ask, bool(told.problem)) == (1, True)
    muting.await_opening(2, 11.0)
    assert muting.closed() == []
    (told,) = muting.closes()
    assert isinstance(told, Answer)
    assert (told.ask, bool(told.problem)) == (2, True)


def test_facts_answer() -> None:
    muting = Muting(by_hand=False)
    muting.await_closing(1, 10.0)
    assert muting.closed() == [Answer(1)]
    muting.await_opening(2, 11.0)
    assert muting.opened("gone") == [Answer(2, "gone")]
    assert muting.deadline is None


def test_nobody_waits_for_ever() -> None:
    muting = Muting(by_hand=True)
    muting.await_closing(1, 10.0)
    muting.await_opening(2, 11.0)
    assert muting.deadline is not None
    assert [one.ask for one in muting.tick(muting.deadline) if isinstance(one, Answer)] == [1]
    assert muting.forget("over") == [Answer(2, "over")]
