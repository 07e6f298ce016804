"""What services mean by their errors: the trap is named, and so is the setting that leads out of it."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from antiphon.errors import Barred, Blocked, LinkError, Lost, Refused
from antiphon.speech.meanings import MAX_SAID, Where, envelope, explain_event, explain_status, one_line

HOST = "api.stepfun.com"
SPEAK = Where()
FILES = Where("speech.url", "speech.recognise_model", "", "the sound", models="for files it is stepaudio-2.5-asr")
CHAT = Where("chat.url", "chat.model", "chat.voice", on_plan=False)


def body(message, kind="request_params_invalid"):
    return json.dumps({"error": {"message": message, "type": kind}}).encode()


@pytest.mark.parametrize(
    ("status", "told", "where", "path", "words"),
    [
        (
            402,
            body("x", "quota_exceeded"),
            SPEAK,
            "/v1",
            "the balance is used up (402): top it up, or mend the address",
        ),
        (402, b"", SPEAK, "/v1", "as a Step Plan key needs speech.url with /step_plan/v1, a pay-as-you-go key /v1"),
        (400, body("x", "quota_exceeded"), SPEAK, "/v1", "the balance is used up (400)"),
        (401, b"", SPEAK, "/v1", "keys of stepfun.com and of stepfun.ai do not work on the other"),
        (400, body("x", "invalid_api_key"), SPEAK, "/v1", "does not know the API key (400)"),
        (404, b"", FILES, "/v1", "check speech.url and speech.recognise_model (for files it is stepaudio-2.5-asr)"),
        (400, body("model y not supported"), FILES, "/v1", "no such model here (400): check speech.recognise_model"),
        (400, body("The model is unknown, or you have no right to it"), SPEAK, "/v1", "no such model here (400)"),
        (400, body("x", "model_invalid"), SPEAK, "/v1", "no such model here (400): check speech.model"),
        (400, body("voice y is not valid"), SPEAK, "/v1", "check speech.model and speech.voice (voice y is not valid)"),
        (
            400,
            body("hm"),
            FILES,
            "/v1",
            "does not accept the sound (400): check the sound itself and speech.recognise_model (hm)",
        ),
        (
            404,
            b"",
            CHAT,
            "/step_plan/v1",
            "not sell this on the Step Plan (404): it needs chat.url with /v1, and a pay",
        ),
        (402, b"", CHAT, "/v1", "it needs chat.url with /v1, and a pay-as-you-go key"),
        (451, b"", SPEAK, "/v1", "for its content rules (451): put it in other words"),
        (400, body("x", "censorship_blocked"), SPEAK, "/v1", "for its content rules (400)"),
        (400, body("x", "censorship_block_input"), SPEAK, "/v1", "for its content rules (400)"),
        (413, b"", SPEAK, "/v1", "give it less, in parts"),
    ],
)
def test_what_the_owner_can_mend(status, told, where, path, words):
    error = explain_status(status, told, HOST, where, path)
    of_this_alone = ("content rules", "speech.voice", "does not accept", "give it less")
    fault = Blocked if "content rules" in words else Refused if any(map(words.__contains__, of_this_alone)) else Barred
    assert type(error) is fault
    assert words in str(error)


@pytest.mark.parametrize("status", [401, 402, 404])
def test_the_plan_is_not_sold_overseas(status):
    error = explain_status(status, body("no"), "api.stepfun.ai", SPEAK, "/step_plan/v1")
    assert str(error) == (
        f"api.stepfun.ai has no Step Plan ({status}): put the host api.stepfun.com into speech.url, where the plan is, "
        "or use /v1 with a key of this site (no)"
    )
    assert "Step Plan key needs" in str(explain_status(402, b"", "api.stepfun.ai", SPEAK, "/v1"))


@pytest.mark.parametrize(
    ("message", "kind", "code", "fault", "words"),
    [
        ("content blocked", "", "", Blocked, "content rules: put it in other words (content blocked)"),
        ("", "risk", "risk_blocked", Blocked, "content rules"),
        ("no", "content_filter", "", Blocked, "content rules"),
        ("no", "censorship_blocked", "", Blocked, "content rules"),
        ("model x not supported", "", "", Barred, "no such model here"),
        ("You exceeded your current quota, please", "", "", Barred, "the balance is used up"),
        (
            "bad voice",
            "invalid_request_error",
            "invalid_value",
            Refused,
            "check speech.model and speech.voice (bad voice",
        ),
        ("The engine is currently overloaded, please", "", "", Lost, "is overloaded"),
        ("", "invalid_request_error", "max_idle_timeout", Lost, "waited too long"),
        ("", "internal_error", "internal_error", Lost, "in the middle of its answer"),
        (None, 5, [], Lost, "in the middle of its answer: try it again"),
    ],
)
def test_errors_in_the_middle(message, kind, code, fault, words):
    error = explain_event(message, HOST, SPEAK, kind, code)
    assert type(error) is fault
    assert words in str(error)


def test_what_is_said_is_cut_between_words():
    """Half a key would not be known for a key when it is taken out."""
    key = "sk-" + "x" * 60
    assert one_line("a" * (MAX_SAID - 20) + " " + key) == "a" * (MAX_SAID - 20) + " ..."
    assert one_line("y" * 500) == "..."
    assert one_line("a\n b\x00c") == "a b c"


@given(
    st.binary(max_size=200)
    | st.recursive(st.none() | st.text() | st.integers(), st.lists).map(json.dumps).map(str.encode)
)
def test_any_body_is_an_envelope(data):
    told = envelope(data)
    assert told.message.isprintable()
    assert isinstance(explain_status(402, data, HOST, SPEAK), LinkError)


@given(st.text(), st.text(), st.text())
def test_any_event_is_explained(message, kind, code):
    assert str(explain_event(message, HOST, SPEAK, kind, code)).isprintable()
