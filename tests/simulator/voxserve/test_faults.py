"""Faults as text, whom they strike, and where an answer ends."""

import pytest

from antiphon.errors import SettingsError
from antiphon.simulator.voxserve.faults import GARBAGE, Ending, Fault, Faults, Kind, garbled_header, parse_fault
from antiphon.simulator.voxserve.windows import header


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("refuse", Fault(Kind.REFUSE)),
        ("status=503:Later@1-3", Fault(Kind.STATUS, 503, "Later", (1, 2, 3))),
        ("cut=48044@0,2", Fault(Kind.CUT, 48_044, "", (0, 2))),
        ("stall=9:wire", Fault(Kind.STALL, 9, "wire")),
        ("garbage=:text", Fault(Kind.GARBAGE, 0, "text")),
        ("dead@5", Fault(Kind.DEAD, 0, "", (5,))),
    ],
)
def test_faults_are_read_from_text(text, fault):
    assert parse_fault(text) == fault


@pytest.mark.parametrize(
    "text",
    ["", "explode", "status", "status=many", "refuse@first", "garbage=:rude", "cut=1:x", "cut=-1", "slow", "rate=0"],
)
def test_a_fault_that_cannot_be_read_says_what_is_allowed(text):
    with pytest.raises(SettingsError, match="fault"):
        parse_fault(text)


def test_whom_they_strike():
    faults = Faults((Fault(Kind.BUSY, requests=(1,)), Fault(Kind.STATUS, 500, requests=(2,)), Fault(Kind.STATUS, 503)))
    assert [bool(faults.of(Kind.BUSY, number)) for number in range(3)] == [False, True, False]
    assert [faults.of(Kind.STATUS, number).at for number in range(4)] == [503, 503, 500, 503]


def test_the_dead_stay_dead():
    assert [Faults((Fault(Kind.DEAD, requests=(2,)),)).dead_by(number) for number in range(4)] == [False] * 2 + [
        True
    ] * 2
    assert Faults((Fault(Kind.DEAD),)).dead_by(0)
    assert not Faults(()).dead_by(99)


def test_loading():
    assert Faults((Fault(Kind.LOADING, 1500),)).loading_s == 1.5
    assert Faults(()).loading_s == 0


def leaves(ending, *pieces):
    got = []
    for before, body, after in pieces:
        if ending.come:
            break
        got.append(ending.allowed(before, body, after))
    return b"".join(got), ending.come


PIECES = ((b"head", b"", b""), (b"<", b"abcd", b">"), (b"<", b"efgh", b">"), (b"", b"end", b""))


@pytest.mark.parametrize(
    ("left", "out", "come"),
    [
        (0, b"head", True),
        (1, b"head<a", True),
        (4, b"head<abcd>", True),
        (5, b"head<abcd><e", True),
        (12, b"head<abcd><efgh>end", False),
    ],
)
def test_an_ending_counts_the_body(left, out, come):
    assert leaves(Ending(Kind.CUT, left, on_wire=False), *PIECES) == (out, come)


@pytest.mark.parametrize("left", range(20))
def test_an_ending_on_the_wire_counts_everything(left):
    whole = b"".join(b"".join(piece) for piece in PIECES)
    assert leaves(Ending(Kind.CUT, left, on_wire=True), *PIECES) == (whole[:left], left <= len(whole))


def test_only_endings_end():
    assert Faults((Fault(Kind.BUSY),)).ending(0) is None
    assert Faults((Fault(Kind.STALL, 3),)).ending(0).kind is Kind.STALL


@pytest.mark.parametrize("how", [*GARBAGE, ""])
def test_garbage_is_no_header(how):
    good = header(None)
    bad = garbled_header(good, how)
    assert bad != good
    assert bad == garbled_header(good, how)
