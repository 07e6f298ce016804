"""The whole of `antiphon setup`, by somebody who sits at a terminal, on a machine without a sound card."""

import re
import socketserver
import stat
import threading

import pytest

from antiphon.config_files import read_layers
from antiphon.setting_up.dialogue import Dialogue, _behind_sudo
from antiphon.setting_up.draft import Draft
from antiphon.setting_up.service import Service
from antiphon.setting_up.talk import Talk
from antiphon.settings import load
from antiphon.simulator.stepfun.options import DEFAULT_KEY
from loopback import stepfun
from sitting import Sitting
from verbs import antiphon, command, environment

KEY = "sk-hunter2-hunter2"
NO_SOCKET = ("--set", "control.socket=null")
"""Whatever daemon runs on this machine is not asked."""


@pytest.fixture
def config(tmp_path):
    return tmp_path / "etc" / "antiphon.yaml"


@pytest.fixture
def cardless(tmp_path):
    return environment(folder=tmp_path)


def sitting(config, environ, *arguments):
    return Sitting(command("setup", "--config", config, *NO_SOCKET, *arguments), environ)


def loaded(config):
    return load(read_layers(config, {}, [])).settings


# ── without questions ──


def test_without_a_terminal_it_says_so_in_one_line(config, cardless):
    ended = antiphon("setup", "--config", config, environ=cardless)
    assert ended.returncode == 2
    assert len(ended.stderr.splitlines()) == 1
    assert "needs a terminal" in ended.stderr
    assert not config.exists()


def test_a_script_gives_its_answers_beforehand(config, cardless):
    given = ("--set", "board=led-button", "--set", "microphone.device=USB")
    ended = antiphon("setup", "--config", config, "--defaults", *given, environ={**cardless, "STEPFUN_API_KEY": KEY})
    assert ended.returncode == 0, ended.stderr
    settings = loaded(config)
    assert (settings.board, settings.lamps.pins, settings.microphone.device) == ("led-button", (17,), "USB")
    key = config.with_name("stepfun_api_key")
    assert settings.realtime.key_file == str(key)
    assert key.read_text().strip() == KEY
    assert stat.S_IMODE(key.stat().st_mode) == 0o600
    assert KEY not in ended.stdout + ended.stderr + config.read_text()
    again = antiphon("setup", "--config", config, "--defaults", *given, environ=cardless)
    assert again.returncode == 0
    assert "Nothing to write" in again.stdout
    assert "next start" in ended.stdout
    assert "next start" not in again.stdout


def test_where_it_cannot_write_it_says_so_before_it_asks(config, cardless):
    config.parent.write_text("a file")
    with sitting(config, cardless) as someone:
        someone.sees("is no folder")
        assert someone.end() == 2
    assert len(someone.shown.splitlines()) == 1


# ── with questions, without a card ──


def test_key_and_board_are_asked_for_and_written(config, cardless):
    with sitting(config, cardless) as someone:
        someone.answers("Key (it is not shown", "two words")
        someone.sees("strange characters in it. Try again.")  # only the question hides what is typed
        someone.answers("Key (it is not shown", "short")
        someone.sees("too short for a key")
        someone.answers("Key (it is not shown", f"  {KEY}  ")
        someone.answers("Step Plan key?", "n")
        someone.answers("Try the key now?", "n")
        someone.answers("Its address", "nas:8000")
        assert "--set" not in someone.answers("generate.urls", "http://nas:8000/")
        boards = someone.answers("Which is it?", "oops")
        someone.sees("A number from 1 to")
        number = re.search(r"(\d+)  LED and two buttons", boards)[1]
        someone.answers("Which is it?", number)
        someone.sees("antiphon boards led-button")
        to_the_end(someone)
        assert someone.end() == 0
    settings = loaded(config)
    assert settings.realtime.url == "wss://api.stepfun.com/v1/realtime"
    assert settings.speech.url == "https://api.stepfun.com/v1"
    assert settings.generate.urls == ("http://nas:8000",)
    assert settings.links == ("realtime", "generate")
    assert settings.board == "led-button"
    assert config.with_name("stepfun_api_key").read_text().strip() == KEY
    assert "hunter2" not in someone.shown + config.read_text()


def to_the_end(someone):
    """Where there is no sound card, nothing can be tried."""
    someone.sees("The speaker\n")
    someone.sees("There is none on this machine")
    someone.sees("The microphone\n")
    assert "A chime" not in someone.shown
    tried = someone.answers("Write it?")
    assert "There is none on this machine" in tried
    assert not any(words in tried for words in ("Say something", "another microphone", "Measuring", "ALSA lib"))


def test_without_a_key_only_the_owners_server_is_asked(config, cardless):
    with sitting(config, cardless) as someone:
        someone.answers("Key (it is not shown")
        someone.answers("Its address", "http://nas:8000")
        someone.answers("Which is it?")
        to_the_end(someone)
        assert someone.end() == 0
    assert loaded(config).links == ("generate",)
    assert not config.with_name("stepfun_api_key").exists()


def test_ctrl_c_leaves_everything_as_it_was(config, cardless):
    config.parent.mkdir()
    config.write_text("# mine\necho: {decay_ms: 300}\n")
    with sitting(config, cardless) as someone:
        someone.answers("Key (it is not shown", KEY)
        someone.answers("Step Plan key?")
        someone.answers("Try the key now?", "n")
        someone.answers("Its address")
        someone.sees("Which is it?")
        someone.presses_ctrl_c()
        someone.sees("Nothing was changed.")
        assert someone.end() == 130
    assert [path.name for path in config.parent.iterdir()] == ["antiphon.yaml"]
    assert config.read_text() == "# mine\necho: {decay_ms: 300}\n"
    assert "hunter2" not in someone.shown
    assert "Traceback" not in someone.shown


def test_a_file_with_mistakes_is_to_be_mended_first(config, cardless):
    config.parent.mkdir()
    config.write_text("echo: {decay_ms: long}\n")
    with sitting(config, cardless) as someone:
        someone.sees("antiphon.yaml:1")
        assert someone.end() == 2


class Answering(socketserver.StreamRequestHandler):
    """What a daemon that runs says to everything."""

    def handle(self):
        self.rfile.readline()
        self.wfile.write(b'{"ok": true}\n')


@pytest.mark.parametrize("goes_on", [True, False])
def test_beside_a_daemon_that_runs_the_sound_is_not_tried(config, cardless, tmp_path, goes_on):
    with socketserver.UnixStreamServer(str(tmp_path / "sock"), Answering) as daemon:
        thread = threading.Thread(target=daemon.handle_request)
        thread.start()
        there = ("--set", f"control.socket={tmp_path}/sock")
        with Sitting(command("setup", "--config", config, *there), cardless) as someone:
            someone.sees("sudo systemctl stop antiphon")
            someone.answers("Go on without", "y" if goes_on else "")
            thread.join()
            if goes_on:
                someone.answers("Key (it is not shown")
                someone.answers("Its address")
                someone.answers("Which is it?")
                someone.answers("Write it?")
            status = someone.end()
    assert status == (0 if goes_on else 130)
    assert config.exists() is goes_on
    assert "The speaker" not in someone.shown


class Typing(Talk):
    """Types these lines, and then hangs up."""

    def __init__(self, *lines):
        self.lines, self.shown = list(lines), []

    def say(self, line=""):
        self.shown.append(line)

    def hidden(self, question):
        return self._read(question)

    def _read(self, prompt):
        self.shown.append(prompt)
        if not self.lines:
            raise EOFError
        return self.lines.pop(0)


class Systemd(Service):
    """Has the service, which comes up as it is said here."""

    def __init__(self, *failing):
        self.asked, self.failing = [], failing
        super().__init__(self.ask)

    def ask(self, arguments):
        self.asked.append(arguments[0])
        return int(arguments[0] in self.failing)


def test_a_service_that_was_stopped_is_started_again_whatever_comes(config):
    systemd = Systemd()
    with pytest.raises(EOFError):
        Dialogue(Typing("y", KEY), Draft(config), systemd, runs=True).run()
    assert systemd.asked == ["is-active", "stop", "start"]
    assert not config.exists()


def test_an_appliance_that_was_started_by_hand_is_left_to_its_owner(config):
    systemd, talk = Systemd("is-active"), Typing("n")
    with pytest.raises(KeyboardInterrupt):
        Dialogue(talk, Draft(config), systemd, runs=True).run()
    assert systemd.asked == ["is-active"]
    assert "Go on without" in talk.shown[-1]


@pytest.mark.parametrize("comes_up", [True, False])
def test_in_the_end_the_service_is_started(config, comes_up):
    systemd = Systemd(*([] if comes_up else ["restart"]))
    talk = Typing("n", "y", "", "http://nas:8000", "", "", "y")
    assert Dialogue(talk, Draft(config), systemd, runs=True).run() == 0
    assert loaded(config).links == ("generate",)
    assert systemd.asked == ["is-active", "cat", "enable", "restart"]
    assert talk.shown[-1].startswith("It runs" if comes_up else "It did not come up")
    assert not any("next start" in line for line in talk.shown)


def test_once_it_is_written_ctrl_c_takes_nothing_back(config):
    talk = Typing("n", "y", "", "http://nas:8000", "", "")  # and hangs up when asked whether to start
    draft = Draft(config)
    with pytest.raises(EOFError):
        Dialogue(talk, draft, Systemd(), runs=True).run()
    assert draft.written
    assert loaded(config).links == ("generate",)


# ── the end, and the key ──


def the_end(config, systemd, *answers, runs=True):
    talk = Typing("n", "y", "", "http://nas:8000", "", "", *answers)
    Dialogue(talk, Draft(config), systemd, runs=runs).run()
    return talk.shown[-1]


def test_where_it_is_not_to_be_started_it_says_how_to(config):
    assert the_end(config, Systemd(), "n").startswith("They hold from the next start on: sudo systemctl restart")


def test_without_a_service_nobody_is_sent_to_systemctl(config):
    class Nothing(Systemd):
        def ask(self, arguments):
            super().ask(arguments)
            return 1

    talk = Typing("y", "", "http://nas:8000", "", "")
    assert Dialogue(talk, Draft(config), Nothing(), runs=True).run() == 0
    assert re.match(r"They hold from the next start on: \S*antiphon run\.", talk.shown[-1])
    assert not any("systemctl restart" in line for line in talk.shown)


def test_a_service_that_was_stopped_for_it_starts_with_them(config):
    talk = Typing("http://nas:8000")
    systemd = Systemd()
    dialogue = Dialogue(talk, Draft(config), systemd, runs=True)
    with systemd.stopped():
        assert dialogue._started().startswith("The appliance starts again with them.")


def test_a_mistyped_key_is_tried_at_once_and_typed_again(config, capsys):
    with stepfun() as service:
        draft = Draft(config, [f"realtime.url={service.url()}"])
        talk = Typing("sk-mistyped", "y", "y", DEFAULT_KEY, "")
        Dialogue(talk, draft, Systemd(), runs=False)._key()
    told = capsys.readouterr().out
    assert service.statuses[0] == 401
    assert draft.key.reveal() == DEFAULT_KEY
    assert "(401)" in told
    assert "answered in" in told
    assert "mistyped" not in told + "".join(talk.shown)


@pytest.mark.parametrize(
    ("environ", "owner"),
    [({}, None), ({"SUDO_UID": "1000", "SUDO_GID": "100"}, (1000, 100)), ({"SUDO_UID": "1000", "SUDO_GID": "x"}, None)],
)
def test_without_a_service_the_key_is_for_whoever_called_sudo(environ, owner):
    assert _behind_sudo(environ) == owner
