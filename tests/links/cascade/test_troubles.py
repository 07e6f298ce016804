"""What goes wrong in a cascade: each sentence says in which of the three services, and names our settings."""

import pytest

from antiphon.errors import Garbled, Lost, Refused
from antiphon.links.cascade import troubles
from antiphon.speech.meanings import explain_status

WHERE = {"recognise": troubles.RECOGNISE, "answer": troubles.ANSWER, "speak": troubles.SPEAK}
DOING = {"recognise": "Recognising what was said: ", "answer": "Answering it: ", "speak": "Speaking the answer: "}


@pytest.mark.parametrize("kind", [Garbled, Lost, Refused])
def test_an_error_keeps_its_fault_and_says_where(kind):
    error = troubles.at("answer", kind("why"))
    assert type(error) is kind
    assert str(error) == "Answering it: why"


@pytest.mark.parametrize(
    ("stage", "setting"),
    [("recognise", "cascade.recognise_model"), ("answer", "cascade.chat_model"), ("speak", "cascade.speak_model")],
)
@pytest.mark.parametrize("status", [402, 404])
def test_what_the_owner_must_mend_is_named_by_its_setting(stage, setting, status):
    said = str(explain_status(status, b"", "there", WHERE[stage]))
    assert "cascade.url" in said
    assert setting in said or status == 402
    assert "speech." not in said


@pytest.mark.parametrize("stage", DOING)
def test_lateness_says_which_of_them(stage):
    assert str(troubles.slow(stage, "there", 8000)).startswith(f"{DOING[stage]}there was not done within 8 s")
    assert str(troubles.stalled(stage, "there", 500)).endswith("for 0.5 s: ask it again")
    assert str(troubles.stalled(stage, "there", 500)).startswith(DOING[stage])


def test_each_says_what_to_do_next():
    for error in (troubles.no_answer("there"), troubles.soundless("there"), troubles.endless("there")):
        assert ": " in str(error)
        assert "there" in str(error)
