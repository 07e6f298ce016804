"""A reply knows how much of it came, and how long it is worth waiting for the rest."""

from antiphon.conversation.effects import CancelReply, Hush
from antiphon.conversation.history import History
from antiphon.conversation.reply import OWED_S, Replies, Reply
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


# ── replies ──────────────────────────────────────────────────────────────────────────────────────


def replies_with(reply: str = "r1", pushed_ms: float = 1000.0) -> Replies:
    history = History()
    replies = Replies(history)
    assert replies.take_up(1, reply, 0.0, wanted=True)
    history.replied(reply, "one two three four")
    assert replies.current is not None
    replies.current.add(bytes(int(48 * pushed_ms)), 0.0)
    return replies


def test_one_reply_at_a_time() -> None:
    replies = replies_with()
    assert not replies.take_up(1, "r2", 1.0, wanted=True)
    assert replies.running(1, "r1") is replies.current
    assert replies.running(2, "r1") is None
    assert replies.running(1, "r2") is None


def test_what_is_owed_to_nobody_is_refused_as_often_as_it_is_owed_and_not_for_ever() -> None:
    replies = Replies(History())
    replies.owe(10.0)
    replies.owe(10.0)
    assert [replies.take_up(1, f"r{n}", 10.1, wanted=True) for n in range(3)] == [False, False, True]
    replies = Replies(History())
    replies.owe(10.0)
    assert replies.take_up(1, "r1", 10.0 + OWED_S, wanted=True)


def test_a_reply_that_will_not_come_is_no_longer_owed() -> None:
    replies = Replies(History())
    assert not replies.paid()
    replies.owe(0.0)
    assert replies.paid()
    assert replies.take_up(1, "r1", 0.1, wanted=True)


def test_an_interrupted_reply_is_silenced_first_and_cut_when_the_mouth_has_told() -> None:
    replies = replies_with()
    assert replies.interrupt(1, 10.0) == [Hush("r1")]
    assert replies.hushed("other") is None
    reply = replies.hushed("r1")
    assert reply is not None
    assert replies.heard(reply, 500.0, 1) == [CancelReply(1, "r1", 500.0)]
    assert replies.hushed("r1") is None, "once"


def test_a_reply_without_sound_needs_no_silence() -> None:
    assert replies_with(pushed_ms=0.0).interrupt(1, 10.0) == [CancelReply(1, "r1", 0.0)]


def test_a_reply_of_a_call_that_is_gone_is_cut_here_alone() -> None:
    assert replies_with().drop(open_call=2) == [Hush("r1")]
    assert replies_with().drop(open_call=1) == [Hush("r1"), CancelReply(1, "r1", 0.0)]


def test_a_new_turn_settles_what_the_mouth_has_not_told() -> None:
    replies = replies_with()
    replies.interrupt(1, 10.0)
    assert replies.settle(1) == [CancelReply(1, "r1", 0.0)]
    assert replies.settle(1) == []
