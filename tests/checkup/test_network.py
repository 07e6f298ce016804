"""Every way in which the road to the service can be blocked, on loopback: what is found, and what is advised."""

import pytest

from antiphon.checkup.network import Target, check_name, check_network, check_port, check_service, check_tls, target_of
from antiphon.secret import Secret
from antiphon.settings import Realtime, Settings
from antiphon.simulator.stepfun.faults import Fault, Kind
from antiphon.simulator.stepfun.options import DEFAULT_KEY, SimulatorOptions
from loopback import TLS, answering, page, refused_port, stepfun

KEY = Secret(DEFAULT_KEY, "test")
HASTY_S = 0.3
ENOUGH_S = 20.0


def settings(url, **more):
    return Settings(realtime=Realtime(url=url, **more))


def here(port, tls=True):
    return Target("127.0.0.1", port, tls)


# ── whom we connect to ──


@pytest.mark.parametrize(
    ("url", "proxy", "target"),
    [
        ("wss://api.stepfun.com/v1/realtime", None, Target("api.stepfun.com", 443, True)),
        ("wss://api.stepfun.com:8443/v1/realtime", None, Target("api.stepfun.com", 8443, True)),
        ("ws://127.0.0.1:9000/v1/realtime", None, Target("127.0.0.1", 9000, False)),
        (
            "wss://api.stepfun.com/v1/realtime",
            "http://proxy.lan:3128",
            Target("proxy.lan", 3128, False, "realtime.proxy"),
        ),
    ],
)
def test_the_proxy_is_tried_in_the_service_s_place(url, proxy, target):
    assert target_of(settings(url, proxy=proxy)) == target


# ── name and port ──


def test_a_name_that_is_known():
    finding = check_name(Target("localhost", 443, True))
    assert finding.verdict == "ok"
    assert "127.0.0.1" in finding.says or "::1" in finding.says


def test_an_address_needs_no_name():
    assert check_name(here(1)).says == "127.0.0.1 is an address"


@pytest.mark.parametrize("host", ["nobody-has-this-name.invalid", "a" * 64 + ".invalid"])
def test_a_name_that_nobody_has(host):
    finding = check_name(Target(host, 443, True), ENOUGH_S)
    assert finding.verdict == "fail"
    assert finding.remedy


def test_a_port_where_somebody_listens():
    with answering(None) as port:
        assert check_port(here(port)).verdict == "ok"


def test_a_port_where_nobody_listens():
    finding = check_port(here(refused_port()))
    assert finding.verdict == "fail"
    assert "nothing listens" in finding.says.lower()
    assert "realtime.url" in finding.remedy


# ── certificates ──


def test_a_certificate_that_is_good(monkeypatch):
    monkeypatch.setenv("SSL_CERT_FILE", str(TLS / "good.pem"))
    with answering(b"", "good") as port:
        finding = check_tls(here(port), ENOUGH_S)
    assert finding.verdict == "ok", finding
    assert "TLSv1" in finding.says


@pytest.mark.parametrize(
    ("certificate", "trusted", "words", "login"),
    [
        ("good", False, "nobody we trust", True),
        ("expired", True, "has expired", False),
        ("early", True, "not valid yet", False),
    ],
)
def test_a_certificate_that_is_not(monkeypatch, certificate, trusted, words, login):
    monkeypatch.setenv("SSL_CERT_FILE", str(TLS / f"{certificate if trusted else 'early'}.pem"))
    with answering(b"", certificate) as port:
        finding = check_tls(here(port), ENOUGH_S)
    assert finding.verdict == "fail"
    assert words in finding.says
    assert ("log in" in finding.remedy) is login
    assert ("clock" in finding.remedy) is not login


def test_a_certificate_of_another_name(monkeypatch):
    monkeypatch.setenv("SSL_CERT_FILE", str(TLS / "good.pem"))
    with answering(b"", "good") as port:
        finding = check_tls(Target("127.0.0.2", port, True), ENOUGH_S)
    assert finding.verdict == "fail"


def test_a_server_that_speaks_no_tls():
    with answering(page("400 Bad Request")) as port:
        finding = check_tls(here(port), ENOUGH_S)
    assert finding.verdict == "fail"
    assert "TLS" in finding.says


def test_a_server_that_says_nothing():
    with answering(None) as port:
        finding = check_tls(here(port), HASTY_S)
    assert finding.verdict == "fail"
    assert "in time" in finding.says


# ── the call ──


def test_a_service_that_answers():
    with stepfun() as service:
        finding = check_service(settings(service.url()), KEY, ENOUGH_S)
    assert finding.verdict == "ok", finding
    assert "stepaudio-2.5-realtime" in finding.says
    (session,) = service.sessions
    assert session.frames == 0


@pytest.mark.parametrize(
    ("status", "words"),
    [(401, "does not know"), (402, "balance"), (404, "no such"), (429, "too many"), (500, "trouble")],
)
def test_a_service_that_refuses(status, words):
    options = SimulatorOptions(faults=(Fault(Kind.STATUS, at=status),))
    with stepfun(options) as service:
        finding = check_service(settings(service.url()), KEY, ENOUGH_S)
    assert finding.verdict == "fail"
    assert f"({status})" in finding.says
    assert words in finding.says
    assert finding.remedy
    assert service.statuses == [status]


def test_a_wrong_key_is_never_shown():
    with stepfun() as service:
        finding = check_service(settings(service.url()), Secret("sk-of-somebody-else", "test"), ENOUGH_S)
    assert "(401)" in finding.says
    assert "somebody" not in repr(finding)


def test_a_voice_that_the_model_has_not():
    with stepfun() as service:
        finding = check_service(settings(service.url(), voice="nobody"), KEY, ENOUGH_S)
    assert finding.verdict == "fail"
    assert "realtime.voice" in finding.remedy


@pytest.mark.parametrize(("answer", "words"), [(page(), "web page"), (page("302 Found"), "another address")])
def test_a_login_page_in_between(answer, words):
    with answering(answer) as port:
        finding = check_service(settings(f"ws://127.0.0.1:{port}/v1/realtime"), KEY, ENOUGH_S)
    assert finding.verdict == "fail"
    assert words in finding.says
    assert finding.remedy


def test_a_service_that_never_says_hello():
    with answering(None) as port:
        finding = check_service(settings(f"ws://127.0.0.1:{port}/v1/realtime"), KEY, HASTY_S)
    assert finding.verdict == "fail"
    assert "in time" in finding.says


# ── in order ──


def verdicts(findings):
    return [(finding.check, finding.verdict) for finding in findings]


def test_all_steps_of_an_open_road():
    with stepfun() as service:
        found = verdicts(check_network(settings(service.url()), KEY, ENOUGH_S))
    assert found == [("name", "ok"), ("port", "ok"), ("service", "ok")]


def test_what_lies_behind_a_blocked_step_is_not_tried():
    found = verdicts(check_network(settings(f"wss://127.0.0.1:{refused_port()}/v1/realtime"), KEY, ENOUGH_S))
    assert found == [("name", "ok"), ("port", "fail"), ("tls", "skip"), ("service", "skip")]


def test_without_a_network_only_what_is_here_is_tried():
    found = verdicts(check_network(settings("wss://api.stepfun.com/v1/realtime"), KEY, ENOUGH_S, connected=False))
    assert found == [("name", "skip"), ("port", "skip"), ("tls", "skip"), ("service", "skip")]
    with stepfun() as service:
        found = verdicts(check_network(settings(service.url()), KEY, ENOUGH_S, connected=False))
    assert found == [("name", "ok"), ("port", "ok"), ("service", "ok")]


@pytest.mark.parametrize(
    ("host", "here"), [("localhost", True), ("127.0.0.2", True), ("::1", True), ("nas", False), ("192.0.2.1", False)]
)
def test_what_is_on_this_machine_is_known(host, here):
    assert Target(host, 80, False).is_here is here


def test_without_a_key_only_the_call_is_not_tried():
    with answering(None) as port:
        found = verdicts(
            check_network(settings(f"ws://127.0.0.1:{port}/v1/realtime"), None, ENOUGH_S, call=False),
        )
    assert found == [("name", "ok"), ("port", "ok"), ("service", "skip")]
