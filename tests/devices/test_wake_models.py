"""Names and paths of models: what is found, and the one sentence when it is not."""

from pathlib import Path

import pytest

from antiphon.devices.wake_models import check_distinct, check_flatbuffer, find_model, packaged_models
from antiphon.errors import ModelError


@pytest.fixture
def builtin(tmp_path):
    files = {name: tmp_path / f"{name}.tflite" for name in ("hey_jarvis", "alexa")}
    for file in files.values():
        file.write_bytes(b"\x1c\0\0\0TFL3 and so on")
    return files


def find(model: str, builtin: dict[str, Path]) -> Path:
    return find_model(model, builtin, (".tflite",))


@pytest.mark.parametrize("model", ["hey_jarvis", "Hey Jarvis", " hey jarvis "])
def test_word_is_found_by_name(builtin, model):
    assert find(model, builtin) == builtin["hey_jarvis"]


def test_own_model_is_found_by_path(builtin, tmp_path, monkeypatch):
    own = tmp_path / "open sesame.tflite"
    own.write_bytes(b"\x1c\0\0\0TFL3")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert find(str(own), builtin) == own
    assert find("~/open sesame.tflite", builtin) == own


def test_unknown_word_says_what_was_meant_and_what_there_is(builtin):
    with pytest.raises(ModelError, match=r'"hey_jervis" .*did you mean hey_jarvis\? it has alexa, hey_jarvis; or give'):
        find("hey_jervis", builtin)


def test_word_like_no_other_says_only_what_there_is(builtin):
    with pytest.raises(ModelError, match="alexa, hey_jarvis") as caught:
        find("computer", builtin)
    assert "did you mean" not in str(caught.value)


@pytest.mark.parametrize(
    ("model", "wrong"),
    [("nowhere/x.tflite", "no such file"), ("models/x.onnx", "must end in .tflite")],
)
def test_wrong_path_is_named(builtin, model, wrong):
    with pytest.raises(ModelError, match=f"wake word model {model}: .*{wrong}"):
        find(model, builtin)


def test_folder_is_no_model(builtin, tmp_path):
    folder = tmp_path / "x.tflite"
    folder.mkdir()
    with pytest.raises(ModelError, match="cannot be read"):
        find(str(folder), builtin)


@pytest.mark.parametrize("content", [b"", b"TFL3", b"PK\3\4 a zip file", b"\x08\x07ONNX"])
def test_other_file_is_no_flatbuffer(tmp_path, content):
    file = tmp_path / "x.tflite"
    file.write_bytes(content)
    with pytest.raises(ModelError, match=r"x\.tflite: this is not a TensorFlow Lite model"):
        check_flatbuffer(file)


def test_missing_package_says_how_to_get_it():
    with pytest.raises(ModelError, match="pip install no-such-package"):
        packaged_models("no_such_package")


@pytest.mark.parametrize(("words", "wrong"), [([], "no wake word model"), (["a", "b", "a"], "both called a")])
def test_words_must_be_distinct(words, wrong):
    with pytest.raises(ModelError, match=wrong):
        check_distinct(words)
