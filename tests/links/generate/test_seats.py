"""How many replies may still be running that nobody hears."""

import pytest

from antiphon.links.generate.seats import LONGEST_S, MOST_LEFT, UNHEARD_S, Seats

JUST_BEFORE_S = 0.01


def left(seats, asked_s=0.0, *, made_s=0.0, after_s=0.0, count=1):
    """So many replies that were left `after_s` after they were asked."""
    for _ in range(count):
        seats.leave(asked_s, asked_s + after_s, made_s)
    return seats


def test_a_reply_left_behind_holds_its_seat_until_it_must_be_over():
    seats = left(Seats(), 40.0, made_s=60.0, after_s=60.0)
    assert seats.taken(100.0) == 1
    assert seats.taken(100.0 + LONGEST_S - 60.0 - JUST_BEFORE_S) == 1
    assert seats.taken(100.0 + LONGEST_S - 60.0) == 0


@pytest.mark.parametrize(
    ("made_s", "after_s", "rest_s"),
    [
        (20.0, 10.0, (LONGEST_S - 20) / 2),
        (12.0, 3.0, (LONGEST_S - 12) / 4),
        (1.0, 5.0, LONGEST_S - 1),  # slower than speech: most of it was the wait before its first sound
    ],
)
def test_its_rest_is_made_as_fast_as_what_came(made_s, after_s, rest_s):
    seats = left(Seats(), made_s=made_s, after_s=after_s)
    assert seats.taken(after_s + rest_s - JUST_BEFORE_S) == 1
    assert seats.taken(after_s + rest_s + JUST_BEFORE_S) == 0


def test_seven_interruptions_do_not_keep_a_fast_server_busy():
    seats = Seats()
    for number in range(MOST_LEFT):
        left(seats, 20.0 * number, made_s=15.0, after_s=5.0)
    assert seats.taken(20.0 * MOST_LEFT) == 2


def test_one_that_never_sounded_holds_it_longer():
    seats = left(Seats())
    assert seats.taken(UNHEARD_S - JUST_BEFORE_S) == 1
    assert seats.taken(UNHEARD_S) == 0


def test_one_longer_than_any_is_over():
    assert left(Seats(), made_s=LONGEST_S + 5, after_s=1.0).taken(1.0) == 0


def test_each_ends_in_its_own_time():
    seats = Seats()
    for number in range(5):
        left(seats, number - 1.0, made_s=1.0, after_s=1.0)
    assert [seats.taken(LONGEST_S - 1 + number) for number in range(-1, 5)] == [5, 4, 3, 2, 1, 0]


def test_a_later_reply_that_sounds_says_that_the_earlier_have_begun():
    seats = left(Seats())
    seats.sounded(10.0)
    assert seats.taken(10.0 + LONGEST_S - JUST_BEFORE_S) == 1
    assert seats.taken(10.0 + LONGEST_S) == 0


def test_it_says_nothing_new_about_the_rest():
    seats = left(left(Seats()), made_s=1.0, after_s=1.0)
    seats.sounded(UNHEARD_S - 1)
    assert seats.taken(UNHEARD_S - 1) == 1
    assert seats.taken(UNHEARD_S) == 0


def test_of_the_earlier_as_much_was_made_as_of_a_later_one():
    seats = left(Seats(), made_s=2.0, after_s=2.0)
    seats.answered(10.0, 15.0, 60.0)
    over_s = 15.0 + LONGEST_S - 2 - 8 - 60  # at the pace of speech until that was asked, and then at twelve times it
    assert seats.taken(over_s - JUST_BEFORE_S) == 1
    assert seats.taken(over_s + JUST_BEFORE_S) == 0


def test_even_if_that_was_left_as_well():
    seats = left(Seats(), made_s=2.0, after_s=2.0)
    left(seats, 10.0, made_s=LONGEST_S, after_s=5.0)
    assert seats.taken(15.0) == 0


def test_a_later_one_that_was_slow_proves_nothing():
    seats = left(Seats(), made_s=8.0, after_s=4.0)
    seats.answered(10.0, 40.0, 20.0)
    assert seats.taken(4 + (LONGEST_S - 8) / 2 - JUST_BEFORE_S) == 1


@pytest.mark.parametrize(("count", "after"), [(MOST_LEFT, MOST_LEFT - 1), (3, 3), (0, 0)])
def test_a_whole_answer_shows_that_a_seat_is_free(count, after):
    seats = left(Seats(), count=count)
    seats.answered(99.0, 100.0, 1.0)
    assert seats.taken(100.0) == after
    assert seats.taken(100.0 + LONGEST_S - JUST_BEFORE_S) == after  # which of them are over is not known
    assert seats.taken(100.0 + LONGEST_S) == 0


def test_those_that_would_be_first_are_taken_off():
    seats = Seats()
    for number in reversed(range(MOST_LEFT)):
        left(seats, float(number), made_s=1.0, after_s=1.0)
    seats.answered(99.0, 100.0, 1.0)
    assert seats.taken(LONGEST_S + 1 - JUST_BEFORE_S) == MOST_LEFT - 1
    assert seats.taken(LONGEST_S + 1) == MOST_LEFT - 2


def test_a_server_that_has_ended_does_nothing_more():
    seats = left(Seats(), made_s=1.0)
    seats.forget()
    assert seats.taken(0.0) == 0
