"""What is found of chat and cascade, against the simulated service: each of their models, and each trap."""

import pytest

from antiphon.checkup import questions
from antiphon.checkup.questions import check_questions, question_targets
from antiphon.secret import Secret
from antiphon.settings import Cascade, Chat, Realtime, Settings
from antiphon.simulator.stepfun.faults import Fault, Kind
from antiphon.simulator.stepfun.options import SimulatorOptions, Timing
from antiphon.speech import service as speech_service
from loopback import refused_port, stepfun

NORMAL, PLAN = Secret("sk-n", "a test"), Secret("sk-p", "a test")
CASCADE = ["cascade name", "cascade port", "cascade recognition", "cascade model", "cascade voice"]


@pytest.fixture
def service():
    with simulated() as running:
        yield running


def simulated(*faults):
    keys = {"sk-n": "normal", "sk-p": "plan"}
    return stepfun(SimulatorOptions(keys=keys, timing=Timing.quick(), quick_connections=0, faults=faults))


def verdicts(findings):
    return [(finding.check, finding.verdict) for finding in findings]


def found(*links, chat="http://127.0.0.1:1/v1", cascade="http://127.0.0.1:1/v1", key=NORMAL, models=None, **more):
    settings = Settings(links=links, chat=Chat(url=chat), cascade=Cascade(url=cascade, **(models or {})))
    return list(check_questions(settings, key, 20.0, **more))


def test_chat_answers(service):
    findings = found("realtime", "chat", chat=service.speech_url("/v1"))
    assert verdicts(findings) == [("chat name", "ok"), ("chat port", "ok"), ("chat model", "ok")]
    assert findings[-1].says.startswith("step-audio-2 answered in ")


@pytest.mark.parametrize(("path", "key"), [("/v1", NORMAL), ("/step_plan/v1", PLAN)])
def test_each_model_of_the_cascade_answers(service, path, key):
    findings = found("cascade", cascade=service.speech_url(path), key=key)
    assert verdicts(findings) == [(check, "ok") for check in CASCADE]
    assert [granted.model for granted in service.recognised] == ["stepaudio-2.5-asr"]


def test_a_plan_key_is_of_no_use_to_chat(service):
    *_, model = found("chat", chat=service.speech_url("/v1"), key=PLAN)
    assert (model.check, model.verdict) == ("chat model", "fail")
    assert "it needs chat.url with /v1, and a pay-as-you-go key" in f"{model.says}: {model.remedy}"


@pytest.mark.parametrize(
    ("models", "failed", "setting"),
    [
        ({"recognise_model": "nothing"}, "cascade recognition", "cascade.recognise_model"),
        ({"chat_model": "nothing"}, "cascade model", "cascade.chat_model"),
        ({"speak_model": "nothing"}, "cascade voice", "cascade.speak_model"),
        ({"voice": "nobody"}, "cascade voice", "cascade.voice"),
    ],
)
def test_the_model_that_is_wrong_is_named(service, models, failed, setting):
    findings = found("cascade", cascade=service.speech_url("/v1"), models=models)
    [finding] = [finding for finding in findings if finding.verdict == "fail"]
    assert finding.check == failed
    assert setting in f"{finding.says}: {finding.remedy}"


def test_a_service_that_does_not_answer(monkeypatch):
    monkeypatch.setattr(questions, "ANSWER_S", 0.3)
    monkeypatch.setattr(speech_service, "PAUSE_FIRST_S", 1e6)
    with simulated(Fault(Kind.ASR_SLOW, 60_000)) as service:
        findings = found("cascade", cascade=service.speech_url("/v1"))
    assert (findings[2].check, findings[2].verdict) == ("cascade recognition", "fail")
    assert "has not answered within 0.3 s" in findings[2].says


def test_a_port_where_nobody_listens():
    findings = found("chat", "cascade", chat=f"http://127.0.0.1:{refused_port()}/v1", call=True)
    assert verdicts(findings)[:3] == [("chat name", "ok"), ("chat port", "fail"), ("chat model", "skip")]
    assert "chat.url" in findings[1].remedy


def test_without_a_key_nobody_is_asked(service):
    findings = found("cascade", cascade=service.speech_url("/v1"), call=False)
    assert [verdict for _, verdict in verdicts(findings)] == ["ok", "ok", "skip", "skip", "skip"]
    assert service.recognised == []


def test_without_a_network_nothing_far_away_is_tried():
    findings = found("cascade", cascade="https://api.stepfun.com/v1", connected=False)
    assert {verdict for _, verdict in verdicts(findings)} == {"skip"}
    assert "cascade tls" in dict(verdicts(findings))


def test_what_is_not_in_use_is_not_looked_at():
    assert found("realtime") == []


def test_the_proxy_is_whom_this_machine_connects_to():
    settings = Settings(links=("chat",), realtime=Realtime(proxy="http://proxy.lan:3128"))
    [target] = question_targets(settings)
    assert (target.host, target.port, target.where) == ("proxy.lan", 3128, "realtime.proxy")
