"""What is kept of a WebSocket of live recognition."""

import numpy as np

from antiphon.pcm import bytes_of
from antiphon.simulator.stepfun.dictations import DictatedTurn, DictationRecord


def test_sound_is_kept_and_found_again():
    lines = []
    record = DictationRecord(3, "/v1/realtime/asr/stream", 0.0, log=lines.append)
    samples = np.arange(100, dtype=np.int16)
    record.append(bytes_of(samples[:60]), 1.0)
    record.append(bytes_of(samples[60:]), 2.0)
    assert [(arrival.at_s, arrival.first_frame, arrival.frames) for arrival in record.arrivals] == [
        (1.0, 0, 60),
        (2.0, 60, 40),
    ]
    assert record.frames == 100
    assert record.heard(DictatedTurn("i", 50, 70, 2.0)).tolist() == list(range(50, 70))
    assert record.samples(90).tolist() == list(range(90, 100))
    record.add_sent("session.created", 10, 3.0)
    record.note("turn", 4.0, item="i")
    assert (record.sent, lines) == (
        [(3.0, "session.created")],
        [{"t": 4.0, "what": "turn", "session": 3, "item": "i"}],
    )
