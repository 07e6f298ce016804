"""What the headers of MP3 frames say."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from antiphon.mp3_frames import Frame, Joined, behind_tag, frame, is_frame

SOUND = [bytes.fromhex("fff384c4") + bytes([number]) * 188 for number in range(1, 8)]
TELLS = bytes.fromhex("fff384c4") + bytes(9) + b"Info" + bytes(175)
TAG = b"ID3\x04\0\0\0\0\1\2" + b"\xff\xf3\x84\xc4" + bytes(126)


@pytest.mark.parametrize(
    ("head", "told"),
    [
        ("fffb9044", Frame(44_100, 2, 417, 1152, 128)),
        ("fffb9244", Frame(44_100, 2, 418, 1152, 128)),
        ("fff384c4", Frame(24_000, 1, 192, 576, 64)),
        ("ffe384c4", Frame(12_000, 1, 384, 576, 64)),
    ],
)
def test_a_frame(head, told):
    assert frame(bytes.fromhex(head)) == told
    assert is_frame(bytes.fromhex(head))


@pytest.mark.parametrize("head", ["", "ff", "00000000", "ffeb9044", "fffd9044", "fffb0044", "fffbf044", "fffb9c44"])
def test_what_is_none(head):
    assert frame(bytes.fromhex(head)) is None


def test_where_a_tag_ends():
    assert behind_tag(b"ID3\x04\0\0\0\0\1\2") == 10 + 130
    assert behind_tag(b"ID3\x04\0\0\0\0\1") == 0
    assert behind_tag(b"RIFFaaaaaa") == 0


def in_pieces(data, cuts):
    places = [0, *sorted(cuts), len(data)]
    return [data[begin:end] for begin, end in pairwise(places)]


@given(st.lists(st.integers(0, 2500)))
def test_files_are_joined_to_frames_alone(cuts):
    first, second = TAG + TELLS + b"".join(SOUND[:4]) + b"TAG" + bytes(125), TAG + TELLS + b"".join(SOUND[4:])
    joined = Joined()
    assert b"".join(map(joined.take, in_pieces(first + second, cuts))) == b"".join(SOUND)
    assert joined.frames == len(SOUND)


@given(st.lists(st.binary()))
def test_nothing_is_too_odd_to_be_joined(pieces):
    joined = Joined()
    assert len(b"".join(map(joined.take, pieces))) <= sum(map(len, pieces))
