"""Every way in which it can fail is a sentence that says whose fault it is and what to do next."""

import json

import aiohttp
import pytest

from antiphon.errors import Garbled, Lost, Refused
from antiphon.speech import troubles

HOST = "api.stepfun.com"


def body(message):
    return json.dumps({"error": {"message": message, "type": "x"}}).encode()


@pytest.mark.parametrize(
    ("status", "kind", "words"),
    [
        (400, Refused, "check speech.model and speech.voice (input is too long)"),
        (401, Refused, "keys of stepfun.com and of stepfun.ai do not work on the other"),
        (402, Refused, "a Step Plan key needs speech.url with /step_plan/v1"),
        (403, Refused, "check the key's rights"),
        (404, Refused, "check speech.url and speech.model, as a Step Plan key needs"),
        (418, Refused, "refused the request (418)"),
        (429, Lost, "too many requests (429): wait a moment"),
        (451, Refused, "for its content rules (451): put it in other words"),
        (500, Lost, "in trouble itself (500)"),
        (503, Lost, "is overloaded (503)"),
        (302, Refused, "sends us to another address (302)"),
        (200, Garbled, "does not answer with speech (200)"),
    ],
)
def test_statuses(status, kind, words):
    error = troubles.explain_status(status, body("input is too long"), HOST)
    assert isinstance(error, kind)
    assert words in str(error)
    assert str(error).startswith(HOST)


def test_a_login_page_is_no_service():
    error = troubles.explain_status(200, b"<!doctype html><title>Welcome to our hotel", HOST)
    assert type(error) is Refused
    assert "log in first" in str(error)
    assert "speech.url" in str(error)


@pytest.mark.parametrize(
    ("error", "kind", "words"),
    [
        (aiohttp.InvalidURL("x"), Refused, "speech.url is not an address"),
        (aiohttp.ServerDisconnectedError(), Lost, "hung up before it answered"),
        (aiohttp.ClientPayloadError(), Lost, "broke off in the middle"),
        (aiohttp.ClientResponseError(None, ()), Garbled, "does not speak HTTP"),
        (ConnectionRefusedError(111, "x"), Lost, "Nothing listens at api.stepfun.com"),
        (Lost("as it is"), Lost, "as it is"),
    ],
)
def test_what_the_library_and_the_system_raise(error, kind, words):
    explained = troubles.explain(error, HOST)
    assert isinstance(explained, kind)
    assert words in str(explained)


def test_what_only_time_tells():
    assert "not begun to speak within 8 s" in str(troubles.silent(HOST, 8000))
    assert "fell silent in the middle, for 4 s" in str(troubles.stalled(HOST, 4000))
    assert "without a sound" in str(troubles.soundless(HOST))
    assert "does not come to an end" in str(troubles.endless(HOST))
    assert "6000 characters, 5000 at most" in str(troubles.too_long(6000, 5000))
