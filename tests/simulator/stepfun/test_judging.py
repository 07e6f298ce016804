"""What all judges share."""

import json

import pytest

from antiphon.simulator.stepfun.handshake import Refusal
from antiphon.simulator.stepfun.judging import (
    Denial,
    WrongError,
    blocked,
    entry,
    fields,
    flag,
    known,
    on_plan,
    shaped,
    text,
    whole,
)
from antiphon.simulator.stepfun.options import SimulatorOptions

OPTIONS = SimulatorOptions(keys={"sk-n": "normal", "sk-p": "plan"}, blocked=("forbidden",))


@pytest.mark.parametrize(
    ("path", "authorization", "refused"),
    [
        ("/v1/files", "Bearer sk-n", None),
        ("/step_plan/v1/audio/voices", "Bearer sk-p", None),
        ("/step_plan/v1/audio/voices", "Bearer sk-n", None),
        ("/v1/files", "Bearer sk-p", Refusal(402)),
        ("/v1/files", "Bearer sk-other", Refusal(401)),
        ("/v1/files", None, Refusal(401)),
        ("/v1/files", "sk-n", Refusal(400)),
    ],
)
def test_key_and_path_decide_who_comes_in(path, authorization, refused):
    assert entry(path, authorization, OPTIONS) == refused


def test_families_and_moderation():
    assert on_plan("/step_plan/v1/files")
    assert not on_plan("/v1/step_plan/v1/")
    assert blocked(OPTIONS, "fine", "a forbidden word")
    assert not blocked(OPTIONS, "fine")


def test_a_denial_is_told_in_the_envelope():
    assert json.loads(Denial(400, "no").body) == {"error": {"message": "no", "type": "request_params_invalid"}}


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"\xff", b'{"a":1,"a":2}', b"[" * 90_000])
def test_a_body_that_is_no_object(body):
    with pytest.raises(WrongError, match="not a JSON object"):
        fields(body)


def test_a_shape_has_what_it_needs_and_nothing_else():
    assert shaped({"a": 1, "b": 2}, "body", "a", "b c") == {"a": 1, "b": 2}
    with pytest.raises(WrongError, match=r"^a is required"):
        shaped({}, "body", "a")
    with pytest.raises(WrongError, match=r"^x\.d is not valid"):
        shaped({"a": 1, "d": 2}, "x", "a", "b")
    with pytest.raises(WrongError, match="x is not an object"):
        shaped([], "x", "a")


def test_values():
    assert (text("a", "x", 1), flag(False, "x"), whole(3, "x")) == ("a", False, 3)
    assert known("a", {"a"})
    assert not known(["a"], {"a"})
    for wrong in (
        lambda: text(" ", "x"),
        lambda: text("ab", "x", 1),
        lambda: text(3, "x"),
        lambda: flag(0, "x"),
        lambda: whole(True, "x"),
        lambda: whole(0, "x"),
        lambda: whole(1.0, "x"),
    ):
        with pytest.raises(WrongError, match="x is"):
            wrong()
