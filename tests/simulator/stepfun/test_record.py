"""What is kept of a connection."""

import json
import wave

import numpy as np
import pytest

from antiphon.pcm import bytes_of
from antiphon.simulator.stepfun.record import Arrival, SessionRecord, UserTurn


@pytest.fixture
def lines():
    return []


@pytest.fixture
def record(lines):
    return SessionRecord(3, "model", "/v1/realtime", 0.0, log=lines.append)


def numbered(first, frames):
    return np.arange(first, first + frames, dtype=np.int16)


def test_every_sample_is_kept_with_when_it_came(record):
    record.append(bytes_of(numbered(0, 10)), 1.0)
    record.append(bytes_of(numbered(10, 5)), 1.25)
    assert record.arrivals == [Arrival(1.0, 0, 10), Arrival(1.25, 10, 5)]
    assert record.samples().tolist() == list(range(15))
    turn = UserTurn("i", 8, 12, 2.0)
    assert record.heard(turn).tolist() == [8, 9, 10, 11]
    assert (record.frames, record.first_append_s) == (15, 1.0)


def test_a_copy_does_not_hold_up_the_next_append(record):
    record.append(bytes_of(numbered(0, 4)), 1.0)
    kept = record.samples()
    record.append(bytes_of(numbered(4, 4)), 2.0)
    assert (len(kept), record.frames) == (4, 8)


def test_the_log_has_the_first_append_and_pauses_but_not_each(record, lines):
    for at_s in (1.0, 1.02, 1.04, 2.04):
        record.append(bytes(960), at_s)
    assert [(line["what"], line["t"]) for line in lines] == [("first_append", 1.0), ("append_resumed", 2.04)]
    assert lines[0] == {"t": 1.0, "what": "first_append", "session": 3, "frame": 0, "bytes": 960}
    assert (lines[1]["frame"], lines[1]["pause_ms"]) == (1440, 1000.0)


def test_events_are_logged_by_switch(record, lines):
    record.add_received("response.create", 30, 1.0)
    record.add_received("input_audio_buffer.append", 3000, 1.0)
    record.add_sent("response.created", 99, 1.1)
    assert lines == []
    record.log_events = True
    record.add_received("response.cancel", 30, 2.0)
    record.add_sent("response.done", 99, 2.1)
    assert [(line["what"], line["event"]) for line in lines] == [
        ("received", "response.cancel"),
        ("sent", "response.done"),
    ]
    assert record.received == [(1.0, "response.create"), (2.0, "response.cancel")]
    assert record.sent == [(1.1, "response.created"), (2.1, "response.done")]
    assert json.dumps(lines)


def test_a_turn_is_kept_and_logged(record, lines):
    record.add_turn(UserTurn("i", 10, 30, 4.0))
    assert lines == [{"t": 4.0, "what": "turn", "session": 3, "item": "i", "first_frame": 10, "frames": 20}]
    assert record.turns[0].item == "i"


def test_the_wav_holds_all_that_was_appended(record, tmp_path):
    record.append(bytes_of(numbered(0, 100)), 1.0)
    path = record.write_wav(tmp_path)
    assert path.name == "session-3.wav"
    with wave.open(str(path)) as file:
        assert (file.getnchannels(), file.getsampwidth(), file.getframerate()) == (1, 2, 24_000)
        assert file.readframes(1000) == bytes_of(numbered(0, 100))
