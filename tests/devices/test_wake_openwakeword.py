"""The engine on real models and real speech; and on the scores that the upstream package gave to the same sound."""

from pathlib import Path

import numpy as np
import pytest

from antiphon.devices.wake_models import packaged_models
from antiphon.devices.wake_openwakeword import STEP_FRAMES, builtin_models, open_engine
from antiphon.errors import ModelError
from antiphon.pcm import WAKE_RATE_HZ, Samples
from antiphon.simulator.speech import FLITE_VOICES, synthesise

GOLDEN = Path(__file__).parent.parent / "data" / "golden-scores.npz"
FEATURES = packaged_models("pyopen_wakeword")


@pytest.fixture(scope="module")
def jarvis():
    return open_engine(["hey_jarvis"])


@pytest.fixture(scope="module")
def golden():
    with np.load(GOLDEN) as data:
        return dict(data)


def spoken(text: str, voice: str) -> Samples:
    """`text` in a room with a little noise, which has begun before the engine's history is settled."""
    word = np.pad(synthesise(text, voice, WAKE_RATE_HZ), (WAKE_RATE_HZ * 3 // 2, WAKE_RATE_HZ))
    return (word + np.random.default_rng(1).normal(0, 30, len(word))).astype(np.int16)


def highest(engine, samples: Samples) -> float:
    engine.forget()
    return max(row[0] for row in engine.hear(samples))


def test_scores_equal_those_of_the_upstream_package(golden):
    words = list(golden["words"])
    engine = open_engine(words)
    scenes = [name.removeprefix("sound/") for name in golden if name.startswith("sound/")]
    assert len(scenes) > 10
    for scene in scenes:
        engine.forget()
        ours = engine.hear(golden[f"sound/{scene}"])
        np.testing.assert_allclose(ours, golden[f"scores/{scene}"], rtol=0, atol=1e-3, err_msg=scene)


def test_golden_scores_hold_real_detections(golden):
    column = list(golden["words"]).index("hey_jarvis")
    for voice in FLITE_VOICES:
        assert golden[f"scores/{voice}-alone"][:, column].max() > 0.5
    assert golden["scores/silence"].max() < 0.1


@pytest.mark.parametrize("voice", FLITE_VOICES)
def test_wake_word_is_heard(jarvis, voice):
    assert highest(jarvis, spoken("Hey Jarvis.", voice)) > jarvis.default_threshold("hey_jarvis")


@pytest.mark.parametrize("voice", FLITE_VOICES)
def test_ordinary_sentence_is_not(jarvis, voice):
    assert highest(jarvis, spoken("Could you bring me a glass of water, please?", voice)) < 0.1


def test_several_words_at_once_score_as_each_alone():
    sound = np.concatenate([spoken("Hey Jarvis.", "rms"), spoken("Okay Nabu.", "kal16"), spoken("Alexa.", "slt")])
    words = ["hey_jarvis", "okay_nabu", "alexa"]
    together = np.array(open_engine(words).hear(sound))
    assert together.shape == (len(sound) // STEP_FRAMES, 3)
    assert (together.max(axis=0) > 0.5).all()
    order = together.argmax(axis=0)
    assert order[0] < order[1] < order[2]
    for at, word in enumerate(words):
        assert np.array_equal(together[:, at], np.array(open_engine([word]).hear(sound))[:, 0])


@pytest.mark.parametrize("block", [320, 441, 640, 1279, 1280, 1281, 50_000])
def test_block_size_changes_no_score(jarvis, block):
    sound = spoken("Hey Jarvis, what time is it?", "rms")
    jarvis.forget()
    whole = jarvis.hear(sound)
    assert len(whole) == len(sound) // STEP_FRAMES
    jarvis.forget()
    rows = []
    for start in range(0, len(sound), block):
        rows += jarvis.hear(sound[start : start + block])
        assert len(rows) == min(start + block, len(sound)) // STEP_FRAMES
    assert rows == whole


def test_forgetting_is_as_good_as_new(jarvis):
    sound = spoken("Hey Jarvis.", "kal16")
    fresh = open_engine(["hey_jarvis"]).hear(sound)
    jarvis.hear(np.full(12_345, 9999, np.int16))
    jarvis.forget()
    assert jarvis.hear(sound) == fresh


def test_forgetting_keeps_no_sound(jarvis):
    jarvis.hear(np.full(2000, 9999, np.int16))
    assert jarvis._features._sound.any()
    jarvis.forget()
    assert not jarvis._features._sound.any()


def test_first_five_steps_score_nothing(jarvis):
    jarvis.forget()
    rows = jarvis.hear(spoken("Hey Jarvis.", "rms")[: 7 * STEP_FRAMES])
    assert [row[0] == 0 for row in rows] == [True] * 5 + [False] * 2


def test_no_samples_are_no_steps(jarvis):
    assert jarvis.hear(np.zeros(0, np.int16)) == []


def test_own_model_is_called_as_its_file(tmp_path):
    own = tmp_path / "open_sesame.tflite"
    own.write_bytes(builtin_models()["alexa"].read_bytes())
    engine = open_engine([str(own), "hey_jarvis"])
    assert list(engine.words) == ["open_sesame", "hey_jarvis"]
    assert engine.default_threshold("open_sesame") == 0.5


def test_feature_models_are_no_words():
    assert {"hey_jarvis", "okay_nabu", "alexa"} <= set(builtin_models())
    assert not {"melspectrogram", "embedding_model"} & set(builtin_models())


def test_damaged_model_is_an_error(tmp_path):
    whole = builtin_models()["alexa"].read_bytes()
    for size in (8, 60, 1000, len(whole) // 2, len(whole) - 1):
        file = tmp_path / "cut.tflite"
        file.write_bytes(whole[:size])
        with pytest.raises(ModelError, match=r"cut\.tflite: the file is damaged"):
            open_engine([str(file)])


@pytest.mark.parametrize("name", ["melspectrogram", "embedding_model"])
def test_model_of_another_kind_is_an_error(name):
    with pytest.raises(ModelError, match="not an openWakeWord model"):
        open_engine([str(FEATURES / f"{name}.tflite")])


def test_model_of_the_other_engine_is_an_error():
    other = packaged_models("pymicro_wakeword") / "hey_jarvis.tflite"
    with pytest.raises(ModelError, match=f"wake word model {other}"):
        open_engine([str(other)])


def test_unknown_word_is_an_error():
    with pytest.raises(ModelError, match="did you mean hey_jarvis"):
        open_engine(["hey_javis"])
