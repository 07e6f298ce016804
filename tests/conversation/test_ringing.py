"""What has run out rings until somebody has heard it, or for a minute; in a conversation once."""

from antiphon.conversation.effects import Chime
from antiphon.conversation.ringing import EVERY_S, LIMIT_S, NAMELESS, Ringing

RING = [Chime("timer")]


def rung_out(ringing: Ringing) -> list[float]:
    """When it rings, from now until it rings no more."""
    times = []
    while ringing.deadline is not None:
        now = ringing.deadline
        if ringing.tick(now):
            times.append(now)
    return times


def test_it_rings_for_a_minute() -> None:
    ringing = Ringing()
    assert ringing.due("tea", 100.0, quiet=True) == RING
    assert (ringing.label, ringing.heard) == ("tea", True)
    assert ringing.tick(100.0 + EVERY_S - 0.01) == []
    times = [100.0, *rung_out(ringing)]
    assert times == [100.0 + EVERY_S * number for number in range(len(times))]
    assert times[-1] + EVERY_S == 100.0 + LIMIT_S
    assert ringing.label == ""
    assert not ringing.stop()


def test_a_conversation_is_not_counted() -> None:
    ringing = Ringing()
    assert ringing.due("", 100.0, quiet=False) == RING
    assert (ringing.label, ringing.heard, ringing.deadline) == (NAMELESS, False, None)
    ringing.mind(500.0, quiet=False)
    assert ringing.deadline is None
    ringing.mind(501.0, quiet=True)
    assert (ringing.deadline, ringing.heard) == (501.0 + EVERY_S, True)
    ringing.mind(502.0, quiet=True)
    assert ringing.deadline == 501.0 + EVERY_S
    assert ringing.tick(503.0) == RING
    ringing.mind(504.0, quiet=False)
    assert ringing.deadline is None
    ringing.mind(600.0, quiet=True)
    assert len(rung_out(ringing)) == round(LIMIT_S / EVERY_S) - 2


def test_whoever_has_heard_it_ends_it() -> None:
    ringing = Ringing()
    ringing.due("tea", 100.0, quiet=True)
    assert ringing.stop()
    assert (ringing.label, ringing.heard, ringing.deadline) == ("", False, None)
    ringing.mind(101.0, quiet=True)
    assert ringing.deadline is None
    assert not ringing.stop()


def test_several_ring_as_one() -> None:
    ringing = Ringing()
    for label in ("tea", "eggs", "tea", *map(str, range(20))):
        ringing.due(label, 100.0, quiet=True)
    assert ringing.label == "tea, eggs, 0, 1, 2, 3, 4, 5"
    assert len(rung_out(ringing)) == round(LIMIT_S / EVERY_S) - 1
