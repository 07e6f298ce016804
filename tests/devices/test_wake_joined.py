"""Two engines, one row of scores."""

import numpy as np

from antiphon.devices.fake import STEP_FRAMES, ScriptedWakeEngine
from antiphon.devices.wake_joined import JoinedWakeEngine


def step():
    return np.zeros(STEP_FRAMES, np.int16)


def test_words_stand_side_by_side():
    first = ScriptedWakeEngine(["a", "b"], {STEP_FRAMES: "b"})
    second = ScriptedWakeEngine(["c"], {0: "c"})
    engine = JoinedWakeEngine([first, second])
    assert list(engine.words) == ["a", "b", "c"]
    assert engine.default_threshold("c") == 0.5
    assert engine.hear(step()) == [[0, 0, 0], [0, 0, 1]]
    assert engine.hear(step()) == [[0, 1, 1], [0, 1, 0]]


def test_words_of_an_engine_between_its_steps_keep_their_scores():
    early, late = ScriptedWakeEngine(["a"], {0: "a"}), ScriptedWakeEngine(["b"], {})
    late.hear(step()[:100])
    engine = JoinedWakeEngine([early, late])
    assert engine.hear(step()[:-1]) == [[0, 0]]  # only `late` has completed a step
    assert engine.hear(step()[:1]) == [[1, 0]]
    assert engine.hear(step()[:-1]) == [[1, 0]]


def test_forgetting_reaches_all_and_drops_their_scores():
    first, second = ScriptedWakeEngine(["a"], {0: "a"}), ScriptedWakeEngine(["b"], {})
    engine = JoinedWakeEngine([first, second])
    engine.hear(step())
    second.hear(step()[:1])
    engine.forget()
    assert (first.forgotten, second.forgotten) == (1, 1)
    assert engine.hear(step()) == [[0, 0], [0, 0]]
