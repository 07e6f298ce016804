"""Models and voices."""

import pytest

from antiphon.simulator.speech import FLITE_VOICES
from antiphon.simulator.stepfun import voices


def test_the_default_model_has_the_25_voices_that_were_accepted_live():
    assert len(voices.MODELS["stepaudio-2.5-realtime"]) == 25
    assert not voices.accepts("stepaudio-2.5-realtime", "tianmeinvsheng")


def test_a_cloned_voice_is_accepted():
    assert voices.accepts("step-audio-2", "voice-tone-abc")
    assert not voices.accepts("step-audio-2", "linjiajiejie")


@pytest.mark.parametrize("model", voices.MODELS)
def test_a_session_begins_with_a_voice_of_its_model(model):
    assert voices.default_voice(model) in voices.MODELS[model]


def test_every_voice_has_a_speaker():
    assert {voices.speaker(name) for names in voices.MODELS.values() for name in names} <= set(FLITE_VOICES)
    assert voices.speaker("cixingnansheng") != voices.speaker("linjiajiejie")


def test_text_to_speech_has_voices_by_model():
    assert [len(voices.SPEECH_MODELS[model]) for model in ("step-tts-mini", "stepaudio-2.5-tts", "step-tts-2")] == [
        27,
        36,
        39,
    ]
    assert voices.speaks("tianmeinvsheng")
    assert voices.speaks("voice-tone-Ab12", "step-tts-mini")
    assert not voices.speaks("lively-girl", "step-tts-mini")


def test_a_chat_model_without_voices_only_writes():
    assert {model for model, names in voices.CHAT_MODELS.items() if not names} == {
        "stepaudio-2.5-chat",
        "stepaudio-3-chat-preview",
    }
