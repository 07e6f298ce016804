"""How faults are written."""

from enum import Enum

import pytest

from antiphon.errors import SettingsError
from antiphon.simulator.faults import parse


class Kind(Enum):
    REFUSE = "refuse"
    CUT_AT_BYTE = "cut-at-byte"


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("refuse", (Kind.REFUSE, 0, "", ())),
        ("cut-at-byte=5", (Kind.CUT_AT_BYTE, 5, "", ())),
        ("cut-at-byte=-1", (Kind.CUT_AT_BYTE, -1, "", ())),
        ("refuse=:why not: 5", (Kind.REFUSE, 0, "why not: 5", ())),
        ("refuse=:a=b", (Kind.REFUSE, 0, "a=b", ())),
        ("cut-at-byte=5:wire@0-2,4", (Kind.CUT_AT_BYTE, 5, "wire", (0, 1, 2, 4))),
        ("refuse@7,", (Kind.REFUSE, 0, "", (7,))),
    ],
)
def test_a_fault_is_read(text, fault):
    assert parse(text, Kind, "calls") == fault


@pytest.mark.parametrize("text", ["", "explode", "REFUSE", "=5", "@1"])
def test_an_unknown_kind_is_met_with_those_there_are(text):
    with pytest.raises(SettingsError, match="is not known: use one of refuse, cut-at-byte"):
        parse(text, Kind, "calls")


@pytest.mark.parametrize("text", ["refuse=many", "refuse=1.5", "refuse@first", "refuse@1-x", "refuse@-1"])
def test_what_is_no_number_is_met_with_the_form(text):
    with pytest.raises(SettingsError, match=f"fault '{text}' is not of the form kind=number:detail@calls"):
        parse(text, Kind, "calls")
