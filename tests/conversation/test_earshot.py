"""What the mind knows of the ear."""

from antiphon.conversation.earshot import RETRY_S, Earshot
from antiphon.conversation.effects import CloseEar, OpenEar, RestEar, StreamEar
from antiphon.errors import Problem

GONE = Problem("device", "mic: gone. Plug it in")


def test_it_streams_and_rests_once() -> None:
    ear = Earshot()
    ear.opened()
    assert ear.stream(True, 300.0) == [StreamEar(300.0)]
    assert ear.stream(True) == []
    assert ear.stream(False) == [RestEar()]
    assert ear.stream(False) == []


def test_a_closed_ear_does_not_stream() -> None:
    ear = Earshot()
    ear.opened()
    ear.stream(True)
    ear.closed(GONE, 1.0)
    assert not ear.open
    assert ear.stream(False) == [], "nobody is told to rest who does not stream"


def test_a_failure_is_news_once_until_it_has_been_open_again() -> None:
    ear = Earshot()
    ear.opened()
    assert ear.closed(GONE, 1.0)
    assert not ear.closed(GONE, 6.0)
    ear.opened()
    assert ear.closed(GONE, 9.0)


def test_it_is_tried_again_in_time_while_it_is_wanted() -> None:
    ear = Earshot()
    ear.closed(GONE, 10.0)
    assert ear.deadline == 10.0 + RETRY_S
    assert ear.tick(10.0 + RETRY_S - 0.001) == []
    assert ear.tick(10.0 + RETRY_S) == [OpenEar()]
    assert ear.deadline == 10.0 + 2 * RETRY_S
    ear.opened()
    assert ear.deadline is None


def test_a_muted_ear_stays_closed_whatever_happens_to_the_card() -> None:
    ear = Earshot()
    ear.opened()
    assert ear.mute() == [CloseEar()]
    assert not ear.closed(None, 1.0)
    ear.closed(GONE, 2.0)
    assert ear.deadline is None
    assert ear.tick(1e9) == []


def test_unmuting_opens_it() -> None:
    ear = Earshot()
    ear.mute()
    assert ear.unmute() == [OpenEar()]
    assert ear.wanted
    assert ear.mute() == [CloseEar()], "while it opens"
    assert not ear.wanted


def test_it_is_closing_until_every_order_is_obeyed() -> None:
    ear = Earshot()
    ear.mute()
    ear.unmute()
    ear.mute()
    ear.closed(GONE, 1.0)
    assert ear.closing == 2, "that was nobody's order"
    ear.closed(None, 1.0)
    assert ear.closing == 1
    ear.closed(None, 1.0)
    ear.closed(None, 1.0)
    assert ear.closing == 0
