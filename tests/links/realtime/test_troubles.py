"""Every failure is one printable sentence, of the right fault, with what to do next."""

import errno
import json
import socket
import ssl

import pytest
from websockets.datastructures import Headers
from websockets.exceptions import (
    ConnectionClosedError,
    ConnectionClosedOK,
    InvalidMessage,
    InvalidProxy,
    InvalidStatus,
    InvalidUpgrade,
    InvalidURI,
    ProxyError,
)
from websockets.frames import Close
from websockets.http11 import Response

from antiphon.errors import Garbled, Lost, Refused
from antiphon.links.realtime.troubles import explain, explain_close

HOST = "api.stepfun.com"


def status(code, body=b""):
    return InvalidStatus(Response(code, "Reason", Headers(), body))


def certificate(code):
    error = ssl.SSLCertVerificationError(1, "certificate verify failed")
    error.verify_code = code
    return error


def caused(error, cause):
    error.__cause__ = cause
    return error


@pytest.mark.parametrize(
    ("error", "kind", "words"),
    [
        (status(400), Refused, "realtime.model"),
        (status(401), Refused, "stepfun.ai"),
        (status(402), Refused, "/step_plan/v1/realtime"),
        (status(403), Refused, "rights"),
        (status(404), Refused, "/step_plan/v1/realtime"),
        (status(418), Refused, "418"),
        (status(429), Lost, "too many"),
        (status(451), Refused, "realtime.instructions"),
        (status(500), Lost, "500"),
        (status(503), Lost, "503"),
        (status(302), Refused, "another address"),
        (status(200), Refused, "realtime.url"),
        (InvalidProxy("p", "no"), Refused, "realtime.proxy"),
        (ImportError("python-socks"), Refused, "realtime.proxy"),
        (ProxyError("no"), Lost, "realtime.proxy"),
        (InvalidURI("u", "no"), Refused, "wss://"),
        (UnicodeError("label too long"), Refused, "wss://"),
        (caused(InvalidMessage("no"), EOFError()), Lost, "hung up"),
        (ConnectionResetError(errno.ECONNRESET, "reset"), Lost, "hung up"),
        (caused(InvalidMessage("no"), ValueError()), Garbled, "realtime.url"),
        (InvalidUpgrade("Upgrade", None), Garbled, "realtime.url"),
        (certificate(9), Lost, "clock"),
        (certificate(10), Refused, "expired"),
        (certificate(18), Refused, "nobody we trust"),
        (certificate(62), Refused, "another name"),
        (ssl.SSLError(1, "wrong version number"), Refused, "TLS"),
        (socket.gaierror(-2, "Name or service not known"), Lost, "DNS"),
        (TimeoutError(), Lost, "in time"),
        (ConnectionRefusedError(errno.ECONNREFUSED, "refused"), Lost, "othing listens"),
        (OSError(errno.ENETUNREACH, "unreachable"), Lost, "no network"),
        (OSError(errno.EHOSTUNREACH, "no route"), Lost, "Wi-Fi"),
        (OSError("Multiple exceptions"), Lost, "broke"),
        (Lost("as it is"), Lost, "as it is"),
        (ConnectionClosedError(None, None), Lost, "hung up"),
        (RuntimeError("odd"), Lost, "RuntimeError"),
    ],
)
def test_failures_to_open(error, kind, words):
    explained = explain(error, HOST)
    assert isinstance(explained, kind)
    sentence = str(explained)
    assert words in sentence
    assert HOST in sentence or "realtime." in sentence or kind is Lost
    assert sentence.isprintable()


@pytest.mark.parametrize(
    ("body", "tail"),
    [
        (json.dumps({"error": {"message": "You exceeded\n your quota"}}).encode(), "(You exceeded your quota)"),
        (b"<html>", "/v1/realtime"),
        (b"\xff", "/v1/realtime"),
        (b'{"error": "x"}', "/v1/realtime"),
        (b'{"error": {"message": 5}}', "/v1/realtime"),
        (b"[" * 9000, "/v1/realtime"),
    ],
)
def test_the_service_s_own_words_are_added(body, tail):
    assert str(explain(status(402, body), HOST)).endswith(tail)


@pytest.mark.parametrize(
    ("theirs", "ours", "age_s", "kind", "words"),
    [
        (Close(1000, ""), Close(1000, ""), 60.0, Lost, "code 1000"),
        (Close(1000, "bye"), Close(1000, ""), 60.0, Lost, "(bye)"),
        (Close(1008, "policy"), Close(1008, "policy"), 60.0, Lost, "(policy)"),
        (Close(1000, ""), Close(1000, ""), 1795.0, Lost, "30 minutes, its limit"),
        (None, None, 1805.0, Lost, "limit being 30"),
        (None, None, 60.0, Lost, "hung up"),
        (None, Close(1011, "keepalive ping timeout"), 60.0, Lost, "stopped answering"),
        (None, Close(1009, "too big"), 60.0, Garbled, "larger"),
        (None, Close(1002, "bad"), 60.0, Garbled, "protocol"),
    ],
)
def test_calls_that_end_unasked(theirs, ours, age_s, kind, words):
    closed = (ConnectionClosedOK if theirs == ours and theirs else ConnectionClosedError)(
        theirs, ours, True if theirs else None
    )
    explained = explain_close(closed, HOST, age_s)
    assert type(explained) is kind
    assert words in str(explained)
