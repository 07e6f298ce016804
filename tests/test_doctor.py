"""The doctor on the simulated card and the simulated service: what it finds, in which order, and how it ends."""

import json
import socketserver
import threading

import pytest

from antiphon.audio.chime import chime
from antiphon.checkup.key import EncryptedKeyError
from antiphon.doctor import _unusable_key, examine, finite, run_acoustic
from antiphon.errors import MissingKeyError, SettingsError
from antiphon.settings import Settings
from antiphon.simulator.room import Room
from antiphon.simulator.stepfun.options import DEFAULT_KEY
from loopback import refused_port, stepfun
from verbs import ALONE, antiphon, environment

CHECKS = [
    "settings",
    "network",
    "key",
    "name",
    "port",
    "service",
    "lan",
    "clock",
    "microphone",
    "speaker",
    "echo",
    "wake words",
    "gpio",
    "systemd",
]


def examined(*arguments, environ):
    """Exit status, and the findings by check."""
    ended = antiphon("doctor", *ALONE, "--json", *arguments, environ=environ)
    told = json.loads(ended.stdout)
    assert told["ok"] is (ended.returncode == 0)
    return ended.returncode, {finding["check"]: finding for finding in told["findings"]}


def here(url):
    return ("--set", f"realtime.url={url}")


@pytest.fixture
def deaf(tmp_path):
    """An environment without a sound card."""
    return environment(folder=tmp_path, STEPFUN_API_KEY=DEFAULT_KEY)


def test_a_machine_that_has_all_it_needs():
    with stepfun() as service, Room() as room:
        room.noise(-50, for_s=60)
        cancelled = ("--set", "echo.cancel=hardware")
        code, found = examined(*here(service.url()), *cancelled, environ=environment(room, STEPFUN_API_KEY=DEFAULT_KEY))
        played = room.heard(*room.spk.stretch)
    assert list(found) == CHECKS
    assert code == 0, found
    assert "-50 dB" in found["microphone"]["says"]
    assert f"at {room.mic.rate_hz} Hz" in found["echo"]["says"]
    assert "$STEPFUN_API_KEY" in found["key"]["says"]
    assert abs(int(abs(played).max()) - int(chime("wake", room.spk.rate_hz, -26.0).max())) < 100


def test_links_that_are_asked_one_question_at_a_time(deaf):
    with stepfun() as service:
        urls = [f"{link}.url={service.speech_url('/v1')}" for link in ("chat", "cascade")]
        arguments = ("--set", "links=chat,cascade", "--set", urls[0], "--set", urls[1])
        _, found = examined(*arguments, environ=deaf)
    assert found["key"]["verdict"] == "ok"
    assert found["service"]["verdict"] == "skip"
    asked = ("chat model", "cascade recognition", "cascade model", "cascade voice")
    assert [found[check]["verdict"] for check in asked] == ["ok"] * 4, found


def test_a_muted_microphone_is_the_only_failure():
    with stepfun() as service, Room() as room:
        code, found = examined(*here(service.url()), environ=environment(room, STEPFUN_API_KEY=DEFAULT_KEY))
    assert code == 1
    assert [check for check, finding in found.items() if finding["verdict"] == "fail"] == ["microphone"]
    assert "muted" in found["microphone"]["remedy"]


def test_without_a_sound_card_it_says_how_to_simulate_one(deaf):
    with stepfun() as service:
        code, found = examined(*here(service.url()), environ=deaf)
    assert code == 1
    for check in ("microphone", "speaker"):
        assert found[check]["verdict"] == "fail"
        assert "make run" in found[check]["remedy"]
    assert found["service"]["verdict"] == "ok"


def test_one_failure_does_not_hide_another(deaf):
    url = f"ws://127.0.0.1:{refused_port()}/v1/realtime"
    code, found = examined(*here(url), "--set", "wake.words=[{model: hey_nobody}]", environ=deaf)
    assert code == 1
    verdicts = {check: finding["verdict"] for check, finding in found.items()}
    assert verdicts["port"] == verdicts["microphone"] == verdicts["wake words"] == "fail"
    assert verdicts["service"] == "skip"
    assert verdicts["gpio"] == "ok"
    assert all(finding["remedy"] for finding in found.values() if finding["verdict"] == "fail")


def test_what_is_set_in_vain_is_a_warning(tmp_path):
    (tmp_path / "mine.yaml").write_text("links: chat\nrealtime: {web_search: true}\n")
    findings = examine(tmp_path / "mine.yaml", {}, ())
    assert (next(findings).verdict, next(findings).verdict) == ("ok", "warn")
    findings.close()


def test_every_error_of_the_settings_is_a_finding_and_no_key_is_sent(deaf):
    with stepfun() as service:
        ended = antiphon(
            "doctor",
            *ALONE,
            *here(service.url()),
            "--set",
            "log.level=loud",
            "--set",
            "speaker.rate_hz=1",
            environ=deaf,
        )
    assert ended.returncode == 1
    failed = [line for line in ended.stdout.splitlines() if line.startswith("FAIL  settings")]
    assert len(failed) == 2
    assert "skip  key" in ended.stdout
    assert "skip  service" in ended.stdout
    assert service.statuses == []


def test_a_wrong_key_is_refused_and_not_shown(deaf):
    with stepfun() as service:
        ended = antiphon("doctor", *ALONE, *here(service.url()), environ={**deaf, "STEPFUN_API_KEY": "sk-hunter2"})
    assert ended.returncode == 1
    assert "FAIL  service" in ended.stdout
    assert "(401)" in ended.stdout
    assert "hunter2" not in ended.stdout + ended.stderr


def test_without_a_key_the_way_to_the_service_is_still_tried(deaf):
    del deaf["STEPFUN_API_KEY"]
    code, found = examined(*here("wss://nobody-has-this-name.invalid/v1/realtime"), environ=deaf)
    assert code == 1
    assert found["key"]["verdict"] == "fail"
    assert "$STEPFUN_API_KEY" in found["key"]["remedy"]
    assert found["name"]["verdict"] == "fail"
    assert found["service"]["verdict"] == "skip"


@pytest.mark.parametrize(
    ("error", "verdict", "says", "remedy"),
    [
        (EncryptedKeyError("/etc/x.conf"), "skip", "an encrypted one (/etc/x.conf)", "journalctl -u antiphon"),
        (
            SettingsError("/k: cannot be read (Permission denied); use sudo"),
            "fail",
            "/k: cannot be read",
            "sudo antiphon doctor",
        ),
        (SettingsError("/k: should hold the API key, and is empty"), "fail", "/k: should hold", "antiphon setup"),
        (MissingKeyError("there is no API key: put it in x"), "fail", "there is no API key", "put it in x"),
    ],
)
def test_a_key_that_cannot_be_used_is_told_with_its_remedy(error, verdict, says, remedy):
    finding = _unusable_key(error)
    assert finding.verdict == verdict
    assert says in finding.says
    assert remedy in finding.remedy


def test_a_link_that_is_left_out_is_not_tried(deaf):
    lan = f"generate.urls=[http://127.0.0.1:{refused_port()}]"
    with stepfun() as service:
        _, found = examined(*here(service.url()), "--set", "links=[generate]", "--set", lan, environ=deaf)
    assert service.statuses == []
    for check in ("key", "service"):
        assert found[check]["verdict"] == "skip"
        assert "not in use" in found[check]["says"]
    assert found["lan port"]["verdict"] == "fail"
    assert "generate.urls" in found["lan port"]["remedy"]


def test_what_is_on_this_machine_needs_no_network(deaf):
    _, found = examined(*here(f"ws://127.0.0.1:{refused_port()}/v1/realtime"), environ=deaf)
    assert found["network"]["verdict"] == "ok"
    assert "not needed" in found["network"]["says"]


def test_the_acoustic_test_plays_nothing_with_wrong_settings(deaf):
    ended = antiphon("doctor", *ALONE, "--acoustic", "--set", "speaker.rate_hz=1", environ=deaf)
    assert ended.returncode == 2
    assert ended.stdout == ""
    assert "speaker.rate_hz" in ended.stderr


def test_the_acoustic_test_without_a_card_says_what_may_hold_it(deaf):
    ended = antiphon("doctor", *ALONE, "--acoustic", "--json", environ=deaf)
    assert ended.returncode == 1
    told = json.loads(ended.stdout)
    assert told["measured"] is None
    (finding,) = told["findings"]
    assert "sudo systemctl stop antiphon" in finding["remedy"]


def test_the_acoustic_test_beside_a_daemon_that_runs_says_how_to_stop_it(capsys):
    assert run_acoustic(Settings(), as_json=False, runs=True) == 1
    first, second = capsys.readouterr().out.splitlines()
    assert "the appliance runs, and holds the sound card" in first
    assert "sudo systemctl stop antiphon" in second


class Answering(socketserver.StreamRequestHandler):
    """What a daemon that runs says to everything."""

    def handle(self):
        self.rfile.readline()
        self.wfile.write(b'{"ok": true}\n')


def test_the_acoustic_test_asks_whether_the_daemon_runs(deaf, tmp_path):
    with socketserver.UnixStreamServer(str(tmp_path / "sock"), Answering) as daemon:
        thread = threading.Thread(target=daemon.handle_request)
        thread.start()
        there = ("--set", f"control.socket={tmp_path}/sock")
        ended = antiphon("doctor", *ALONE, "--acoustic", "--json", *there, environ=deaf)
        thread.join()
    (finding,) = json.loads(ended.stdout)["findings"]
    assert "the appliance runs" in finding["says"]


def test_infinity_is_no_number_of_json():
    assert finite({"a": [1.5, float("-inf")], "b": "x", "c": (None, 2)}) == {"a": [1.5, None], "b": "x", "c": [None, 2]}


def test_lines_for_people_have_the_remedy_under_the_failure(deaf):
    url = f"ws://127.0.0.1:{refused_port()}/v1/realtime"
    lines = antiphon("doctor", *ALONE, *here(url), environ=deaf).stdout.splitlines()
    place = next(at for at, line in enumerate(lines) if line.startswith("FAIL  port"))
    assert "->" in lines[place + 1]
    assert lines[-1] == "3 of 14 checks failed."
