"""All services together: what is where, with which key."""

import pytest

from antiphon.simulator.journal import Journal
from antiphon.simulator.stepfun.options import SimulatorOptions
from antiphon.simulator.stepfun.services import HttpServices
from simulator.stepfun.http_bench import answer

WHERE = {
    "POST /chat/completions": "both",
    "POST /audio/speech": "both",
    "POST /audio/asr/sse": "both",
    "POST /audio/voices": "both",
    "POST /audio/voices/preview": "both",
    "GET /audio/voices": "both",
    "GET /audio/system_voices": "normal",
    "POST /files": "normal",
    "POST /audio/transcriptions": "normal",
    "POST /audio/asr/file/submit": "normal",
    "POST /audio/asr/file/query": "normal",
}


@pytest.mark.parametrize("route", WHERE)
def test_each_path_family_has_what_it_sells(route):
    method, path = route.split()
    plan = answer(method, f"/step_plan/v1{path}", key="sk-p", json={})
    assert (plan.status == 404) == (WHERE[route] == "normal")
    assert answer(method, f"/v1{path}", json={}).status in (200, 400)


@pytest.mark.parametrize(
    "route", [route for route in WHERE if route != "POST /audio/speech"]
)  # it reads the body first
def test_a_plans_key_does_not_pay_the_other_family(route):
    method, path = route.split()
    assert answer(method, f"/v1{path}", key="sk-p", json={}).status == 402


def test_nothing_was_granted_yet():
    made = HttpServices(SimulatorOptions(), lambda *_: None, Journal(None))
    kept = (made.speech.wishes, made.chat.chats, made.recognition.recognised, made.transcription.transcribed)
    assert not any((*kept, made.jobs.jobs.submitted, made.library.uploads, made.library.clones, made.library.previews))
