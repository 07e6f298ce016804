"""A secret shows stars wherever it is printed."""

import copy
import json
import pickle

import pytest

from antiphon.secret import Secret

KEY = "sk-not-for-eyes"


def test_reveals_only_when_asked() -> None:
    secret = Secret(KEY, "$STEPFUN_API_KEY")
    assert secret.reveal() == KEY
    assert secret.origin == "$STEPFUN_API_KEY"


@pytest.mark.parametrize("shown", [str, repr, "{}".format, "{!r:>20}".format, lambda s: f"{s}"])
def test_prints_as_stars(shown) -> None:
    text = shown(Secret(KEY, "a file"))
    assert "***" in text
    assert KEY not in text


def test_hides_inside_other_things() -> None:
    assert KEY not in repr({"key": [Secret(KEY, "a file")]})
    assert not hasattr(Secret(KEY, "a file"), "__dict__")


def test_is_not_written_out() -> None:
    secret = Secret(KEY, "a file")
    with pytest.raises(TypeError, match="pickled"):
        pickle.dumps(secret)
    with pytest.raises(TypeError, match="pickled"):
        copy.deepcopy(secret)
    with pytest.raises(TypeError):
        json.dumps(secret)


def test_compares_by_value() -> None:
    assert Secret(KEY, "a") == Secret(KEY, "b")
    assert Secret(KEY, "a") != Secret("other", "a")
    assert Secret(KEY, "a") != KEY
    assert len({Secret(KEY, "a"), Secret(KEY, "b")}) == 1
