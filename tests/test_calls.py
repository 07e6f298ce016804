"""Calls: one number each, at most one in use and one on its way; kept warm, retried with patience, renewed in time."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from antiphon.calls import Calls, LinkPlan
from antiphon.conversation.effects import CloseLink, OpenLink
from antiphon.conversation.history import Turn
from antiphon.errors import Problem

LOST = Problem("lost", "The network is gone")
REFUSED = Problem("refused", "The key is wrong")
GARBLED = Problem("garbled", "That is no JSON")
TOLD = (Turn("user", "How far is the moon?"),)


def warm(renew_after_s=1500.0):
    return Calls([LinkPlan("cloud", True, renew_after_s, False)], 1.5)


def warm_and_open(at=0.0):
    calls = warm()
    calls.start(at)
    assert calls.tick(at, (), at_rest=True) == [OpenLink(1, "cloud", ())]
    assert calls.opened(1, at, at_rest=True) == []
    return calls


def on_demand():
    return Calls([LinkPlan("cloud", False, 1500.0, False)], 1.5)


def lose(calls, call, problem, now):
    """`call` is lost, and a turn that waits asks again."""
    in_use = calls.closed(call, problem, now, in_turn=calls.wanted)
    if calls.wanted:
        calls.need(now, ())
    return in_use


def wait_of(calls, now, *, at_rest=True):
    due = calls.deadline(at_rest=at_rest)
    return None if due is None else due - now


# ── warm ─────────────────────────────────────────────────────────────────────────────────────────


def test_a_warm_call_is_opened_at_the_start_and_then_nothing_is_due_but_its_renewal():
    calls = warm()
    assert calls.deadline(at_rest=True) is None
    calls.start(10.0)
    assert calls.deadline(at_rest=True) == 10.0
    assert calls.tick(9.9, TOLD, at_rest=True) == []
    assert calls.tick(10.0, TOLD, at_rest=True) == [OpenLink(1, "cloud", TOLD)]
    assert (calls.opening, calls.open, calls.deadline(at_rest=True)) == (1, None, None)
    assert calls.opened(1, 11.0, at_rest=True) == []
    assert (calls.opening, calls.open, calls.deadline(at_rest=True)) == (None, 1, 11.0 + 1500)


def test_a_turn_takes_the_warm_call_that_is_open_or_on_its_way():
    calls = warm()
    calls.start(0.0)
    calls.tick(0.0, (), at_rest=True)
    assert calls.need(0.0, TOLD) == []
    assert calls.wanted
    calls.opened(1, 0.2, at_rest=False)
    assert calls.need(0.0, TOLD) == []
    assert not calls.wanted


def test_a_call_is_meant_from_its_first_dialling_on_and_a_trial_never():
    calls = warm()
    calls.start(0.0)
    assert calls.meant is None
    calls.tick(0.0, (), at_rest=True)
    assert calls.meant == 1
    calls.opened(1, 1.0, at_rest=True)
    calls.tick(1501.0, (), at_rest=True)
    assert (calls.opening, calls.meant) == (2, 1), "a renewal: the old one takes what is said"
    calls.opened(2, 1502.0, at_rest=True)
    assert calls.meant == 2
    tried = Calls([LinkPlan("lan", False, 1500.0, True, tried=True)], 1.5)
    tried.start(0.0)
    tried.tick(0.0, (), at_rest=True)
    assert (tried.opening, tried.meant) == (1, None)


def test_a_warm_call_that_is_lost_is_opened_anew_only_at_rest():
    calls = warm_and_open()
    assert calls.closed(1, LOST, 5.0, in_turn=calls.wanted)
    assert calls.deadline(at_rest=False) is None
    assert calls.tick(99.0, (), at_rest=False) == []
    assert wait_of(calls, 5.0) == 1.0
    assert calls.tick(6.0, TOLD, at_rest=True) == [OpenLink(2, "cloud", TOLD)]


# ── on demand ────────────────────────────────────────────────────────────────────────────────────


def test_on_demand_nothing_is_opened_before_it_is_needed_nor_after():
    calls = on_demand()
    calls.start(0.0)
    assert calls.deadline(at_rest=True) is None
    assert calls.need(0.0, TOLD) == [OpenLink(1, "cloud", TOLD)]
    assert calls.wanted
    calls.opened(1, 0.3, at_rest=False)
    assert calls.hang_up(9.0) == [CloseLink(1)]
    assert calls.deadline(at_rest=True) is None
    assert calls.need(0.0, ()) == [OpenLink(2, "cloud", ())]


def test_on_demand_a_call_lost_while_nobody_waits_is_not_opened_again():
    calls = on_demand()
    calls.need(0.0, ())
    calls.opened(1, 0.3, at_rest=False)
    assert calls.closed(1, LOST, 5.0, in_turn=calls.wanted)
    assert calls.deadline(at_rest=True) is None


# ── patience ─────────────────────────────────────────────────────────────────────────────────────


def fail(calls, times, problem, now=0.0):
    """Let the call that is due fail so often; how long it waited before each next attempt."""
    waits = []
    for _ in range(times):
        assert lose(calls, calls.opening, problem, now)
        waits.append(wait_of(calls, now, at_rest=not calls.wanted))
        now += waits[-1]
        calls.tick(now, (), at_rest=not calls.wanted)
    return waits


def test_while_nobody_waits_patience_doubles_to_half_a_minute():
    calls = warm()
    calls.start(0.0)
    calls.tick(0.0, (), at_rest=True)
    assert fail(calls, 9, LOST) == [1, 2, 4, 8, 16, 30, 30, 30, 30]


def test_while_somebody_waits_it_is_short():
    calls = on_demand()
    calls.need(0.0, ())
    assert fail(calls, 6, GARBLED) == [0.25, 0.5, 1, 2, 2, 2]


def test_a_refusal_is_asked_again_once_a_minute():
    calls = warm()
    calls.start(0.0)
    calls.tick(0.0, (), at_rest=True)
    assert fail(calls, 3, REFUSED) == [60, 60, 60]


def test_after_10_000_failures_it_still_tries():
    calls = warm()
    calls.start(0.0)
    calls.tick(0.0, (), at_rest=True)
    assert set(fail(calls, 10_000, LOST)[6:]) == {30.0}
    calls.need(1e6, ())
    lose(calls, calls.opening, LOST, 1e6)
    assert wait_of(calls, 1e6, at_rest=False) == 0.25, "it was on its way already; somebody waits now"


def test_a_new_turn_asks_at_once_whatever_failed_before():
    calls = warm()
    calls.start(0.0)
    calls.tick(0.0, (), at_rest=True)
    fail(calls, 8, LOST)
    calls.closed(calls.opening, LOST, 1000.0, in_turn=calls.wanted)
    assert calls.failing
    calls.begin_turn()
    assert calls.need(1000.0, TOLD) == [OpenLink(10, "cloud", TOLD)]
    assert not calls.failing
    assert fail(calls, 1, LOST, 1000.0) == [0.25]


def test_nobody_waits_any_more_when_the_turn_is_given_up():
    calls = on_demand()
    calls.need(0.0, ())
    lose(calls, 1, LOST, 1.0)
    assert wait_of(calls, 1.0) == 0.25
    calls.wanted = False
    assert calls.deadline(at_rest=True) is None


def test_a_service_that_hangs_up_at_once_is_met_with_growing_patience():
    """That it opened proves nothing; only a call that lasts ends the row of failures."""
    calls, now, waits = warm_and_open(), 0.0, []
    for problem in (LOST, None, LOST, None):
        now += 0.1
        assert calls.closed(calls.open, problem, now, in_turn=calls.wanted)
        waits.append(round(wait_of(calls, now), 6))
        now += waits[-1]
        calls.tick(now, (), at_rest=True)
        calls.opened(calls.opening, now, at_rest=True)
        assert not calls.failing
    assert waits == [1, 2, 4, 8]
    calls.closed(calls.open, LOST, now + 60, in_turn=calls.wanted)
    assert wait_of(calls, now + 60) == 1


def test_failing_is_about_the_last_attempt():
    calls = on_demand()
    calls.need(0.0, ())
    lose(calls, 1, LOST, 0.0)
    assert not calls.failing, "somebody waits, and it will be asked again"
    calls.wanted = False
    assert calls.failing
    calls.wanted = True
    calls.tick(0.25, (), at_rest=False)
    calls.opened(2, 0.4, at_rest=False)
    assert not calls.failing
    calls.hang_up(9.0)
    assert not calls.failing, "we hung up"


# ── renewal ──────────────────────────────────────────────────────────────────────────────────────


def test_a_call_is_renewed_in_time_the_new_one_before_the_old_one_goes():
    calls = warm_and_open()
    assert calls.deadline(at_rest=False) is None, "never in a turn"
    assert calls.tick(1500.0, TOLD, at_rest=True) == [OpenLink(2, "cloud", TOLD)]
    assert (calls.open, calls.opening) == (1, 2)
    assert calls.opened(2, 1500.3, at_rest=True) == [CloseLink(1)]
    assert (calls.open, calls.opening) == (2, None)
    assert not calls.closed(1, None, 1500.4, in_turn=calls.wanted), "what we closed is no loss"
    assert calls.deadline(at_rest=True) == 3000.3


def test_a_turn_that_began_meanwhile_keeps_its_call_and_the_renewal_follows_it():
    calls = warm_and_open()
    calls.tick(1500.0, (), at_rest=True)
    assert calls.need(0.0, ()) == []
    assert calls.opened(2, 1500.3, at_rest=False) == [CloseLink(2)]
    assert (calls.open, calls.opening) == (1, None)
    assert calls.tick(1510.0, TOLD, at_rest=True) == [OpenLink(3, "cloud", TOLD)]


def test_a_renewal_that_fails_leaves_the_old_call_and_is_tried_again():
    calls = warm_and_open()
    calls.tick(1500.0, (), at_rest=True)
    assert not calls.closed(2, LOST, 1501.0, in_turn=calls.wanted), "nobody used it"
    assert calls.open == 1
    assert not calls.failing
    assert calls.deadline(at_rest=True) == 1561.0


def test_the_old_call_may_go_while_the_new_one_is_on_its_way():
    calls = warm_and_open()
    calls.tick(1500.0, (), at_rest=True)
    assert calls.closed(1, LOST, 1500.1, in_turn=calls.wanted)
    assert calls.need(0.0, ()) == [], "the new one serves the turn"
    assert calls.opened(2, 1500.3, at_rest=False) == []
    assert calls.open == 2


def test_what_is_forgotten_is_forgotten_by_the_service_too():
    calls = warm_and_open()
    calls.renew(100.0)
    assert calls.tick(100.0, (), at_rest=True) == [OpenLink(2, "cloud", ())]


def test_a_call_told_of_what_is_forgotten_while_it_opened_is_renewed():
    calls = warm_and_open()
    calls.closed(1, LOST, 299.0, in_turn=calls.wanted)
    assert calls.tick(300.0, TOLD, at_rest=True) == [OpenLink(2, "cloud", TOLD)]
    calls.renew(300.1)
    calls.opened(2, 300.5, at_rest=True)
    assert calls.tick(300.5, (), at_rest=True) == [OpenLink(3, "cloud", ())]
    assert calls.opened(3, 301.0, at_rest=True) == [CloseLink(2)]
    assert calls.deadline(at_rest=True) == 301.0 + 1500, "once is enough"


def test_with_no_call_there_is_nothing_to_renew():
    calls = warm()
    calls.renew(5.0)
    assert calls.deadline(at_rest=True) is None


# ── hanging up, and stale news ───────────────────────────────────────────────────────────────────


def test_hanging_up_ends_every_call_and_a_warm_one_comes_back_at_rest():
    calls = warm_and_open()
    calls.tick(1500.0, (), at_rest=True)
    assert calls.hang_up(1500.1) == [CloseLink(1), CloseLink(2)]
    assert calls.hang_up(1500.1) == [], "a call is closed once"
    assert calls.deadline(at_rest=False) is None
    assert calls.tick(1500.1, (), at_rest=True) == [OpenLink(3, "cloud", ())]


def test_news_of_calls_that_are_over_changes_nothing():
    calls = warm_and_open()
    calls.hang_up(5.0)
    assert calls.opened(1, 5.1, at_rest=True) == []
    assert not calls.closed(1, LOST, 5.2, in_turn=calls.wanted)
    assert not calls.closed(77, LOST, 5.2, in_turn=calls.wanted)
    assert (calls.open, calls.opening) == (None, None)
    assert calls.deadline(at_rest=True) == 5.0
    assert not calls.failing


# ── several links ────────────────────────────────────────────────────────────────────────────────


def household(lan=1, *, is_warm=True, switch_s=1.5):
    """The cloud, and servers of one's own."""
    servers = [LinkPlan(f"lan-{number + 1}", False, 1500.0, True, tried=True) for number in range(lan)]
    return Calls([LinkPlan("cloud", is_warm, 1500.0, False), *servers], switch_s)


def at_rest(lan=1):
    """All tried and found sound, the cloud's call 1 open."""
    calls = household(lan)
    calls.start(0.0)
    for call in range(1, lan + 2):
        assert len(calls.tick(0.0, (), at_rest=True)) == 1
        calls.opened(call, 0.0, at_rest=True)
    assert calls.open == 1
    assert calls.deadline(at_rest=True) == 1500.0
    return calls


def test_the_first_link_is_asked_and_it_says_who_answers():
    calls = at_rest()
    assert (calls.link.name, calls.fallback, calls.has_other, calls.has_more) == ("cloud", False, True, True)
    assert calls.link_of(1) == "cloud"
    assert calls.link_of(7) == ""


def test_after_a_loss_in_a_turn_the_next_is_asked_and_it_says_so():
    calls = at_rest(lan=2)
    calls.begin_turn()
    assert calls.closed(1, LOST, 5.0, in_turn=True)
    assert calls.need(5.0, TOLD) == [OpenLink(4, "lan-1", TOLD)]
    assert (calls.link.name, calls.link.own_turns, calls.fallback, calls.has_other) == ("lan-1", True, True, True)
    assert calls.opened(4, 5.1, at_rest=False) == []
    assert calls.closed(4, LOST, 6.0, in_turn=True)
    assert calls.need(6.0, TOLD) == [OpenLink(5, "lan-2", TOLD)]
    assert (calls.has_other, calls.has_more) == (False, False)


def test_a_link_known_to_be_down_is_asked_when_no_other_is_left():
    calls = at_rest()
    calls.closed(1, LOST, 5.0, in_turn=False)
    calls.tick(6.0, (), at_rest=True)
    calls.closed(3, LOST, 6.0, in_turn=False)
    calls.begin_turn()
    assert calls.need(6.5, ()) == [OpenLink(4, "lan-1", ())]
    assert (calls.has_other, calls.has_more) == (False, True)
    calls.closed(4, LOST, 6.6, in_turn=True)
    assert calls.need(6.6, ()) == [OpenLink(5, "cloud", ())]
    calls.closed(5, LOST, 6.7, in_turn=True)
    assert calls.need(6.7, ()) == []
    assert wait_of(calls, 6.7, at_rest=False) == 0.25, "all have been asked: with patience from here on"


def test_a_call_that_died_of_old_age_says_nothing_against_its_link():
    calls = at_rest()
    calls.closed(1, None, 1800.0, in_turn=False)
    assert not calls.fallback
    calls.begin_turn()
    assert calls.need(1800.5, ()) == [OpenLink(3, "cloud", ())]


def test_a_slow_link_is_left_for_the_next_in_the_set_time_and_the_last_is_not():
    calls = household(is_warm=False, switch_s=0.7)
    assert calls.need(10.0, ()) == [OpenLink(1, "cloud", ())]
    assert calls.deadline(at_rest=False) == 10.7
    note, *effects = calls.tick(10.7, TOLD, at_rest=False)
    assert dict(note.fields) == {"call": 1, "link": "cloud"}
    assert effects == [CloseLink(1), OpenLink(2, "lan-1", TOLD)]
    assert calls.deadline(at_rest=False) is None, "nobody else to ask"


def test_a_call_given_up_is_closed_and_the_link_counts_as_down():
    calls = at_rest()
    calls.begin_turn()
    assert calls.give_up(5.0) == [CloseLink(1)]
    assert calls.give_up(5.0) == []
    assert calls.fallback
    assert calls.need(5.0, ()) == [OpenLink(3, "lan-1", ())]


def test_only_warm_calls_stay_at_rest():
    calls = at_rest()
    calls.give_up(5.0)
    calls.need(5.0, ())
    calls.opened(3, 5.1, at_rest=False)
    assert calls.rest(9.0) == [CloseLink(3)]
    assert calls.rest(9.0) == []


def down_for_long():
    """The cloud has been down for so long that it is tried but twice a minute; the LAN serves a turn."""
    calls = at_rest()
    calls.closed(1, LOST, 0.0, in_turn=False)
    for at in (1.0, 3.0, 7.0, 15.0, 31.0, 61.0):
        (opened,) = calls.tick(at, (), at_rest=True)
        calls.closed(opened.call, LOST, at, in_turn=False)
    assert wait_of(calls, 61.0) == 30.0
    calls.begin_turn()
    calls.opened(calls.need(62.0, ())[0].call, 62.0, at_rest=False)
    assert calls.link.name == "lan-1"
    return calls


def test_after_each_turn_that_another_served_a_better_link_is_tried_again():
    calls = down_for_long()
    assert len(calls.rest(65.0)) == 1
    assert [effect.link for effect in calls.tick(65.0, (), at_rest=True)] == ["cloud"]


def test_but_not_one_that_refuses_us():
    calls = at_rest()
    calls.begin_turn()
    calls.closed(1, REFUSED, 5.0, in_turn=True)
    calls.opened(calls.need(5.0, ())[0].call, 5.1, at_rest=False)
    calls.rest(9.0)
    assert wait_of(calls, 5.0) == 60.0


def test_a_link_that_answers_is_trusted_again():
    def spoil(calls):
        """One turn more that the cloud spoils; how long until it is tried again."""
        calls.begin_turn()
        calls.give_up(100.0)
        waited = wait_of(calls, 100.0)
        calls.opened(calls.tick(100.0 + waited, (), at_rest=True)[0].call, 100.0, at_rest=True)
        return waited

    calls = at_rest()
    assert [spoil(calls) for _ in range(7)] == [5, 10, 20, 40, 80, 120, 120]
    calls.answered()
    calls.closed(calls.open, None, 1000.0, in_turn=False)
    calls.opened(calls.tick(1010.0, (), at_rest=True)[0].call, 1010.0, at_rest=True)
    assert spoil(calls) == 5


def test_a_trial_of_a_server_goes_on_beside_the_open_call_and_ends_closed():
    calls = household()
    calls.start(0.0)
    calls.tick(0.0, (), at_rest=True)
    calls.opened(1, 0.0, at_rest=True)
    assert calls.tick(0.0, TOLD, at_rest=True) == [OpenLink(2, "lan-1", TOLD, trial=True)]
    assert (calls.open, calls.opening) == (1, 2)
    assert calls.opened(2, 1.0, at_rest=True) == [CloseLink(2)]
    assert (calls.open, calls.opening) == (1, None)


def test_what_is_tried_is_tried_again_in_its_time():
    """A model may have died behind its door overnight: it is known before somebody needs it."""
    calls = at_rest()
    calls.renew(1.0)
    calls.opened(calls.tick(1.0, (), at_rest=True)[0].call, 1.0, at_rest=True)
    assert calls.deadline(at_rest=True) == 1500.0
    assert calls.tick(1500.0, (), at_rest=True) == [OpenLink(4, "lan-1", (), trial=True)]


def test_a_failed_trial_is_no_loss_of_the_call_in_use():
    calls = household()
    calls.start(0.0)
    calls.tick(0.0, (), at_rest=True)
    calls.opened(1, 0.0, at_rest=True)
    calls.tick(0.0, (), at_rest=True)
    assert not calls.closed(2, LOST, 1.0, in_turn=False)
    assert not calls.has_other, "and it is not counted on"
    assert not calls.failing
    assert wait_of(calls, 1.0) == 1.0


def test_all_links_down_is_failing():
    calls = household()
    calls.start(0.0)
    for _ in range(2):
        (opened,) = calls.tick(0.0, (), at_rest=True)
        calls.closed(opened.call, LOST, 0.0, in_turn=False)
    assert calls.failing


def test_a_better_link_that_opens_in_a_turn_waits_for_its_end():
    calls = at_rest()
    calls.give_up(5.0)
    calls.tick(20.0, (), at_rest=True)
    calls.begin_turn()
    assert calls.need(20.1, ()) == [CloseLink(3), OpenLink(4, "lan-1", ())]
    calls.opened(4, 20.2, at_rest=False)
    calls.rest(30.0)
    assert [effect.link for effect in calls.tick(30.0, (), at_rest=True)] == ["cloud"]


# ── whatever happens ─────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("is_warm", [True, False])
@given(st.integers(0, 2), st.lists(st.tuples(st.integers(0, 10), st.booleans(), st.integers(0, 3)), max_size=60))
def test_whatever_happens_numbers_are_new_and_a_call_is_closed_once(is_warm, lan, steps):
    calls = household(lan, is_warm=is_warm)
    calls.start(0.0)
    alive, ever, now = set(), [], 0.0
    for what, resting, which in steps:
        now += (0.0, 0.1, 10.0, 100.0)[which]
        call = (calls.open, calls.opening, 1, ever[-1] if ever else 0)[which] or 0
        effects = []
        if what == 0:
            effects = calls.need(now, ())
        elif what in (1, 2):
            effects = calls.opened(call, now, at_rest=resting)
        elif what == 3:
            calls.closed(call, (LOST, REFUSED, None)[which % 3], now, in_turn=not resting)
            alive.discard(call)
        elif what == 4:
            effects = calls.hang_up(now)
        elif what == 5:
            calls.renew(now)
        elif what == 6:
            calls.begin_turn()
        elif what == 7:
            effects = calls.give_up(now)
        elif what == 8:
            effects = calls.rest(now)
        else:
            calls.wanted = calls.wanted and not resting
            effects = calls.tick(now, (), at_rest=resting)
        for effect in effects:
            if isinstance(effect, OpenLink):
                assert effect.call not in ever
                ever.append(effect.call)
                alive.add(effect.call)
            elif isinstance(effect, CloseLink):
                alive.remove(effect.call)
        assert {calls.open, calls.opening} - {None} == alive
        calls.wanted = calls.wanted and not resting
        due = calls.deadline(at_rest=True)
        if is_warm and not alive and not calls.wanted:
            assert due is not None, "a warm call would never come back"
        assert calls.link.name
