"""A reply knows how much of it came, and how long it is worth waiting for the rest."""

from antiphon.conversation.reply import Reply
from conversation.playbook import pcm

GAP_S, GRACE_S = 6.0, 3.0


def test_counts_what_was_given_to_the_mouth():
    reply = Reply("r1", 1)
    reply.add(pcm(40), 10.0)
    reply.add(pcm(60), 10.5)
    assert (reply.pushed_ms, reply.last_piece_s) == (100, 10.5)


def test_while_it_runs_more_is_awaited_from_when_all_that_came_is_played():
    reply = Reply("r1", 1, sounded_s=10.0)
    reply.add(pcm(4000), 10.0)
    assert reply.out_by(10.0, GAP_S, GRACE_S) == 14.0 + GAP_S
    reply.add(pcm(500), 20.0)
    assert reply.out_by(20.0, GAP_S, GRACE_S) == 20.0 + GAP_S, "a piece that came late starts the wait anew"


def test_what_has_not_sounded_has_all_its_length_before_it():
    reply = Reply("r1", 1)
    reply.add(pcm(2000), 5.0)
    assert reply.out_by(8.0, GAP_S, GRACE_S) == 10.0 + GAP_S


def test_once_it_has_ended_the_mouth_has_its_length_and_some_grace():
    reply = Reply("r1", 1, sounded_s=10.0, status="completed")
    reply.add(pcm(4000), 10.0)
    assert reply.out_by(11.0, GAP_S, GRACE_S) == 14.0 + GRACE_S


def test_a_reply_given_up_late_still_leaves_the_mouth_its_grace():
    reply = Reply("r1", 1, sounded_s=10.0)
    reply.add(pcm(400), 10.0)
    stalled_at = reply.out_by(10.0, GAP_S, GRACE_S)
    reply.status = "broken"
    assert reply.out_by(stalled_at, GAP_S, GRACE_S) == stalled_at + GRACE_S
