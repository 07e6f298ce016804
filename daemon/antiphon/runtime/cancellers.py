"""Floor 4. An echo canceller that may fail: found in time, made when first needed, and kept over capture streams.

Where it is missing or gives up, its failure is a value: whoever listens goes on without it.
"""

from typing import Protocol

from antiphon.errors import AntiphonError, Problem
from antiphon.pcm import Samples
from antiphon.ports import EchoCanceller


class CancellerMaker(Protocol):
    """As a rule the very class of an EchoCanceller (devices/)."""

    def __call__(self, rate_hz: int, /) -> EchoCanceller:
        """A canceller for a rate. Raises AntiphonError when it cannot be had."""

    def seek(self) -> None:
        """Find what it needs, without loading much. Raises AntiphonError when it is missing."""


class SpareCanceller:
    """One canceller at one rate, of which each failure is final. Owned by the ear's thread."""

    def __init__(self, maker: CancellerMaker, rate_hz: int) -> None:
        """It is only looked for, not made."""
        self._maker, self._rate_hz = maker, rate_hz
        self._canceller: EchoCanceller | None = None
        self._used = False  # since it last forgot
        self.problem: Problem | None = None
        """Why it cannot be used, once that is known."""
        try:
            maker.seek()
        except AntiphonError as error:
            self._fail(error)

    def cancel(self, near: Samples, far: Samples) -> Samples | None:
        """See ports.EchoCanceller; made now if it was not. None when it cannot be used."""
        if self.problem is not None:
            return None
        self._used = True
        try:
            self._canceller = self._canceller or self._maker(self._rate_hz)
            return self._canceller.cancel(near, far)
        except AntiphonError as error:
            self._fail(error)
            return None

    def forget(self) -> None:
        """See ports.EchoCanceller; nothing to do where nothing was heard."""
        if self._canceller is None or not self._used:
            return
        self._used = False
        try:
            self._canceller.forget()
        except AntiphonError as error:
            self._fail(error)

    def _fail(self, error: AntiphonError) -> None:
        self._canceller, self.problem = None, Problem("device", str(error))
