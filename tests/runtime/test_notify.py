"""What systemd is told, heard on a real socket."""

import os
import socket
import sys
from pathlib import Path

import pytest

from antiphon.runtime.notify import NoNotifier, SystemdNotifier, open_notifier, watchdog_limit_s


class Heard:
    """A log that remembers."""

    def __init__(self) -> None:
        self.lines = []

    def write(self, level, what, **fields) -> None:
        self.lines.append((level, what, fields))


@pytest.fixture
def manager(tmp_path, monkeypatch):
    """systemd's end of the socket."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(str(tmp_path / "notify"))
        manager.settimeout(10)
        monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "notify"))
        monkeypatch.setenv("WATCHDOG_USEC", "20000000")
        monkeypatch.setenv("WATCHDOG_PID", str(os.getpid()))
        yield manager


def test_systemd_hears_all_that_it_is_told(manager):
    pytest.importorskip("systemd.daemon")
    log = Heard()
    notifier = open_notifier(log)
    notifier.ready()
    notifier.status("listening\nREADY=1")
    notifier.alive()
    notifier.stopping()
    told = [manager.recv(1000) for _ in range(4)]
    assert told == [b"READY=1", b"STATUS=listening READY=1", b"WATCHDOG=1", b"STOPPING=1"]
    assert notifier.watchdog_s == 20.0
    assert log.lines == []


def test_a_systemd_that_is_gone_is_one_warning(manager):
    pytest.importorskip("systemd.daemon")
    log = Heard()
    notifier = open_notifier(log)
    Path(os.environ["NOTIFY_SOCKET"]).unlink()
    notifier.ready()
    notifier.alive()
    assert [(level, what) for level, what, _ in log.lines] == [("warning", "systemd cannot be told")]


def test_nobody_asks():
    log = Heard()
    notifier = open_notifier(log, {})
    notifier.ready()
    notifier.status("")
    notifier.alive()
    notifier.stopping()
    assert isinstance(notifier, NoNotifier)
    assert notifier.watchdog_s == 0
    assert log.lines == []


def test_without_systemd_python_one_sentence_says_what_to_do(monkeypatch):
    monkeypatch.setitem(sys.modules, "systemd.daemon", None)
    log = Heard()
    assert isinstance(open_notifier(log, {"NOTIFY_SOCKET": "/run/systemd/notify"}), NoNotifier)
    ((level, what, _),) = log.lines
    assert level == "warning"
    assert "pip install antiphon[systemd]" in what


def test_a_notifier_keeps_its_watchdog_limit():
    assert SystemdNotifier(lambda _: None, 12.5, Heard()).watchdog_s == 12.5


@pytest.mark.parametrize(
    ("environ", "limit_s"),
    [
        ({}, 0.0),
        ({"WATCHDOG_USEC": "30000000"}, 30.0),
        ({"WATCHDOG_USEC": "2500000", "WATCHDOG_PID": "77"}, 2.5),
        ({"WATCHDOG_USEC": "2500000", "WATCHDOG_PID": "78"}, 0.0),
        ({"WATCHDOG_USEC": "2500000", "WATCHDOG_PID": ""}, 2.5),
        ({"WATCHDOG_USEC": "soon"}, 0.0),
        ({"WATCHDOG_USEC": "-1"}, 0.0),
    ],
)
def test_the_watchdog_limit_is_this_process_s(environ, limit_s):
    assert watchdog_limit_s(environ, 77) == limit_s
