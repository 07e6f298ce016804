"""Keeps native libraries from chattering on standard error while they start. It knows none of them."""

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager

_one_at_a_time = threading.Lock()


@contextmanager
def no_stderr() -> Iterator[None]:
    """File descriptor 2 leads nowhere inside: PortAudio prints dozens of lines while it looks for sound systems.

    Other threads' lines go with them, so keep it short; the appliance's log has a descriptor of its own.
    """
    with _one_at_a_time:
        kept = os.dup(2)
        nowhere = os.open(os.devnull, os.O_WRONLY)
        try:
            os.dup2(nowhere, 2)
            yield
        finally:
            os.dup2(kept, 2)
            os.close(nowhere)
            os.close(kept)
