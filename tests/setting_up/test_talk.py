"""Questions and answers, by somebody who types what is written down for him."""

import pytest

from antiphon.setting_up.talk import Talk


class Scripted(Talk):
    """Types these lines; what is shown is kept."""

    def __init__(self, *lines):
        self.lines, self.shown = list(lines), []

    def say(self, line=""):
        self.shown.append(line)

    def _read(self, prompt):
        self.shown.append(prompt)
        if not self.lines:
            raise EOFError
        return self.lines.pop(0)


def test_enter_takes_what_stands_there():
    talk = Scripted("", "  my own ")
    assert talk.ask("Where", "here") == "here"
    assert talk.ask("Where", "here") == "my own"
    assert talk.shown[0] == "Where [here]: "


@pytest.mark.parametrize(("typed", "default", "answer"), [("", True, True), ("", False, False), ("No", True, False)])
def test_yes_or_no(typed, default, answer):
    assert Scripted(typed).yes("Well?", default=default) is answer


def test_what_is_no_answer_is_asked_again():
    talk = Scripted("x", "0", "99", "two", "2")
    assert talk.choose("Which", ["a", "b", "c"], 0) == 1
    assert talk.shown.count("A number from 1 to 3, please.") == 4
    talk = Scripted("q", "n")
    assert talk.yes("Well?", default=True) is False
    assert "One of y, n, please." in talk.shown


def test_a_choice_shows_all_and_where_enter_leads():
    talk = Scripted("")
    assert talk.choose("Which", ["a", "b"], 1) == 1
    assert talk.shown == ["   1  a", "   2  b", "Which [2]: "]


def test_who_hangs_up_is_not_asked_for_ever():
    with pytest.raises(EOFError):
        Scripted().ask("Where", "here")
