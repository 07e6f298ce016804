"""Every way in which a call can fail is a sentence that names the settings of its own service."""

import json

import pytest
from websockets.datastructures import Headers
from websockets.exceptions import (
    ConnectionClosedError,
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
from antiphon.speech.meanings import Where
from antiphon.speech.socket_troubles import explain, explain_close

HOST = "api.stepfun.com"
WHERE = Where(url="cascade.url", model="cascade.speak_model", voice="cascade.voice")


def status(code, message=""):
    return InvalidStatus(Response(code, "Reason", Headers(), json.dumps({"error": {"message": message}}).encode()))


@pytest.mark.parametrize(
    ("error", "kind", "words"),
    [
        (status(400, "voice x is not valid"), Refused, "check cascade.speak_model and cascade.voice (voice x is not"),
        (status(402), Refused, "a Step Plan key needs cascade.url with /step_plan/v1"),
        (status(200), Refused, "log in first"),
        (status(503), Lost, "is overloaded (503)"),
        (InvalidProxy("p", "no"), Refused, "realtime.proxy"),
        (ProxyError("no"), Lost, "realtime.proxy"),
        (InvalidURI("u", "no"), Refused, "cascade.url is not an address"),
        (InvalidMessage("no"), Garbled, "check cascade.url"),
        (InvalidUpgrade("Upgrade", None), Garbled, "check cascade.url"),
        (
            ConnectionRefusedError(111, "x"),
            Lost,
            "Nothing listens at api.stepfun.com: check that the server is started",
        ),
        (ConnectionClosedError(None, None), Lost, "hung up in the middle of the call"),
        (RuntimeError("odd"), Lost, "RuntimeError"),
    ],
)
def test_failures_to_open(error, kind, words):
    explained = explain(error, HOST, WHERE)
    assert isinstance(explained, kind)
    assert words in str(explained)
    assert str(explained).isprintable()


@pytest.mark.parametrize(
    ("theirs", "ours", "kind", "words"),
    [
        (Close(1000, "bye"), Close(1000, ""), Lost, "closed the call (code 1000): it will be tried again (bye)"),
        (None, Close(1011, ""), Lost, "stopped answering"),
        (None, Close(1009, ""), Garbled, "larger than any"),
        (None, Close(1002, ""), Garbled, "check cascade.url and realtime.proxy"),
    ],
)
def test_calls_that_end_unasked(theirs, ours, kind, words):
    explained = explain_close(ConnectionClosedError(theirs, ours, True if theirs else None), HOST, WHERE)
    assert isinstance(explained, kind)
    assert words in str(explained)


def test_a_proxy_is_named_where_there_is_one_on_the_way():
    def told(address, proxy):
        return str(explain(ConnectionRefusedError(111, "x"), HOST, WHERE, address, proxy))

    assert told("https://api.stepfun.com/v1", "http://proxy:8080").startswith(
        "Nothing listens at api.stepfun.com (through realtime.proxy)"
    )
    assert "realtime.proxy" not in told("http://nas/v1", "http://proxy:8080")
    assert "realtime.proxy" not in told("https://api.stepfun.com/v1", None)
