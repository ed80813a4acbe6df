import math

import numpy as np
import pytest

from trainer.judging import conformal_interval


@pytest.mark.parametrize(
    ("rows", "share", "place"),
    [(4, 0.8, 4), (9, 0.8, 8), (9, 0.5, 5), (99, 0.9, 90), (100, 0.8, 81), (3, 0.8, None), (0, 0.8, None)],
)
def test_the_threshold_counts_one_row_more_than_there_are(rows, share, place):
    conformity = np.random.default_rng(0).permutation(rows) + 1.0
    assert conformal_interval.threshold(conformity, share) == (math.inf if place is None else place)


def test_ties_are_covered_too():
    assert conformal_interval.threshold(np.array([0.0, 0, 0, 0, 1]), 0.5) == 0


@pytest.mark.parametrize("rows", [4, 20, 150])
def test_it_covers_unseen_rows_as_often_as_promised(rows):
    """Over many draws: at least the share, and at most one part in rows + 1 more."""
    random = np.random.default_rng(0)
    covered = []
    for _ in range(4000):
        drawn = random.exponential(size=rows + 1)
        covered.append(drawn[-1] <= conformal_interval.threshold(drawn[:-1], 0.8))
    assert 0.8 - 0.02 <= np.mean(covered) <= 0.8 + 1 / (rows + 1) + 0.02
