"""A finding always has a remedy when it is a failure, and no check waits for ever."""

import threading

import pytest

from antiphon.checkup.finding import Finding, in_time
from antiphon.errors import DeviceError, Problem


def test_a_problem_is_split_into_what_is_wrong_and_what_to_do():
    finding = Finding.of_problem("port", Problem("lost", "nothing listens at x: see that it runs: now"))
    assert finding == Finding("port", "fail", "nothing listens at x", "see that it runs: now")


def test_a_problem_without_advice_gets_some():
    assert Finding.of_problem("port", Problem("lost", "it broke")).remedy


def test_what_works_gives_its_result():
    assert in_time(lambda: 7, 10) == 7


@pytest.mark.parametrize("error", [OSError("cable"), UnicodeError("label"), DeviceError("mic", "gone", "Find it")])
def test_what_fails_raises_as_it_would_have(error):
    def fail():
        raise error

    with pytest.raises(type(error)) as raised:
        in_time(fail, 10)
    assert raised.value is error


def test_what_hangs_is_abandoned():
    never = threading.Event()
    with pytest.raises(TimeoutError):
        in_time(never.wait, 0.01)
    never.set()
