"""Text that grows: what stands and what may change, each turn once and in order; nothing said breaks it."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from antiphon.speech.live_wire import (
    Begun,
    Configured,
    Failed,
    Growing,
    Malformed,
    Opened,
    Other,
    Settled,
    Turns,
    append,
    configure,
    decode,
)

GROWS = "conversation.item.input_audio_transcription"


def test_what_is_asked():
    heard = json.loads(configure("m", 16_000, "zh", "\u9636\u8dc3"))["session"]["audio"]["input"]
    assert heard["format"] == {"type": "pcm", "codec": "pcm_s16le", "rate": 16_000, "bits": 16, "channel": 1}
    assert heard["transcription"] == {"model": "m", "enable_itn": True, "language": "zh", "prompt": "\u9636\u8dc3"}
    assert heard["turn_detection"] == {"type": "server_vad", "silence_duration_ms": 800, "threshold": 0.5}
    plain = json.loads(configure("m", 8000))["session"]["audio"]["input"]
    assert plain["transcription"] == {"model": "m", "enable_itn": True}
    assert json.loads(append(b"\x01\x02")) == {"type": "input_audio_buffer.append", "audio": "AQI="}


@pytest.mark.parametrize(
    ("said", "message"),
    [
        ({"type": "session.created"}, Opened()),
        ({"type": "session.updated"}, Configured()),
        ({"type": "input_audio_buffer.speech_started", "item_id": "i"}, Begun("i")),
        ({"type": "input_audio_buffer.committed", "item_id": "i"}, Begun("i")),
        (
            {"type": GROWS + ".delta", "item_id": "i", "text": "turn on", "stash": " the li"},
            Growing("i", "turn on the li"),
        ),
        ({"type": GROWS + ".delta", "item_id": "i", "text": "turn on"}, Growing("i", "turn on")),
        ({"type": GROWS + ".completed", "item_id": "i", "transcript": "Turn on."}, Settled("i", "Turn on.")),
        ({"type": GROWS + ".failed", "item_id": "i"}, Settled("i", "")),
        (
            {"type": "error", "error": {"type": "risk", "code": "risk_blocked", "message": "no"}},
            Failed("no", "risk", "risk_blocked"),
        ),
        ({"type": "error", "message": "no"}, Failed("no", "", "")),
        ({"type": "transcript.response.error", "error": {"message": "no"}}, Failed("no", "", "")),
        ({"type": GROWS + ".delta", "text": "no item"}, Other()),
        ({"type": "new"}, Other()),
        ({"type": 5}, Malformed()),
        ([], Malformed()),
    ],
)
def test_what_comes(said, message):
    assert decode(json.dumps(said)) == message


@pytest.mark.parametrize("frame", ["", "{", b"\xff", "[" * 100_000])
def test_nonsense(frame):
    assert decode(frame) == Malformed()


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: (
        st.lists(inner)
        | st.dictionaries(st.sampled_from(["type", "item_id", "text", "stash", "transcript", "error", "code"]), inner)
    ),
)


@given(
    JSON
    | st.builds(
        lambda kind, more: {"type": kind, **more},
        st.sampled_from(["error", GROWS + ".delta", GROWS + ".completed"]),
        st.dictionaries(st.sampled_from(["item_id", "text", "stash", "transcript", "error"]), JSON),
    )
)
def test_nothing_said_breaks_it(said):
    decode(json.dumps(said))


def told(*messages):
    turns = Turns()
    return [text for message in messages for text in turns.take(message)]


def test_a_turn_is_told_once():
    twice = [Begun("a"), Growing("a", "o"), Settled("a", "One."), Settled("a", "One again."), Growing("a", "o")]
    assert told(*twice) == ["One."]


def test_turns_are_told_in_the_order_in_which_they_were_spoken():
    turns = Turns()
    for message in (Begun("a"), Begun("b"), Growing("b", "tw"), Growing("a", "on")):
        assert turns.take(message) == []
    assert turns.growing == "on"
    assert turns.take(Settled("b", "Two.")) == []
    assert turns.pending
    assert turns.take(Settled("a", "One.")) == ["One.", "Two."]
    assert (turns.pending, turns.growing) == (False, "")


def test_a_turn_without_words_is_left_out():
    assert told(Begun("a"), Settled("a", " "), Settled("b", "Two.")) == ["Two."]


@given(
    st.lists(
        st.builds(
            lambda kind, item: kind(item) if kind is Begun else kind(item, item),
            st.sampled_from([Begun, Growing, Settled]),
            st.sampled_from("abcd"),
        )
    )
)
def test_never_twice(messages):
    texts = told(*messages)
    assert len(set(texts)) == len(texts)
