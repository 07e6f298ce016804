"""Floor 4. The log: structured lines as text, as JSON or in systemd's journal.

Logging must never stop the appliance: a line that cannot be written at once is dropped and counted, and the next
line that gets through says how many are missing.
"""

import contextlib
import errno
import json
import logging
import math
import os
import select
import socket
import struct
import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal, TypeAlias

from antiphon.errors import SettingsError
from antiphon.ports import Log, LogLevel

LogFormat: TypeAlias = Literal["auto", "text", "json", "journal"]
Fields: TypeAlias = Mapping[str, str | float]

LEVELS: tuple[LogLevel, ...] = ("debug", "info", "warning", "error")
PRIORITIES: dict[LogLevel, int] = {"debug": 7, "info": 6, "warning": 4, "error": 3}  # syslog(3)
LONGEST_FIELD = 400
SENTENCE = "sentence"
"""The field that is told without its name."""
STDERR = 2
JOURNAL_SOCKET = "/run/systemd/journal/socket"  # systemd's "Native Journal Protocol"


class Lines:
    """Whole lines into a file descriptor, from any thread, without ever waiting for the reader."""

    def __init__(self, fd: int) -> None:
        self._fd = fd
        self._lock = threading.Lock()
        self._poll = select.poll()
        self._poll.register(fd, select.POLLOUT)

    def put(self, line: str) -> bool:
        """Write `line`; False when nobody takes it now: the reader is gone or stuck, or the disk is full."""
        rest = memoryview(f"{line}\n".encode(errors="backslashreplace"))
        with self._lock:
            try:
                while rest and self._takes():
                    # A pipe that polls writable takes PIPE_BUF bytes without blocking (pipe(7)).
                    rest = rest[os.write(self._fd, rest[: select.PIPE_BUF]) :]
            except OSError as error:
                if error.errno not in (
                    errno.EPIPE,
                    errno.ENOSPC,
                    errno.EIO,
                    errno.EAGAIN,
                    errno.EBADF,
                    errno.ECONNRESET,
                ):
                    raise
        return not rest

    def _takes(self) -> bool:
        return any(happened & select.POLLOUT for _, happened in self._poll.poll(0))


class LevelledLog(ABC):
    """A Log that drops what is below `least`, and counts in `dropped` what could not be written."""

    def __init__(self, least: LogLevel) -> None:
        self._shown = LEVELS[LEVELS.index(least) :]
        self._missing = 0
        self.dropped = 0
        self.standing: Fields = {}
        """What every line is written in the midst of, for logs that programs read; to be replaced, never changed."""

    def write(self, level: LogLevel, what: str, **fields: str | float) -> None:
        """One line; from any thread."""
        if level not in self._shown:
            return
        if self._missing and self._put("warning", "log lines lost", {"lines": self._missing}):
            self._missing = 0
        if not self._put(level, what, {name: _short(value) for name, value in fields.items()}):
            self._missing += 1
            self.dropped += 1

    @abstractmethod
    def _put(self, level: LogLevel, what: str, fields: Fields) -> bool:
        """Write it now, or return False."""


class TextLog(LevelledLog):
    """Lines for people: `12:34:56.789 info    woke  word="hey jarvis" score=0.93`; times are local."""

    def __init__(self, fd: int = STDERR, least: LogLevel = "info") -> None:
        super().__init__(least)
        self._lines = Lines(fd)

    def _put(self, level: LogLevel, what: str, fields: Fields) -> bool:
        clock = datetime.now(UTC).astimezone().strftime("%H:%M:%S.%f")[:-3]
        return self._lines.put(f"{clock} {level:7} {' '.join([what, *_pairs(fields)])}")


class JsonLog(LevelledLog):
    """Lines for programs, an object each: `t` (monotonic seconds), `at` (UTC), `level`, `what`, the fields, and
    `during`: what stands in the midst of which it was written.
    """

    def __init__(self, fd: int = STDERR, least: LogLevel = "info") -> None:
        super().__init__(least)
        self._lines = Lines(fd)

    def _put(self, level: LogLevel, what: str, fields: Fields) -> bool:
        at = datetime.now(UTC).isoformat(timespec="microseconds")
        head = {"t": round(time.monotonic(), 6), "at": at, "level": level, "what": what}
        tail = {name: _finite(value) for name, value in fields.items() if name not in head}
        during = {"during": standing} if (standing := self.standing) else {}
        return self._lines.put(json.dumps(head | tail | during, ensure_ascii=False))


class JournalLog(LevelledLog):
    """Entries of systemd's journal; `journalctl ANTIPHON_WHAT=woke -o json` finds them by field. What stands is a field
    of every entry, unless the line has one of that name.

    Not through systemd-python, which tells systemd the rest (notify.py): its journal.send waits for a journald that is
    stuck or behind, and holds Python's global lock meanwhile, so that every thread of the appliance stands still.
    """

    def __init__(self, path: str = JOURNAL_SOCKET, least: LogLevel = "info") -> None:
        """`path` is journald's datagram socket; it may come and go."""
        super().__init__(least)
        self._path = path

    def _put(self, level: LogLevel, what: str, fields: Fields) -> bool:
        entry = {
            "MESSAGE": _message(what, fields),
            "PRIORITY": str(PRIORITIES[level]),
            "SYSLOG_IDENTIFIER": "antiphon",
            "ANTIPHON_WHAT": what,
            **{f"ANTIPHON_{name.upper()}": str(value) for name, value in {**self.standing, **fields}.items()},
        }
        datagram = b"".join(_entry_field(name, value) for name, value in entry.items())
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK) as journal:
                journal.sendto(datagram, self._path)
        except OSError:  # journald is gone, or its queue is full
            return False
        return True


def open_log(
    form: LogFormat,
    least: LogLevel = "info",
    fd: int = STDERR,
    environ: Mapping[str, str] = os.environ,
    journal: str = JOURNAL_SOCKET,
) -> LevelledLog:
    """The log in this form. "auto" is the journal when systemd has tied `fd` to it, else text.

    Raises SettingsError for "journal" on a machine without one.
    """
    if form == "json":
        return JsonLog(fd, least)
    wanted = form == "journal" or (form == "auto" and _is_journal(fd, environ.get("JOURNAL_STREAM", "")))
    if wanted and Path(journal).is_socket():
        return JournalLog(journal, least)
    if form == "journal":
        raise SettingsError(f"the log cannot go to the journal: there is no {journal}; set log.format to text or json")
    return TextLog(fd, least)


@contextlib.contextmanager
def libraries_into(log: Log) -> Iterator[None]:
    """Warnings and errors of the libraries (stdlib logging and warnings) become lines of `log`.

    Never anything below a warning: at DEBUG websockets writes the request's headers, and with them the key.
    """
    root, bridge = logging.getLogger(), _Bridge(log)
    root.addHandler(bridge)
    logging.captureWarnings(capture=True)
    try:
        yield
    finally:
        logging.captureWarnings(capture=False)
        root.removeHandler(bridge)


class _Bridge(logging.Handler):
    def __init__(self, log: Log) -> None:
        super().__init__(logging.WARNING)
        self._log = log

    def emit(self, record: logging.LogRecord) -> None:
        level: LogLevel = "error" if record.levelno >= logging.ERROR else "warning"
        try:
            said = record.getMessage()
        except (TypeError, ValueError):  # the library's arguments do not fit its own message
            said = str(record.msg)
        error = record.exc_info[1] if record.exc_info else None
        fields = {"error": f"{type(error).__name__}: {error}"} if error else {}
        self._log.write(level, "library", source=record.name, said=said, **fields)


def _is_journal(fd: int, stream: str) -> bool:
    """True when `fd` is the stream that systemd names in $JOURNAL_STREAM (systemd.exec(5)): "device:inode"."""
    try:
        status = os.fstat(fd)
    except OSError:
        return False
    return stream == f"{status.st_dev}:{status.st_ino}"


def _message(what: str, fields: Fields) -> str:
    """For people: `woke: word hey jarvis, score 0.93`. A sentence stands for itself: `no-lamp: GPIO: … (again 3)`."""
    told = ", ".join(f"{name.replace('_', ' ')} {_figure(value)}" for name, value in fields.items() if name != SENTENCE)
    if SENTENCE in fields:
        return f"{what}: {fields[SENTENCE]}" + (f" ({told})" if told else "")
    return f"{what}: {told}" if told else what


def _entry_field(name: str, value: str) -> bytes:
    """FIELD=value and a line's end, or for a value of several lines: FIELD, its length (64 bit), itself, each ended."""
    data = value.encode(errors="backslashreplace")
    if b"\n" in data:
        return b"%s\n%s%s\n" % (name.encode(), struct.pack("<Q", len(data)), data)
    return b"%s=%s\n" % (name.encode(), data)


def _pairs(fields: Fields) -> list[str]:
    return [f"{name}={_quoted(_figure(value))}" for name, value in fields.items()]


def _figure(value: str | float) -> str:
    """Six digits say all there is to say; integers are kept whole."""
    return f"{value:.6g}" if isinstance(value, float) else str(value)


def _quoted(text: str) -> str:
    """As it is when it is one plain word, else in quotes, with nothing in it that moves a terminal's cursor."""
    if text and text.isprintable() and not set(text) & set(' "=\\'):
        return text
    return json.dumps(text, ensure_ascii=not text.isprintable())


def _short(value: str | float) -> str | float:
    if isinstance(value, str) and len(value) > LONGEST_FIELD:
        return value[: LONGEST_FIELD - 1] + "…"
    return value


def _finite(value: str | float) -> str | float:
    """JSON has no infinity and no NaN."""
    return str(value) if isinstance(value, float) and not math.isfinite(value) else value
