"""Split conformal prediction: how wide an interval must be to cover a given share of the truths.

With n scores that neither the fit nor early stopping saw, an interval that holds the ceil((n + 1)
share) nearest of them covers an unseen one with at least that probability, whatever the model
(Vovk, Gammerman and Shafer, 2005; Romano, Patterson and Candes, 2019).
"""

import math

import numpy as np

from trainer.architectures.heads import Head
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


def reach(
    head: Head, outputs: np.ndarray, truths: np.ndarray, *, shapes: np.ndarray, calibrates: np.ndarray, share: float
) -> IntervalReach:
    """Finds how far the interval of each predicted score must reach.

    The reviews that `shapes` names tell how the reach varies along the predicted score. By how much more or less it
    must be, everywhere, to hold the promised share is told by those that calibrate: where these are others, what is
    said above holds. Infinite where they are too few.

    Args:
      head: That of the outputs.
      outputs: float32 [reviews, outputs], of reviews that the model did not learn from.
      truths: float32 [reviews], in [0, 1].
      shapes: bool [reviews].
      calibrates: bool [reviews].
      share: How much the interval shall cover, in (0, 1).
    """
    if not calibrates.any():
        return IntervalReach.constant(math.inf)
    positions, conformity = np.array(head.position(outputs)), head.conformity(outputs, truths)
    shape = _shape(positions[shapes], conformity[shapes], share, groups=head.REACHES)
    excess = conformity[calibrates] - np.array(shape.at(positions[calibrates]))
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
