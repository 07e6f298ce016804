"""What is drawn of recordings on their way: on a terminal's stderr, and nothing of it on stdout."""

import os
import pty
import subprocess
import sys

from antiphon.progress import no_screen

DRAWS = """
from antiphon.progress import screen
with screen() as show:
    bar = show.file("a[b]\\n\\x1b[2J.wav")
    bar.size(1000)
    bar.sent(0, 400)
    bar.sent(500, 100)
    bar.text("turn on\\n[light]")
    show.aside(lambda: print("told"))
    bar.done()
"""


def test_a_bar_is_drawn_and_leaves_stdout_alone():
    ours, theirs = pty.openpty()
    environ = {**os.environ, "TERM": "xterm", "COLUMNS": "120"}
    with subprocess.Popen([sys.executable, "-c", DRAWS], stderr=theirs, stdout=subprocess.PIPE, env=environ) as process:
        os.close(theirs)
        told = process.stdout.read()
        drawn = b""
        try:
            while piece := os.read(ours, 65_536):
                drawn += piece
        except OSError:  # a terminal whose other end is closed
            pass
        os.close(ours)
    assert (process.returncode, told) == (0, b"told\n")
    assert b"a[b]  [2J.wav" in drawn
    assert b"500/1,000 bytes" in drawn or b"0.5/1.0 kB" in drawn
    assert b"turn on [light]" in drawn


def test_without_a_terminal_nothing_is_drawn(capsys):
    with no_screen() as show:
        bar = show.file("a.wav")
        bar.size(10)
        bar.sent(0, 10)
        bar.text("x")
        bar.done()
        show.aside(lambda: print("told"))
    assert capsys.readouterr() == ("told\n", "")
