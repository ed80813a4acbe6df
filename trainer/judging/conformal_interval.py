"""Split conformal prediction: how wide an interval must be to cover a given share of the truths.

With n scores that neither the fit nor early stopping saw, an interval that holds the ceil((n + 1)
share) nearest of them covers an unseen one with at least that probability, whatever the model
(Vovk, Gammerman and Shafer, 2005; Romano, Patterson and Candes, 2019).
"""

import dataclasses
import math

import numpy as np

from trainer.architectures.interval_reach import IntervalReach

# The fewest reviews by which the reach of a part of the scores is found apart.
ROWS_OF_GROUP = 100


def threshold(conformity: np.ndarray, share: float) -> float:
    """Returns the conformity up to which a score belongs to the interval; infinity where there are too few rows.

    Args:
      conformity: How far each calibration row's truth lies from its score, [rows].
      share: How much the interval shall cover, in (0, 1).

    >>> threshold(np.array([3, 1, 2, 4]), 0.8), threshold(np.array([3, 1, 2]), 0.8)
    (4.0, inf)
    """
    # A rounding error must not cost a rank: 100 * 0.07 comes out above 7.
    rank = math.ceil((len(conformity) + 1) * share - 1e-9)
    return float(np.sort(conformity)[rank - 1]) if rank <= len(conformity) else math.inf


@dataclasses.dataclass(frozen=True)
class Calibration:
    """What reviews that the model did not learn from say of its interval.

    Attributes:
      positions: float32 [reviews], see `Head.position`.
      conformity: float [reviews], see `Head.conformity`.
      shapes: bool [reviews], which tell how the reach varies along the predicted score.
      calibrates: bool [reviews], which tell by how much more or less it must be everywhere: where these are others,
        what is said above holds.
      groups: For so many parts of the predicted scores at most the reach is found apart.
    """

    positions: np.ndarray
    conformity: np.ndarray
    shapes: np.ndarray
    calibrates: np.ndarray
    groups: int

    def reach(self, share: float) -> IntervalReach:
        """Finds how far the interval of each predicted score must reach to cover a share, in (0, 1), of the truths.

        Infinitely far where too few reviews calibrate it.
        """
        if not self.calibrates.any():
            return IntervalReach.constant(math.inf)
        shape = _shape(self.positions[self.shapes], self.conformity[self.shapes], share, groups=self.groups)
        excess = self.conformity[self.calibrates] - np.array(shape.at(self.positions[self.calibrates]))
        added = threshold(excess, share)
        return IntervalReach(shape.positions, tuple(float(value + added) for value in shape.reaches))


def _shape(positions: np.ndarray, conformity: np.ndarray, share: float, *, groups: int) -> IntervalReach:
    """The threshold of each of a few groups of reviews, of neighbouring predicted scores and equal count."""
    groups = min(len(positions) // ROWS_OF_GROUP, groups)
    if groups < 2:
        return IntervalReach.constant(0.0)
    parts = np.array_split(np.argsort(positions, kind="stable"), groups)
    found = IntervalReach(
        tuple(float(positions[part].mean()) for part in parts),
        tuple(threshold(conformity[part], share) for part in parts),
    )
    return found if found.is_finite else IntervalReach.constant(0.0)
