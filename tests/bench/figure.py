"""What a figure is: a function that measures and returns rows. `@figure` enters it under its own name.

The percentile is by nearest rank, so it is always one of the values that were seen.
"""

import math
import statistics
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TypeAlias


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table. All figures are such that less is better."""

    name: str
    """The figure's name, or that, a point, and which part of it."""
    unit: str
    median: float
    p95: float
    n: int
    """How many measurements the two are of; of a count, how many chances there were."""
    reach: float | None = None
    """What `p95` is to reach, at most; None is for orientation only."""

    @property
    def met(self) -> bool | None:
        """Whether it reaches what it is to reach."""
        return None if self.reach is None else self.p95 <= self.reach


@dataclass(frozen=True, slots=True)
class Plan:
    """What was asked for on the command line."""

    alone: bool = False
    """The figure was asked for by name: it may take its time."""
    hours: float | None = None
    """How long `idle_hour` listens."""


Figure: TypeAlias = Callable[[Plan], Iterable[Row]]

FIGURES: dict[str, Figure] = {}
"""By name, in the order in which they were read."""


def figure(measure: Figure) -> Figure:
    """Enter `measure` under its own name; rows of other figures cannot be asked for by it."""
    assert measure.__name__ not in FIGURES, f"there are two figures {measure.__name__}"
    FIGURES[measure.__name__] = measure
    return measure


def measured(name: str, unit: str, values: Sequence[float], reach: float | None = None) -> Row:
    """A row of several measurements."""
    if not values:
        raise ValueError(f"{name}: nothing was measured")
    ranked = sorted(values)
    p95 = ranked[math.ceil(0.95 * len(ranked)) - 1]
    return Row(name, unit, statistics.median(ranked), p95, len(ranked), reach)


def counted(name: str, unit: str, value: float, n: int, reach: float | None = None) -> Row:
    """A row of one number: a count in `n` chances, or a total over `n` parts."""
    return Row(name, unit, value, value, n, reach)
