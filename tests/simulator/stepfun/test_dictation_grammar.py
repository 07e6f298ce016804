"""What live recognition takes, and what it refuses."""

import pytest

from antiphon.simulator.stepfun.dictation_grammar import Settings, audio, checked, updated
from antiphon.simulator.stepfun.grammar import ComplaintError
from antiphon.simulator.stepfun.vad import VadSettings

FORMAT = {"type": "pcm", "codec": "pcm_s16le", "rate": 16_000, "bits": 16, "channel": 1}
MODEL = {"model": "stepaudio-2.5-asr-stream"}
WORDS = MODEL | {"language": "zh", "prompt": "names", "full_rerun_on_commit": True, "enable_itn": True}
VAD = {"type": "server_vad", "silence_duration_ms": 800, "threshold": 0.25}


def given(**fields):
    return {"audio": {"input": fields}}


def test_all_that_the_reference_lists():
    settings = updated(Settings(), given(format=FORMAT, transcription=WORDS, turn_detection=VAD))
    assert (settings.model, settings.language, settings.prompt) == ("stepaudio-2.5-asr-stream", "zh", "names")
    assert (settings.rate_hz, settings.full_rerun, settings.itn) == (16_000, True, True)
    assert settings.vad == VadSettings(0, 800, 1250)


def test_a_part_leaves_the_rest():
    first = updated(Settings(), given(format=FORMAT, transcription=MODEL, turn_detection=VAD))
    second = updated(first, given(transcription={"language": "en"}))
    assert (second.model, second.language, second.vad) == (first.model, "en", first.vad)


@pytest.mark.parametrize(
    ("session", "param", "code"),
    [
        ("x", "session", "invalid_value"),
        ({}, "session.audio", "missing_param"),
        ({"audio": {}}, "session.audio.input", "missing_param"),
        ({"audio": {"input": {}}, "model": "x"}, "session.model", "invalid_value"),
        (given(), "session.audio.input.transcription.model", "missing_param"),
        (given(format=FORMAT | {"channels": 1}), "session.audio.input.format.channels", "invalid_value"),
        (given(format={"type": "pcm"}), "session.audio.input.format.bits", "missing_param"),
        (given(format=FORMAT | {"rate": 11}), "session.audio.input.format.rate", "invalid_value"),
        (given(format=FORMAT | {"channel": True}), "session.audio.input.format.channel", "invalid_value"),
        (given(format={"type": "ogg"}), "session.audio.input.format.type", "invalid_value"),
        (given(transcription={"model": "whisper-1"}), "session.audio.input.transcription.model", "invalid_value"),
        (given(transcription={"hotwords": []}), "session.audio.input.transcription.hotwords", "invalid_value"),
        (given(transcription=MODEL | {"prompt": 1}), "session.audio.input.transcription.prompt", "invalid_value"),
        (
            given(transcription=MODEL | {"enable_itn": 1}),
            "session.audio.input.transcription.enable_itn",
            "invalid_value",
        ),
        (given(turn_detection={"type": "semantic"}), "session.audio.input.turn_detection.type", "invalid_value"),
        (
            given(turn_detection=VAD | {"prefix_padding_ms": 1}),
            "session.audio.input.turn_detection.prefix_padding_ms",
            "invalid_value",
        ),
        (
            given(turn_detection=VAD | {"threshold": 2500}),
            "session.audio.input.turn_detection.threshold",
            "invalid_value",
        ),
        (
            given(turn_detection=VAD | {"silence_duration_ms": 0.5}),
            "session.audio.input.turn_detection.silence_duration_ms",
            "invalid_value",
        ),
    ],
)
def test_what_is_not_listed_is_refused(session, param, code):
    with pytest.raises(ComplaintError) as refused:
        updated(Settings(), session)
    assert (refused.value.param, refused.value.code) == (param, code)


@pytest.mark.parametrize(
    ("event", "param", "code"),
    [
        ({"type": "response.create"}, "type", "invalid_value"),
        ({"type": 3}, "type", "invalid_value"),
        ({"type": "session.update"}, "session", "missing_param"),
        ({"type": "input_audio_buffer.commit", "item_id": "x"}, "item_id", "invalid_value"),
        ({"type": "input_audio_buffer.commit", "event_id": 3}, "event_id", "invalid_value"),
    ],
)
def test_events_of_another_shape(event, param, code):
    with pytest.raises(ComplaintError) as refused:
        checked(event)
    assert (refused.value.param, refused.value.code) == (param, code)


@pytest.mark.parametrize("text", [3, "AAA*", "", "AA=="])
def test_sound_that_is_none(text):
    with pytest.raises(ComplaintError):
        audio(text)


def test_sound():
    assert audio("AQACAA==") == b"\x01\x00\x02\x00"
