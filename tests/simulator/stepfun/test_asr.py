"""What may be asked of recognition, and the events that answer."""

import contextlib
import copy
import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from antiphon.simulator.stepfun import asr
from antiphon.simulator.stepfun.asr_body import BodyReader
from antiphon.simulator.stepfun.handshake import Refusal
from antiphon.simulator.stepfun.judging import WrongError
from antiphon.simulator.stepfun.options import SimulatorOptions
from simulator.stepfun.http_bench import base64_of, mp3_of, opus_of, wav_of

NORMAL, PLAN = "/v1/audio/asr/sse", "/step_plan/v1/audio/asr/sse"
FILES = {"wav": wav_of(1.5), "mp3": mp3_of(1.5), "ogg": opus_of(1.5)}
PCM = {"type": "pcm", "codec": "pcm_s16le", "rate": 16_000, "bits": 16, "channel": 1}
ANY_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)


def body(data=FILES["wav"], form=None, **transcription):
    told = {"model": "stepaudio-2.5-asr", **transcription}
    return {"audio": {"data": base64_of(data), "input": {"transcription": told, "format": form or {"type": "wav"}}}}


def verdict(asked, path=NORMAL, event_stream=True, **options):
    reader = BodyReader()
    reader.feed(json.dumps(asked).encode())
    return asr.judge(path, reader, SimulatorOptions(**options), event_stream=event_stream, chunked=False)


def refused(asked, **more):
    with pytest.raises(WrongError) as wrong:
        verdict(asked, **more)
    return str(wrong.value)


@pytest.mark.parametrize("kind", FILES)
def test_files_of_each_kind_are_granted(kind):
    granted = verdict(body(FILES[kind], {"type": kind}))
    assert (granted.clip.kind, round(granted.clip.seconds, 1), granted.rate_hz) == (kind, 1.5, 0)


def test_what_the_reference_has_is_granted():
    full = verdict(
        body(bytes(6000), PCM, language="zh", hotwords=["\u9636\u8dc3"], enable_itn=False, enable_timestamp=True),
        PLAN,
    )
    assert (full.path, full.language, full.hotwords) == (PLAN, "zh", ("\u9636\u8dc3",))
    assert (full.itn, full.timestamps, full.rate_hz, full.clip.seconds) == (False, True, 16_000, 0.1875)
    assert verdict(body(bytes(60), PCM)).clip.bytes == 60  # so short that it is kept
    assert verdict(body(model="stepaudio-2-asr-pro", full_rerun_on_commit=True)).model == "stepaudio-2-asr-pro"


def test_models_are_known_and_sold():
    assert verdict(body(model="whisper-1")) == verdict(body(model=["x"])) == Refusal(400)
    assert verdict(body(model="stepaudio-2-asr-pro"), PLAN) == Refusal(404)


def without(path):
    asked = copy.deepcopy(body())
    inner = asked
    for name in path[:-1]:
        inner = inner[name]
    del inner[path[-1]]
    return asked


@pytest.mark.parametrize(
    "path",
    [
        ("audio",),
        ("audio", "data"),
        ("audio", "input"),
        ("audio", "input", "transcription"),
        ("audio", "input", "transcription", "model"),
        ("audio", "input", "format"),
        ("audio", "input", "format", "type"),
    ],
)
def test_nothing_may_be_missing(path):
    assert refused(without(path)).endswith(f"{path[-1]} is required")


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        (body() | {"stream": True}, "stream is not valid"),
        (body(prompt="names"), "prompt is not valid"),
        (body(hotwords='["a"]'), "hotwords is not an array"),
        (body(hotwords=[1]), "hotwords is not a text"),
        (body(language=3), "language is not a text"),
        (body(enable_itn=1), "enable_itn is not true or false"),
        (body(form={"type": "aac"}), "type is one of"),
        (body(form={"type": "wav", "channels": 1}), "channels is not valid"),
        (body(form={"type": "pcm"}), "rate is required"),
        (body(form=PCM | {"codec": "pcm_f32le"}), "codec is not valid"),
        (body(form=PCM | {"bits": 8}), "bits is 16"),
        (body(form=PCM | {"rate": 1}), "format is not valid"),
        (body(form=PCM | {"rate": "16000"}), "rate is not a whole number"),
        (body(bytes(61), PCM), "incomplete"),
        (body(b"", PCM), "incomplete"),
        (body(FILES["mp3"]), "not a wav file"),
        (body(FILES["ogg"], {"type": "mp3"}), "not a mp3 file"),
        ({"audio": body()["audio"] | {"data": "data:audio/wav;base64,AAAA"}}, "not base64"),
        ({"audio": body()["audio"] | {"data": 3}}, "not base64"),
        (body(bytes(60), PCM, language=base64_of(bytes(3000))), "not audio.data"),
    ],
)
def test_what_is_wrong_is_said(asked, words):
    assert words in refused(asked)


def test_it_asks_for_a_stream_of_events_and_bounds_the_length():
    assert "Accept" in refused(body(), event_stream=False)
    assert refused(body(), asr_longest_s=1.0) == "the audio is longer than 1 s"


@settings(max_examples=200, deadline=None)
@given(st.sampled_from(["audio", "input", "transcription", "format", "model", "type", "data", "hotwords"]), ANY_JSON)
def test_any_value_anywhere_is_granted_or_refused(name, value):
    asked = body()
    for inner in (asked, asked["audio"], *asked["audio"]["input"].values(), asked["audio"]["input"]):
        if name in inner or name == "hotwords":
            inner[name] = value
            break
    with contextlib.suppress(WrongError):
        assert verdict(asked) is not None


# ── the answer ───────────────────────────────────────────────────────────────────────────────────


def told(said, number=0, timestamps=False, **options):
    granted = verdict(body(enable_timestamp=timestamps))
    events = asr.events(granted, said, number, SimulatorOptions(**options))
    return [json.loads(one) if one != "[DONE]" else one for one in events]


def test_deltas_join_to_the_text():
    *deltas, done = told("Turn on  the light.")
    assert "".join(delta["delta"] for delta in deltas) == done["text"] == "Turn on  the light."
    assert {delta["type"] for delta in deltas} == {"transcript.text.delta"}
    assert (done["type"], done["meta"]["session_id"]) == ("transcript.text.done", "sse_0")
    assert done["usage"] == {
        "type": "tokens",
        "input_tokens": 16,
        "input_token_details": {"text_tokens": 0, "audio_tokens": 16},
        "output_tokens": 4,
        "total_tokens": 20,
    }
    assert all("item_id" not in delta for delta in deltas)


def test_deltas_may_differ_or_be_missing():
    *deltas, done = told("Turn on the light.", asr_deltas="rough")
    assert ("".join(delta["delta"] for delta in deltas), done["text"]) == ("turn on the light", "Turn on the light.")
    assert len(told("Turn on.", asr_deltas="none")) == 1
    assert told("Turn on.", asr_done_marker=True)[-1] == "[DONE]"


def test_times_where_they_are_asked_for():
    first, last, _ = told("Turn on.", timestamps=True)
    assert (first["item_id"], first["content_index"], first["start_time"]) == ("item_1", 0, 0)
    assert (first["end_time"], last["start_time"], last["end_time"]) == (750, 750, 1500)


def test_silence_has_an_empty_text():
    [done] = told("")
    assert (done["text"], done["usage"]["output_tokens"]) == ("", 0)


def test_moderation_is_an_error_and_no_text():
    [error] = told("something forbidden", blocked=("forbidden",))
    assert (error["type"], error["message"]) == ("error", "content blocked")


def test_what_is_said_to_have_been_said():
    options = SimulatorOptions(transcripts=("One.",))
    loud, silent = verdict(body()).clip, verdict(body(bytes(600), PCM)).clip
    assert [asr.recognised(loud, number, options) for number in (0, 1)] == [
        "One.",
        "This lasts one point five seconds.",
    ]
    assert asr.recognised(silent, 1, options) == ""
