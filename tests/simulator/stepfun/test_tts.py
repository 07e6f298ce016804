"""What a request for speech may ask for, and how the others are refused."""

import json

import pytest

from antiphon.simulator.stepfun.handshake import Refusal
from antiphon.simulator.stepfun.options import SimulatorOptions
from antiphon.simulator.stepfun.tts import NORMAL_PATH, PLAN_PATH, Denial, Wish, judge

OPTIONS = SimulatorOptions(keys={"sk-n": "normal", "sk-p": "plan"})
WELL = {"model": "stepaudio-2.5-tts", "input": "Good night.", "voice": "linjiajiejie", "response_format": "pcm"}


def verdict(path=NORMAL_PATH, key="sk-n", **changes):
    asked = {name: value for name, value in (WELL | changes).items() if value is not None}
    return judge(path, f"Bearer {key}" if key else None, json.dumps(asked).encode(), OPTIONS)


def test_what_the_reference_has_is_granted():
    assert verdict() == Wish(NORMAL_PATH, "stepaudio-2.5-tts", "Good night.", "linjiajiejie", "pcm", 24_000, False)
    assert verdict(PLAN_PATH, "sk-p").path == PLAN_PATH
    full = verdict(
        sample_rate=16_000,
        speed=0.5,
        volume=2.0,
        stream_format="sse",
        markdown_filter=True,
        return_url=False,
        instruction="calm, slow",
        pronunciation_map={"tone": ["LOL/laugh out loud"]},
        text_normalization="standard",
        timestamp=False,
    )
    assert (full.rate_hz, full.sse, full.censored) == (16_000, True, False)
    assert verdict(model="step-tts-2", voice_label={"emotion": "高兴"}).model == "step-tts-2"
    assert verdict(model="step-tts-2", voice_label={"style": "老年"}).model == "step-tts-2"
    assert verdict(model="step-tts-mini", voice_label={"language": "粤语"}).model == "step-tts-mini"
    assert verdict(voice="voice-tone-Ab12", input="x" * 1000, response_format="wav").format == "wav"
    assert verdict(response_format=None).format == "mp3"
    assert (full.instruction, full.speed, full.volume) == ("calm, slow", 0.5, 2.0)


@pytest.mark.parametrize(
    ("path", "key", "changes", "status"),
    [
        ("/v1/audio/speeches", "sk-n", {}, 404),
        (NORMAL_PATH, None, {}, 401),
        (NORMAL_PATH, "sk-other", {}, 401),
        (NORMAL_PATH, "sk-p", {}, 402),
        (PLAN_PATH, "sk-p", {"model": "step-tts-2"}, 404),
        (NORMAL_PATH, "sk-n", {"model": "gpt"}, 400),
        (NORMAL_PATH, "sk-n", {"model": None}, 400),
    ],
)
def test_path_key_and_model_decide_first(path, key, changes, status):
    assert verdict(path, key, **changes) == Refusal(status)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"input": "x" * 1001}, "longer than 1000 characters"),
        ({"input": " "}, "input is required"),
        ({"input": None}, "input is required"),
        ({"voice": None}, "voice is required"),
        ({"voice": "nobody"}, "voice nobody is not valid"),
        ({"response_format": "aac"}, "response_format is one of"),
        ({"sample_rate": [8000]}, "sample_rate is not valid"),
        ({"pronunciation_map": {"tone": [], "pace": 1}}, "pronunciation_map is not valid"),
        ({"voice": "lively-girl", "model": "step-tts-mini"}, "voice lively-girl is not valid"),
        ({"model": "step-tts-2", "voice_label": {"style": 3}}, "voice_label.style is not valid"),
        ({"model": "step-tts-2", "voice_label": {"emotion": "慢速"}}, "voice_label.emotion is not valid"),
        ({"model": "step-tts-mini", "voice_label": {"style": "老年"}}, "voice_label.style is not valid"),
        ({"sample_rate": 44_100}, "sample_rate is not valid"),
        ({"speed": 3}, "speed is not valid"),
        ({"speed": True}, "speed is not valid"),
        ({"volume": 0}, "volume is not valid"),
        ({"return_url": True}, "return_url is not valid"),
        ({"stream_format": "json"}, "stream_format is not valid"),
        ({"pronunciation_map": {"tone": ["LOL"]}}, "pronunciation_map is not valid"),
        ({"pronunciation_map": ["LOL/x"]}, "pronunciation_map is not valid"),
        ({"responseFormat": "pcm"}, "responseFormat is not valid"),
        ({"instruction": "x" * 201}, "instruction is too long"),
        ({"model": "step-tts-2", "instruction": "calm"}, "instruction is not supported for step-tts-2"),
        ({"voice_label": {"emotion": "happy"}}, "voice_label is not supported for v2 models"),
        ({"model": "step-tts-2", "voice_label": {"emotion": "a", "style": "b"}}, "exactly one of"),
        ({"model": "step-tts-2", "voice_label": {"mood": "a"}}, "exactly one of"),
    ],
)
def test_what_is_wrong_with_a_field_is_said(changes, words):
    denied = verdict(**changes)
    assert isinstance(denied, Denial)
    assert denied.status == 400
    assert words in json.loads(denied.body)["error"]["message"]


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"\xff", b"[" * 90_000])
def test_a_body_that_is_no_object(body):
    assert judge(NORMAL_PATH, "Bearer sk-n", body, OPTIONS) == Denial(400, "the body is not a JSON object")


def test_directions_are_not_spoken_by_the_models_that_read_them():
    text = "(softly) Good night. \uff08\u8f7b\u58f0\uff09Sleep (deep and) well."
    assert verdict(input=text).text == "Good night. Sleep  well."
    assert verdict(input=text, model="step-tts-2").text == text


def test_moderation_refuses_or_ends_the_stream_of_events():
    strict = SimulatorOptions(keys={"sk-n": "normal"}, blocked=("Good",))

    def judged(**changes):
        return judge(NORMAL_PATH, "Bearer sk-n", json.dumps(WELL | changes).encode(), strict)

    assert judged() == Refusal(451)
    assert judged(stream_format="sse").censored
    assert not judged(input="Bad night.").censored
