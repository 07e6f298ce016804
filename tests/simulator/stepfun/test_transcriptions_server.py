"""Transcriptions over real sockets."""

import aiohttp
import pytest

from simulator.stepfun.http_bench import answer, ask, service, wav_of
from simulator.stepfun.test_server import run

PATH, PLAN = "/v1/audio/transcriptions", "/step_plan/v1/audio/transcriptions"


def form(form="json", **more):
    made = aiohttp.FormData({"model": "step-asr", "response_format": form} | more)
    made.add_field("file", wav_of(1.5), filename="ref.wav")
    return made


def test_an_upload_is_written_down():
    async def scene():
        async with service(transcripts=("One.",)) as simulator:
            got = [await ask(simulator, "POST", PATH, data=data) for data in (form(), form("text"))]
            return got, simulator.transcribed

    [first, second], kept = run(scene)
    assert first.json == {"text": "One."}
    assert (second.body, second.headers["Content-Type"]) == (
        b"This lasts one point five seconds.",
        "text/plain; charset=utf-8",
    )
    assert [one.name for one in kept] == ["ref.wav", "ref.wav"]


@pytest.mark.parametrize(
    ("path", "key", "more", "status"),
    [
        (PLAN, "sk-p", {}, 404),
        (PATH, "sk-p", {}, 402),
        (PATH, "sk-x", {}, 401),
        (PATH, "sk-n", {"model": "gpt"}, 404),
        (PATH, "sk-n", {"language": "zh"}, 400),
    ],
)
def test_refusals(path, key, more, status):
    assert answer("POST", path, key=key, data=form(**more)).status == status


def test_moderation_refuses():
    assert answer("POST", PATH, data=form(), options={"blocked": ("lasts",)}).status == 451
