"""What is remembered of a request."""

from antiphon.simulator.voxserve.record import RequestRecord
from simulator.voxserve.bench import tone, wav


def test_only_the_first_sound_and_the_first_end_are_told():
    lines = []
    record = RequestRecord(3, 1.0, lines.append)
    record.sounded(100, 2.0)
    record.sounded(50, 3.0)
    record.status = 200
    record.end("reply_sent", 4.0)
    record.end("hung_up", 5.0)
    assert lines == [
        {"t": 2.0, "what": "first_audio", "request": 3},
        {"t": 4.0, "what": "reply_sent", "request": 3, "status": 200, "bytes": 150},
    ]
    assert (record.first_audio_s, record.done_s, record.ended) == (2.0, 4.0, "reply_sent")


def test_how_long_its_upload_is():
    assert RequestRecord(0, 0.0).audio_s == 0.0
    assert RequestRecord(0, 0.0, samples=tone(0.5), rate_hz=16_000).audio_s == 0.5


def test_the_upload_is_kept_as_it_came(tmp_path):
    assert RequestRecord(0, 0.0).write_wav(tmp_path) is None
    path = RequestRecord(7, 0.0, upload=wav()).write_wav(tmp_path)
    assert path.name == "request-7.wav"
    assert path.read_bytes() == wav()
