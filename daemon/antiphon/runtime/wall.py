"""Floor 4. The clock on the wall, where it can be believed. Everything else here lives by the monotonic one."""

import time
from collections.abc import Callable
from datetime import datetime

FIRST_YEAR = 2025
"""This program is no older: a clock that says less was never set, as on a Pi that has not met a time server yet."""


def second_of_day(read: Callable[[], time.struct_time] = time.localtime) -> int | None:
    """How many seconds of the local day are over; None while the clock has not been set.

    The time zone is looked up anew, so that a change of it needs no new start.
    """
    time.tzset()
    now = read()
    return None if now.tm_year < FIRST_YEAR else (now.tm_hour * 60 + now.tm_min) * 60 + now.tm_sec


def local_time(read: Callable[[], datetime] = lambda: datetime.now().astimezone()) -> datetime | None:
    """The local time with its zone, looked up anew; None while the clock has not been set."""
    time.tzset()
    now = read()
    return None if now.year < FIRST_YEAR else now
