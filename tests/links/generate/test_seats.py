"""How many replies may still be running that nobody hears."""

import pytest

from antiphon.links.generate.seats import LONGEST_S, MOST_LEFT, UNHEARD_S, Seats


def test_a_reply_left_behind_holds_its_seat_until_it_must_be_over():
    seats = Seats()
    seats.leave(100.0, made_s=60.0)
    assert seats.taken(100.0) == 1
    assert seats.taken(100.0 + LONGEST_S - 60.0 - 0.01) == 1
    assert seats.taken(100.0 + LONGEST_S - 60.0) == 0


def test_one_that_never_sounded_holds_it_longer():
    seats = Seats()
    seats.leave(0.0, made_s=0.0)
    assert seats.taken(UNHEARD_S - 0.01) == 1
    assert seats.taken(UNHEARD_S) == 0


def test_one_longer_than_any_is_over():
    seats = Seats()
    seats.leave(0.0, made_s=LONGEST_S + 5)
    assert seats.taken(0.0) == 0


def test_each_ends_in_its_own_time():
    seats = Seats()
    for number in range(5):
        seats.leave(float(number), made_s=1.0)
    assert [seats.taken(LONGEST_S - 1 + number) for number in range(-1, 5)] == [5, 4, 3, 2, 1, 0]


def test_a_later_reply_that_sounds_says_that_the_earlier_have_begun():
    seats = Seats()
    seats.leave(0.0, made_s=0.0)
    seats.sounded(10.0)
    assert seats.taken(10.0 + LONGEST_S - 0.01) == 1
    assert seats.taken(10.0 + LONGEST_S) == 0


def test_it_says_nothing_new_about_the_rest():
    seats = Seats()
    seats.leave(0.0, made_s=1.0)
    seats.leave(0.0, made_s=0.0)
    seats.sounded(UNHEARD_S - 1)
    assert seats.taken(UNHEARD_S - 1) == 1
    assert seats.taken(UNHEARD_S) == 0


@pytest.mark.parametrize(("count", "after"), [(MOST_LEFT, MOST_LEFT - 1), (3, 3), (0, 0)])
def test_a_whole_answer_shows_that_a_seat_is_free(count, after):
    seats = Seats()
    for number in range(count):
        seats.leave(float(number), made_s=0.0)
    seats.answered(100.0)
    assert seats.taken(100.0) == after
    assert seats.taken(100.0 + LONGEST_S - 0.01) == after  # which of them are over is not known
    assert seats.taken(100.0 + LONGEST_S) == 0


def test_those_that_would_be_first_are_taken_off():
    seats = Seats()
    for number in reversed(range(MOST_LEFT)):
        seats.leave(float(number), made_s=1.0)
    seats.answered(100.0)
    assert seats.taken(LONGEST_S - 0.01) == MOST_LEFT - 1
    assert seats.taken(LONGEST_S) == MOST_LEFT - 2


def test_a_server_that_has_ended_does_nothing_more():
    seats = Seats()
    seats.leave(0.0, made_s=1.0)
    seats.forget()
    assert seats.taken(0.0) == 0
