"""The client of the daemon, with a stand-in for it that says what the test gives it."""

import json
import os
import re
import socket
import tempfile
import threading
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

import pytest

from antiphon import controlling
from antiphon.controlling import NoDaemonError, ask, how_to_start, shown, volume_request, watch

BOUND_S = 30

STATUS = {
    "ok": True,
    "version": "0.1.0",
    "pid": 812,
    "uptime_s": 273_000.0,
    "state": "asleep",
    "since_s": 12.4,
    "problem": "",
    "ringing": "",
    "timers": [{"timer": 3, "label": "", "left_s": 12.0}],
    "link": {"name": "realtime", "health": "open", "fallback": False, "call": 7},
    "microphone": {
        "muted": False,
        "switched_off": False,
        "open": True,
        "device": "USB microphone",
        "rate_hz": 48_000,
        "level_db": -52.3,
        "loudest_db": -31.0,
    },
    "speaker": {"usable": True, "open": False, "device": None, "volume": 40},
    "echo": {"cancel": "software", "half_duplex": False, "erle_db": 32.0, "delay_ms": 41.0, "drift_ppm": -12.0},
    "wake_words": ["hey_jarvis", "alexa"],
    "board": "respeaker-2mic",
    "watchdog": {"limit_s": 20.0, "fed": 55},
    "counters": {
        "wakes": 3,
        "turns": 5,
        "replies": 4,
        "interruptions": 1,
        "calls_opened": 7,
        "calls_lost": 2,
        "overflows": 0,
    },
    "troubles": [
        {
            "at": "2026-01-02T03:04:05+00:00",
            "ago_s": 3700.0,
            "times": 3,
            "level": "warning",
            "what": "link-closed",
            "words": "The network is gone",
        }
    ],
}


def changed(**changes):
    """STATUS with other values, some of them a level down: `microphone={"open": False}`."""
    return STATUS | {
        name: STATUS[name] | value if isinstance(value, dict) else value for name, value in changes.items()
    }


@contextmanager
def daemon(*replies):
    """Listens at the path it yields; says `replies` to the first line of the one who calls, and hangs up."""
    heard = []
    with tempfile.TemporaryDirectory() as folder, socket.socket(socket.AF_UNIX) as door:
        path = Path(folder, "control.sock")
        door.bind(str(path))
        door.listen()
        door.settimeout(BOUND_S)

        def serve():
            with suppress(OSError), door.accept()[0] as caller, caller.makefile("rwb") as stream:
                heard.append(stream.readline())
                for reply in replies:
                    stream.write(reply if isinstance(reply, bytes) else json.dumps(reply).encode() + b"\n")

        server = threading.Thread(target=serve)
        server.start()
        try:
            yield path, heard
        finally:
            server.join()


def row(told, name):
    [line] = [line for line in told.splitlines() if line.startswith(f"{name} ")]
    return line.removeprefix(name).strip()


# ── asking ───────────────────────────────────────────────────────────────────────────────────────


def test_a_request_is_a_line_and_so_is_its_reply():
    with daemon({"ok": False, "why": "The switch on the device says no"}) as (path, heard):
        assert ask([path], {"do": "unmute"}) == {"ok": False, "why": "The switch on the device says no"}
    assert heard == [b'{"do": "unmute"}\n']


def test_the_first_place_where_somebody_listens_is_asked():
    with daemon({"ok": True}) as (path, _), socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(path.with_name("dead")))
        places = [path.with_name("absent"), path.with_name("dead"), Path("/" + "x" * 200), Path("a\0b"), path]
        assert ask(places, {"do": "stop"}) == {"ok": True}


def test_what_is_watched_is_told_until_the_daemon_ends():
    with daemon({"ok": True, "state": "asleep"}, {"ok": True, "state": "listening"}) as (path, heard):
        watching = watch([path])
        assert [next(watching)["state"], next(watching)["state"]] == ["asleep", "listening"]
        with pytest.raises(NoDaemonError, match="ended before"):
            next(watching)
    assert heard == [b'{"do": "watch"}\n']


@pytest.mark.parametrize("paths", [["/nowhere/control.sock"], ["/nowhere/a", "/nowhere/b"]])
def test_a_daemon_that_does_not_run_is_said_with_where_it_was_looked_for(paths):
    with pytest.raises(NoDaemonError) as said:
        ask([Path(path) for path in paths], {"do": "status"})
    assert str(said.value).startswith(f"the daemon does not run: nobody answers at {' or '.join(paths)}. ")
    assert str(said.value).endswith(how_to_start())


def test_a_service_that_ends_at_once_is_not_only_to_be_started_again(tmp_path):
    (tmp_path / "antiphon.service").touch()
    told = how_to_start([tmp_path / "nowhere", tmp_path])
    for words in ("sudo systemctl start antiphon", "journalctl -u antiphon", "antiphon check", "sudo antiphon setup"):
        assert words in told


def test_where_no_service_is_installed_none_is_to_be_started(tmp_path):
    assert how_to_start([tmp_path]).endswith("start it: antiphon run")


def test_who_may_not_use_it_is_told_who_may(monkeypatch):
    class Shut(socket.socket):
        def connect(self, address):
            raise PermissionError(13, "Permission denied") if "run" in address else FileNotFoundError(2, "Not there")

    monkeypatch.setattr(controlling.socket, "socket", Shut)
    with pytest.raises(NoDaemonError, match=r"^/run/antiphon/control\.sock: only root and the group antiphon may"):
        ask([Path("/nowhere"), Path("/run/antiphon/control.sock")], {"do": "status"})


@pytest.mark.skipif(os.geteuid() == 0, reason="root may use every socket")
def test_a_socket_that_is_shut_to_us_is_known():
    with daemon() as (path, _):
        path.chmod(0)
        with pytest.raises(NoDaemonError, match="only root and the group antiphon"):
            ask([path], {"do": "status"})
        path.chmod(0o600)
        with suppress(NoDaemonError):
            ask([path], {"do": "status"})


@pytest.mark.parametrize("replies", [(), (b'{"ok": tr',)])
def test_a_daemon_that_ends_before_it_answers_is_said(replies):
    with daemon(*replies) as (path, _), pytest.raises(NoDaemonError, match="ended before it had answered"):
        ask([path], {"do": "mute"})


def test_a_daemon_that_hangs_is_said(monkeypatch):
    monkeypatch.setattr(controlling, "STATUS_S", 0.05)
    with tempfile.TemporaryDirectory() as folder, socket.socket(socket.AF_UNIX) as door:
        path = Path(folder, "control.sock")
        door.bind(str(path))
        door.listen()
        with pytest.raises(NoDaemonError, match=r"has not answered in 0\.05 s"):
            ask([path], {"do": "status"})


def test_a_daemon_that_takes_no_more_callers_is_not_said_to_be_away():
    with tempfile.TemporaryDirectory() as folder, socket.socket(socket.AF_UNIX) as door, ExitStack() as crowd:
        path = Path(folder, "control.sock")
        door.bind(str(path))
        door.listen(0)
        with suppress(BlockingIOError):
            for _ in range(100):
                caller = crowd.enter_context(socket.socket(socket.AF_UNIX))
                caller.setblocking(False)
                caller.connect(str(path))
        with pytest.raises(NoDaemonError, match=f"^the daemon at {path} takes no more callers: try again, or see what"):
            ask([Path("/nowhere"), path], {"do": "status"})


STRANGE = [b"220 mail\n", b"[]\n", b"{}\n", b'{"ok": false}\n', b"\xff\n", b"[" * 100_000 + b"\n", b"x" * 1_100_000]


@pytest.mark.parametrize("reply", STRANGE, ids=range(len(STRANGE)))
def test_somebody_else_who_answers_there_is_said(reply):
    with daemon(reply) as (path, _), pytest.raises(NoDaemonError, match="what answers there is no antiphon"):
        ask([path], {"do": "status"})


# ── volume ───────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("text", "fields"),
    [
        ("", {}),
        ("0", {"percent": 0}),
        ("40", {"percent": 40}),
        ("100%", {"percent": 100}),
        ("+5", {"change": 5}),
        ("-10", {"change": -10}),
    ],
)
def test_a_volume_is_a_figure_or_a_change(text, fields):
    assert volume_request(text) == {"do": "volume", **fields}


@pytest.mark.parametrize("text", ["101", "-101", "loud", "4.5", "--5", "+", " ", "%", "٣"])
def test_what_is_no_volume_is_refused(text):
    with pytest.raises(ValueError, match=re.escape(text)):
        volume_request(text)


# ── for people ───────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("field", sorted(STATUS.keys() - {"ok"}))
def test_a_status_of_another_version_is_not_half_shown(field):
    for other in ({name: value for name, value in STATUS.items() if name != field}, STATUS | {field: 7.5j}):
        if field in ("version", "pid", "state", "board", "problem", "ringing") and field in other:
            continue  # shown as it is, whatever it is
        with pytest.raises(NoDaemonError, match=r"^the daemon is of another version \([^)]+\): restart it \("):
            shown(other)


def test_the_status_fits_on_a_screen_and_is_aligned():
    lines = shown(STATUS).splitlines()
    assert len(lines) <= 24
    *rows, head, trouble = lines
    assert {re.match(r"[a-z ]+? {2,}", line).end() for line in rows} == {13}
    assert head == "last warnings and errors, the newest first"
    assert trouble == "  1 h 1 min ago (3 times)  link-closed: The network is gone"
    told = shown(STATUS)
    assert row(told, "antiphon") == "0.1.0, process 812, for 3 d 3 h"
    assert row(told, "state") == "asleep, for 12 s"
    assert row(told, "link") == "realtime: open, call 7"
    assert row(told, "microphone") == "-52 dBFS now, -31 the loudest of the last seconds; USB microphone, 48000 Hz"
    assert row(told, "speaker") == "volume 40; closed while nobody speaks"
    assert row(told, "own echo") == "taken out here: 32 dB less of it, 41 ms late, clocks -12 ppm apart"
    assert row(told, "wake words") == "hey_jarvis, alexa"
    assert row(told, "watchdog") == "20 s, fed 55 times"
    assert row(told, "counted") == "wakes 3, turns 5, replies 4, interruptions 1, calls opened 7"
    assert row(told, "lost") == "calls lost 2"


@pytest.mark.parametrize(
    ("name", "changes", "words"),
    [
        ("state", {"state": "deaf", "microphone": {"muted": True, "open": False}}, "deaf (muted), for 12 s"),
        ("state", {"microphone": {"open": False}}, "asleep, but it hears nothing, for 12 s"),
        ("state", {"state": "starting", "microphone": {"open": False}}, "starting, for 12 s"),
        ("microphone", {"microphone": {"muted": True, "open": False}}, "closed: muted"),
        (
            "microphone",
            {"microphone": {"muted": True, "open": False, "switched_off": True}},
            "closed: the switch on the device says muted",
        ),
        ("microphone", {"microphone": {"open": False}}, "closed: it cannot be used"),
        ("speaker", {"speaker": {"open": True, "device": "USB", "volume": None}}, "volume unknown; USB"),
        ("speaker", {"speaker": {"usable": False}}, "cannot be used; volume 40"),
        ("link", {"link": {"name": "", "health": "none", "call": None}}, "none: none"),
        (
            "link",
            {"link": {"name": "generate nas", "fallback": True}},
            "generate nas: open, call 7, as the first of the links does not answer",
        ),
        ("own echo", {"echo": {"cancel": "none", "erle_db": None}}, "not taken out"),
        (
            "own echo",
            {"echo": {"cancel": "hardware", "half_duplex": True, "drift_ppm": None}},
            "taken out by the microphone, and not well: it hears nothing while it speaks: 32 dB less of it, 41 ms late",
        ),
        ("wake words", {"wake_words": []}, "none"),
        ("watchdog", {"watchdog": {"limit_s": 0.0}}, "none"),
        ("problem", {"problem": "The key is wrong"}, "The key is wrong"),
        ("ringing", {"ringing": "tea, eggs"}, "tea, eggs"),
        (
            "timers",
            {"timers": [{"timer": 2, "label": "", "left_s": 4.4}, {"timer": 1, "label": "tea\x1b[2J", "left_s": 90.0}]},
            "2 in 4 s, 1 (tea [2J) in 1 min 30 s",
        ),
    ],
)
def test_each_row_says_what_is(name, changes, words):
    assert row(shown(changed(**changes)), name) == words


@pytest.mark.parametrize(
    ("seconds", "words"), [(0.2, "0 s"), (59.6, "1 min 0 s"), (3599, "59 min 59 s"), (86_400, "1 d 0 h")]
)
def test_lengths_of_time(seconds, words):
    assert row(shown(changed(since_s=seconds)), "state") == f"asleep, for {words}"


def test_nothing_that_a_service_said_moves_the_cursor():
    assert all(line.isprintable() for line in shown(changed(problem="a\x1b[2J\nb\x9b2J")).splitlines())


def test_without_troubles_none_are_announced():
    assert "last warnings" not in shown(changed(troubles=[]))
