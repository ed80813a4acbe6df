"""What is measured against a bound."""

import dataclasses


@dataclasses.dataclass(frozen=True)
class Bound:
    """A figure, and what it may be.

    Attributes:
      name: What was measured.
      value: The figure.
      wanted: Its bound.
      unit: Of both; "" of a ratio.
      at_least: Whether it is a lower bound.
      detail: What the figure comes from.
    """

    name: str
    value: float
    wanted: float
    unit: str = ""
    at_least: bool = False
    detail: str = ""

    @property
    def holds(self) -> bool:
        """Of a figure that is no number, it does not."""
        return self.value >= self.wanted if self.at_least else self.value <= self.wanted

    @property
    def line(self) -> str:
        """The bound in words.

        >>> print(Bound("gs://, one.csv", 1.234, 1.3, detail="2 readings").line)
        gs://, one.csv: 1.23, at most 1.3 (2 readings)
        >>> print(Bound("two workers", 1.5, 1.8, unit="times", at_least=True).line)
        two workers: 1.5 times, at least 1.8 times: MISSED
        """
        unit = f" {self.unit}" if self.unit else ""
        wanted = f"{'at least' if self.at_least else 'at most'} {self.wanted:g}{unit}"
        detail = f" ({self.detail})" if self.detail else ""
        return f"{self.name}: {self.value:.3g}{unit}, {wanted}{'' if self.holds else ': MISSED'}{detail}"
