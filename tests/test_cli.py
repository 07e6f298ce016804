"""The command line: what each verb prints and how it ends, through main, and as a process where that differs."""

import json
import re
import signal
import socket
import subprocess
import sys

import pytest
from websockets.sync.client import connect

from antiphon import __version__, controlling
from antiphon.cli import main
from antiphon.conversation.states import State
from antiphon.simulator.room import Room
from antiphon.simulator.stepfun.options import DEFAULT_KEY
from loopback import refused_port
from test_controlling import STATUS, changed
from verbs import ALONE, antiphon, command, environment, own_words, running


@pytest.fixture(autouse=True)
def _alone(monkeypatch):
    """No key but the test's."""
    monkeypatch.delenv("STEPFUN_API_KEY", raising=False)
    monkeypatch.delenv("CREDENTIALS_DIRECTORY", raising=False)


def refused(arguments):
    """The status with which argparse ends."""
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    return ended.value.code


INTERRUPTED_AS_IT_LOADS = """
import sys

class Finder:
    def find_spec(self, name, *_):
        if name == "antiphon.cli":
            raise KeyboardInterrupt

sys.meta_path.insert(0, Finder())
from antiphon.__main__ import main
sys.exit(main())
"""


def test_ctrl_c_before_there_is_a_verb_ends_it_quietly():
    run = subprocess.run([sys.executable, "-c", INTERRUPTED_AS_IT_LOADS], capture_output=True, check=False, timeout=60)
    assert (run.returncode, run.stdout, run.stderr) == (130, b"", b"")


# ── argv ──


@pytest.mark.parametrize("arguments", [[], ["sing"], ["ask"], ["version", "--config", "x"], ["run", "--json"]])
def test_what_is_no_command_ends_with_2(arguments, capsys):
    assert refused(arguments) == 2
    assert "usage: antiphon" in capsys.readouterr().err


def test_help_names_every_verb(capsys):
    assert refused(["--help"]) == 0
    words = capsys.readouterr().out
    for verb in (
        "run",
        "demo",
        "check",
        "boards",
        "devices",
        "listen",
        "wiring",
        "ask",
        "simulate",
        "doctor",
        "docs",
        "version",
    ):
        assert f"\n    {verb} " in words
    for verb in ("status", "say", "listen-now", "stop", "mute", "unmute", "volume"):
        assert re.search(rf"\n    {verb}\s", words)


@pytest.mark.parametrize("seconds", ["0", "-1", "nan", "inf", "soon"])
def test_seconds_that_are_no_length_of_time(seconds, capsys):
    assert refused(["listen", f"--seconds={seconds}"]) == 2
    assert "--seconds" in capsys.readouterr().err


# ── version, check, docs ──


def test_version(capsys):
    assert main(["version"]) == 0
    assert capsys.readouterr().out == f"antiphon {__version__}\n"
    assert main(["version", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["antiphon"] == __version__


def test_check_tells_each_value_and_its_origin(capsys):
    assert main(["check", *ALONE, "--set", "log.level=debug"]) == 0
    line = next(line for line in capsys.readouterr().out.splitlines() if "debug" in line)
    assert "level" in line
    assert "--set" in line


def test_check_as_data(capsys):
    assert main(["check", *ALONE, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)


def test_check_tells_what_is_set_in_vain(capsys):
    assert main(["check", *ALONE, "--json", "--set", "links=chat", "--set", "realtime.web_search=true"]) == 0
    said = capsys.readouterr()
    assert json.loads(said.out)
    (line,) = said.err.splitlines()
    assert line.startswith("antiphon: realtime.web_search does nothing, as ")
    assert line.endswith(": put realtime into links")


def test_all_errors_of_the_settings_at_once_a_line_each(capsys):
    assert main(["check", *ALONE, "--set", "log.level=loud", "--set", "log.colour=red"]) == 2
    said = capsys.readouterr()
    assert said.out == ""
    lines = said.err.splitlines()
    assert len(lines) == 2
    assert all(line.startswith("antiphon: ") for line in lines)


def test_boards_are_listed(capsys):
    assert main(["boards"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert any(line.startswith("led-button ") and "(not yet tried on real parts)" in line for line in lines)
    assert main(["boards", "--json"]) == 0
    entries = json.loads(capsys.readouterr().out)
    assert [one["name"] for one in entries] == sorted(line.split()[0] for line in lines)
    assert {"name", "title", "tried", "path"} == set(entries[0])


def test_a_board_is_shown(capsys, tmp_path):
    assert main(["boards", "led-button"]) == 0
    assert "pin 11" in capsys.readouterr().out
    assert main(["boards", "led-button", "--page"]) == 0
    assert capsys.readouterr().out.startswith("# LED and two buttons")
    assert main(["boards", "led-button", "--drawing"]) == 0
    assert capsys.readouterr().out.startswith("<svg ")
    assert main(["boards", "led-button", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["wiring"][0]["pin"] == 11
    own = tmp_path / "mine.yaml"
    own.write_text("title: Mine\n")
    assert main(["boards", str(own)]) == 2
    assert capsys.readouterr().err == f"antiphon: {own}: tried: is missing; give text\n"


@pytest.mark.parametrize("what", ["--page", "--drawing"])
def test_the_page_of_no_board_is_refused(what, capsys):
    assert main(["boards", what]) == 2
    assert capsys.readouterr().err.startswith("antiphon: --page and --drawing are of one board: name it")


def test_a_board_lies_beneath_what_is_set(capsys):
    assert main(["check", "--set", "board=led-button", "--set", "buttons.talk=25", "--json"]) == 0
    shown = json.loads(capsys.readouterr().out)
    assert shown["buttons.talk"] == {"value": 25, "origin": "--set"}
    assert shown["lamps.pins"]["value"] == [17]
    assert "boards/led-button.yaml:" in shown["lamps.pins"]["origin"]


def test_docs_draw_every_state(capsys):
    assert main(["docs"]) == 0
    words = capsys.readouterr().out
    assert all(state.name in words for state in State)


# ── the key ──


@pytest.mark.parametrize("arguments", [["run"], ["ask", "question.wav"]])
def test_a_missing_key_is_said_before_anything_is_done(arguments, capsys):
    assert main([*arguments, *ALONE, "--set", "realtime.url=wss://api.stepfun.com/v1/realtime"]) == 2
    said = capsys.readouterr().err
    assert "$STEPFUN_API_KEY" in said
    assert said.count("\n") == 1


# ── the daemon that runs ──


class Daemon:
    """Stands in for the client's other end: what it was asked, and what it says."""

    def __init__(self, monkeypatch, *replies):
        self.paths, self.asked, self.replies = [], [], list(replies)
        monkeypatch.setattr(controlling, "ask", self.ask)
        monkeypatch.setattr(controlling, "watch", lambda paths: iter([self.ask(paths, {"do": "watch"}), *self.replies]))

    def ask(self, paths, request):
        self.paths, self.asked = [str(path) for path in paths], [*self.asked, request]
        return self.replies.pop(0)


@pytest.mark.parametrize(
    ("arguments", "request_"),
    [
        (["say", "dinner", "is", "ready"], {"do": "say", "text": "dinner is ready"}),
        (["listen-now"], {"do": "listen"}),
        (["stop"], {"do": "stop"}),
        (["mute"], {"do": "mute"}),
        (["unmute"], {"do": "unmute"}),
        (["volume"], {"do": "volume"}),
        (["volume", "40"], {"do": "volume", "percent": 40}),
        (["volume", "+5"], {"do": "volume", "change": 5}),
        (["volume", "-5"], {"do": "volume", "change": -5}),
    ],
)
def test_a_verb_is_an_order(arguments, request_, monkeypatch, capsys):
    daemon = Daemon(monkeypatch, {"ok": True})
    assert main([*arguments, *ALONE, "--socket", "/run/mine"]) == 0
    assert (daemon.paths, daemon.asked) == (["/run/mine"], [request_])
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize("arguments", [["mute"], ["status"], ["status", "--watch"]])
def test_what_the_daemon_refuses_is_one_line_and_status_1(arguments, monkeypatch, capsys):
    Daemon(monkeypatch, {"ok": False, "why": "The switch says no\x1b[2J"})
    assert main([*arguments, *ALONE]) == 1
    said = capsys.readouterr()
    assert (said.out, said.err) == ("", "antiphon: The switch says no [2J\n")


@pytest.mark.parametrize(("volume", "words"), [(40, "volume 40\n"), (None, "the volume is not known\n")])
def test_the_volume_is_told(volume, words, monkeypatch, capsys):
    Daemon(monkeypatch, {"ok": True, "volume": volume})
    assert main(["volume", *ALONE]) == 0
    assert capsys.readouterr().out == words


@pytest.mark.parametrize("volume", ["400", "loud", "--", "+", "-1000"])
def test_what_is_no_volume_is_refused(volume, capsys):
    assert refused(["volume", *ALONE, volume, "x" * (volume == "--")]) == 2
    assert "give 0 to 100, or +5 or -5" in capsys.readouterr().err


def test_the_status_is_for_people_or_for_programs(monkeypatch, capsys):
    Daemon(monkeypatch, STATUS, STATUS)
    assert main(["status", *ALONE]) == 0
    assert capsys.readouterr().out == controlling.shown(STATUS)
    assert main(["status", *ALONE, "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == STATUS


def test_the_status_is_watched(monkeypatch, capsys):
    later = changed(state="listening")
    Daemon(monkeypatch, STATUS, later)
    assert main(["status", *ALONE, "--watch"]) == 0
    screens = capsys.readouterr().out.split(controlling.CLEAR)
    assert screens == ["", controlling.shown(STATUS), controlling.shown(later)]
    Daemon(monkeypatch, STATUS, later)
    assert main(["status", *ALONE, "--watch", "--json"]) == 0
    assert [json.loads(line)["state"] for line in capsys.readouterr().out.splitlines()] == ["asleep", "listening"]


@pytest.mark.parametrize(
    ("settings", "paths"),
    [
        ([], ["/run/user/7/antiphon/control.sock", "/run/antiphon/control.sock"]),
        (["--set", "control.socket=/run/mine"], ["/run/mine"]),
        (["--set", "log.level=loud"], ["/run/user/7/antiphon/control.sock", "/run/antiphon/control.sock"]),
    ],
)
def test_the_daemon_is_sought_where_the_settings_say(settings, paths, monkeypatch):
    monkeypatch.setenv("XDG_RUNTIME_DIR", "/run/user/7")
    monkeypatch.delenv("RUNTIME_DIRECTORY", raising=False)
    daemon = Daemon(monkeypatch, {"ok": True})
    assert main(["stop", *ALONE, *settings]) == 0
    assert daemon.paths == paths


def test_a_daemon_that_is_to_be_asked_nothing_is_not_sought(capsys):
    assert main(["stop", *ALONE, "--set", "control.socket=null"]) == 2
    assert "control.socket is null" in capsys.readouterr().err


def test_a_daemon_that_does_not_run_is_one_line_and_status_2(capsys):
    assert main(["status", *ALONE, "--socket", "/nowhere/c.sock"]) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err == (
        f"antiphon: the daemon does not run: nobody answers at /nowhere/c.sock. {controlling.how_to_start()}\n"
    )


# ── as processes ──


def test_devices_in_a_room():
    with Room() as room:
        environ = environment(room)
        told = json.loads(antiphon("devices", "--json", environ=environ).stdout)
        words = antiphon("devices", environ=environ).stdout
    by_name = {device["name"]: device for device in told}
    assert by_name["mic"]["input_channels"]
    assert by_name["spk"]["output_channels"]
    (default,) = [device for device in told if device["default_input"]]
    line = next(line for line in words.splitlines() if default["name"] in line)
    assert "in, default" in line
    assert "Hz" in line


def test_devices_where_there_are_none(tmp_path):
    environ = environment(folder=tmp_path)
    assert json.loads(antiphon("devices", "--json", environ=environ).stdout) == []
    ended = antiphon("devices", environ=environ)
    assert ended.returncode == 0
    assert "make run" in ended.stdout


def test_an_error_of_the_owner_is_one_line_and_no_traceback(tmp_path):
    question = tmp_path / "question.wav"
    question.write_text("no sound")
    url = f"realtime.url=ws://127.0.0.1:{refused_port()}/v1/realtime"
    ended = antiphon("ask", question, *ALONE, "--set", url, environ=environment(folder=tmp_path))
    assert ended.returncode == 2
    assert ended.stdout == ""
    (line,) = own_words(ended.stderr)
    assert line.startswith(f"antiphon: {question}")


def test_a_reader_that_has_gone_is_no_error():
    shell = "import os, sys; os.close(1); r, w = os.pipe(); os.close(r); assert w == 1 or os.dup2(w, 1); "
    shell += "from antiphon.cli import main; sys.exit(main(['check', '--config', '/dev/null']))"
    ended = subprocess.run([sys.executable, "-c", shell], capture_output=True, timeout=60, check=False)
    assert ended.returncode == 0, ended.stderr


@pytest.mark.parametrize("arguments", [["check", "--config", "/dev/null"], ["version"]])
def test_output_that_has_no_place_is_one_line(arguments):
    with open("/dev/full", "w") as full:  # noqa: PTH123 - a device
        ended = subprocess.run(command(*arguments), stdout=full, stderr=subprocess.PIPE, timeout=60, check=False)
    assert ended.returncode == 2
    assert ended.stderr.decode().splitlines() == [
        "antiphon: there is no space left to write to: make some, or write elsewhere"
    ]


# ── simulate ──


def test_a_port_that_is_taken_is_one_line(capsys):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        assert main(["simulate", "--port", str(port)]) == 2
    said = capsys.readouterr().err
    assert said.startswith("antiphon: the service cannot listen (")
    assert str(port) in said
    assert said.count("\n") == 1


def test_a_place_where_nothing_can_be_kept_is_one_line(capsys):
    assert main(["simulate", "--keep", "/dev/null/x"]) == 2
    said = capsys.readouterr().err
    assert said.startswith("antiphon: --keep: /dev/null/x cannot be written")
    assert said.count("\n") == 1


def test_sessions_outlive_the_reader_of_the_log(tmp_path):
    """Its pipe is closed when the address has been read; two calls come after that, and an orderly end."""
    with running("simulate", "--quick", environ=environment(folder=tmp_path)) as service:
        url = json.loads(service.stdout.readline())["url"]
        service.stdout.close()
        for _ in range(2):
            headers = {"Authorization": f"Bearer {DEFAULT_KEY}"}
            with connect(f"{url}?model=stepaudio-2.5-realtime", additional_headers=headers) as call:
                assert json.loads(call.recv(timeout=30))["type"] == "session.created"
        service.send_signal(signal.SIGTERM)
        assert service.wait(timeout=30) == 0
        assert service.stderr.read() == ""


def test_the_lan_server_is_simulated_too(tmp_path):
    """The service is named first; each has its own faults, and StepFun's is the one that needs no name."""
    with running(
        "simulate", "voxserve", "--quick", "--fault", "health=503:Ill", environ=environment(folder=tmp_path)
    ) as lan:
        address = json.loads(lan.stdout.readline())["url"].removeprefix("http://").split(":")
        with socket.create_connection((address[0], int(address[1])), timeout=30) as client:
            client.sendall(b"GET /health HTTP/1.1\r\nConnection: close\r\n\r\n")
            got = client.makefile("rb").read()
        lan.send_signal(signal.SIGTERM)
        assert lan.wait(timeout=30) == 0
    assert got.startswith(b"HTTP/1.1 503 ")


def test_the_help_of_the_lan_server_names_it_and_where_its_faults_are_told(capsys):
    with pytest.raises(SystemExit):
        main(["simulate", "voxserve", "--help"])
    said = capsys.readouterr().out
    assert said.startswith("usage: antiphon simulate voxserve ")
    assert "docs/simulated-voxserve.md" in said


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--quick", "voxserve"], "the service comes first"),
        (["voxserve", "stepfun"], "unrecognized arguments"),
        (["stepfun", "--fault", "cut=1"], "fault 'cut' is not known"),
        (["voxserve", "--fault", "no-stop=1"], "fault 'no-stop' is not known"),
        (["stereo"], "invalid choice"),
    ],
)
def test_a_service_has_its_own_arguments(arguments, words, capsys):
    try:
        status = main(["simulate", *arguments])
    except SystemExit as ended:
        status = ended.code
    assert status == 2
    assert words in capsys.readouterr().err
