"""Lamps in a terminal (a real pseudo-terminal) and in a plain stream."""

import io
import os
import pty

import pytest

from antiphon.devices.terminal import TerminalLamps

BLUE, DARK = (0, 90, 255), (0, 0, 0)


@pytest.fixture
def terminal():
    """Both ends: the stream to draw on, and a function that reads what is on the screen's line."""
    screen, end = pty.openpty()
    stream = os.fdopen(end, "w", encoding="utf-8")
    yield stream, lambda: os.read(screen, 10_000).decode()
    stream.close()
    os.close(screen)


def test_a_terminal_is_redrawn_in_place(terminal):
    stream, read = terminal
    lamps = TerminalLamps(stream, 2)
    lamps.show([BLUE, DARK], "listening")
    assert read() == "\r\x1b[38;2;0;90;255m●\x1b[0m○ listening\x1b[K"
    lamps.show([DARK, DARK], "asleep")
    assert read() == "\r○○ asleep\x1b[K"
    lamps.close()
    assert read() == "\r\x1b[K"


def test_a_plain_stream_gets_a_line_a_face_and_no_animation():
    stream = io.StringIO()
    lamps = TerminalLamps(stream, 1)
    for colour, word in [(BLUE, "one moment"), (DARK, "one moment"), (BLUE, "one moment"), (BLUE, "listening")]:
        lamps.show([colour], word)
    lamps.close()
    assert stream.getvalue() == "lamps: one moment\nlamps: listening\n"


def test_nothing_is_drawn_after_closing():
    stream = io.StringIO()
    lamps = TerminalLamps(stream, 1)
    lamps.close()
    lamps.close()
    lamps.show([BLUE], "listening")
    assert stream.getvalue() == ""


def test_a_closed_stream_is_left_alone():
    stream = io.StringIO()
    lamps = TerminalLamps(stream, 1)
    stream.close()
    lamps.show([BLUE], "listening")
    lamps.show([DARK], "asleep")
    lamps.close()


def test_a_reader_that_has_gone_is_left_alone():
    out, into = os.pipe()
    os.close(out)
    with os.fdopen(into, "w", buffering=1) as stream:
        lamps = TerminalLamps(stream, 1)
        lamps.show([BLUE], "listening")
        lamps.show([DARK], "asleep")
        lamps.close()
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())  # what Python still holds must go somewhere
