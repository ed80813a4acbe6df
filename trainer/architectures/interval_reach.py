"""How far intervals reach, in the measure of a head: another number along the predicted score."""

import dataclasses
import math

import numpy as np
from keras import ops


@dataclasses.dataclass(frozen=True)
class IntervalReach:
    """A number for some predicted scores; between two of them it is interpolated, so that it never jumps.

    Attributes:
      positions: Predicted scores in [0, 1], ascending, as `Head.position` tells them.
      reaches: For each of them, how far an interval reaches there, as `Head.bounds` takes it; infinity for the
        whole scale, then for all.
    """

    positions: tuple[float, ...]
    reaches: tuple[float, ...]

    @classmethod
    def constant(cls, reach: float) -> "IntervalReach":
        """The same for all scores."""
        return cls((0.0,), (reach,))

    @property
    def is_finite(self) -> bool:
        """Whether there were enough reviews to tell it."""
        return all(map(math.isfinite, self.reaches))

    def at(self, positions):
        """Interpolates, float32 [batch] -> [batch]; arrays or tensors, in a graph too.

        >>> np.array(IntervalReach((0.2, 0.4), (1.0, 3.0)).at(np.array([0.0, 0.3, 1.0], np.float32))).tolist()
        [1.0, 2.0, 3.0]
        """
        reach = ops.zeros_like(positions) + np.float32(self.reaches[0])
        for start, end, rise in zip(self.positions, self.positions[1:], np.diff(self.reaches), strict=False):
            reach += np.float32(rise) * ops.clip((positions - start) / max(end - start, 1e-6), 0.0, 1.0)
        return reach
