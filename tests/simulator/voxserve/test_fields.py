"""The rules of the fields: what is accepted, what is refused with which list, what loses the request."""

import pytest

from antiphon.simulator.voxserve.fields import (
    NO_TEXT,
    START_FIELDS,
    TEXT_FIELDS,
    Asked,
    UnprocessableError,
    read_fields,
)
from antiphon.simulator.voxserve.form import Upload


def wrongs(form, *fields):
    with pytest.raises(UnprocessableError) as refused:
        read_fields(form, *fields)
    return [(wrong["type"], wrong["loc"][1]) for wrong in refused.value.wrongs]


def test_text_is_required_and_may_be_blank():
    with pytest.raises(UnprocessableError) as refused:
        read_fields({})
    assert refused.value.wrongs == NO_TEXT
    assert read_fields({"text": ""}) == Asked(text="", streaming=True)
    assert wrongs({"text": Upload("a", b"")}) == [("string_type", "text")]


@pytest.mark.parametrize("word", ["true", "1", "YES", "On", "t", "y", ""])
def test_words_for_streaming(word):
    assert read_fields({"text": "", "streaming": word}).streaming


@pytest.mark.parametrize("word", ["false", "0", "NO", "Off", "f", "n"])
def test_words_for_whole(word):
    assert not read_fields({"text": "", "streaming": word}).streaming


@pytest.mark.parametrize("word", ["maybe", " no", "2", "None"])
def test_words_for_neither(word):
    assert wrongs({"text": "", "streaming": word}) == [("bool_parsing", "streaming")]
    assert wrongs({"text": "", "streaming": Upload("a", b"")}) == [("bool_type", "streaming")]


def test_audio_must_carry_a_file_name():
    upload = Upload("", b"x")
    assert read_fields({"text": "", "audio": upload}).audio == upload
    assert wrongs({"text": "", "audio": "x"}) == wrongs({"text": "", "audio": ""}) == [("value_error", "audio")]


def test_all_that_is_wrong_is_said_in_the_order_of_the_fields():
    form = {"x_vector_only_mode": "", "streaming": "?", "audio": "x", "speaker": Upload("a", b"")}
    assert [name for _, name in wrongs(form)] == ["text", "audio", "streaming", "speaker", "x_vector_only_mode"]


@pytest.mark.parametrize("name", ["language", "speaker", "ref_text", "instruct", "x_vector_only_mode"])
def test_the_fields_of_other_models_pass_here(name):
    assert read_fields({"text": "", name: "1"}).extras == (name,)


def test_fields_that_are_not_known_are_ignored():
    assert read_fields({"text": "a", "audio_path": "/x|y"}) == Asked(text="a")


@pytest.mark.parametrize(
    "form", [{"text": "a|b"}, {"text": "", "audio": Upload("a|b", b"")}, {"text": "", "language": "|"}]
)
def test_a_bar_loses_the_request(form):
    assert read_fields(form).lost
    assert not read_fields({"text": "a\uff5cb", "audio": Upload("a", b"|")}).lost


@pytest.mark.parametrize(
    ("name", "unsaveable"), [("a/b", True), ("\0", True), ("a" * 219, True), ("a" * 218, False), ("..", False)]
)
def test_names_that_cannot_be_written_to(name, unsaveable):
    assert read_fields({"text": "", "audio": Upload(name, b"")}).unsaveable is unsaveable


def test_other_routes_have_fewer_fields():
    assert read_fields({"streaming": "?"}, START_FIELDS) == Asked()
    assert wrongs({"audio": "x"}, START_FIELDS) == [("value_error", "audio")]
    assert wrongs({}, TEXT_FIELDS) == [("missing", "text")]
    assert read_fields({}, ()) == Asked()
