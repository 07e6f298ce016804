"""What a check found, and a way to try something that may never come back."""

import threading
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Literal, TypeAlias, TypeVar

from antiphon.errors import AntiphonError, Problem

T = TypeVar("T")
Verdict: TypeAlias = Literal["ok", "warn", "fail", "skip"]
"""warn: it works, but look at it; fail: the appliance will not; skip: not tried, as something else comes first."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One check's outcome. `remedy` is what to do next; it is never empty where the verdict is "fail"."""

    check: str
    verdict: Verdict
    says: str
    remedy: str = ""

    @classmethod
    def of_problem(cls, check: str, problem: Problem) -> "Finding":
        """A failure; the house's sentences read "what is wrong: what to do"."""
        says, _, remedy = problem.sentence.partition(": ")
        return cls(check, "fail", says, remedy or "see the log: journalctl -u antiphon")


def in_time(work: Callable[[], T], limit_s: float) -> T:
    """What `work` returns or raises (OSError, UnicodeError, AntiphonError); TimeoutError when it takes too long.

    It runs on a thread of its own, which is then abandoned: neither a resolver nor a sound driver can be told to stop.
    """
    outcome: Future[T] = Future()

    def run() -> None:
        try:
            result = work()
        except (OSError, UnicodeError, AntiphonError) as error:
            outcome.set_exception(error)
        else:
            outcome.set_result(result)

    threading.Thread(target=run, name="check", daemon=True).start()
    return outcome.result(limit_s)
