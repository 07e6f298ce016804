"""Files and voices: what may be asked for, and what there is then."""

import json
import random

import pytest

from antiphon.simulator.stepfun.clips import Meter
from antiphon.simulator.stepfun.forms import FilePart, Form
from antiphon.simulator.stepfun.handshake import Refusal
from antiphon.simulator.stepfun.judging import WrongError
from antiphon.simulator.stepfun.library import Library, system_voices
from antiphon.simulator.stepfun.options import SimulatorOptions
from simulator.stepfun.http_bench import wav_of

CLONE, PREVIEW = "/v1/audio/voices", "/v1/audio/voices/preview"
PLAN = "/step_plan/v1/audio/voices"
MODEL = "stepaudio-2.5-tts"


def library(**options):
    return Library(SimulatorOptions(**options), random.Random(1))


def file_of(data, name="ref.wav"):
    meter = Meter()
    meter.feed(data)
    return FilePart(name, "audio/wav", meter)


def uploaded(shop, seconds=6.0, data=None):
    return shop.upload(Form({"purpose": "storage"}, file_of(data or wav_of(seconds))))["id"]


def clone(shop, path=CLONE, **asked):
    return shop.clone(path, json.dumps({"model": MODEL} | asked).encode())


def preview(shop, path=PREVIEW, **asked):
    return shop.preview(path, json.dumps({"model": MODEL, "sample_text": "Hello."} | asked).encode())


def test_a_file_is_taken():
    shop = library()
    told = shop.upload(Form({"purpose": "storage"}, file_of(wav_of(6))))
    assert (told["id"], told["object"], told["status"]) == (shop.uploads[0].id, "file", "processed")
    assert shop.uploads[0].clip.seconds == 6
    told = shop.upload(Form({"purpose": "storage", "url": "https://example.org/a.wav"}, None))
    assert (told["filename"], shop.uploads[1].url) == ("a.wav", "https://example.org/a.wav")


@pytest.mark.parametrize(
    ("texts", "file", "words"),
    [
        ({}, True, "purpose is required"),
        ({"purpose": "fine-tune"}, True, "purpose is not valid"),
        ({"purpose": "storage", "expires": "1"}, True, "expires is not valid"),
        ({"purpose": "storage"}, False, "one of file and url"),
        ({"purpose": "storage", "url": "https://example.org"}, True, "one of file and url"),
        ({"purpose": "storage", "url": "ftp://example.org"}, False, "url is not valid"),
    ],
)
def test_what_is_wrong_with_an_upload_is_said(texts, file, words):
    with pytest.raises(WrongError, match=words):
        library().upload(Form(texts, file_of(wav_of(6)) if file else None))


def test_a_voice_is_made_once():
    shop = library()
    first, again, other = uploaded(shop), uploaded(shop), uploaded(shop, 7.0)
    made = clone(shop, file_id=first, text="What is said.")
    assert made == {"id": shop.clones[0].voice, "object": "audio.voice"}
    assert clone(shop, PLAN, file_id=again) == made | {"duplicated": True}
    assert clone(shop, file_id=other)["id"] != made["id"]
    assert "duplicated" not in clone(shop, file_id=first, model="step-tts-2")
    assert [one.duplicated for one in shop.clones] == [False, True, False, False]
    assert shop.clones[0].text == "What is said."


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        ({}, "file_id is required"),
        ({"file_id": "file-none"}, "file_id is not valid"),
        ({"file_id": ["x"]}, "file_id is not valid"),
        ({"file_id": 4.9}, "5 to 10 seconds"),
        ({"file_id": 10.1}, "5 to 10 seconds"),
        ({"file_id": 6.0, "text": ""}, "text is not a text"),
        ({"file_id": 6.0, "name": "me"}, "name is not valid"),
    ],
)
def test_what_is_wrong_with_a_clone_is_said(asked, words):
    shop = library()
    if isinstance(asked.get("file_id"), float):
        asked = asked | {"file_id": uploaded(shop, asked["file_id"])}
    with pytest.raises(WrongError, match=words):
        clone(shop, **asked)
    assert not shop.clones


def test_a_file_that_is_no_sound_is_not_cloned():
    shop = library()
    with pytest.raises(WrongError, match="not a wav or mp3 file"):
        clone(shop, file_id=uploaded(shop, data=b"text"))


@pytest.mark.parametrize("ask", [clone, preview])
def test_models_are_known_and_sold(ask):
    shop = library(blocked=("bad",))
    file = uploaded(shop)
    assert ask(shop, file_id=file, model="gpt") == ask(shop, file_id=file, model=[]) == Refusal(400)
    assert ask(shop, path=PLAN, file_id=file, model="step-tts-2") == Refusal(404)
    assert ask(shop, file_id=file, text="a bad word") == Refusal(451)


def test_a_preview_makes_no_voice():
    shop = library()
    made = preview(shop, file_id=uploaded(shop), instruction="gentle", sample_rate=16_000, speed=1.5)
    assert (made.sample_text, made.format, made.rate_hz, made.instruction) == ("Hello.", "wav", 16_000, "gentle")
    assert (shop.previews, shop.clones) == ([made], [])


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        ({"sample_text": "x" * 51}, "longer than 50 characters"),
        ({"voice": "linjiajiejie"}, "voice is not valid"),
        ({"stream_format": "sse"}, "stream_format is not valid"),
        ({"speed": 3}, "speed is not valid"),
        ({"response_format": "aac"}, "response_format is one of"),
        ({"voice_label": {"emotion": "x"}}, "voice_label is not supported"),
    ],
)
def test_what_is_wrong_with_a_preview_is_said(asked, words):
    shop = library()
    with pytest.raises(WrongError, match=words):
        preview(shop, file_id=uploaded(shop), **asked)


def test_voices_come_in_pages():
    shop = library()
    empty = {"object": "list", "data": [], "has_more": False, "first_id": "", "last_id": ""}
    assert shop.voices(()) == empty
    names = [clone(shop, file_id=uploaded(shop, 5.0 + at))["id"] for at in range(3)]
    clone(shop, file_id=uploaded(shop, 5.0))  # the first again

    def page(**query):
        told = shop.voices(tuple(query.items()))
        assert [told["first_id"], told["last_id"]] == [told["data"][0]["id"], told["data"][-1]["id"]]
        return [one["id"] for one in told["data"]], told["has_more"]

    assert page() == (names[::-1], False)
    assert page(order="asc", limit="2") == (names[:2], True)
    assert page(order="asc", limit="2", after=names[1]) == (names[2:], False)
    assert set(shop.voices(())["data"][0]) == {"id", "file_id", "created_at"}


@pytest.mark.parametrize(
    "query",
    [
        [("limit", "0")],
        [("limit", "101")],
        [("limit", "x")],
        [("order", "up")],
        [("after", "voice-tone-x")],
        [("before", "x")],
        [("limit", "1"), ("limit", "2")],
    ],
)
def test_what_is_wrong_with_a_page_is_said(query):
    with pytest.raises(WrongError):
        library().voices(query)


def test_system_voices_of_a_model():
    told = system_voices("/v1/audio/system_voices", [("model", "step-tts-2")])
    assert len(told["voices"]) == 39
    assert set(told["voices"]) == set(told["voices-details"])
    assert told["voices-details"]["boyinnansheng"]["voice-name"] == "播音男声"
    assert set(told["voices-details"]["boyinnansheng"]) == {"voice-name", "voice-description", "recommended_scene"}
    assert system_voices("/v1/audio/system_voices", [("model", "x")]) == Refusal(400)
    assert system_voices("/step_plan/v1/audio/system_voices", [("model", "step-tts-2")]) == Refusal(404)
    with pytest.raises(WrongError, match="model is required"):
        system_voices("/v1/audio/system_voices", [])
