"""The archive's own unit of score: how it is read, its range, its ten bins, and [0, 1] inside the model."""

import dataclasses
import math
from typing import Any

import numpy as np

BINS = 10
# In lower case: what pandas, R, Python, spreadsheets and databases write where there is no number.
NOTHING = frozenset(
    ["", "nan", "-nan", "null", "(null)", "nil", "none", "nat", "na", "n/a", "n.a.", "<na>", "#na", "#n/a", "#n/a n/a"]
) | frozenset([r"\n", "1.#ind", "-1.#ind", "1.#qnan", "-1.#qnan"])


@dataclasses.dataclass(frozen=True)
class Scale:
    """The range of the scores.

    Attributes:
      low: The lowest possible score, in the archive's unit.
      high: The highest.
    """

    low: float
    high: float

    @property
    def span(self) -> float:
        return self.high - self.low

    def edges(self) -> np.ndarray:
        """The inner edges of ten equal bins, float64 [9].

        Each lies a millionth of the range above its nominal place, so that a score on an edge
        falls into the bin below it even after rounding to float32.
        """
        return np.linspace(self.low, self.high, BINS + 1)[1:-1] + 1e-6 * self.span

    def bins(self, scores: np.ndarray) -> np.ndarray:
        """The bin of each score, int [batch] in [0, 9]; bins are closed on the right.

        >>> Scale(0, 100).bins(np.array([0, 10, 10.5, 30, 100])).tolist()
        [0, 0, 1, 2, 9]
        """
        return np.searchsorted(self.edges(), scores, side="left")

    def to_unit(self, scores):
        """From the archive's unit to [0, 1]."""
        return (scores - self.low) / self.span

    def from_unit(self, shares):
        """From [0, 1] to the archive's unit."""
        return shares * self.span + self.low


def parse_score(raw: Any) -> float:
    """Reads a number as it was written; NaN where none was.

    >>> [parse_score(raw) for raw in ("85", " 8.5 ", 3, "good", "true", "1_0")]
    [85.0, 8.5, 3.0, nan, nan, nan]
    """
    # Python reads True as 1 and "1_0" as 10; no archive means that.
    if isinstance(raw, bool) or (isinstance(raw, str) and "_" in raw):
        return math.nan
    try:
        return float(raw)
    except (TypeError, ValueError, OverflowError):  # JSON has integers of any length.
        return math.nan


def is_blank(value: object) -> bool:
    r"""Whether no score was written: null, white space alone, or what programs write for nothing.

    >>> [is_blank(value) for value in (None, " ", "NaN", float("nan"), r"\N", "0", "inf")]
    [True, True, True, True, True, False, False]
    """
    if isinstance(value, str):
        return value.strip().lower() in NOTHING
    return value is None or (isinstance(value, float) and math.isnan(value))
