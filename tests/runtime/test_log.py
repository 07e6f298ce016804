"""The log: three forms, and readers that are gone, stuck or full."""

import contextlib
import fcntl
import json
import logging
import os
import re
import socket
import struct
import subprocess
import sys
import threading
import warnings
from datetime import datetime
from pathlib import Path

import pytest

from antiphon.errors import SettingsError
from antiphon.runtime.log import JournalLog, JsonLog, TextLog, libraries_into, open_log

PIPE_BYTES = 4 * 4096
BOUND_S = 20


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
    """A journald of the test's own, that reads when it is told to."""

    def __init__(self, path) -> None:
        self.path = str(path)
        self.start()

    def start(self) -> None:
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.setblocking(False)
        self.socket.bind(self.path)

    def stop(self) -> None:
        self.socket.close()
        Path(self.path).unlink()

    def read(self) -> list[dict[str, str]]:
        """What is waiting, an entry each, read as journald does."""
        entries = []
        with contextlib.suppress(BlockingIOError):
            while True:
                entries.append(self.parsed(self.socket.recv(1 << 20)))
        return entries

    def parsed(self, datagram: bytes) -> dict[str, str]:
        fields = {}
        while datagram:
            line, _, datagram = datagram.partition(b"\n")
            name, equals, value = line.partition(b"=")
            if not equals:
                (length,) = struct.unpack_from("<Q", datagram)
                value, end, datagram = datagram[8 : 8 + length], datagram[8 + length], datagram[9 + length :]
                assert end == ord("\n")
            assert name.decode() not in fields
            fields[name.decode()] = value.decode()
        return fields


@pytest.fixture
def journal(tmp_path):
    journal = Journal(tmp_path / "journal")
    yield journal
    journal.stop()


@pytest.fixture
def journal_log(journal):
    return JournalLog(journal.path)


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


def test_what_stands_is_told_beside_a_line_where_programs_read(pipe, journal):
    for log in (JsonLog(pipe.into), JournalLog(journal.path), TextLog(pipe.into)):
        log.standing = {"state": "asleep", "link": "realtime", "call": 3}
        log.write("info", "link-tried", call=4)
    as_json, as_text = pipe.read()
    assert json.loads(as_json)["call"] == 4
    assert json.loads(as_json)["during"] == {"state": "asleep", "link": "realtime", "call": 3}
    assert as_text.endswith("info    link-tried call=4")
    [entry] = journal.read()
    assert entry["MESSAGE"] == "link-tried: call 4"
    standing = {name: entry[f"ANTIPHON_{name}"] for name in ("STATE", "LINK", "CALL")}
    assert standing == {"STATE": "asleep", "LINK": "realtime", "CALL": "4"}, "a line's own field wins"


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


def test_the_journal_gets_a_sentence_and_fields(journal, journal_log):
    journal_log.write("warning", "link lost", call=3, after_s=1.25, why="the cable=loose")
    assert journal.read() == [
        {
            "MESSAGE": "link lost: call 3, after s 1.25, why the cable=loose",
            "PRIORITY": "4",
            "SYSLOG_IDENTIFIER": "antiphon",
            "ANTIPHON_WHAT": "link lost",
            "ANTIPHON_CALL": "3",
            "ANTIPHON_AFTER_S": "1.25",
            "ANTIPHON_WHY": "the cable=loose",
        }
    ]


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({}, "no-lamp: GPIO: it is busy. Free it"),
        ({"fault": "device", "again": 3}, "no-lamp: GPIO: it is busy. Free it (fault device, again 3)"),
    ],
)
def test_a_sentence_is_told_without_the_name_of_its_field(journal, journal_log, fields, message):
    journal_log.write("error", "no-lamp", **fields, sentence="GPIO: it is busy. Free it")
    (entry,) = journal.read()
    assert (entry["MESSAGE"], entry["ANTIPHON_SENTENCE"]) == (message, "GPIO: it is busy. Free it")


@pytest.mark.parametrize("value", ["two\nlines", "\n", "ends\n", "x\nPRIORITY=0\n\n", ""])
def test_what_a_stranger_said_stays_in_its_field(journal, journal_log, value):
    journal_log.write("info", "said", text=value, last=1)
    (entry,) = journal.read()
    assert (entry["ANTIPHON_TEXT"], entry["MESSAGE"]) == (value, f"said: text {value}, last 1")
    assert (entry["PRIORITY"], entry["ANTIPHON_LAST"]) == ("6", "1")


def test_what_is_no_text_is_spelt_out(journal, journal_log):
    journal_log.write("info", "said", text="\ud800")
    assert journal.read()[0]["ANTIPHON_TEXT"] == "\\ud800"


def test_a_journal_that_is_gone_costs_lines_and_nothing_else(journal, journal_log):
    journal.stop()
    journal_log.write("info", "lost")
    journal.start()
    journal_log.write("info", "again")
    assert journal_log.dropped == 1
    assert [entry["MESSAGE"] for entry in journal.read()] == ["log lines lost: lines 1", "again"]


def test_a_stuck_journal_never_blocks_and_later_learns_what_it_missed(journal, journal_log):
    """In a process of its own, that a fault handler ends: a wait that holds the global lock would hang this one."""
    lines = int(Path("/proc/sys/net/unix/max_dgram_qlen").read_text()) + 100
    program = f"""
import faulthandler
from antiphon.runtime.log import open_log
faulthandler.dump_traceback_later({BOUND_S}, exit=True)
log = open_log("journal", journal={journal.path!r})
for number in range({lines}):
    log.write("info", "filler", number=number)
print(log.dropped)
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert 0 < int(done.stdout) < lines
    journal_log.write("info", "lost")
    kept = journal.read()
    assert len(kept) == lines - int(done.stdout)
    journal_log.write("info", "again")
    assert [entry["MESSAGE"] for entry in journal.read()] == ["log lines lost: lines 1", "again"]


# ── which ────────────────────────────────────────────────────────────────────────────────────────


def stream_of(fd: int) -> dict[str, str]:
    status = os.fstat(fd)
    return {"JOURNAL_STREAM": f"{status.st_dev}:{status.st_ino}"}


def kind_of(form, pipe, environ, journal) -> type:
    return type(open_log(form, fd=pipe.into, environ=environ, journal=str(journal)))


def test_auto_is_the_journal_only_when_stderr_is_tied_to_it(pipe, journal):
    assert kind_of("auto", pipe, stream_of(pipe.into), journal.path) is JournalLog
    assert kind_of("journal", pipe, {}, journal.path) is JournalLog
    assert kind_of("auto", pipe, {}, journal.path) is TextLog
    assert kind_of("auto", pipe, {"JOURNAL_STREAM": "1:2"}, journal.path) is TextLog


def test_without_a_journal_auto_is_text_and_journal_is_an_error(pipe, tmp_path):
    absent, odd = tmp_path / "absent", tmp_path / "file"
    odd.touch()
    for path in (absent, odd):
        assert kind_of("auto", pipe, stream_of(pipe.into), path) is TextLog
        with pytest.raises(SettingsError, match=f"there is no {path}; set log.format to"):
            open_log("journal", journal=str(path))


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
