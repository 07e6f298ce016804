"""What text to speech over a WebSocket takes, and what it refuses."""

import json

import pytest

from antiphon.simulator.stepfun.grammar import ComplaintError
from antiphon.simulator.stepfun.tts_stream_grammar import checked, creation, text

MODEL = "stepaudio-2.5-tts"
WELL = {"session_id": "S", "voice_id": "linjiajiejie", "response_format": "pcm"}
ALL = WELL | {
    "sample_rate": 16_000,
    "speed_ratio": 1.5,
    "volume_ratio": 0.5,
    "mode": "sentence",
    "instruction": "calm",
    "pronunciation_map": {"tone": ["LOL/laugh out loud"]},
    "markdown_filter": True,
    "text_normalization": "enhanced",
    "timestamp": True,
}


def refused(act):
    with pytest.raises(ComplaintError) as error:
        act()
    assert error.value.code == "400"
    return error.value.param


def test_all_that_the_reference_lists():
    made = creation(ALL, MODEL)
    assert (made.voice, made.format, made.rate_hz, made.mode) == ("linjiajiejie", "pcm", 16_000, "sentence")
    assert (made.instruction, made.speed, made.volume, made.subtitles) == ("calm", 1.5, 0.5, True)
    assert checked(json.dumps({"type": "tts.create", "data": ALL}), "S") == ("tts.create", ALL)


def test_a_voice_label_is_for_the_other_models():
    label = WELL | {"voice_label": {"emotion": "高兴"}}
    assert creation(label, "step-tts-2").instruction == ""
    assert refused(lambda: creation(label, MODEL)) == "voice_label"
    assert refused(lambda: creation(WELL | {"instruction": "calm"}, "step-tts-2")) == "instruction"
    assert creation(WELL | {"instruction": "x" * 500}, "stepaudio-3-tts").instruction == "x" * 500


@pytest.mark.parametrize(
    ("param", "value"),
    [
        ("voice_id", "nobody"),
        ("voice_id", 3),
        ("response_format", "aac"),
        ("response_format", "wav_stream"),
        ("sample_rate", 11_025),
        ("sample_rate", 24_000.0),
        ("speed_ratio", 2.1),
        ("speed_ratio", True),
        ("volume_ratio", "1"),
        ("mode", "word"),
        ("instruction", "x" * 201),
        ("pronunciation_map", {"tone": ["no slash"]}),
        ("pronunciation_map", []),
        ("markdown_filter", 1),
        ("text_normalization", True),
        ("timestamp", "true"),
    ],
)
def test_values_that_are_not_listed(param, value):
    assert refused(lambda: creation(WELL | {param: value}, MODEL)) == param


def test_each_model_has_voices_of_its_own():
    asked = WELL | {"voice_id": "lively-girl"}
    assert creation(asked, "step-tts-2").voice == "lively-girl"
    assert refused(lambda: creation(asked, "step-tts-mini")) == "voice_id"


@pytest.mark.parametrize("label", [{}, {"emotion": "高兴", "style": "慢速"}, {"mood": "a"}, "a", {"emotion": "a"}])
def test_labels_of_another_shape(label):
    assert refused(lambda: creation(WELL | {"voice_label": label}, "step-tts-2")) == "voice_label"


@pytest.mark.parametrize(
    ("event", "param"),
    [
        ({"type": "session.update", "data": {}}, "type"),
        ({"type": "tts.text.done"}, "data"),
        ({"type": "tts.text.done", "data": {"session_id": "S"}, "event_id": "c1"}, "data"),
        ({"type": "tts.text.done", "data": {}}, "session_id"),
        ({"type": "tts.text.done", "data": {"session_id": "T"}}, "session_id"),
        ({"type": "tts.create", "data": {"session_id": "S"}}, "voice_id"),
        ({"type": "tts.create", "data": WELL | {"speed": 1.0}}, "speed"),
        ({"type": "tts.create", "data": WELL | {"features": {}}}, "features"),
        ([], ""),
    ],
)
def test_events_of_another_shape(event, param):
    assert refused(lambda: checked(json.dumps(event), "S")) == param


def test_a_binary_frame():
    assert refused(lambda: checked(b"\x00", "S")) == ""


def test_texts_have_a_limit():
    assert text({"text": "x" * 1000}) == "x" * 1000
    for words in ("x" * 1001, "", 3):
        assert refused(lambda words=words: text({"text": words})) == "text"
