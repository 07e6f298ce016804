"""How late windows come is measured against playing them, and learned from reply to reply."""

import pytest

from antiphon.links.generate.cushion import FIRST_MS, MOST_MS, Arrivals, Cushion


def reply(*windows):
    """Of (arrival in seconds, length in milliseconds)."""
    arrivals = Arrivals()
    for at_s, ms in windows:
        arrivals.came(ms, 50.0 + at_s)
    return arrivals


def paced(seconds, count=5):
    """Windows of a second, made in `seconds` each."""
    return reply(*((number * seconds, 1000.0) for number in range(count)))


def test_a_server_faster_than_speech_is_never_late():
    assert paced(0.5).late_ms == 0
    assert paced(0.5).length_ms == 5000


def test_a_slower_one_is_later_with_each_window():
    assert paced(1.1).late_ms == pytest.approx(400)


def test_one_late_window_counts_though_the_rest_was_early():
    assert reply((0, 1000), (0.1, 1000), (2.3, 1000), (2.4, 1000)).late_ms == pytest.approx(300)


def test_a_window_that_came_in_pieces_is_one():
    assert reply((0, 300), (0.01, 700), (1.0, 1000)).late_ms == 0


def test_what_was_late_is_held_back_next_time():
    cushion = Cushion()
    assert cushion.hold_ms == FIRST_MS
    cushion.learn(paced(1.1))
    assert cushion.hold_ms == pytest.approx(400)


def test_no_wait_is_longer_than_the_bound():
    cushion = Cushion()
    cushion.learn(paced(3.0))
    assert cushion.hold_ms == MOST_MS


def test_good_replies_bring_it_down_slowly_to_its_floor():
    cushion = Cushion()
    cushion.learn(paced(1.2))
    holds = []
    for _ in range(30):
        cushion.learn(paced(0.5))
        holds.append(cushion.hold_ms)
    assert holds == sorted(holds, reverse=True)
    assert holds[0] > 600
    assert holds[-1] == FIRST_MS


def test_a_reply_of_one_window_tells_nothing():
    cushion = Cushion()
    cushion.learn(paced(1.1))
    cushion.learn(paced(0.5, count=1))
    cushion.learn(Arrivals())
    assert cushion.hold_ms == pytest.approx(400)
