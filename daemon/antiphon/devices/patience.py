"""Tries again what could not be had, on a thread of its own: a line, a bus. It knows none of them."""

import threading
from collections.abc import Callable, Iterable
from itertools import chain, repeat

ENDS_S = 2.0
WAITS_S = (5.0,) * 12
"""Before each of the first attempts; what a minute has not brought is tried once a minute from then on."""
AT_LAST_S = 60.0


class Patience:
    """One thing that is wanted. Its thread lives from `begin` until the attempt has worked, or until `end`."""

    def __init__(self, name: str, attempt: Callable[[], bool], waits_s: Iterable[float] = WAITS_S) -> None:
        """`attempt` says whether it has worked; `name` names the thread."""
        self._attempt = attempt
        self._waits_s = chain(waits_s, repeat(AT_LAST_S))
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    def begin(self) -> None:
        """Try, after a first wait; only once in its life."""
        self._thread.start()

    def end(self) -> None:
        """Try no more, and wait for an attempt under way; idempotent."""
        self._ended.set()
        if self._thread.is_alive():
            self._thread.join(ENDS_S)

    def _run(self) -> None:
        for wait_s in self._waits_s:
            if self._ended.wait(wait_s) or self._attempt():
                return
