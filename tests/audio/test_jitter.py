"""The jitter buffer plays every frame once and in order, and its ledger says when each was heard."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

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


# ── held ──


def test_a_reply_is_held_where_its_fade_began_and_nothing_of_it_is_lost():
    card = Card()
    card.buffer.push("a", np.full(4800, 10_000, np.int16))
    card.pull(2)
    card.buffer.duck("a")
    card.buffer.push("a", np.full(4800, 10_000, np.int16))  # it goes on coming
    card.buffer.end("a")
    card.pull(20)
    assert not any(card.sound[2 * PERIOD + 192 :])
    assert card.buffer.heard_frames("a", card.now_s + 1) == 2 * PERIOD + 192
    assert [fact.what for fact in card.buffer.due(card.now_s + 1)] == ["sounded"]
    assert card.buffer.playing
    card.buffer.resume("a")
    card.pull(20)
    assert card.sound.count(10_000) == 9600 - 192 + 1  # the fade's first step is full, and its last is next to nothing
    assert card.buffer.due(200.0) == [Fact("finished", "a", pytest.approx(100.04 + 22 * 0.02 + 8640 / RATE), 9600)]
    assert card.buffer.underruns == 0


def test_one_that_is_held_before_it_sounds_sounds_when_it_goes_on():
    card = Card()
    card.buffer.push("a", ramp(1, 4800))
    card.buffer.duck("a")
    card.pull(5)
    assert not any(card.sound)
    assert card.buffer.due(200.0) == []
    card.buffer.resume("a")
    card.pull(1)
    assert card.sound[-PERIOD:] == list(range(1, PERIOD + 1))  # it does not fade in: nothing of it was heard
    assert card.buffer.due(200.0) == [Fact("sounded", "a", pytest.approx(100.14), 0)]


def test_what_comes_behind_a_held_reply_waits():
    card = Card()
    card.buffer.push("a", ramp(1, 2400))
    card.buffer.push("b", np.full(2400, -9, np.int16))
    card.buffer.end("b")
    card.pull(1)
    card.buffer.duck("a")
    card.pull(20)
    assert -9 not in card.sound
    card.buffer.resume("a")
    card.pull(20)
    assert card.sound.count(-9) == 2400
    assert [fact.what + fact.reply for fact in card.buffer.due(200.0)] == [
        "soundeda",
        "finisheda",
        "soundedb",
        "finishedb",
    ]


def test_hush_while_held_is_true_at_once():
    card = Card()
    card.buffer.push("a", ramp(1, 4800))
    card.pull(2)
    card.buffer.duck("a")
    card.pull(10)
    card.buffer.hush("a", card.now_s)
    assert card.buffer.due(card.now_s)[-1] == Fact("hushed", "a", card.now_s, 2 * PERIOD + 192)
    card.buffer.resume("a")
    card.pull(2)
    assert not any(card.sound[2 * PERIOD + 192 :])


def test_a_held_reply_that_was_heard_cannot_be_withdrawn():
    card = Card()
    card.buffer.push("a", ramp(1, 4800))
    card.pull(2)
    card.buffer.duck("a")
    card.pull(2)
    card.buffer.withdraw("a", card.now_s)
    card.buffer.end("a")
    card.buffer.resume("a")
    card.pull(20)
    assert card.buffer.due(200.0)[-1] == Fact("finished", "a", pytest.approx(100.04 + 0.08 + 3840 / RATE), 4800)


def test_only_what_waits_can_be_held():
    card = Card()
    card.buffer.duck("stranger")
    card.buffer.push("stranger", ramp(1, 2400))
    card.buffer.push("hushed", ramp(1, 2400))
    card.buffer.hush("hushed", card.now_s)
    card.buffer.duck("hushed")
    card.buffer.end("stranger")
    card.pull(5)
    card.buffer.duck("stranger")  # all of it is with the card
    assert card.sound == list(range(1, 2401))
    assert [fact.what for fact in card.buffer.due(200.0)] == ["hushed", "sounded", "finished"]


def test_a_reply_that_ran_dry_is_silent_when_hushed():
    """Its first frames after the gap would be a click."""
    card = Card()
    card.buffer.push("a", np.full(1500, 10_000, np.int16))
    card.pull(4)
    card.buffer.push("a", np.full(480, 10_000, np.int16))
    card.buffer.hush("a", card.now_s)
    card.pull(2)
    assert not any(card.sound[1500:])
    assert card.buffer.due(200.0)[-1].heard_frames == 1500


# ── a card that dies ──


def test_what_a_dead_card_did_not_play_plays_on_the_next():
    card = Card()
    card.buffer.push("a", ramp(1, 2400))
    card.buffer.end("a")
    card.buffer.push("b", ramp(1, 2400))
    card.pull(6)  # all of the first, and some of the second
    assert [fact.what for fact in card.buffer.due(100.1)] == ["sounded"]
    card.buffer.put_back(100.1)
    assert card.buffer.due(200.0) == []
    card.sound, card.now_s = [], 300.0
    card.buffer.end("b")
    card.pull(8)
    assert card.sound[192 : 960 + 2400] == [*range(1441 + 192, 2401), *range(1, 2401)]
    assert [(fact.what, fact.reply, fact.heard_frames) for fact in card.buffer.due(400.0)] == [
        ("finished", "a", 2400),
        ("sounded", "b", 0),
        ("finished", "b", 2400),
    ]


def test_what_was_hushed_when_the_card_died_is_over():
    card = Card()
    card.buffer.push("a", ramp(1, 4800))
    card.pull(4)
    card.buffer.hush("a", 100.08)
    assert card.buffer.ahead_ms("a", 100.08) == pytest.approx(40)
    card.buffer.put_back(100.1)
    assert card.buffer.due(100.11) == [Fact("sounded", "a", 100.04, 0), Fact("hushed", "a", pytest.approx(100.1), 1440)]
    assert not card.buffer.playing


def test_another_rate_tells_the_same_times():
    card = Card()
    card.buffer.push("a", ramp(1, 2400))
    card.buffer.end("a")
    card.pull(5)
    card.buffer.push("b", np.full(2400, 9000, np.int16))
    card.buffer.end("b")
    card.buffer.put_back(100.2)
    card.buffer.change_rate(48_000)
    assert card.buffer.heard_frames("a", 100.05) == 480
    assert [(fact.what, fact.heard_frames) for fact in card.buffer.due(100.2)] == [("sounded", 0), ("finished", 4800)]
    sound = card.buffer.take(6000, 101.0)
    assert np.abs(sound[100:4700] - 9000).max() < 4
    assert not sound[4800:].any()
    assert card.buffer.due(200.0)[-1] == Fact("finished", "b", pytest.approx(101.1), 4800)


# ── whatever happens, in whatever order ──

END_OF_TIME_S = 1e6
NAMES = "abcde"
OPS = st.lists(
    st.one_of(
        st.tuples(st.just("take"), st.integers(1, 6)),
        st.tuples(st.just("push"), st.sampled_from(NAMES), st.integers(1, 1500)),
        st.tuples(st.sampled_from(["end", "hush", "duck", "resume", "withdraw"]), st.sampled_from(NAMES)),
        st.tuples(st.just("die"), st.integers(0, 2 * PERIOD)),
    ),
    max_size=40,
)


class Model:
    """A buffer, what its card plays, and what of each reply must be there; every frame is unlike the others."""

    def __init__(self) -> None:
        self.buffer = JitterBuffer(RATE, JitterPlan(start_ms=40, most_ms=100, fade_ms=0))
        self.now = 0  # in frames
        self.room: list[int] = []
        self.told: list[Fact] = []
        self.begun: list[str] = []
        self.taken_in: dict[str, int] = {}
        self.over: set[str] = set()  # nothing more of it is taken in
        self.hushed: set[str] = set()

    def of(self, name: str, before: int | None = None) -> list[int]:
        """Which frames of a reply are in the room, from 1 on."""
        return [value % 6000 for value in self.room[:before] if value and value // 6000 == NAMES.index(name)]

    def do(self, what: str, *how) -> None:
        getattr(self, what)(*how)
        self.told += self.buffer.due(self.now / RATE)
        for name in self.taken_in:
            assert self.buffer.heard_frames(name, self.now / RATE) == len(self.of(name, self.now))

    def begin(self, name: str) -> None:
        if name not in self.taken_in:
            if self.begun:
                self.over.add(self.begun[-1])
            self.begun.append(name)
            self.taken_in[name] = 0

    def push(self, name: str, frames: int) -> None:
        self.begin(name)
        had = self.taken_in[name]
        frames = min(frames, 5999 - had)
        self.buffer.push(name, (np.arange(had + 1, had + frames + 1) + 6000 * NAMES.index(name)).astype(np.int16))
        if name not in self.over:
            self.taken_in[name] += frames

    def end(self, name: str) -> None:
        self.begin(name)
        self.buffer.end(name)
        self.over.add(name)

    def hush(self, name: str) -> None:
        self.taken_in.setdefault(name, 0)
        self.buffer.hush(name, self.now / RATE)
        self.over.add(name)
        self.hushed.add(name)

    def withdraw(self, name: str) -> None:
        if self.of(name):
            self.buffer.withdraw(name, self.now / RATE)
        else:
            self.taken_in.setdefault(name, 0)
            self.over.add(name)
            self.hushed.add(name)
            self.buffer.withdraw(name, self.now / RATE)

    def duck(self, name: str) -> None:
        self.buffer.duck(name)

    def resume(self, name: str) -> None:
        self.buffer.resume(name)

    def take(self, periods: int) -> None:
        for _ in range(periods):
            self.room += [0] * (self.now + 2 * PERIOD - len(self.room))  # it sounds two periods from now
            self.room += self.buffer.take(PERIOD, len(self.room) / RATE).tolist()
            self.now += PERIOD

    def die(self, frames_ago: int) -> None:
        """It is noticed late, but not so late that something was told that is not true."""
        cut = max(0, self.now - frames_ago)
        if any(fact.at_s > cut / RATE for fact in self.told):
            cut = self.now
        self.buffer.put_back(cut / RATE)
        del self.room[cut:]


@given(OPS)
@example([("push", "a", 1000), ("take", 1), ("duck", "a"), ("take", 2), ("resume", "a"), ("die", 100), ("hush", "a")])
def test_every_frame_is_heard_once_and_in_order_and_facts_are_true(ops):
    model = Model()
    for what, *how in ops:
        model.do(what, *how)
    for name in model.begun:
        model.do("resume", name)
        model.do("end", name)
    model.do("take", 120)
    model.told += model.buffer.due(END_OF_TIME_S)
    order = [value // 6000 for value in model.room if value]
    assert [NAMES[index] for index in dict.fromkeys(order)] == [name for name in model.begun if model.of(name)]
    assert sum(1 for one, other in pairwise(order) if one != other) == max(0, len(set(order)) - 1)
    for name, taken_in in model.taken_in.items():
        heard = model.of(name)
        assert heard == list(range(1, len(heard) + 1))
        facts = [(fact.what, fact.heard_frames) for fact in model.told if fact.reply == name]
        end = ("hushed", len(heard)) if name in model.hushed else ("finished", taken_in)
        assert [fact for fact in facts if fact[0] == end[0]] == [end]
        assert facts[-1] == end
        assert facts.count(("sounded", 0)) == (1 if heard else 0) or not heard
        assert name in model.hushed or len(heard) == taken_in
    assert not model.buffer.playing


@given(
    st.lists(st.tuples(st.sampled_from(["duck", "resume", "hush"]), st.integers(1, 9)), max_size=12),
    st.sampled_from([32, 100, 192, 480, 1000]),
)
def test_nothing_that_is_asked_makes_a_click(ops, period):
    buffer = JitterBuffer(RATE, PLAN)
    wave = 12_000 * np.sin(np.pi * np.arange(12_000) / 12_000)
    buffer.push("a", wave.astype(np.int16))
    buffer.end("a")
    sound = []
    for what, periods in [*ops, ("resume", 12_000 // period + 40)]:
        if what == "hush":
            buffer.hush("a", 0.0)
        else:
            getattr(buffer, what)("a")
        for _ in range(periods):
            sound += buffer.take(period, len(sound) / RATE).tolist()
    assert np.abs(np.diff(sound)).max() <= 12_000 / 192 + 12_000 * np.pi / 12_000 + 2
    last = buffer.due(END_OF_TIME_S)[-1]
    assert (last.what, last.heard_frames) == ("finished", 12_000) or any(what == "hush" for what, _ in ops)


# ── the ledger ──


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
