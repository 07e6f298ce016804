"""Who speaks over us is believed by and by, and only where our own sound is taken out."""

import pytest

from antiphon.conversation.overlap import Duplex, Overlap


@pytest.mark.parametrize(
    ("near", "service", "verdict"),
    [
        ("quiet", False, "nothing"),
        ("began", False, "perhaps"),
        ("quiet", True, "perhaps"),
        ("began", True, "speech"),
        ("sure", False, "speech"),
    ],
)
def test_one_judge_alone_may_be_wrong(near, service, verdict):
    overlap = Overlap(Duplex(full=True))
    overlap.near, overlap.service = near, service
    assert overlap.verdict == verdict


def test_the_next_reply_begins_with_nothing():
    overlap = Overlap(Duplex(full=True))
    overlap.near, overlap.service, overlap.here = "sure", True, "speech"
    overlap.begin()
    assert (overlap.verdict, overlap.here) == ("nothing", "quiet")


def test_what_is_not_cancelled_is_not_listened_to():
    overlap = Overlap(Duplex(full=True, decay_ms=300))
    assert (overlap.full, overlap.lost, overlap.decay_s) == (True, False, 0.3)
    overlap.cancelled = False
    assert (overlap.full, overlap.lost) == (False, True)


def test_a_board_without_is_not_thought_to_have_lost_it():
    overlap = Overlap(Duplex(full=False))
    overlap.cancelled = False
    assert (overlap.full, overlap.lost) == (False, False)


@pytest.mark.parametrize(
    ("near", "here", "begun"),
    [("quiet", "quiet", False), ("quiet", "ended", False), ("began", "quiet", True), ("quiet", "speech", True)],
)
def test_either_judgement_of_the_ear_is_a_beginning(near, here, begun):
    overlap = Overlap(Duplex(full=True))
    overlap.near, overlap.here = near, here
    assert overlap.begun == begun
