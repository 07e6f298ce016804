"""Uploads off the wire, by requests to the service that takes them."""

import aiohttp
import pytest

from antiphon.simulator.stepfun.form_reader import MAX_TEXT_BYTES
from simulator.stepfun.http_bench import answer, wav_of

BOUNDARY = {"Content-Type": "multipart/form-data; boundary=x"}


def form(*texts, files=("ref.wav",), data=b""):
    made = aiohttp.FormData()
    for name, value in texts:
        made.add_field(name, value)
    for file in files:
        made.add_field("file", data or wav_of(6), filename=file)
    return made


def upload(**request):
    return answer("POST", "/v1/files", **request)


def test_a_form_is_read():
    got = upload(data=form(("purpose", "storage")))
    assert (got.status, got.json["filename"], got.json["bytes"]) == (200, "ref.wav", len(wav_of(6)))


@pytest.mark.parametrize(
    ("request_", "words"),
    [
        ({"json": {"purpose": "storage"}}, "not multipart/form-data"),
        ({"data": b"nothing", "headers": {"Content-Type": "multipart/form-data"}}, "not a multipart form"),
        ({"data": b"nothing", "headers": BOUNDARY}, "not a multipart form"),
        ({"data": b"--x\r\n\r\nvalue\r\n--x--\r\n", "headers": BOUNDARY}, "a part without a name"),
        ({"data": form(("purpose", "a"), ("purpose", "b"))}, "purpose comes twice"),
        ({"data": form(files=("a.wav", "b.wav"))}, "file comes twice"),
        (
            {
                "data": b'--x\r\nContent-Disposition: form-data; name="purpose"\r\n\r\n\xff\r\n--x--\r\n',
                "headers": BOUNDARY,
            },
            "purpose is not UTF-8",
        ),
        ({"data": form(("purpose", "a" * (MAX_TEXT_BYTES + 1)))}, "purpose is too long"),
        (
            {"data": b'--x\r\nContent-Disposition: form-data; name="file"\r\n\r\na\r\n--x--\r\n', "headers": BOUNDARY},
            "file has no filename",
        ),
        (
            {
                "data": b'--x\r\nContent-Disposition: form-data; name="purpose"; filename="a"\r\n\r\na\r\n--x--\r\n',
                "headers": BOUNDARY,
            },
            "purpose is a file",
        ),
    ],
)
def test_what_is_no_form_is_refused(request_, words):
    got = upload(**request_)
    assert (got.status, words in got.error) == (400, True), got.body


def test_a_file_is_bounded(monkeypatch):
    monkeypatch.setattr("antiphon.simulator.stepfun.library.MAX_FILE_BYTES", 1000)
    assert "larger than 1000 bytes" in upload(data=form(("purpose", "storage"))).error
