"""A canceller is made once, when it is needed, and its failure is told, and no end of anything."""

import numpy as np
import pytest

from antiphon.devices.echo_speex import SpeexEchoCanceller
from antiphon.errors import DeviceError
from antiphon.pcm import Samples
from antiphon.runtime.cancellers import SpareCanceller

RATE = 16_000
SOUND = np.ones(160, np.int16)


class Maker:
    """Makes itself; fails where `fails` says: "seek", "make", "cancel" or "forget"."""

    rate_hz, late_frames = RATE, 0

    def __init__(self, fails: str = "") -> None:
        self.fails = fails
        self.calls: list[str] = []

    def _do(self, what: str) -> None:
        self.calls.append(what)
        if what == self.fails:
            raise DeviceError("echo cancellation", f"cannot {what}", "Install it")

    def seek(self) -> None:
        self._do("seek")

    def __call__(self, rate_hz: int, /) -> "Maker":
        assert rate_hz == RATE
        self._do("make")
        return self

    def cancel(self, near: Samples, far: Samples) -> Samples:
        self._do("cancel")
        return near - far

    def forget(self) -> None:
        self._do("forget")


def test_it_is_found_first_made_when_needed_and_kept() -> None:
    maker = Maker()
    canceller = SpareCanceller(maker, RATE)
    canceller.forget()
    assert maker.calls == ["seek"]
    for _ in range(2):
        left = canceller.cancel(SOUND, SOUND)
        assert left is not None
        assert not left.any()
        canceller.forget()
        canceller.forget()  # nothing was heard in between
    assert maker.calls == ["seek", "make", "cancel", "forget", "cancel", "forget"]
    assert canceller.problem is None


@pytest.mark.parametrize("what", ["seek", "make", "cancel", "forget"])
def test_what_fails_is_told_and_never_tried_again(what: str) -> None:
    maker = Maker(what)
    canceller = SpareCanceller(maker, RATE)
    assert (canceller.problem is not None) is (what == "seek")
    assert (canceller.cancel(SOUND, SOUND) is not None) is (what == "forget")
    canceller.forget()
    assert canceller.problem is not None
    assert canceller.problem.sentence == f"echo cancellation: cannot {what}. Install it"
    tried = list(maker.calls)
    assert canceller.cancel(SOUND, SOUND) is None
    canceller.forget()
    assert maker.calls == tried


def test_the_class_of_a_canceller_is_its_maker() -> None:
    canceller = SpareCanceller(SpeexEchoCanceller, RATE)
    assert canceller.cancel(SOUND, SOUND) is not None
