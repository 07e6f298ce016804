"""Server-sent events: any bytes, cut anywhere, are the same events."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from antiphon.errors import Garbled
from antiphon.speech.sse import MAX_EVENT_BYTES, EventStream


def read(*pieces):
    stream = EventStream()
    return [data for piece in pieces for data in stream.take(piece)] + list(stream.end())


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_events_end_at_blank_lines(end):
    body = f"data: one{end}{end}: a comment{end}event: named{end}data: two{end}data:three{end}{end}".encode()
    assert read(body) == ["one", "two\nthree"]


def test_an_event_counts_without_its_blank_line():
    assert read(b"data: one\n\ndata: [DONE]") == ["one", "[DONE]"]


def test_a_byte_order_mark_is_no_part_of_the_first_line():
    assert read(b"\xef\xbb", b"\xbfdata: one\n\n") == ["one"]


def test_one_that_comes_later_is_part_of_its_line():
    late = b"\r\xef\xbb\xbfdata: one\n\ndata: two\n\n"
    assert read(late) == read(*(late[at : at + 1] for at in range(len(late)))) == ["two"]


def test_an_event_without_an_end_is_nonsense():
    stream = EventStream()
    with pytest.raises(Garbled):
        list(stream.take(b"data: " + b"x" * (MAX_EVENT_BYTES + 1)))


def test_what_is_no_text_is_nonsense():
    with pytest.raises(Garbled):
        read(b"data: \xff\n\n")


@given(
    st.lists(st.sampled_from([b"data: a", b"data:b", b"\r", b"\n", b"\r\n", b": c", b"id: 1", b"data"]), max_size=30),
    st.data(),
)
def test_where_it_is_cut_does_not_matter(parts, data):
    body = b"".join(parts)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(body)), max_size=8)))
    pieces = [body[start:end] for start, end in zip([0, *cuts], [*cuts, len(body)], strict=True)]
    assert read(*pieces) == read(body)
