"""The slots, by a clock that the test winds."""

import pytest

from antiphon.simulator.voxserve.batch import BACKLOG, Batch, Died, FullError, Job, Made
from antiphon.simulator.voxserve.windows import Window

SECOND = Window(b"\0\0" * 24_000, 28)
REPLY = (Window(b"ab", 28), Window(b"cd", 53), Window(b"e", 57))


def moments(happened):
    return [(one.number, round(one.at_s, 3)) for one in happened]


def test_the_pace_of_a_reply_made_in_real_time():
    """As it was measured: 300 ms of prefill, then 1.43, 2.43 and 2.59 s."""
    batch = Batch(8, prefill_s=0.3, speed=1.0)
    batch.add(Job(0, REPLY), 10.0)
    assert batch.deadline == 10.0
    assert batch.advance(11.41) == []
    happened = batch.advance(20.0)
    assert moments(happened) == [(0, 11.42), (0, 12.42), (0, 12.58)]
    assert [(made.pcm, made.last) for made in happened] == [(b"ab", False), (b"cd", False), (b"e", True)]
    assert batch.deadline is None
    assert batch.running == 0


def test_at_speed_0_all_is_there_at_once():
    batch = Batch(8, 0.0, 0.0)
    batch.add(Job(0, REPLY), 1.0)
    assert moments(batch.advance(1.0)) == [(0, 1.0)] * 3


def test_the_ninth_waits_for_the_first_slot_and_the_order_is_that_of_arrival():
    batch = Batch(8, 0.0, 1.0)
    for number in range(10):
        tokens = 50 if number < 8 else 25
        batch.add(Job(number, (Window(b"a", tokens + number),)), number / 1000)
    happened = batch.advance(100.0)
    first = [0, 1, 2, 3, 4, 5, 6, 7]
    assert [number for number, _ in moments(happened)] == [*first, 8, 9]
    assert moments(happened)[0] == (0, 2.0)
    assert moments(happened)[8:] == [(8, 3.32), (9, 3.401)]  # from 2.0 and from 2.041, when slots 0 and 1 were free


def test_nobody_starts_before_a_slot_is_free_and_prefills_follow_each_other():
    batch = Batch(2, 0.5, 0.0)
    for number in range(3):
        batch.add(Job(number, (SECOND,)), 0.0)
    assert batch.advance(0.0) == []
    assert batch.running == 2
    assert moments(batch.advance(9.0)) == [(0, 0.5), (1, 1.0), (2, 1.5)]


def test_a_reply_without_sound_ends_all_the_same():
    batch = Batch(8, 0.0, 0.0)
    batch.add(Job(0), 0.0)
    assert batch.advance(0.0) == [Made(0, b"", last=True, at_s=0.0)]


def test_one_request_may_be_late_or_slow():
    batch = Batch(8, 0.0, 0.0)
    batch.add(Job(0, REPLY, late_s=2.0), 0.0)
    batch.add(Job(1, REPLY, speed=0.5), 0.0)
    assert moments(batch.advance(9.0)) == [(0, 2.0), (0, 2.0), (0, 2.0), (1, 2.24), (1, 4.24), (1, 4.56)]


def test_it_dies_as_the_deadly_request_is_taken_up_and_takes_all_with_it():
    batch = Batch(1, 0.0, 1.0)
    batch.add(Job(0, (SECOND,)), 0.0)
    batch.add(Job(1, doom="why"), 0.0)
    batch.add(Job(2, (SECOND,)), 0.0)
    assert batch.advance(1.0) == []
    assert not batch.dead
    assert batch.advance(9.0)[1:] == [Died(1, "why", 1.12)]
    assert batch.dead
    assert batch.deadline is None


def test_an_upload_that_is_gone_kills_too():
    batch = Batch(1, 0.0, 1.0)
    batch.add(Job(0, (SECOND,)), 0.0)
    batch.add(Job(1, (SECOND,), file_gone_s=1.0), 0.0)
    assert isinstance(batch.advance(9.0)[-1], Died)


def test_what_is_asked_of_the_dead_is_taken_in_until_the_queues_are_full():
    batch = Batch(8, 0.0, 0.0)
    batch.die()
    for number in range(BACKLOG):
        batch.add(Job(number, REPLY), 0.0)
    for number in (1, 2):
        with pytest.raises(FullError):
            batch.add(Job(BACKLOG + number), 0.0)
    assert batch.advance(9.0) == []


def test_while_it_loads_requests_wait_unseen():
    batch = Batch(8, 0.0, 0.0, ready_s=5.0)
    batch.add(Job(0, (SECOND,)), 1.0)
    assert batch.deadline == 5.0
    assert batch.advance(4.9) == []
    assert moments(batch.advance(6.0)) == [(0, 5.0)]


def test_a_hundred_at_once_are_all_taken_in():
    batch = Batch(8, 0.0, 1.0)
    for number in range(1000):
        batch.add(Job(number, (SECOND,)), 0.0)
    assert len(batch.advance(1e6)) == 1000
