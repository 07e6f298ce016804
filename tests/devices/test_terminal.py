"""Lamps in a terminal (a real pseudo-terminal) and in a pipe."""

import fcntl
import os
import pty
import termios
import threading

import pytest

from antiphon.devices.terminal import TerminalLamps

BLUE, DARK = (0, 90, 255), (0, 0, 0)
BOUND_S = 20


@pytest.fixture
def terminal():
    """Both ends: the stream to draw on, and a function that reads what is on the screen's line."""
    screen, end = pty.openpty()
    stream = os.fdopen(end, "w", encoding="utf-8")
    yield stream, lambda: os.read(screen, 1 << 20).decode()
    stream.close()
    os.close(screen)


@pytest.fixture
def pipe():
    """As `terminal`; it is soon full."""
    out, into = os.pipe()
    fcntl.fcntl(into, fcntl.F_SETPIPE_SZ, 4 * 4096)
    stream = os.fdopen(into, "w", encoding="utf-8")
    yield stream, lambda: os.read(out, 1 << 20).decode()
    stream.close()
    os.close(out)


def test_a_terminal_is_redrawn_in_place(terminal):
    stream, read = terminal
    lamps = TerminalLamps(stream, 2)
    lamps.show([BLUE, DARK], "listening")
    assert read() == "\r\x1b[38;2;0;90;255m●\x1b[0m○ listening\x1b[K"
    lamps.show([DARK, DARK], "asleep")
    assert read() == "\r○○ asleep\x1b[K"
    lamps.close()
    assert read() == "\r\x1b[K"


def test_a_pipe_gets_a_line_a_face_and_no_animation(pipe):
    stream, read = pipe
    lamps = TerminalLamps(stream, 1)
    for colour, word in [(BLUE, "one moment"), (DARK, "one moment"), (BLUE, "one moment"), (BLUE, "listening")]:
        lamps.show([colour], word)
    lamps.close()
    assert read() == "lamps: one moment\nlamps: listening\n"


def test_nothing_is_drawn_after_closing(terminal):
    stream, read = terminal
    lamps = TerminalLamps(stream, 1)
    lamps.close()
    lamps.close()
    lamps.show([BLUE], "listening")
    assert read() == "\r\x1b[K"


def returns(work) -> bool:
    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    thread.join(BOUND_S)
    return not thread.is_alive()


def test_a_pipe_that_nobody_reads_never_blocks_and_later_gets_what_is_shown_then(pipe):
    stream, read = pipe
    lamps = TerminalLamps(stream, 1)

    def fill() -> None:
        for number in range(3000):
            lamps.show([BLUE], f"face {number}")

    assert returns(fill)
    assert read().startswith("lamps: face 0\nlamps: face 1\n")
    lamps.show([BLUE], "asleep")
    assert read() == "lamps: asleep\n"


def test_a_stopped_terminal_never_blocks_and_later_shows_the_lamps_again(terminal):
    stream, read = terminal
    lamps = TerminalLamps(stream, 1)
    termios.tcflow(stream.fileno(), termios.TCOOFF)  # what Ctrl-S does
    stopped = returns(lambda: lamps.show([BLUE], "listening"))
    termios.tcflow(stream.fileno(), termios.TCOON)
    assert stopped
    lamps.show([DARK], "asleep")
    assert read() == "\r○ asleep\x1b[K"


def test_a_closed_stream_is_left_alone(pipe):
    stream, _ = pipe
    lamps = TerminalLamps(stream, 1)
    stream.close()
    lamps.show([BLUE], "listening")
    lamps.show([DARK], "asleep")
    lamps.close()


def test_a_reader_that_has_gone_is_left_alone():
    out, into = os.pipe()
    os.close(out)
    with os.fdopen(into, "w") as stream:
        lamps = TerminalLamps(stream, 1)
        lamps.show([BLUE], "listening")
        lamps.show([DARK], "asleep")
        lamps.close()
