"""The jitter buffer plays every frame once and in order, and its ledger says when each was heard."""

from itertools import pairwise

import numpy as np
import pytest

from antiphon.audio.jitter import Fact, JitterBuffer, JitterPlan

RATE = 24_000
PERIOD = 480  # 20 ms
PLAN = JitterPlan(start_ms=60, least_ms=20, most_ms=500, fade_ms=8, growth=2.0, shrink=0.5)


class Card:
    """Pulls periods; what it pulls at time t is audible 40 ms later."""

    def __init__(self, plan: JitterPlan = PLAN) -> None:
        self.buffer = JitterBuffer(RATE, plan)
        self.now_s = 100.0
        self.sound: list[int] = []

    def pull(self, periods: int = 1, late_s: float = 0.0) -> None:
        for _ in range(periods):
            self.sound += self.buffer.take(PERIOD, self.now_s + 0.04 + late_s).tolist()
            self.now_s += PERIOD / RATE


def ramp(start: int, frames: int) -> np.ndarray:
    return np.arange(start, start + frames).astype(np.int16)


def test_nothing_to_play_is_silence():
    card = Card()
    card.pull(3)
    assert not any(card.sound)
    assert not card.buffer.playing
    assert card.buffer.underruns == 0


def test_waits_for_its_depth_then_plays_all_in_order():
    card = Card()
    card.buffer.push("a", ramp(1, 1000))
    card.pull(2)
    assert not any(card.sound)
    card.buffer.push("a", ramp(1001, 1000))
    card.pull(5)
    assert card.sound[2 * PERIOD :][:2000] == list(range(1, 2001))


def test_a_short_reply_that_has_ended_does_not_wait():
    card = Card()
    card.buffer.push("a", ramp(1, 100))
    card.buffer.end("a")
    card.pull()
    assert card.sound == [*range(1, 101), *[0] * 380]


def test_facts_become_true_in_device_time():
    card = Card()
    card.buffer.push("a", ramp(1, 1500))
    card.buffer.end("a")
    card.pull(4)
    end_s = 100.04 + 1500 / RATE
    assert card.buffer.next_due_s() == pytest.approx(100.04)
    assert card.buffer.due(100.039) == []
    assert card.buffer.due(100.041) == [Fact("sounded", "a", pytest.approx(100.04), 0)]
    assert card.buffer.due(end_s - 0.001) == []
    assert card.buffer.due(end_s + 0.001) == [Fact("finished", "a", pytest.approx(end_s), 1500)]
    assert not card.buffer.playing


def test_heard_is_asked_at_any_time_in_any_order():
    card = Card()
    card.buffer.push("a", ramp(1, 4800))
    card.buffer.end("a")
    card.pull(12)
    for ms in (250, 0, 30, 199, 20, 500, -5, 1):
        heard = card.buffer.heard_frames("a", 100.04 + ms / 1000)
        assert heard == pytest.approx(min(max(ms, 0) * 24, 4800), abs=1)
    assert card.buffer.heard_frames("nobody", 200.0) == 0


def test_an_underrun_is_counted_heard_around_and_makes_it_deeper():
    card = Card()
    card.buffer.push("a", ramp(1, 1440))
    card.pull(4)  # 3 of sound, 1 dry
    assert card.buffer.underruns == 0  # it may have been the end
    card.buffer.push("a", ramp(1441, 1440))
    assert card.buffer.underruns == 1
    assert card.buffer.depth_ms == 120
    card.pull(1)  # fills up again to the new depth first
    card.buffer.push("a", ramp(2881, 1440))
    card.buffer.end("a")
    card.pull(7)
    sound = [sample for sample in card.sound if sample]
    assert sound == list(range(1, 4321))
    assert card.buffer.heard_frames("a", 100.04 + 0.070) == 1440
    assert card.buffer.heard_frames("a", 100.04 + 0.100 + 0.010) == pytest.approx(1440 + 240, abs=1)
    told = card.buffer.due(200.0)
    assert [fact.what for fact in told] == ["sounded", "finished"]
    assert told[1].at_s == pytest.approx(100.04 + 0.1 + 2880 / RATE)


def test_an_end_that_comes_after_the_last_sample_is_no_underrun():
    card = Card()
    card.buffer.push("a", ramp(1, 1440))
    card.pull(6)
    card.buffer.end("a")
    assert card.buffer.underruns == 0
    told = card.buffer.due(200.0)
    assert told[-1] == Fact("finished", "a", pytest.approx(100.04 + 0.06), 1440)


def test_calm_makes_it_shallower_down_to_the_least():
    card = Card()
    for reply in "abc":
        card.buffer.push(reply, ramp(1, 2000))
        card.buffer.end(reply)
        card.pull(6)
    assert card.buffer.depth_ms == 20


def clean_reply(card: Card, name: str) -> None:
    card.buffer.push(name, ramp(1, 2000))
    card.buffer.end(name)
    card.pull(6)


def underrun(card: Card, name: str) -> None:
    """Twice as much as is needed, played dry, and then more."""
    card.buffer.push(name, ramp(1, 24 * 1000))
    card.pull(51)
    card.buffer.push(name, ramp(1, 24 * 1000))
    card.buffer.end(name)
    card.pull(51)


@pytest.mark.parametrize("most_ms", [0, 10])
def test_it_is_never_deeper_than_the_most(most_ms):
    card = Card(JitterPlan(start_ms=most_ms, most_ms=most_ms))
    clean_reply(card, "calm")
    assert card.buffer.depth_ms <= most_ms
    underrun(card, "bad")
    assert card.buffer.underruns == 1
    assert card.buffer.depth_ms <= most_ms


def test_what_begins_at_nothing_stays_there_in_calm_and_grows_with_underruns():
    card = Card(JitterPlan(start_ms=0, most_ms=500, growth=2.0))
    clean_reply(card, "calm")
    assert card.buffer.depth_ms == 0
    depths = []
    for reply in "abc":
        underrun(card, reply)
        depths.append(card.buffer.depth_ms)
    assert depths == [40, 80, 160]


def test_hush_fades_within_the_next_period_and_tells_what_was_heard():
    card = Card()
    card.buffer.push("a", np.full(24_000, 10_000, np.int16))
    card.pull(5)
    card.buffer.hush("a", card.now_s)
    card.pull(3)
    fade = card.sound[5 * PERIOD : 5 * PERIOD + 192]
    assert fade[0] == 10_000
    assert all(0 < later <= earlier for earlier, later in pairwise(fade))
    assert fade[-1] < 100
    assert not any(card.sound[5 * PERIOD + 192 :])
    heard = 5 * PERIOD + 192
    told = card.buffer.due(200.0)
    assert told[-1] == Fact("hushed", "a", pytest.approx(100.04 + heard / RATE), heard)


def test_late_audio_of_a_hushed_or_ended_reply_is_never_heard():
    card = Card()
    card.buffer.push("a", np.full(2400, -9, np.int16))
    card.pull(1)
    card.buffer.hush("a", card.now_s)
    card.buffer.push("b", np.full(2400, 7, np.int16))
    card.buffer.end("b")
    card.buffer.push("a", np.full(2400, -9, np.int16))
    card.buffer.push("b", np.full(2400, -9, np.int16))
    card.pull(10)
    assert card.sound.count(7) == 2400
    assert min(card.sound[PERIOD + 192 :]) == 0


def test_hush_before_the_first_sample_hears_nothing():
    card = Card()
    card.buffer.push("a", ramp(1, 100))
    card.buffer.hush("a", 100.5)
    assert card.buffer.due(100.5) == [Fact("hushed", "a", 100.5, 0)]
    card.buffer.hush("a", 100.6)
    assert not card.buffer.playing  # told once


@pytest.mark.parametrize("taken", [0, 1])
def test_a_reply_can_be_withdrawn_until_the_card_has_taken_of_it(taken):
    card = Card()
    card.buffer.push("a", np.full(4800, 9, np.int16))
    card.pull(taken)
    card.buffer.withdraw("a", 100.5)
    card.buffer.push("a", np.full(4800, 9, np.int16))
    card.buffer.end("a")
    card.pull(30)
    assert card.sound.count(9) == (9600 if taken else 0)
    last = card.buffer.due(200.0)[-1]
    assert (last.what, last.heard_frames) == (("finished", 9600) if taken else ("hushed", 0))


def test_a_stranger_is_withdrawn_before_it_comes():
    card = Card()
    card.buffer.withdraw("x", 5.0)
    card.buffer.push("x", ramp(1, 5000))
    card.pull(3)
    assert card.buffer.due(5.0) == [Fact("hushed", "x", 5.0, 0)]
    assert not any(card.sound)


def test_hush_of_a_stranger_is_answered_and_remembered():
    card = Card()
    card.buffer.hush("x", 5.0)
    assert card.buffer.due(5.0) == [Fact("hushed", "x", 5.0, 0)]
    card.buffer.push("x", ramp(1, 5000))
    card.pull(3)
    assert not any(card.sound)


def test_hush_that_comes_after_all_was_given_to_the_card():
    card = Card()
    card.buffer.push("a", ramp(1, 480))
    card.buffer.end("a")
    card.pull(2)
    card.buffer.due(100.05)
    card.buffer.hush("a", 100.05)
    assert card.buffer.due(200.0) == [Fact("hushed", "a", pytest.approx(100.06), 480)]


def test_hush_after_finished_was_told():
    card = Card()
    card.buffer.push("a", ramp(1, 480))
    card.buffer.end("a")
    card.pull(2)
    card.buffer.due(101.0)
    card.buffer.hush("a", 101.0)
    assert card.buffer.due(101.0) == [Fact("hushed", "a", 101.0, 480)]


def test_the_next_reply_follows_without_a_gap_and_ends_the_one_before():
    card = Card()
    card.buffer.push("a", ramp(1, 1700))
    card.buffer.push("b", ramp(1701, 1700))
    card.buffer.end("b")
    card.pull(8)
    assert card.sound[:3400] == list(range(1, 3401))
    assert [(fact.what, fact.reply) for fact in card.buffer.due(200.0)] == [
        ("sounded", "a"),
        ("finished", "a"),
        ("sounded", "b"),
        ("finished", "b"),
    ]


def test_a_reply_without_sound_finishes():
    card = Card()
    card.buffer.end("a")
    assert [(fact.what, fact.heard_frames) for fact in card.buffer.due(0.0)] == [("finished", 0)]


def test_late_pulls_do_not_move_the_ledger():
    """A busy process calls back late, and then reads a late clock; the card goes on meanwhile."""
    card = Card()
    card.buffer.push("a", ramp(1, 24_000))
    late = np.random.default_rng(1).exponential(0.003, 50)
    for late_s in [0.0, *late[:48]]:
        card.pull(late_s=late_s)
    assert card.buffer.heard_frames("a", 100.04 + 0.5) == pytest.approx(12_000, abs=0.003 * RATE)


def test_a_card_that_ran_dry_moves_the_ledger_at_once():
    card = Card()
    card.buffer.push("a", ramp(1, 24_000))
    card.pull(5)
    card.now_s += 0.5
    card.pull(5)
    assert card.buffer.heard_frames("a", 100.04 + 0.35) == 5 * PERIOD
    assert card.buffer.heard_frames("a", 100.04 + 0.65) == pytest.approx(5 * PERIOD + 1200, abs=1)


def test_the_ledger_stays_small():
    card = Card()
    for _ in range(3000):
        card.buffer.push("a", ramp(0, PERIOD))
        card.pull()
    assert len(card.buffer._known["a"]._ledger) < 5


def test_replies_of_long_ago_are_forgotten():
    card = Card()
    for number in range(100):
        card.buffer.push(str(number), ramp(1, 480))
        card.buffer.end(str(number))
        card.pull(2)
    assert len(card.buffer._known) < 12
