"""Jobs over real sockets."""

import pytest

from simulator.stepfun.http_bench import answer, ask, service
from simulator.stepfun.test_asr_file import AUDIO
from simulator.stepfun.test_server import run

ASKED = {"audio": AUDIO, "request": {"model_name": "step-asr-1.1"}}


def test_a_job_is_submitted_and_asked_for():
    async def scene():
        async with service(transcripts=("One.",)) as simulator:
            task = (await ask(simulator, "POST", "/v1/audio/asr/file/submit", json=ASKED)).json
            told = [(await ask(simulator, "POST", "/v1/audio/asr/file/query", json=task)).json for _ in range(2)]
            return told, len(simulator.submitted)

    assert run(scene) == ([{"status": "RUNNING"}, {"duration": 1.0, "result": [{"text": "One."}]}], 1)


@pytest.mark.parametrize(
    ("path", "key", "json", "status"),
    [
        ("/step_plan/v1/audio/asr/file/submit", "sk-p", ASKED, 404),
        ("/v1/audio/asr/file/submit", "sk-p", ASKED, 402),
        ("/v1/audio/asr/file/submit", "sk-n", {}, 400),
        ("/v1/audio/asr/file/submit", "sk-n", ASKED | {"request": {"model_name": "gpt"}}, 400),
        ("/v1/audio/asr/file/query", "sk-x", {}, 401),
    ],
)
def test_refusals(path, key, json, status):
    assert answer("POST", path, key=key, json=json).status == status
