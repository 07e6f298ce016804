"""Errors say whose fault and what next, and become values for events."""

import pickle

import pytest

from antiphon.errors import (
    AntiphonError,
    AudioFileError,
    DeviceError,
    Garbled,
    LinkError,
    Lost,
    MissingKeyError,
    ModelError,
    Problem,
    Refused,
    SettingsError,
)


@pytest.mark.parametrize("kind", [SettingsError, MissingKeyError, DeviceError, ModelError, AudioFileError, LinkError])
def test_one_root_catches_all(kind):
    assert issubclass(kind, AntiphonError)


@pytest.mark.parametrize(
    ("error", "fault", "may_pass"),
    [(LinkError, "lost", True), (Lost, "lost", True), (Refused, "refused", False), (Garbled, "garbled", True)],
)
def test_a_link_error_becomes_a_problem_that_says_whose_fault(error, fault, may_pass):
    problem = error("The key is wrong. Set another").problem()
    assert problem == Problem(fault, "The key is wrong. Set another")
    assert problem.may_pass is may_pass


def test_a_device_error_names_the_device_what_is_wrong_and_the_remedy():
    error = DeviceError("microphone 'USB'", "it is not there", "Plug it in")
    assert str(error) == "microphone 'USB': it is not there. Plug it in"
    assert error.device == "microphone 'USB'"
    assert error.problem() == Problem("device", str(error))
    assert not error.problem().may_pass, "nothing here changes by asking again"


def test_a_problem_is_a_value():
    problem = Problem("lost", "The network is gone")
    assert {problem: 1}[Problem("lost", "The network is gone")] == 1
    assert pickle.loads(pickle.dumps(problem)) == problem
    with pytest.raises(AttributeError):
        problem.sentence = "other"
