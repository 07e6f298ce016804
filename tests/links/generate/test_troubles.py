"""Every failure of a server on the LAN in one sentence: whose fault, and what to do next."""

import errno
import json
import socket
import ssl

import pytest
from aiohttp import (
    ClientConnectorCertificateError,
    ClientConnectorDNSError,
    ClientConnectorError,
    ClientOSError,
    ClientPayloadError,
    ClientResponseError,
    InvalidURL,
    ServerDisconnectedError,
)
from aiohttp.client_reqrep import ConnectionKey

from antiphon.errors import Garbled, Lost, Refused
from antiphon.links.generate import troubles
from antiphon.links.generate.troubles import Busy, explain, explain_status, is_gone

HOST = "nas:8000"
KEY = ConnectionKey("nas", 8000, is_ssl=False, ssl=True, proxy=None, proxy_auth=None, proxy_headers_hash=None)


def connector(number):
    return ClientConnectorError(KEY, OSError(number, "x"))


def several(*numbers):
    """A host with several addresses, as the library tells of it."""
    met = ", ".join(f"[Errno {number}] Connect call failed ('x', 1)" for number in numbers)
    return ClientConnectorError(KEY, OSError(f"Multiple exceptions: {met}"))


EXPIRED = ssl.SSLCertVerificationError()
EXPIRED.verify_code = 10


@pytest.mark.parametrize(
    ("error", "kind", "words"),
    [
        (connector(errno.ECONNREFUSED), Lost, "Nothing listens"),
        (connector(errno.EHOSTUNREACH), Lost, "no way"),
        (connector(errno.ENETUNREACH), Lost, "no network"),
        (ClientConnectorDNSError(KEY, socket.gaierror(socket.EAI_NONAME, "x")), Lost, "not known"),
        (ClientConnectorCertificateError(KEY, EXPIRED), Refused, "expired"),
        (InvalidURL("http://"), Refused, "like http://"),
        (ServerDisconnectedError(), Lost, "before it answered"),
        (ClientPayloadError("x"), Lost, "broke off"),
        (ClientResponseError(None, (), status=400), Garbled, "HTTP"),
        (ClientOSError(errno.ECONNRESET, "x"), Lost, "hung up"),
        (TimeoutError(), Lost, "in time"),
        (Lost("as it is"), Lost, "as it is"),
    ],
)
def test_failures_of_the_connection(error, kind, words):
    explained = explain(error, HOST)
    assert type(explained) is kind
    assert words in str(explained)
    assert HOST in str(explained) or kind is Refused or isinstance(error, Lost)


@pytest.mark.parametrize(
    ("status", "body", "kind", "words"),
    [
        (422, {"detail": [{"loc": ["body", "text"], "msg": "Field required"}]}, Refused, "(body.text: Field required)"),
        (429, {"detail": "Server busy; please retry shortly"}, Busy, "(Server busy; please retry shortly)"),
        (500, {"detail": "Generation timed out"}, Lost, "(Generation timed out)"),
        (500, None, Lost, "(Internal Server Error)"),
        (503, {"detail": "Server not ready"}, Lost, "(Server not ready)"),
        (400, {"detail": "Missing boundary in multipart."}, Refused, "(Missing boundary in multipart.)"),
        (404, {"detail": "Not Found"}, Refused, "generate.urls"),
        (307, {}, Refused, "another address"),
        (200, {}, Refused, "what comes is application/json (200); check generate.urls"),
        (511, {}, Lost, "511"),
    ],
)
def test_answers_that_are_no_speech(status, body, kind, words):
    raw = b"Internal Server Error" if body is None else json.dumps(body).encode()
    explained = explain_status(status, "application/json", raw, HOST)
    assert type(explained) is kind
    assert words in str(explained)
    assert HOST in str(explained)


@pytest.mark.parametrize(
    ("kind", "body", "words"),
    [
        ("text/html", b"", "with a web page (200)"),
        ("application/xhtml+xml", b"<?xml", "with a web page (200)"),
        ("", b"\n<!DOCTYPE HTML><title>Log in", "with a web page (200)"),
        ("", b"RIFF", "what comes has no content type (200)"),
        ("", b"", "what comes has no content type (200)"),
        ("text/plain", b"<html>", "what comes is text/plain (200)"),
        ("audio/mpeg", b"ID3\xff", "what comes is audio/mpeg (200)"),
    ],
)
def test_only_a_page_is_called_one(kind, body, words):
    explained = explain_status(200, kind, body, HOST)
    assert type(explained) is Refused
    assert words in str(explained)
    assert "generate.urls" in str(explained)


@pytest.mark.parametrize(
    ("trouble", "words"),
    [
        (troubles.model_is_silent(HOST, 15_000), "15 s: it may be dead, or still loading; if it stays so, restart"),
        (troubles.too_slow(HOST, 2500), "2.5 s"),
        (troubles.stalled(HOST, 5000), "middle"),
        (troubles.no_answer(HOST), "without a sound"),
        (troubles.endless(HOST), "end"),
        (troubles.all_seats_taken(HOST, 7), "7 replies that nobody hears"),
        (troubles.not_speech(Garbled("it sings"), HOST), "it sings"),
    ],
)
def test_what_only_we_can_tell(trouble, words):
    assert words in str(trouble)
    assert HOST in str(trouble)


def test_what_was_left_out_is_told():
    assert "first 12.3 s were left out, the last 57.7 s" in str(troubles.shortened(57_700, 12_300))


@pytest.mark.parametrize(
    ("error", "gone"),
    [
        (connector(errno.ECONNREFUSED), True),
        (connector(errno.EHOSTUNREACH), False),
        (several(errno.ENETUNREACH, errno.ECONNREFUSED), True),
        (several(errno.ECONNREFUSED, errno.ETIMEDOUT), False),
        (several(errno.ENETUNREACH, errno.EADDRNOTAVAIL), False),
        (ClientOSError(errno.ECONNREFUSED, "x"), False),
    ],
)
def test_only_a_closed_port_shows_that_the_server_has_ended(error, gone):
    assert is_gone(error) is gone
