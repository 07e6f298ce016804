"""What the headers of MP3 frames say."""

import pytest

from antiphon.mp3_frames import Frame, behind_tag, frame, is_frame


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
