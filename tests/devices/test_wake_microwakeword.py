"""The light engine on real models and real speech, and what it says to files it cannot use."""

import json

import numpy as np
import pytest

from antiphon.devices.wake_microwakeword import builtin_models, open_engine
from antiphon.devices.wake_models import packaged_models
from antiphon.errors import ModelError
from antiphon.pcm import WAKE_RATE_HZ, Samples
from antiphon.simulator.speech import FLITE_VOICES, synthesise

STEP_MS = 30


@pytest.fixture(scope="module")
def jarvis():
    return open_engine(["hey_jarvis"])


@pytest.fixture
def own(tmp_path):
    """A model of the owner's own: a copy of a builtin one under another name."""
    description = json.loads(builtin_models()["alexa"].read_text("utf-8"))
    (tmp_path / "sesame.tflite").write_bytes(builtin_models()["alexa"].with_suffix(".tflite").read_bytes())
    (tmp_path / "sesame.json").write_text(json.dumps(description | {"model": "sesame.tflite"}))
    return tmp_path / "sesame.json"


def spoken(text: str, voice: str) -> Samples:
    word = np.pad(synthesise(text, voice, WAKE_RATE_HZ), (WAKE_RATE_HZ, WAKE_RATE_HZ))
    return (word + np.random.default_rng(1).normal(0, 30, len(word))).astype(np.int16)


def highest(engine, samples: Samples) -> float:
    engine.forget()
    return max(row[0] for row in engine.hear(samples))


@pytest.mark.parametrize("voice", FLITE_VOICES)
def test_wake_word_is_heard(jarvis, voice):
    assert highest(jarvis, spoken("Hey Jarvis.", voice)) > jarvis.default_threshold("hey_jarvis")


@pytest.mark.parametrize("voice", FLITE_VOICES)
def test_ordinary_sentence_is_not(jarvis, voice):
    assert highest(jarvis, spoken("Could you bring me a glass of water, please?", voice)) < 0.5


def test_several_words_at_once_score_as_each_alone():
    sound = np.concatenate([spoken("Hey Jarvis.", "rms"), spoken("Okay Nabu.", "awb")])
    words = ["hey_jarvis", "okay_nabu"]
    engine = open_engine(words)
    together = np.array(engine.hear(sound))
    assert abs(len(together) - len(sound) * 1000 / WAKE_RATE_HZ / STEP_MS) <= 1
    assert (together.max(axis=0) > [engine.default_threshold(word) for word in words]).all()
    for at, word in enumerate(words):
        assert np.array_equal(together[:, at], np.array(open_engine([word]).hear(sound))[:, 0])


@pytest.mark.parametrize("block", [320, 441, 1280, 50_000])
def test_block_size_changes_no_score(jarvis, block):
    sound = spoken("Hey Jarvis.", "rms")
    jarvis.forget()
    whole = jarvis.hear(sound)
    jarvis.forget()
    assert [row for at in range(0, len(sound), block) for row in jarvis.hear(sound[at : at + block])] == whole


def test_forgetting_is_as_good_as_new(jarvis):
    sound = spoken("Hey Jarvis.", "slt")
    fresh = open_engine(["hey_jarvis"]).hear(sound)
    jarvis.hear(spoken("Hey Jarvis, are you there?", "rms")[:12_345])
    jarvis.forget()
    assert jarvis.hear(sound) == fresh


def test_threshold_is_the_makers(jarvis):
    assert jarvis.default_threshold("hey_jarvis") == 0.97
    assert open_engine(["okay_nabu"]).default_threshold("okay_nabu") == 0.85


@pytest.mark.parametrize("suffix", [".tflite", ".json"])
def test_own_model_is_called_as_its_file(own, suffix):
    engine = open_engine([str(own.with_suffix(suffix))])
    assert list(engine.words) == ["sesame"]
    assert highest(engine, spoken("Alexa.", "slt")) > engine.default_threshold("sesame")


@pytest.mark.parametrize(
    "content", ["", "[1, 2]", "{}", '{"model": "x.tflite", "wake_word": "x", "micro": {}}', '{"model": 5}']
)
def test_other_description_is_an_error(own, content):
    own.write_text(content)
    with pytest.raises(ModelError, match=r"sesame\.json: this is not a description of a microWakeWord model"):
        open_engine([str(own)])


def test_missing_description_is_an_error(own):
    own.unlink()
    with pytest.raises(ModelError, match=r"sesame\.json: there is no such file"):
        open_engine([str(own.with_suffix(".tflite"))])


def test_model_of_the_other_engine_is_an_error(own):
    other = packaged_models("pyopen_wakeword") / "alexa.tflite"
    own.with_suffix(".tflite").write_bytes(other.read_bytes())
    with pytest.raises(ModelError, match="choose the engine it was made for"):
        open_engine([str(own)])


def test_missing_model_beside_its_description_is_an_error(own):
    own.with_suffix(".tflite").unlink()
    with pytest.raises(ModelError, match=r"sesame\.tflite: there is no such file"):
        open_engine([str(own)])


@pytest.mark.parametrize("size", [8, 1000, 20_000])
def test_damaged_model_is_an_error_and_no_crash(own, size):
    model = own.with_suffix(".tflite")
    model.write_bytes(model.read_bytes()[:size])
    with pytest.raises(ModelError, match=r"sesame\.json: its \.tflite does not run as a microWakeWord model"):
        open_engine([str(own)])


def test_unknown_word_is_an_error():
    with pytest.raises(ModelError, match="did you mean okay_nabu"):
        open_engine(["ok nabu"])
