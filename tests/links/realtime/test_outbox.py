"""Speech is cut and never waits; requests keep their place."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from antiphon.links.realtime.messages import AppendAudio, CancelResponse, CommitAudio, CreateResponse
from antiphon.links.realtime.outbox import Outbox

APPEND_BYTES = 20 * 48


def outbox():
    return Outbox(append_ms=20, backlog_ms=1000)


def everything(box):
    return list(iter(box.take, None))


def test_empty():
    assert outbox().take() is None


def test_speech_goes_in_appends_and_a_short_rest_at_once():
    box = outbox()
    assert box.speech(bytes(2 * APPEND_BYTES + 100))
    assert [len(append.pcm) for append in everything(box)] == [APPEND_BYTES, APPEND_BYTES, 100]


def test_small_pieces_that_wait_are_joined():
    box = outbox()
    for _ in range(30):
        box.speech(bytes(96))
    assert [len(append.pcm) for append in everything(box)] == [960, 960, 960]


def test_half_a_sample_waits_for_its_other_half():
    box = outbox()
    box.speech(b"abc")
    assert everything(box) == [AppendAudio(b"ab")]
    box.speech(b"d")
    assert everything(box) == [AppendAudio(b"cd")]


def test_half_a_sample_is_dropped_when_a_request_follows():
    box = outbox()
    box.speech(b"abc")
    box.request(CommitAudio())
    box.speech(b"ef")
    assert everything(box) == [AppendAudio(b"ab"), CommitAudio(), AppendAudio(b"ef")]
    assert box.speech(bytes(48_000))
    assert not box.speech(b"x")


def test_requests_follow_the_speech_before_them_and_urgent_ones_do_not():
    box = outbox()
    box.speech(b"ab")
    box.request(CommitAudio())
    box.request(CreateResponse())
    box.urgent(CancelResponse())
    assert everything(box) == [CancelResponse(), AppendAudio(b"ab"), CommitAudio(), CreateResponse()]


def test_a_backlog_is_limited_until_some_of_it_is_gone():
    box = outbox()
    assert box.speech(bytes(48_000))
    assert not box.speech(b"x")
    assert box.take() is not None
    assert box.speech(bytes(APPEND_BYTES))
    assert not box.speech(b"x")


@given(
    st.lists(st.binary(min_size=1, max_size=3000), max_size=12),
    st.lists(st.integers(min_value=0, max_value=4), max_size=12),
)
def test_no_sample_is_lost_doubled_or_moved(pieces, takes):
    box, out = outbox(), bytearray()
    given_bytes = b""
    for number, piece in enumerate(pieces):
        if box.speech(piece):
            given_bytes += piece
        for _ in range(takes[number % len(takes)] if takes else 0):
            if append := box.take():
                out += append.pcm
    out += b"".join(append.pcm for append in everything(box))
    assert bytes(out) == given_bytes[: len(given_bytes) // 2 * 2]


@pytest.mark.parametrize("append_ms", [20, 40])
def test_appends_are_as_long_as_asked(append_ms):
    box = Outbox(append_ms, backlog_ms=1000)
    box.speech(bytes(48_000))
    assert len(box.take().pcm) == append_ms * 48
