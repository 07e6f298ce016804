"""The scripted judges keep time in samples, whatever the blocks are."""

import numpy as np
import pytest

from antiphon.devices.fake import STEP_FRAMES, ScriptedVoiceDetector, ScriptedWakeEngine


def silence(frames: int):
    return np.zeros(frames, np.int16)


def test_nothing_scripted_is_nothing_heard():
    engine = ScriptedWakeEngine(["a"], {})
    assert engine.default_threshold("a") == 0.5
    assert engine.hear(silence(2 * STEP_FRAMES)) == [[0.0], [0.0]]
    assert ScriptedVoiceDetector([]).voiced(silence(640)) == [False, False]


@pytest.mark.parametrize("block", [320, 1000, 1280, 9000])
def test_word_scores_in_the_step_that_holds_it(block):
    engine = ScriptedWakeEngine(["a", "b"], {STEP_FRAMES: "b", 4 * STEP_FRAMES - 1: "a"})
    rows = [row for _ in range(9000 // block) for row in engine.hear(silence(block))]
    assert rows[:5] == [[0, 0], [0, 1], [0, 0], [1, 0], [0, 0]]


def test_forgetting_begins_a_new_step_and_is_counted():
    engine = ScriptedWakeEngine(["a"], {1000 + STEP_FRAMES - 1: "a"})
    assert engine.hear(silence(1000)) == []
    engine.forget()
    assert engine.forgotten == 1
    assert engine.hear(silence(STEP_FRAMES)) == [[1.0]]


@pytest.mark.parametrize("block", [100, 320, 480, 1600])
def test_voice_is_marked_where_a_span_touches(block):
    detector = ScriptedVoiceDetector([(640, 641), (1279, 1281)])
    marks = [mark for _ in range(4800 // block) for mark in detector.voiced(silence(block))]
    assert marks == [False, False, True, True, True] + [False] * 10


def test_forgetting_begins_a_new_mark():
    detector = ScriptedVoiceDetector([(320, 321)])
    assert detector.voiced(silence(500)) == [False]
    detector.forget()
    assert detector.voiced(silence(320)) == [True]
