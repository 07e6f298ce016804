"""How a finding looks in a file and on a terminal."""

import pytest

from antiphon.checkup.finding import Finding
from antiphon.checkup.telling import drawn, printed


@pytest.mark.parametrize(("verdict", "word"), [("ok", "ok"), ("warn", "WARN"), ("fail", "FAIL"), ("skip", "skip")])
def test_a_file_gets_words(capsys, verdict, word):
    printed(Finding("port", verdict, "nothing listens [there]", "see that it runs"))
    first, second = capsys.readouterr().out.splitlines()
    assert first.split(maxsplit=2) == [word, "port", "nothing listens [there]"]
    assert second.split(maxsplit=1) == ["->", "see that it runs"]


@pytest.mark.parametrize(("verdict", "sign"), [("ok", "✓"), ("warn", "!"), ("fail", "✗"), ("skip", "-")])
def test_a_terminal_gets_signs(capsys, verdict, sign):
    drawn(Finding("port", verdict, "nothing listens [there]", "see that it runs"))
    first, second = capsys.readouterr().out.splitlines()
    assert first.startswith(f"{sign} port ")
    assert first.endswith("nothing listens [there]")
    assert second.strip() == "see that it runs"
