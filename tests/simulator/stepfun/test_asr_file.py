"""Jobs for files at an address."""

import json
import random

import pytest

from antiphon.simulator.stepfun.asr_file import Jobs
from antiphon.simulator.stepfun.handshake import Refusal
from antiphon.simulator.stepfun.judging import WrongError
from antiphon.simulator.stepfun.options import SimulatorOptions

AUDIO = {"url": "https://example.org/a.wav", "format": "wav", "rate": 16_000, "bits": 16, "channel": 1}


def jobs(*transcripts):
    return Jobs(SimulatorOptions(transcripts=transcripts), random.Random(1))


def submit(made, audio=AUDIO, model="step-asr-1.1", **request):
    return made.submit(json.dumps({"audio": audio, "request": {"model_name": model} | request}).encode())


def query(made, task):
    return made.query(json.dumps({"task_id": task}).encode())


def test_a_job_runs_and_is_done():
    made = jobs("One.")
    first, second = submit(made, show_utterances=True)["task_id"], submit(made)["task_id"]
    assert query(made, first) == {"status": "RUNNING"}
    [result] = query(made, first)["result"]
    assert (result["text"], result["utterances"][0]["text"]) == ("One.", "One.")
    query(made, second)
    assert query(made, second)["result"] == [{"text": ""}]
    assert [(job.url, job.utterances) for job in made.submitted] == [(AUDIO["url"], True), (AUDIO["url"], False)]


@pytest.mark.parametrize(
    ("audio", "request_", "words"),
    [
        ({"format": "wav"}, {}, "audio.url is required"),
        (AUDIO | {"url": "file:///etc"}, {}, "audio.url is not valid"),
        (AUDIO | {"format": "aac"}, {}, "audio.format is one of"),
        (AUDIO | {"channels": 1}, {}, "audio.channels is not valid"),
        (AUDIO | {"rate": "16000"}, {}, "audio.rate is not a whole number"),
        (AUDIO, {"show_utterances": 1}, "show_utterances is not true or false"),
        (AUDIO, {"language": "zh"}, "request.language is not valid"),
    ],
)
def test_what_is_wrong_is_said(audio, request_, words):
    with pytest.raises(WrongError, match=words):
        submit(jobs(), audio, **request_)


def test_models_and_tasks_are_known():
    assert submit(jobs(), model="gpt") == submit(jobs(), model=[]) == Refusal(400)
    with pytest.raises(WrongError, match="task_id is not valid"):
        query(jobs(), "task-none")
