"""Who is let in."""

import json

import pytest

from antiphon.simulator.stepfun.handshake import Admitted, Door, Refusal, Turnstile, judge
from antiphon.simulator.stepfun.options import SimulatorOptions

OPTIONS = SimulatorOptions(keys={"sk-n": "normal", "sk-p": "plan"})
Q = "?model=stepaudio-2.5-realtime"


@pytest.mark.parametrize(
    ("target", "authorization", "status"),
    [
        ("/v1/realtime" + Q, "Bearer sk-n", 101),
        ("/step_plan/v1/realtime" + Q, "Bearer sk-p", 101),
        ("/step_plan/v1/realtime" + Q, "Bearer sk-n", 101),
        ("/v1/realtime" + Q, "Bearer sk-p", 402),
        ("/v1/realtime" + Q, None, 401),
        ("/v1/realtime" + Q, "Bearer sk-other", 401),
        ("/v1/realtime" + Q, "sk-n", 400),
        ("/v1/realtime" + Q, "Bearer ", 400),
        ("/v1/realtime", "Bearer sk-n", 400),
        ("/v1/realtime?model=gpt", "Bearer sk-n", 400),
        (f"/v1/realtime{Q}&x=1", "Bearer sk-n", 400),
        (f"/v1/realtime?x=1&{Q[1:]}", "Bearer sk-n", 400),
        (f"/v1/realtime{Q}&{Q[1:]}", "Bearer sk-n", 400),
        (f"/v1/realtime{Q}&x", "Bearer sk-n", 400),
        ("/v1/realtime?model=", "Bearer sk-n", 400),
        ("/v1/realtime?&", "Bearer sk-n", 400),
        ("/step_plan/v1/realtime?model=step-audio-2", "Bearer sk-p", 404),
        ("/v1/realtime/" + Q, "Bearer sk-n", 404),
        ("/", "Bearer sk-n", 404),
    ],
)
def test_path_model_and_key_decide(target, authorization, status):
    verdict = judge(target, authorization, OPTIONS)
    assert (verdict.status if isinstance(verdict, Refusal) else 101) == status


DOORS = {
    "/v1/speech": Door("speech", frozenset({"small", "large"})),
    "/step_plan/v1/speech": Door("speech", frozenset({"small", "large"}), frozenset({"small"})),
    "/v1/dictation": Door("dictation", frozenset()),
}


@pytest.mark.parametrize(
    ("target", "key", "status"),
    [
        ("/v1/speech?model=large", "sk-n", 101),
        ("/v1/speech?model=huge", "sk-n", 400),
        ("/v1/speech?model=large", "sk-p", 402),
        ("/step_plan/v1/speech?model=small", "sk-p", 101),
        ("/step_plan/v1/speech?model=large", "sk-p", 404),
        ("/step_plan/v1/speech?model=huge", "sk-p", 400),
        ("/v1/dictation", "sk-n", 101),
        ("/v1/dictation?model=large", "sk-n", 400),
        ("/v1/dictation", "sk-p", 402),
        ("/v1/realtime" + Q, "sk-n", 404),
    ],
)
def test_each_service_has_doors_of_its_own(target, key, status):
    verdict = judge(target, f"Bearer {key}", OPTIONS, DOORS)
    assert (verdict.status if isinstance(verdict, Refusal) else 101) == status
    if isinstance(verdict, Admitted):
        assert verdict.service == DOORS[verdict.path].service


def test_an_admitted_session_knows_its_model():
    verdict = judge("/v1/realtime?model=step-audio-2", "Bearer sk-n", OPTIONS)
    assert verdict == Admitted("/v1/realtime", "step-audio-2")


def test_a_key_may_not_be_required():
    open_house = SimulatorOptions(require_key=False)
    assert judge("/v1/realtime" + Q, None, open_house) == Admitted("/v1/realtime", "stepaudio-2.5-realtime")
    assert judge("/v1/realtime" + Q, "Bearer wrong", open_house) == Refusal(401)


def test_the_body_is_an_envelope_with_message_and_type():
    assert json.loads(Refusal(402).body)["error"]["type"] == "quota_exceeded"
    assert "current quota" in json.loads(Refusal(402).body)["error"]["message"]
    assert json.loads(Refusal(418).body)["error"].keys() == {"message", "type"}


def test_keys_are_not_in_the_repr():
    assert "sk-n" not in repr(OPTIONS)


def test_the_turnstile_counts_within_its_window():
    turnstile = Turnstile(2, 1.0)
    assert [turnstile.admits(at) for at in (0.0, 0.1, 0.2, 1.15, 1.3)] == [True, True, False, True, True]
    assert all(Turnstile(0, 1.0).admits(0.0) for _ in range(100))
