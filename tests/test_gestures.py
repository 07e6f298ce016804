"""Gestures: press, tap, double, hold, and contacts that bounce."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from antiphon.conversation.events import ButtonMoved
from antiphon.gestures import BOUNCE_S, REPEAT_S, Gesture, Gestures

DOUBLE_MS, HOLD_MS = 300, 600


def play(moves, *, prompt=True):
    """(ms, button, down) edges → (ms, kind) gestures; `prompt` ticks at each deadline, else only at the end."""
    gestures = Gestures(DOUBLE_MS, HOLD_MS)
    heard = []

    def tick_until(end_s):
        while (due_s := gestures.deadline) is not None and due_s <= end_s:
            heard.extend((due_s, gesture) for gesture in gestures.tick(due_s))

    for at_ms, button, down in moves:
        if prompt:
            tick_until(at_ms / 1000)
        heard.extend((at_ms / 1000, gesture) for gesture in gestures.handle(ButtonMoved(button, down), at_ms / 1000))
    tick_until(float("inf"))
    return heard


def kinds(moves, button="talk"):
    edges = [(ms, button, down) for ms, down in moves]
    return [(round(at_s * 1000), gesture.kind) for at_s, gesture in play(edges)]


def test_a_press_acts_at_once_and_a_short_one_is_a_tap():
    assert kinds([(0, True), (120, False)]) == [(0, "press"), (120, "tap")]


def test_a_long_press_is_a_hold_and_no_tap():
    assert kinds([(0, True), (900, False)]) == [(0, "press"), (600, "hold")]


def test_a_second_press_soon_after_a_tap_is_a_double_and_nothing_follows_it():
    assert kinds([(0, True), (100, False), (300, True), (1500, False)]) == [(0, "press"), (100, "tap"), (300, "double")]


def test_a_volume_button_repeats_while_it_is_held_and_that_was_no_tap():
    moves = [(0, True), (1050, False)]
    assert kinds(moves, "volume_up") == [(0, "press"), (600, "repeat"), (800, "repeat"), (1000, "repeat")]


def test_every_press_of_a_volume_button_counts():
    moves = [(0, True), (100, False), (200, True), (300, False), (400, True), (1050, False)]
    pressed = [(0, "press"), (100, "tap"), (200, "press"), (300, "tap"), (400, "press"), (1000, "repeat")]
    assert kinds(moves, "volume_down") == pressed


def test_repeats_that_were_missed_are_not_made_up_for():
    """The process was stopped for ten seconds: nobody knows whether the button was held all the while."""
    gestures = Gestures(DOUBLE_MS, HOLD_MS)
    gestures.handle(ButtonMoved("volume_up", True), 1.0)
    assert gestures.tick(11.6) == [Gesture("volume_up", "repeat")]
    assert gestures.deadline == pytest.approx(11.6 + REPEAT_S)


def test_a_volume_button_that_is_stuck_does_not_repeat_for_ever():
    stuck = kinds([(0, True)], "volume_up")
    assert [kind for _, kind in stuck] == ["press"] + ["repeat"] * 20
    assert kinds([(0, True), (9000, False)], "volume_up") == stuck


def test_a_late_second_press_is_a_press():
    assert kinds([(0, True), (100, False), (500, True), (600, False)]) == [
        (0, "press"),
        (100, "tap"),
        (500, "press"),
        (600, "tap"),
    ]


def test_a_third_press_begins_anew():
    moves = [(0, True), (100, False), (200, True), (300, False), (400, True), (500, False)]
    assert [kind for _, kind in kinds(moves)] == ["press", "tap", "double", "press", "tap"]


def test_a_press_after_a_hold_is_no_double():
    assert [kind for _, kind in kinds([(0, True), (700, False), (800, True), (900, False)])] == [
        "press",
        "hold",
        "press",
        "tap",
    ]


def test_a_bouncing_contact_is_one_press_and_one_tap():
    down = [(0, True), (1, False), (2, True), (5, False), (9, True)]
    up = [(200, False), (202, True), (203, False), (211, True), (212, False)]
    assert kinds(down + up) == [(0, "press"), (200, "tap")]


def test_the_final_level_wins_when_the_bouncing_is_over():
    assert kinds([(0, True), (4, False)]) == [(0, "press"), (15, "tap")]
    assert kinds([(0, True), (100, False), (104, True), (300, False)]) == [
        (0, "press"),
        (100, "tap"),
        (115, "double"),
    ]


def test_edges_that_say_nothing_new_are_ignored():
    assert kinds([(0, False), (50, True), (90, True), (130, False), (170, False)]) == [(50, "press"), (130, "tap")]


def test_buttons_do_not_mix():
    moves = [(0, "talk", True), (50, "mute", True), (100, "mute", False), (150, "talk", False)]
    assert [gesture for _, gesture in play(moves)] == [
        Gesture("talk", "press"),
        Gesture("mute", "press"),
        Gesture("mute", "tap"),
        Gesture("talk", "tap"),
    ]


def test_nothing_is_awaited_at_rest():
    gestures = Gestures(DOUBLE_MS, HOLD_MS)
    assert gestures.deadline is None
    gestures.handle(ButtonMoved("talk", True), 1.0)
    assert gestures.deadline == pytest.approx(1.0 + BOUNCE_S)
    assert gestures.tick(1.0 + BOUNCE_S) == []
    assert gestures.deadline == pytest.approx(1.6)
    assert gestures.tick(1.6) == [Gesture("talk", "hold")]
    assert gestures.deadline is None


edges = st.lists(st.tuples(st.integers(0, 700), st.sampled_from(["talk", "mute"]), st.booleans()), max_size=40).map(
    lambda moves: [(sum(gap for gap, _, _ in moves[: n + 1]), *moves[n][1:]) for n in range(len(moves))]
)


@given(edges)
def test_every_press_ends_in_at_most_one_way(moves):
    """A press is followed by a tap or a hold or, while still down, by neither; these never come by themselves."""
    for button in ("talk", "mute"):
        open_press = False
        for _, gesture in play(moves):
            if gesture.button != button:
                continue
            if gesture.kind in ("press", "double"):
                assert not open_press
            else:
                assert open_press
            open_press = gesture.kind == "press"


@given(edges)
def test_holds_and_doubles_keep_their_times(moves):
    last = {}
    for at_s, gesture in play(moves):
        if gesture.kind == "hold":
            assert at_s - last[gesture.button, "press"] == pytest.approx(HOLD_MS / 1000)
        if gesture.kind == "double":
            assert at_s - last[gesture.button, "tap"] <= DOUBLE_MS / 1000 + 1e-9
        last[gesture.button, gesture.kind] = at_s


@given(edges)
def test_gestures_of_a_button_are_15_ms_apart_unless_they_are_a_hold(moves):
    last = {}
    for at_s, gesture in play(moves):
        if gesture.kind != "hold":
            assert at_s - last.get(gesture.button, -1.0) >= BOUNCE_S - 1e-9
            last[gesture.button] = at_s


@given(edges)
def test_being_late_changes_no_gesture(moves):
    for button in ("talk", "mute"):
        mine = [move for move in moves if move[1] == button]
        prompt = [gesture.kind for _, gesture in play(mine)]
        late = [gesture.kind for _, gesture in play(mine, prompt=False)]
        assert prompt == late


@given(edges)
def test_a_button_left_down_ends_as_a_hold_or_a_double(moves):
    """The final level wins: after everything, the last gesture tells whether the button is down."""
    for button in ("talk", "mute"):
        mine = [move for move in moves if move[1] == button]
        heard = [gesture.kind for _, gesture in play(mine)]
        if mine and mine[-1][2]:
            assert heard[-1] in ("hold", "double")
