import math

import numpy as np
import pytest

from trainer.architectures.distribution_head import DistributionHead
from trainer.architectures.heads import Head, PointHead
from trainer.architectures.interval_reach import IntervalReach
from trainer.judging import conformal_interval
from trainer.judging.conformal_interval import Calibration


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


def reach_of(head: Head, outputs: np.ndarray, truths: np.ndarray, **rows: np.ndarray) -> IntervalReach:
    """How far intervals of 80% reach."""
    positions, conformity = np.array(head.position(outputs)), head.conformity(outputs, truths)
    return Calibration(positions, conformity, **rows, groups=head.REACHES).reach(0.8)


def stars(rows: int, seed: int) -> tuple[DistributionHead, np.ndarray, np.ndarray]:
    """Distributions over five stars, sure and less sure ones, and truths drawn from them."""
    random = np.random.default_rng(seed)
    head = DistributionHead.of(random.choice([0, 0.25, 0.5, 0.75, 1], 500))
    outputs = (random.normal(size=(rows, 5)) * random.uniform(0.2, 4, (rows, 1))).astype(np.float32)
    drawn = (np.array(head.masses(outputs)).cumsum(axis=1) < random.random((rows, 1))).sum(axis=1).clip(max=4)
    return head, outputs, head.values[drawn].astype(np.float32)


def test_each_third_of_the_scores_is_covered_alike():
    head, outputs, truths = stars(4_000, 0)
    learned = np.arange(4_000) < 2_000
    reach = reach_of(head, outputs[learned], truths[learned], shapes=learned[learned], calibrates=learned[learned])
    outputs, truths = outputs[~learned], truths[~learned]
    low, high = (np.array(bound) for bound in head.bounds(outputs, reach.at(np.array(head.position(outputs)))))
    covered = (low <= truths) & (truths <= high)
    assert covered.mean() == pytest.approx(0.8, abs=0.03)
    for third in np.array_split(np.argsort(np.array(head.score(outputs)), kind="stable"), 3):
        assert covered[third].mean() == pytest.approx(0.8, abs=0.06)
    gaps = np.abs(np.array(head.score(outputs)) - truths)
    assert (high - low).mean() < 2 * np.sort(gaps)[len(gaps) * 8 // 10]


def test_only_what_calibrates_tells_how_far_it_reaches_in_all():
    """The others tell the shape: were they further off everywhere, the interval would be the same."""
    truths = np.linspace(0.1, 0.9, 40).astype(np.float32)
    outputs = (truths[:, np.newaxis] + np.tile([0.1, -0.2], 20)[:, np.newaxis]).astype(np.float32)
    first = np.arange(40) % 2 == 0
    reach = reach_of(PointHead(), outputs, truths, shapes=~first, calibrates=first)
    assert reach.reaches == pytest.approx((0.1,), abs=1e-6)


def test_with_too_few_rows_it_is_infinite():
    nothing = np.zeros(3, bool)
    outputs, truths = np.zeros((3, 1), np.float32), np.zeros(3, np.float32)
    for calibrates in (nothing, ~nothing):
        found = reach_of(PointHead(), outputs, truths, shapes=~nothing, calibrates=calibrates)
        assert not found.is_finite
