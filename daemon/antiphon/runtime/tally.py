"""Floor 4. What was lost since the last look: counters become lines of the log. Pure."""

from collections.abc import Mapping


class Tally:
    """Compares each look at some counters with the one before it."""

    def __init__(self) -> None:
        self._last: dict[str, int] = {}

    def grown(self, now: Mapping[str, int]) -> dict[str, int]:
        """How far each counter has grown; those that have not are left out.

        A counter that is less than it was has begun anew, with its device.
        """
        growth = {
            name: count - (last if count >= (last := self._last.get(name, 0)) else 0) for name, count in now.items()
        }
        self._last = dict(now)
        return {name: count for name, count in growth.items() if count}
