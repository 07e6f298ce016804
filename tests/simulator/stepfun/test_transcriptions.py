"""What a form may ask of the transcriptions."""

import pytest

from antiphon.simulator.stepfun.forms import Form
from antiphon.simulator.stepfun.handshake import Refusal
from antiphon.simulator.stepfun.judging import WrongError
from antiphon.simulator.stepfun.options import SimulatorOptions
from antiphon.simulator.stepfun.transcriptions import judge
from simulator.stepfun.http_bench import mp3_of, opus_of, wav_of
from simulator.stepfun.test_library import file_of

PATH = "/v1/audio/transcriptions"


FILE = ("ref.wav", wav_of(1.5))


def verdict(file=FILE, options=None, **texts):
    told = {"model": "step-asr", "response_format": "json"} | texts
    form = Form({name: value for name, value in told.items() if value}, file and file_of(file[1], file[0]))
    return judge(PATH, form, SimulatorOptions(**(options or {})))


@pytest.mark.parametrize(
    ("name", "data"), [("a.wav", wav_of(2)), ("a.MP3", mp3_of(2)), ("a.ogg", opus_of(2)), ("a.pcm", b"\1\2" * 32_000)]
)
def test_files_of_each_kind_are_granted(name, data):
    assert verdict((name, data)).clip.seconds == pytest.approx(2, abs=0.03)


def test_what_the_reference_has_is_granted():
    granted = verdict(response_format="text", hotwords='["\u9636\u8dc3"]', prompt="ignored")
    assert (granted.format, granted.hotwords) == ("text", ("\u9636\u8dc3",))


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"model": "stepaudio-2.5-asr"}, "model stepaudio-2.5-asr not supported"),
        ({"response_format": "verbose_json"}, "only support json,text"),
        ({"response_format": ""}, "response_format is required"),
        ({"language": "zh"}, "language is not valid"),
        ({"file": None}, "file is required"),
        ({"file": ("a.flac", wav_of(1))}, "file is one of"),
        ({"file": ("a.mp3", wav_of(1))}, "not a mp3 file"),
        ({"file": ("a.wav", wav_of(0.25, level=0.0))}, "no speech found"),
        ({"hotwords": "a, b"}, "hotwords is not a JSON array"),
        ({"hotwords": "{}"}, "hotwords is not a JSON array"),
        ({"hotwords": "[1]"}, "hotwords is not a text"),
    ],
)
def test_what_is_wrong_is_said(changes, words):
    with pytest.raises(WrongError, match=words):
        verdict(**changes)


def test_models():
    assert verdict(model="whisper-1") == Refusal(404)
    assert verdict(model="stepaudio-2.5-asr", options={"new_models_transcribe": True}).model == "stepaudio-2.5-asr"
