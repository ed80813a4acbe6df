"""Rates that leave start-up out, and two of them compared."""

import dataclasses
import logging
import math
import statistics
from collections.abc import Callable, Hashable
from typing import TypeVar

logger = logging.getLogger("benchmarks")
Key = TypeVar("Key", bound=Hashable)
Value = TypeVar("Value")


# Less than this is lost in the differences between two start-ups.
FEWEST_SECONDS = 2


def steady_rate(rows: tuple[int, int], seconds: tuple[float, float]) -> float:
    """Rows a second between a few rows and many, so that what both took alike drops out.

    NaN where the many took hardly longer: too few to tell.

    >>> steady_rate((1000, 5000), (12.0, 22.0))
    400.0
    """
    more = seconds[1] - seconds[0]
    return (rows[1] - rows[0]) / more if more >= FEWEST_SECONDS else math.nan


@dataclasses.dataclass(frozen=True)
class Figure:
    """Something that was measured some times.

    Attributes:
      name: What.
      unit: Such as "reviews/s".
      values: Each measurement; none where it could not be measured.
      sample: On what, or why not.
    """

    name: str
    unit: str
    values: list[float]
    sample: str

    @property
    def median(self) -> float:
        """NaN where there is none, or where one is NaN."""
        if not self.values or any(map(math.isnan, self.values)):
            return math.nan
        return statistics.median(self.values)


@dataclasses.dataclass(frozen=True)
class Comparison:
    """Ours against a baseline, and what is wanted of the ratio.

    Attributes:
      ours: A rate, or a time.
      baseline: The same of the baseline.
      wanted: A bound of ours / baseline.
      at_most: Whether it is an upper one, as for times.
    """

    ours: Figure
    baseline: Figure
    wanted: float
    at_most: bool = False

    @property
    def ratio(self) -> float:
        return self.ours.median / self.baseline.median

    @property
    def reached(self) -> bool | None:
        """None where the ratio is not known."""
        if math.isnan(self.ratio):
            return None
        return self.ratio <= self.wanted if self.at_most else self.ratio >= self.wanted


def interleave(measures: dict[Key, Callable[[], Value]], repeats: int) -> dict[Key, list[Value]]:
    """Measures one after the other, again and again, so that what else the machine does falls on all of them."""
    found: dict[Key, list[Value]] = {name: [] for name in measures}
    for repeat in range(repeats):
        for name, measure in measures.items():
            found[name].append(measure())
            if isinstance(found[name][-1], float):
                logger.info("%s, %d of %d: %.4g", name, repeat + 1, repeats, found[name][-1])
    return found


def between(rows: tuple[int, int]) -> str:
    """What a steady rate comes from, for the table."""
    return f"{rows[0]:,} to {rows[1]:,} reviews"
