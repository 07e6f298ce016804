"""Standard input as it comes."""

import os
import sys
from queue import SimpleQueue

from antiphon.standard_input import READ_AHEAD, StandardInput

WAIT_S = 20


def test_each_piece_is_given_when_it_is_there(monkeypatch):
    ours, theirs = os.pipe()
    with os.fdopen(ours) as stdin, os.fdopen(theirs, "wb", buffering=0) as writer:
        monkeypatch.setattr(sys, "stdin", stdin)
        came = SimpleQueue()
        reader = StandardInput(4, came.put)
        for piece in (b"ab", b"cdef"):
            writer.write(piece)
            assert came.get(timeout=WAIT_S) == piece
            reader.taken()
        writer.close()
        assert came.get(timeout=WAIT_S) == b""


def test_what_nobody_takes_waits(monkeypatch, tmp_path):
    (tmp_path / "a").write_bytes(b"x" * 10 * READ_AHEAD)
    with (tmp_path / "a").open("rb", buffering=0) as stdin:
        monkeypatch.setattr(sys, "stdin", stdin)
        came = SimpleQueue()
        reader = StandardInput(1, came.put)
        for _ in range(READ_AHEAD):
            assert came.get(timeout=WAIT_S) == b"x"
        assert (came.qsize(), stdin.tell()) == (0, READ_AHEAD)
        for _ in range(9 * READ_AHEAD):
            reader.taken()
            assert came.get(timeout=WAIT_S) == b"x"
        reader.taken()
        assert came.get(timeout=WAIT_S) == b""


def test_where_there_is_none_it_has_ended(monkeypatch):
    monkeypatch.setattr(sys, "stdin", None)
    came = SimpleQueue()
    StandardInput(4, came.put)
    assert came.get(timeout=WAIT_S) == b""


def test_a_loop_that_is_closed_ends_nothing_else(monkeypatch):
    called = SimpleQueue()

    def give(piece):
        called.put(piece)
        raise RuntimeError("the loop is closed")

    monkeypatch.setattr(sys, "stdin", None)
    StandardInput(4, give)
    assert called.get(timeout=WAIT_S) == b""
