"""Another try for tests of real time, where the host had more to do than it has processors."""

import functools
import os

TRIES = 3


def busy() -> bool:
    """More programs want to run than there are processors: a machine in software is late then, its card overruns."""
    return os.getloadavg()[0] > (os.cpu_count() or 1)


def when_busy_again(test):
    """On an idle host a test fails at once; on a busy one it may be tried again, and the table says so."""

    @functools.wraps(test)
    def tried(*args, **kwargs):
        table, appliance = kwargs["table"], kwargs["appliance"]
        for number in range(1, TRIES + 1):
            try:
                return test(*args, **kwargs)
            except AssertionError as failure:
                if number == TRIES or not busy():
                    raise
                table.note(f"{test.__name__}, try {number}, host busy: {str(failure).splitlines()[0][:160]}")
                appliance.as_it_was()
        return None

    return tried
