"""The body of a recognition request, in pieces."""

import hashlib
import json

import pytest

from antiphon.simulator.stepfun.asr_body import HERE, MAX_KEPT_BYTES, BodyReader
from antiphon.simulator.stepfun.judging import WrongError
from simulator.stepfun.http_bench import base64_of, wav_of

SOUND = wav_of(0.5)


def read(body, piece=1000):
    reader = BodyReader()
    for at in range(0, len(body), piece):
        reader.feed(body[at : at + piece])
    return reader


@pytest.mark.parametrize("piece", [1, 2, 3, 5, 1000, 10**6])
@pytest.mark.parametrize("order", [1, -1])
def test_the_recording_is_measured_and_the_rest_kept(piece, order):
    asked = dict([("data", base64_of(SOUND)), ("input", {"words": ['a "quoted\\" one', "\u5c0f", "\\"]})][::order])
    reader = read(json.dumps({"audio": asked}).encode(), piece)
    assert json.loads(reader.kept) == {"audio": asked | {"data": json.loads(f'"{HERE}"')}}
    assert reader.recording.meter.clip("wav").sha256 == hashlib.sha256(SOUND).hexdigest()
    assert reader.bytes == len(json.dumps({"audio": asked}))


def test_slashes_may_be_escaped():
    data = base64_of(bytes([255]) * 3000)
    assert "/" in data
    for piece in (1, 7, 5000):
        reader = read(('{"data":"' + data.replace("/", "\\/") + '"}').encode(), piece)
        assert reader.recording.meter.bytes == 3000


def test_a_short_body_is_kept_as_it_is():
    body = b'{"audio": {"data": "AAAA"}}'
    reader = read(body, 1)
    assert (reader.kept, reader.recording) == (body, None)


def test_an_unfinished_body_is_no_json():
    for body in (b'{"data": "AAAA', b'{"data": "' + b"A" * 9000):
        with pytest.raises(ValueError):
            json.loads(read(body).kept)


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b'"' + b"*" * 9000, "not base64"),
        (b'"' + b"A" * 9001 + b'"', "not base64"),
        (b'"' + b"A" * 3998 + b"==AAAA" + b"A" * 3000 + b'"', "not base64"),
        (b'"' + b"A" * 9000 + b'","' + b"A" * 9000, "more than one recording"),
        (b"[" * (MAX_KEPT_BYTES + 1), "too large"),
    ],
)
def test_what_cannot_be_is_refused(body, words):
    with pytest.raises(WrongError, match=words):
        read(body)
