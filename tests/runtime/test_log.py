"""The log: three forms, and readers that are gone, stuck or full."""

import contextlib
import fcntl
import json
import logging
import os
import re
import sys
import threading
import warnings
from datetime import datetime

import pytest

from antiphon.errors import SettingsError
from antiphon.runtime.log import JournalLog, JsonLog, TextLog, libraries_into, open_log

PIPE_BYTES = 4 * 4096


class Pipe:
    """A pipe of four pages, so that it is soon full."""

    def __init__(self) -> None:
        self.out, self.into = os.pipe()
        fcntl.fcntl(self.into, fcntl.F_SETPIPE_SZ, PIPE_BYTES)

    def read(self) -> list[str]:
        return os.read(self.out, 1 << 20).decode().splitlines()

    def close(self) -> None:
        for fd in (self.out, self.into):
            with contextlib.suppress(OSError):  # the test may have closed it
                os.close(fd)


@pytest.fixture
def pipe():
    pipe = Pipe()
    yield pipe
    pipe.close()


class Journal:
    def __init__(self) -> None:
        self.sent = []
        self.gone = False

    def send(self, message, **fields) -> None:
        if self.gone:
            raise OSError("no journal")
        self.sent.append((message, fields))


# ── text ─────────────────────────────────────────────────────────────────────────────────────────


def text_of(pipe, what, **fields) -> str:
    TextLog(pipe.into).write("info", what, **fields)
    (line,) = pipe.read()
    clock, rest = line.split(" ", 1)
    assert re.fullmatch(r"\d\d:\d\d:\d\d\.\d{3}", clock)
    return rest


def test_text_is_one_readable_line(pipe):
    assert text_of(pipe, "woke", word="hey jarvis", score=0.93120411, frames=1234567) == (
        'info    woke word="hey jarvis" score=0.931204 frames=1234567'
    )


@pytest.mark.parametrize(
    ("value", "written"),
    [
        ("plain", "plain"),
        ("", '""'),
        ("a=b", '"a=b"'),
        ("two\nlines", '"two\\nlines"'),
        ("\x1b[2J", '"\\u001b[2J"'),
        ("\x9b2J", '"\\u009b2J"'),
        ("grüß", "grüß"),
        ("\ud800", '"\\ud800"'),
    ],
)
def test_what_a_stranger_said_cannot_break_the_line(pipe, value, written):
    assert text_of(pipe, "said", text=value) == f"info    said text={written}"


def test_what_is_below_the_least_level_is_not_written(pipe):
    log = TextLog(pipe.into, "warning")
    for level in ("debug", "info", "warning", "error"):
        log.write(level, level)
    assert [line.split()[-1] for line in pipe.read()] == ["warning", "error"]
    assert log.dropped == 0


# ── json ─────────────────────────────────────────────────────────────────────────────────────────


def test_json_is_an_object_a_line(pipe):
    log = JsonLog(pipe.into)
    log.write("info", "woke", word='hey "jarvis"\n', score=0.93, frames=3)
    log.write("error", "lost")
    first, second = (json.loads(line) for line in pipe.read())
    assert list(first) == ["t", "at", "level", "what", "word", "score", "frames"]
    assert (first["level"], first["what"], first["word"], first["score"]) == ("info", "woke", 'hey "jarvis"\n', 0.93)
    assert datetime.fromisoformat(first["at"]).utcoffset().total_seconds() == 0
    assert second["t"] >= first["t"] == round(first["t"], 6)


def test_json_stays_json(pipe):
    JsonLog(pipe.into).write("info", "odd", t="mine", ratio=float("nan"), far=float("inf"), long="x" * 5000)
    (line,) = pipe.read()
    told = json.loads(line, parse_constant=pytest.fail)
    assert isinstance(told["t"], float)
    assert (told["ratio"], told["far"], len(told["long"])) == ("nan", "inf", 400)


def test_lines_of_many_threads_stay_whole(tmp_path):
    fd = os.open(tmp_path / "log", os.O_CREAT | os.O_WRONLY)
    log = JsonLog(fd)
    threads = [threading.Thread(target=lambda: [log.write("info", "x" * 300) for _ in range(50)]) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    os.close(fd)
    assert len([json.loads(line) for line in (tmp_path / "log").read_text().splitlines()]) == 400


# ── readers that do not read ─────────────────────────────────────────────────────────────────────


def test_a_gone_reader_costs_lines_and_nothing_else(pipe):
    log = TextLog(pipe.into)
    os.close(pipe.out)
    for _ in range(3):
        log.write("info", "unread")
    assert log.dropped == 3


def test_a_stuck_reader_never_blocks_and_later_learns_what_it_missed(pipe):
    log = JsonLog(pipe.into)
    for number in range(200):
        log.write("info", "filler", number=number)
    dropped = log.dropped
    assert 0 < dropped < 200
    kept = pipe.read()
    assert len(kept) == 200 - dropped
    log.write("info", "again")
    lost, again = (json.loads(line) for line in pipe.read())
    assert (lost["what"], lost["lines"]) == ("log lines lost", dropped)
    assert again["what"] == "again"
    assert log.dropped == dropped


def test_a_full_disk_costs_lines_and_nothing_else():
    fd = os.open("/dev/full", os.O_WRONLY)
    log = TextLog(fd)
    log.write("info", "lost")
    os.close(fd)
    assert log.dropped == 1


def test_a_closed_stderr_costs_lines_and_nothing_else(pipe):
    log = TextLog(pipe.into)
    os.close(pipe.into)
    log.write("info", "lost")
    assert log.dropped == 1


# ── the journal ──────────────────────────────────────────────────────────────────────────────────


def test_the_journal_gets_a_sentence_and_fields():
    journal = Journal()
    JournalLog(journal.send).write("warning", "link lost", call=3, after_s=1.25, why="the cable")
    assert journal.sent == [
        (
            "link lost: call 3, after s 1.25, why the cable",
            {
                "PRIORITY": 4,
                "SYSLOG_IDENTIFIER": "antiphon",
                "ANTIPHON_WHAT": "link lost",
                "ANTIPHON_CALL": "3",
                "ANTIPHON_AFTER_S": "1.25",
                "ANTIPHON_WHY": "the cable",
            },
        )
    ]


def test_a_journal_that_is_gone_costs_lines_and_nothing_else():
    journal = Journal()
    log = JournalLog(journal.send)
    journal.gone = True
    log.write("info", "lost")
    journal.gone = False
    log.write("info", "again")
    assert log.dropped == 1
    assert [message for message, _ in journal.sent] == ["log lines lost: lines 1", "again"]


def test_what_the_journal_library_takes_is_what_we_send():
    pytest.importorskip("systemd.journal")
    log = open_log("journal")
    log.write("info", "a line of the test suite", figure=1.5)  # succeeds, too, where no journald runs
    assert log.dropped == 0


# ── which ────────────────────────────────────────────────────────────────────────────────────────


def stream_of(fd: int) -> dict[str, str]:
    status = os.fstat(fd)
    return {"JOURNAL_STREAM": f"{status.st_dev}:{status.st_ino}"}


def test_auto_is_the_journal_only_when_stderr_is_tied_to_it(pipe):
    pytest.importorskip("systemd.journal")
    assert isinstance(open_log("auto", fd=pipe.into, environ=stream_of(pipe.into)), JournalLog)
    assert isinstance(open_log("auto", fd=pipe.into, environ={}), TextLog)
    assert isinstance(open_log("auto", fd=pipe.into, environ={"JOURNAL_STREAM": "1:2"}), TextLog)


def test_without_systemd_python_auto_is_text_and_journal_is_an_error(pipe, monkeypatch):
    monkeypatch.setitem(sys.modules, "systemd.journal", None)
    assert isinstance(open_log("auto", fd=pipe.into, environ=stream_of(pipe.into)), TextLog)
    with pytest.raises(SettingsError, match="systemd-python is missing"):
        open_log("journal")


def test_text_and_json_by_name(pipe):
    assert isinstance(open_log("text", environ=stream_of(2)), TextLog)
    assert isinstance(open_log("json"), JsonLog)


# ── libraries ────────────────────────────────────────────────────────────────────────────────────


def test_warnings_of_libraries_become_lines(pipe):
    with libraries_into(JsonLog(pipe.into)):
        logging.getLogger("websockets.client").warning("odd frame %d", 7)
        try:
            raise ConnectionResetError("peer")
        except ConnectionResetError:
            logging.getLogger("websockets").exception("failed")
        with warnings.catch_warnings():
            warnings.simplefilter("always")
            warnings.warn("pin 4 is odd", stacklevel=1)
    odd, failed, warned = (json.loads(line) for line in pipe.read())
    assert (odd["level"], odd["source"], odd["said"]) == ("warning", "websockets.client", "odd frame 7")
    assert (failed["level"], failed["error"]) == ("error", "ConnectionResetError: peer")
    assert (warned["source"], "pin 4 is odd" in warned["said"]) == ("py.warnings", True)


def test_what_libraries_say_below_a_warning_may_hold_the_key_and_is_never_written(pipe):
    log = JsonLog(pipe.into, "debug")
    library = logging.getLogger("websockets.client")
    library.setLevel(logging.DEBUG)
    with libraries_into(log):
        library.debug("Authorization: Bearer hidden")
        library.info("Authorization: Bearer hidden")
    library.setLevel(logging.NOTSET)
    log.write("info", "end")
    assert [json.loads(line)["what"] for line in pipe.read()] == ["end"]


def test_a_library_that_misformats_its_message_is_still_heard(pipe):
    record = logging.LogRecord("odd", logging.WARNING, "odd.py", 1, "%d of %d", (1,), None)
    with libraries_into(JsonLog(pipe.into)):
        logging.getLogger().handlers[-1].handle(record)
    (line,) = pipe.read()
    assert json.loads(line)["said"] == "%d of %d"


def test_afterwards_logging_is_as_it_was(pipe):
    before = list(logging.getLogger().handlers)
    with libraries_into(TextLog(pipe.into)):
        assert logging.getLogger().handlers != before
    assert logging.getLogger().handlers == before
