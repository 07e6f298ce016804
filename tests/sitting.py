"""Somebody who sits at a terminal: runs a command on a pseudo-terminal of its own, reads what it shows, and types."""

import os
import pty
import subprocess
import threading
import time

BOUND_S = 120.0
AGAIN_S = 5.0


class Sitting:
    """As a context manager; the command is gone at the end."""

    def __init__(self, command, environ):
        """The terminal is also the command's controlling one, as where somebody has logged in."""
        self.shown = ""
        self._read_to = 0
        self._news = threading.Condition()
        self._ended = False
        self._master, terminal = pty.openpty()
        self.process = subprocess.Popen(
            ["setsid", "--ctty", "--wait", "env", "--default-signal=INT", *command],
            env={**environ, "TERM": "dumb", "COLUMNS": "200"},
            stdin=terminal,
            stdout=terminal,
            stderr=terminal,
        )
        os.close(terminal)
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()
        self._reader.join()
        os.close(self._master)

    def _read(self):
        raw = b""
        while True:
            try:
                piece = os.read(self._master, 65_536)
            except OSError:  # nobody has the other end open any more
                piece = b""
            with self._news:
                raw += piece
                self.shown = raw.decode(errors="replace").replace("\r\n", "\n")
                self._ended = not piece
                self._news.notify_all()
            if not piece:
                return

    def sees(self, words):
        """Wait until it shows `words`, after those that were seen before; what it showed up to them."""
        until_s = time.monotonic() + BOUND_S
        with self._news:
            while (at := self.shown.find(words, self._read_to)) < 0:
                left_s = until_s - time.monotonic()
                assert not self._ended, f"it ended without {words!r}:\n{self.shown}"
                assert self._news.wait(max(0.0, left_s)), f"it does not show {words!r}:\n{self.shown}"
            seen, self._read_to = self.shown[self._read_to : at], at + len(words)
        return seen

    def answers(self, question, text=""):
        """When it shows `question`, type `text` and Enter."""
        seen = self.sees(question)
        os.write(self._master, f"{text}\n".encode())
        return seen

    def presses_ctrl_c(self):
        """And again while nothing comes of it, as a person does: Python's input() misses what comes between its
        prompt and its read.
        """
        before, until_s = len(self.shown), time.monotonic() + BOUND_S

        def answered():
            return self._ended or self.shown[before:].replace("^C", "")

        with self._news:
            os.write(self._master, b"\x03")
            while not self._news.wait_for(answered, AGAIN_S):
                assert time.monotonic() < until_s, f"Ctrl-C does nothing:\n{self.shown}"
                os.write(self._master, b"\x03")

    def end(self):
        """Its exit status."""
        status = self.process.wait(BOUND_S)
        self._reader.join(BOUND_S)
        return status
