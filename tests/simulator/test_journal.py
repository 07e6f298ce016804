"""The log: in memory, in a file, and told."""

import json
from pathlib import Path

import pytest

from antiphon.simulator.journal import Journal

FIRST, SECOND, THIRD = ({"t": float(number), "what": "closed", "session": number} for number in range(3))


def test_a_line_is_remembered_and_told():
    told = []
    journal = Journal(told.append)
    journal.write(FIRST)
    journal.write(SECOND)
    assert journal.lines == told == [FIRST, SECOND]


def test_a_file_has_each_line_at_once_while_it_is_open(tmp_path):
    file = tmp_path / "deep" / "down" / "events.jsonl"
    journal = Journal(None)
    journal.write(FIRST)
    journal.keep(file)
    journal.write(SECOND)
    assert json.loads(file.read_text()) == SECOND
    journal.close()
    journal.close()
    journal.write(THIRD)
    assert json.loads(file.read_text()) == SECOND
    assert journal.lines == [FIRST, SECOND, THIRD]


def test_a_file_goes_on_where_it_was(tmp_path):
    for line in (FIRST, SECOND):
        journal = Journal(None)
        journal.keep(tmp_path / "events.jsonl")
        journal.write(line)
        journal.close()
    assert [json.loads(line) for line in (tmp_path / "events.jsonl").read_text().splitlines()] == [FIRST, SECOND]


def test_a_place_where_nothing_can_be_kept_is_named():
    with pytest.raises(OSError, match="/dev/null/kept") as refused:
        Journal(None).keep(Path("/dev/null/kept/events.jsonl"))
    assert str(refused.value.filename) == "/dev/null/kept"
