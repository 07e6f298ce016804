"""Requests out of bytes, however they are cut, and responses to the byte."""

import pytest

from antiphon.simulator.voxserve.http1 import (
    NotHttpError,
    Reader,
    Response,
    chunk,
    detail,
    json_response,
    plain,
)

POST = b"POST /a%20b/?x=1 HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\nabc"
CHUNKED = b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n1;x=y\r\nc\r\n0\r\n\r\n"


def taken(*pieces):
    reader = Reader()
    requests = []
    for piece in pieces:
        reader.feed(piece)
        while request := reader.take():
            requests.append(request)
    return requests, reader


@pytest.mark.parametrize("raw", [POST, CHUNKED])
def test_a_request_is_the_same_however_it_is_cut(raw):
    ((whole,), _) = taken(raw)
    assert whole.body == b"abc"
    for at in range(1, len(raw)):
        (requests, reader) = taken(raw[:at], raw[at:])
        assert requests == [whole]
        assert reader.empty


def test_a_request_has_its_parts():
    ((request,), _) = taken(POST)
    assert (request.method, request.path, request.raw_path, request.query) == ("POST", "/a b/", "/a%20b/", "x=1")
    assert request.headers == {"host": "h", "content-length": "3"}
    assert request.keeps_alive


def test_several_requests_in_one_piece():
    requests, reader = taken(POST + b"\r\n" + POST + POST[:20])
    assert len(requests) == 2
    assert not reader.empty


@pytest.mark.parametrize(
    "raw",
    [
        b"GET / HTTP/1.0\r\n\r\n",
        b"GET / HTTP/1.1\r\nConnection: close\r\n\r\n",
        b"GET / HTTP/1.1\r\nCONNECTION:Close\r\n\r\n",
    ],
)
def test_what_ends_a_connection(raw):
    ((request,), _) = taken(raw)
    assert not request.keeps_alive


@pytest.mark.parametrize(
    "raw",
    [
        b"NONSENSE\r\n\r\n",
        b"BREW / HTTP/1.1\r\n\r\n",
        b"\x16\x03\x01",
        b"GET / HTTP/1.1\r\nno colon\r\n\r\n",
        b"GET / HTTP/1.1\r\nContent-Length: x\r\n\r\n",
        b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"GET / HTTP/1.1\r\nX: " + b"a" * 70_000,
    ],
)
def test_what_is_no_request(raw):
    with pytest.raises(NotHttpError):
        taken(raw)


def test_who_waits_for_a_word_is_told_once():
    reader = Reader()
    reader.feed(b"POST / HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 1\r\n\r\n")
    assert reader.take() is None
    assert [reader.take_continue(), reader.take_continue()] == [True, False]


def test_heads():
    response = json_response(200, {"a": "é"}, ("x", "y"))
    assert response.head("D").decode().split("\r\n") == [
        "HTTP/1.1 200 OK",
        "date: D",
        "server: uvicorn",
        "x: y",
        "content-length: 10",
        "content-type: application/json",
        "",
        "",
    ]
    assert response.body == '{"a":"é"}'.encode()
    assert b"\r\nconnection: close\r\n" in response.head("D", closes=True)
    assert Response(200, (), None).head("D").endswith(b"server: uvicorn\r\ntransfer-encoding: chunked\r\n\r\n")


@pytest.mark.parametrize(
    ("status", "words"),
    [
        (416, b"Requested Range Not Satisfiable"),
        (422, b"Unprocessable Entity"),
        (429, b"Too Many Requests"),
        (599, b""),
    ],
)
def test_words_of_a_status(status, words):
    assert detail(status, "x").head("D").startswith(b"HTTP/1.1 %d %b\r\n" % (status, words))


def test_bodies():
    assert detail(404, "Not Found").body == b'{"detail":"Not Found"}'
    assert dict(plain(500, "Oh").headers) == {"content-length": "2", "content-type": "text/plain; charset=utf-8"}
    assert chunk(b"x" * 48_000).startswith(b"bb80\r\nxx")
    assert chunk(b"ab") == b"2\r\nab\r\n"
