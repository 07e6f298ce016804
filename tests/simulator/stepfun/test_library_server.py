"""Files and voices over real sockets, from the upload to the voice that speaks."""

import base64

import aiohttp
import pytest

from antiphon.errors import DeviceError
from antiphon.pcm import bytes_of
from antiphon.simulator.stepfun.encoding import wav
from antiphon.simulator.stepfun.faults import Fault, Kind
from simulator.stepfun.http_bench import SPOKEN, answer, ask, service, wav_of
from simulator.stepfun.test_server import run

MODEL = {"model": "stepaudio-2.5-tts"}


def form():
    made = aiohttp.FormData({"purpose": "storage"})
    made.add_field("file", wav_of(6), filename="ref.wav")
    return made


def test_from_a_file_to_a_voice():
    async def scene():
        async with service() as simulator:
            file = (await ask(simulator, "POST", "/v1/files", data=form())).json["id"]
            asked = MODEL | {"file_id": file}
            heard = await ask(simulator, "POST", "/v1/audio/voices/preview", json=asked | {"sample_text": "Hello."})
            made = await ask(simulator, "POST", "/v1/audio/voices", json=asked)
            listed = [
                (await ask(simulator, "GET", f"{path}/audio/voices?limit=5", key)).json["data"][0]["id"]
                for path, key in (("/v1", "sk-n"), ("/step_plan/v1", "sk-p"))
            ]
            text = {"input": "Hi.", "voice": made.json["id"], "response_format": "pcm"}
            spoken = await ask(simulator, "POST", "/v1/audio/speech", json=MODEL | text)
            kept = [len(kept) for kept in (simulator.uploads, simulator.previews, simulator.clones, simulator.wishes)]
            return heard.json, made.json["id"], listed, spoken.status, kept

    heard, voice, listed, status, kept = run(scene)
    assert base64.b64decode(heard["sample_audio"]) == wav(bytes_of(SPOKEN), 24_000)
    assert set(heard) == {"sample_text", "sample_audio", "request_id"}
    assert (listed, status, kept) == ([voice, voice], 200, [1, 1, 1, 1])


@pytest.mark.parametrize(
    ("method", "path", "key", "status"),
    [
        ("GET", "/v1/audio/system_voices?model=step-tts-2", "sk-n", 200),
        ("GET", "/v1/audio/system_voices?model=step-tts-2", "sk-p", 402),
        ("GET", "/step_plan/v1/audio/system_voices?model=step-tts-2", "sk-p", 404),
        ("GET", "/v1/audio/voices", "sk-p", 402),
        ("GET", "/v1/audio/voices?limit=0", "sk-n", 400),
        ("GET", "/v1/audio/voices", "", 401),
        ("POST", "/v1/audio/voices", "sk-n", 400),
        ("POST", "/v1/audio/voices/preview", "sk-x", 401),
        ("POST", "/v1/files", "sk-p", 402),
        ("POST", "/step_plan/v1/files", "sk-p", 404),
    ],
)
def test_keys_and_paths(method, path, key, status):
    assert answer(method, path, key=key).status == status


def test_a_preview_in_a_format_that_cannot_be_made_is_a_fault_of_the_service():
    def missing(*_):
        raise DeviceError("flite", "is not installed", "Run: sudo apt install flite")

    async def scene():
        async with service(synthesise=missing) as simulator:
            file = (await ask(simulator, "POST", "/v1/files", data=form())).json["id"]
            asked = MODEL | {"file_id": file, "sample_text": "Hello."}
            return await ask(simulator, "POST", "/v1/audio/voices/preview", json=asked)

    assert run(scene).status == 500


def test_faults_of_files_and_of_voices_are_counted_apart():
    async def scene():
        faults = Fault(Kind.FILES_STATUS, 503, "", (0,)), Fault(Kind.VOICES_STATUS, 429, "", (0,))
        async with service(*faults) as simulator:
            return [
                (await ask(simulator, *request)).status
                for request in (
                    ("POST", "/v1/files"),
                    ("GET", "/v1/audio/voices"),
                    ("GET", "/v1/audio/voices"),
                    ("POST", "/v1/files"),
                )
            ]

    assert run(scene) == [503, 429, 200, 400]
