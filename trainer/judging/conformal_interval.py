"""Split conformal prediction: how wide an interval must be to cover a given share of the truths.

With n scores that neither the fit nor early stopping saw, an interval that holds the ceil((n + 1)
share) nearest of them covers an unseen one with at least that probability, whatever the model
(Vovk, Gammerman and Shafer, 2005; Romano, Patterson and Candes, 2019).
"""

import math

import numpy as np


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
