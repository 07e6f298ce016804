"""What is kept of a WebSocket of text to speech."""

from antiphon.simulator.stepfun.utterances import UtteranceRecord


def test_texts_and_events_are_kept_with_their_times():
    lines = []
    record = UtteranceRecord(3, 1, "stepaudio-2.5-tts", "/v1/realtime/audio", 0.0, log=lines.append)
    record.texts += [(1.0, "Hello "), (2.0, "there.")]
    record.add_sent("tts.response.created", 10, 3.0)
    record.note("text", 1.0, text="Hello ")
    assert record.text == "Hello there."
    assert record.sent == [(3.0, "tts.response.created")]
    assert lines == [{"t": 1.0, "what": "text", "session": 3, "text": "Hello "}]
