"""Scores in, detections out: once for each time a word is said."""

import pytest

from antiphon.audio.trigger import Detection, Trigger, WakeWord

STEP = 1280
JARVIS, NABU = WakeWord("jarvis", 0.5, refractory_ms=800), WakeWord("nabu", 0.8, refractory_ms=240)


def heard(trigger: Trigger, *rows: tuple[float, ...]) -> list[str | None]:
    """The word detected at each row, one row a step."""
    return [found and found.word for found in (trigger.hear([row], STEP) for row in rows)]


def test_score_at_the_threshold_fires_with_its_score():
    trigger = Trigger([JARVIS, NABU])
    assert trigger.hear([(0.49, 0.79)], STEP) is None
    assert trigger.hear([(0.5, 0.79)], STEP) == Detection("jarvis", 0.5)


def test_the_highest_threshold_can_be_reached():
    assert heard(Trigger([WakeWord("jarvis", 1.0, refractory_ms=800)]), (0.99,), (1.0,)) == [None, "jarvis"]


def test_each_word_has_its_threshold_and_the_highest_score_wins():
    assert heard(Trigger([JARVIS, NABU]), (0.6, 0.79)) == ["jarvis"]
    assert heard(Trigger([JARVIS, NABU]), (0.6, 0.81)) == ["nabu"]


def test_long_utterance_is_one_detection():
    trigger = Trigger([JARVIS])
    assert heard(trigger, *[(0.9,)] * 40) == ["jarvis"] + [None] * 39


def test_word_fires_again_after_its_refractory_time_and_a_low_score():
    trigger = Trigger([JARVIS])
    assert heard(trigger, (0.9,), *[(0.1,)] * 9, (0.9,), (0.9,)) == ["jarvis"] + [None] * 9 + ["jarvis", None]


def test_word_said_again_fires_no_sooner_than_its_refractory_time():
    trigger = Trigger([JARVIS])
    assert heard(trigger, (0.9,), (0.1,), *[(0.9,)] * 10) == ["jarvis"] + [None] * 9 + ["jarvis", None]


def test_one_utterance_is_one_detection_across_words():
    trigger = Trigger([JARVIS, NABU])
    assert heard(trigger, (0.9, 0), *[(0, 0.9)] * 9, (0, 0.9), (0, 0.9)) == ["jarvis"] + [None] * 9 + ["nabu", None]


def test_refractory_time_is_that_of_the_word_that_fired():
    trigger = Trigger([JARVIS, NABU])
    assert heard(trigger, (0, 0.9), (0, 0), (0, 0), (0.9, 0)) == ["nabu", None, None, "jarvis"]


def test_refractory_time_is_counted_in_samples_not_rows():
    trigger = Trigger([JARVIS])
    assert heard(trigger, (0.9,), (0,)) == ["jarvis", None]
    assert trigger.hear([], 10 * STEP) is None
    assert heard(trigger, (0.9,)) == ["jarvis"]


def test_block_of_many_rows_gives_its_first_detection():
    trigger = Trigger([JARVIS, NABU])
    assert trigger.hear([(0, 0), (0.7, 0), (0.9, 0.99)], 3 * STEP) == Detection("jarvis", 0.7)


def test_restart_arms_at_once():
    trigger = Trigger([JARVIS])
    assert heard(trigger, (0.9,)) == ["jarvis"]
    trigger.restart()
    assert heard(trigger, (0.9,)) == ["jarvis"]


@pytest.mark.parametrize("rows", [[], [(0.0,)]])
def test_nothing_said_is_nothing_detected(rows):
    assert Trigger([JARVIS]).hear(rows, STEP) is None
