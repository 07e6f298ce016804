"""The user's turn: who judges it, and what is kept when the judge is lost."""

import pytest

from antiphon.conversation.turn import UserTurn


@pytest.mark.parametrize(
    ("here", "began", "over"), [("quiet", False, False), ("speech", True, False), ("ended", True, True)]
)
def test_the_ear_goes_on_from_what_it_has_heard_itself(here, began, over):
    turn = UserTurn(by_word=True, here=here)
    turn.for_ear()
    assert (turn.began, turn.over) == (began, over)


def test_the_ear_takes_over_what_a_service_had_judged():
    turn = UserTurn(by_word=True, began=True, over=True)
    turn.for_ear()
    assert (turn.began, turn.over) == (True, True)


def test_a_service_judges_anew():
    turn = UserTurn(by_word=False, here="ended", began=True, over=True)
    turn.for_service()
    assert (turn.began, turn.over, turn.here) == (False, False, "ended")
