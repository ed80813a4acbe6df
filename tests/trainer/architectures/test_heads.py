"""Scores and intervals read from outputs, against plain numpy on one distribution at a time."""

import numpy as np
import pytest

from trainer.architectures import heads
from trainer.architectures.heads import DistributionHead, PointHead
from trainer.judging import conformal_interval

STARS = DistributionHead.of((np.repeat([1, 2, 3, 4, 5], [3, 1, 2, 6, 8]) - 1) / 4)
PERCENT = DistributionHead.of(np.random.default_rng(0).integers(5, 101, 500) / 100)


def logits(outputs: int, rows: int = 40, seed: int = 1) -> np.ndarray:
    return (np.random.default_rng(seed).normal(size=(rows, outputs)) * 3).astype(np.float32)


def corners(head: DistributionHead, row: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    masses = np.exp(row.astype(np.float64)) / np.exp(row.astype(np.float64)).sum()
    masses = masses @ head.spread
    values = np.array([head.least, *head.values, head.greatest])
    even = (values - head.least) / (head.greatest - head.least)
    return 0.97 * np.concatenate([[0], masses.cumsum() - masses / 2, [1]]) + 0.03 * even, values


def test_points_are_the_mean_scores_of_the_bins():
    assert STARS.points.tolist() == [0, 0.25, 0.5, 0.75, 1]
    assert (STARS.least, STARS.greatest) == (0, 1)
    assert STARS.shares.tolist() == [0.15, 0.05, 0.1, 0.3, 0.4]
    assert (np.diff(PERCENT.points) > 0).all()


def test_the_ends_of_a_bin_of_several_values_have_their_mass():
    """Most scores are 0 or 1, some lie near: the median of a sure answer is the end."""
    head = DistributionHead.of(np.repeat([0, 0.03, 0.06, 0.5, 0.97, 1], [40, 5, 5, 10, 5, 40]))
    assert head.values == pytest.approx([0, 0.03, 0.06, 0.5, 0.97, 1])
    outputs = np.array([[5, 0, -5], [-5, 0, 5]], np.float32)
    assert np.array(head.score(outputs)) == pytest.approx([0, 1], abs=0.01)
    low, high = (np.array(bound) for bound in head.bounds(outputs, 1))
    assert (low[0], high[1]) == (0, 1)


@pytest.mark.parametrize("head", [STARS, PERCENT])
@pytest.mark.parametrize("share", [0.0, 0.03, 0.1, 0.5, 0.77, 1.0])
def test_quantiles_interpolate_the_mid_distribution(head, share):
    outputs = logits(head.outputs)
    expected = [np.interp(share, *corners(head, row)) for row in outputs]
    assert np.array(head.quantiles(outputs, (share,))[:, 0]) == pytest.approx(np.array(expected), abs=1e-5)


def test_a_sure_answer_is_nearly_the_score_itself():
    outputs = np.full((1, 5), -20, np.float32)
    outputs[0, 4] = 20
    assert 0.98 < float(STARS.score(outputs)[0]) <= 1
    outputs[0, 4], outputs[0, 3] = -20, 20
    assert float(STARS.score(outputs)[0]) == pytest.approx(0.75, abs=0.02)


def test_a_score_moves_smoothly_between_neighbouring_stars():
    outputs = np.full((99, 5), -20, np.float32)
    shares = np.arange(1, 100) / 100
    outputs[:, 3], outputs[:, 4] = np.log(1 - shares), np.log(shares)
    scores = np.array(STARS.score(outputs))
    assert (np.diff(scores) > 0).all()
    assert np.diff(scores).max() < 0.01


def test_rounding_moves_no_quantile_far_between_two_modes():
    """Nothing between the lowest and the highest star: a jump from one to the other, but for the even share."""
    outputs = np.full((1, 5), -30, np.float32)
    outputs[0, 0] = outputs[0, 4] = 10
    nudged = outputs + np.array([[3e-6, 0, 0, 0, 0]], np.float32)
    for share in (0.3, 0.5, 0.7):
        gap = float(STARS.quantiles(outputs, (share,))[0, 0]) - float(STARS.quantiles(nudged, (share,))[0, 0])
        assert abs(gap) < 4e-5


@pytest.mark.parametrize("head", [STARS, PERCENT, PointHead()])
def test_an_interval_holds_a_truth_just_when_its_conformity_reaches_that_far(head):
    """Also where the truth is the least or the greatest score, or one of few."""
    outputs = logits(head.outputs, 300)
    truths = np.random.default_rng(5).choice([0, 0.25, 0.5, 0.75, 1], 300).astype(np.float32)
    conformity = np.array(head.conformity(outputs, truths))
    assert (conformity >= 0).all()
    for threshold in (0.05, 0.5, 1, 3):
        low, high = (np.array(bound) for bound in head.bounds(outputs, threshold))
        inside = (low <= truths) & (truths <= high)
        sure = np.abs(conformity - threshold) > 1e-3
        assert (inside == (conformity <= threshold))[sure].all()
        assert (low <= np.array(head.score(outputs))).all()
        assert (np.array(head.score(outputs)) <= high).all()


def test_spreads_are_the_quartiles_within_limits():
    outputs = logits(STARS.outputs, 200)
    below, above = (np.array(side) for side in STARS.spreads(outputs))
    quartiles = [np.interp([0.25, 0.5, 0.75], *corners(STARS, row)) for row in outputs]
    for found, expected in ((below, [q[1] - q[0] for q in quartiles]), (above, [q[2] - q[1] for q in quartiles])):
        assert found == pytest.approx(np.clip(expected, 0.03, 0.1), abs=1e-5)
        assert len(np.unique(found)) > 10


@pytest.mark.parametrize("head", [STARS, PERCENT, PointHead()])
def test_the_rows_that_calibrate_lie_inside_up_to_the_threshold(head):
    outputs = logits(head.outputs, 101)
    truths = np.random.default_rng(5).choice([0, 0.25, 0.5, 0.75, 1], 101).astype(np.float32)
    threshold = conformal_interval.threshold(np.array(head.conformity(outputs, truths)), 0.8)
    low, high = (np.array(bound) for bound in head.bounds(outputs, threshold))
    assert ((low <= truths) & (truths <= high)).sum() >= 82  # ceil(102 * 0.8)


@pytest.mark.parametrize("head", [STARS, PERCENT, PointHead()])
def test_with_too_few_rows_the_interval_is_the_whole_range(head):
    low, high = head.bounds(logits(head.outputs), np.inf)
    assert (np.array(low) == 0).all()
    assert (np.array(high) == 1).all()


def test_scores_that_are_all_the_same_are_no_error():
    head = DistributionHead.of(np.full(7, 0.3))
    outputs = np.zeros((2, head.outputs), np.float32)
    assert np.array(head.score(outputs)) == pytest.approx([0.3, 0.3])
    assert np.array(head.loss(np.full((2, 1), 0.3, np.float32), outputs)).tolist() == [0, 0]


def test_the_loss_is_that_of_the_thresholds():
    outputs, truths = logits(5, 6), np.array([0.0, 0.0, 0.25, 0.5, 0.75, 1.0], np.float32)
    bins = [0, 0, 1, 2, 3, 4]
    expected = []
    for row, place in zip(outputs.astype(np.float64), bins, strict=True):
        below = (np.exp(row) / np.exp(row).sum()).cumsum()[:-1]
        right = np.where(np.arange(4) >= place, below, 1 - below)
        expected.append(-2.5 * np.log(right + 1e-6).sum())  # Two bins and a half from star to star.
    assert np.array(STARS.loss(truths[:, None], outputs)) == pytest.approx(np.array(expected), rel=1e-3)


def test_a_near_miss_costs_less_than_a_far_one():
    outputs = np.full((1, 5), -4, np.float32)
    outputs[0, 2] = 4
    near, far = (float(STARS.loss(np.array([[truth]], np.float32), outputs)[0]) for truth in (0.75, 1.0))
    assert far > 2 * near


@pytest.mark.parametrize("head", [STARS, PERCENT, PointHead()])
def test_slopes_add_up_to_what_they_explain(head):
    outputs, constants = logits(head.outputs), logits(head.outputs, 1, seed=9)[0]
    slopes = np.array(head.slopes(outputs, constants))
    added = ((outputs - constants) * slopes).sum(axis=1)
    start = float(head.explained(constants[None])[0])
    assert start + added == pytest.approx(np.array(head.explained(outputs)), abs=1e-4)


def test_the_point_head_clips_its_score():
    assert np.array(PointHead().score(np.array([[-0.5], [0.3], [1.5]], np.float32))) == pytest.approx([0, 0.3, 1])
    assert heads.PointHead().outputs == 1
