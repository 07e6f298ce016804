"""Which voices a model has, and what is said of one that it has not."""

import pytest

from antiphon.speech.voice_lists import NAMES, OWN, VOICES, check_voice, voices_of


def test_no_voice_is_listed_twice():
    for models in VOICES.values():
        for voices in models.values():
            assert len(set(voices)) == len(voices) > 0


def test_a_voice_of_the_model_passes():
    for service, models in VOICES.items():
        for model, voices in models.items():
            assert [check_voice(service, model, voice) for voice in voices] == [None] * len(voices)


@pytest.mark.parametrize("voice", ["", OWN + "Ab12"])
def test_a_voice_of_ones_own_passes(voice):
    assert check_voice("speech", "stepaudio-2.5-tts", voice) is None


def test_a_model_that_is_not_known_may_have_any_voice():
    assert voices_of("chat", "step-of-tomorrow") == ()
    assert check_voice("chat", "step-of-tomorrow", "anybody") is None


def test_a_slip_is_told_with_what_it_may_mean():
    told = check_voice("speech", "step-tts-mini", "Linjiajiejie")
    assert told.startswith("step-tts-mini has no voice 'Linjiajiejie': did you mean linjiajiejie")
    assert "did you mean wenrounansheng" in check_voice("chat", "step-audio-2", "wenrounanshen")


def test_a_voice_of_another_model_is_told():
    assert check_voice("chat", "step-audio-2", "linjiameimei") is not None
    assert "qingchunshaonv, wenrounansheng" in check_voice("realtime", "step-audio-2-mini", "Bob")
    assert "'antiphon voices list' shows" in check_voice("speech", "step-tts-2", "Bob")


def test_what_has_a_name_is_a_voice():
    assert set(NAMES) <= set(voices_of("speech", "step-tts-mini"))
    assert len(voices_of("realtime", "stepaudio-2.5-realtime")) >= 25
