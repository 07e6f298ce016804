"""Floor 1. How bright the lamps are by the clock on the wall: less at night. The time of day is an argument."""

from dataclasses import dataclass

DAY_S = 24 * 60 * 60


@dataclass(frozen=True, slots=True)
class Night:
    """From `begins_s` until `ends_s`, in seconds of the local day, over midnight if need be; the same means never."""

    begins_s: int
    ends_s: int

    @classmethod
    def between(cls, begins: str, ends: str) -> "Night":
        """From times as "22:00" and "07:00"."""
        return cls(_seconds(begins), _seconds(ends))

    def holds(self, second: int) -> bool:
        """Whether it is night at this second of the local day."""
        return (second - self.begins_s) % DAY_S < (self.ends_s - self.begins_s) % DAY_S

    def changes_in_s(self, second: int) -> int:
        """How many seconds later it begins or ends next, if nobody moves the clock; 1 to a day."""
        return min((edge_s - second - 1) % DAY_S + 1 for edge_s in (self.begins_s, self.ends_s))


@dataclass(frozen=True, slots=True)
class Brightness:
    """How bright the lamps are, 0 to 1."""

    by_day: float
    by_night: float = 0.0
    night: Night | None = None

    def at(self, second: int | None) -> float:
        """At this second of the local day; by day while that is not known, as the lamps then must not stay dark."""
        dim = self.night is not None and second is not None and self.night.holds(second)
        return self.by_night if dim else self.by_day


def _seconds(time: str) -> int:
    hours, minutes = time.split(":")
    return (int(hours) * 60 + int(minutes)) * 60
