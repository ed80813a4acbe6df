"""Scores and intervals read from distributions, against plain numpy on one distribution at a time."""

import dataclasses

import numpy as np
import pytest

from trainer.architectures.distribution_head import Branch, DistributionHead

STARS = DistributionHead.of((np.repeat([1, 2, 3, 4, 5], [3, 1, 2, 6, 8]) - 1) / 4)
PERCENT = DistributionHead.of(np.random.default_rng(0).integers(5, 101, 500) / 100)
REAL = DistributionHead.of(np.random.default_rng(3).beta(2, 1, 5_000))
TWO = dataclasses.replace(STARS, branches=(Branch(0.7, 0.8), Branch(0.3, 1.5)))
HEADS = pytest.mark.parametrize("head", [STARS, PERCENT, REAL, TWO])


def logits(head: DistributionHead, rows: int = 40, seed: int = 1) -> np.ndarray:
    return (np.random.default_rng(seed).normal(size=(rows, head.outputs)) * 3).astype(np.float32)


def logits_of(masses: list[list[float]]) -> np.ndarray:
    return np.log(np.array(masses) + 1e-12).astype(np.float32)


def masses_of_values(head: DistributionHead, row: np.ndarray) -> np.ndarray:
    """The distribution over the values, float64 [values], of a review's outputs."""
    mixed = np.zeros(len(head.points))
    for branch, part in zip(head.branches, np.split(row.astype(np.float64), len(head.branches)), strict=True):
        powers = np.exp(part / branch.temperature)
        mixed += branch.weight * powers / powers.sum()
    return mixed @ head.spread


def plain_quantile(head: DistributionHead, row: np.ndarray, share: float) -> float:
    return head.values[np.searchsorted(masses_of_values(head, row).cumsum(), share - 1e-12)]


def test_points_are_the_mean_scores_of_the_bins():
    assert STARS.points.tolist() == [0, 0.25, 0.5, 0.75, 1]
    assert STARS.shares.tolist() == [0.15, 0.05, 0.1, 0.3, 0.4]
    assert (np.diff(PERCENT.points) > 0).all()


def test_a_bin_of_many_values_is_one_of_groups_of_them():
    assert len(REAL.values) > 150
    assert (np.diff(REAL.values) > 0).all()
    assert REAL.spread.sum(axis=1) == pytest.approx(np.ones(10))


@HEADS
def test_the_score_is_the_mean_of_the_quantiles_around_the_median(head):
    outputs = logits(head)
    levels = 0.48 + 0.04 * (np.arange(2_000) + 0.5) / 2_000
    expected = [np.mean([plain_quantile(head, row, level) for level in levels]) for row in outputs]
    assert np.array(head.score(outputs)) == pytest.approx(np.array(expected), abs=1e-3)


def test_a_clear_median_is_the_score_itself():
    outputs = logits_of([[0.1, 0.1, 0.1, 0.3, 0.4], [0.1, 0.1, 0.4, 0.2, 0.2], [0.6, 0.1, 0.1, 0.1, 0.1]])
    assert np.array(STARS.score(outputs)) == pytest.approx([0.75, 0.5, 0], abs=1e-6)


def test_a_score_moves_along_a_ramp_from_one_star_to_the_next():
    shares = np.arange(0.46, 0.54, 0.001)
    scores = np.array(STARS.score(logits_of([[0, 0, 0, share, 1 - share] for share in shares])))
    assert (scores[0], scores[-1]) == (1, 0.75)
    assert (np.diff(scores) <= 1e-6).all()
    assert np.abs(np.diff(scores)).max() < 0.01


def test_rounding_moves_no_score_far_between_two_modes():
    """Nothing between the lowest and the highest star, and as much mass in each."""
    for nudge in (-1e-7, 1e-7):
        exact, nudged = (
            float(STARS.score(logits_of([[0.5 + change, 0, 0, 0, 0.5 - change]]))[0]) for change in (0, nudge)
        )
        assert abs(exact - nudged) < 1e-5


def test_the_score_errs_as_little_as_the_plain_median():
    """Of many distributions over stars, and truths drawn from them."""
    outputs, random = logits(STARS, 20_000), np.random.default_rng(7)
    masses = np.array([masses_of_values(STARS, row) for row in outputs])
    truths = STARS.values[(masses.cumsum(axis=1) < random.random((len(masses), 1))).sum(axis=1).clip(max=4)]
    plain = STARS.values[(masses.cumsum(axis=1) < 0.5).sum(axis=1)]
    error = np.abs(np.array(STARS.score(outputs)) - truths).mean()
    assert error == pytest.approx(np.abs(plain - truths).mean(), rel=0.005)


def test_branches_are_averaged_by_their_weights():
    sure = logits_of([[1, 0, 0, 0, 0, 0, 0, 0, 0, 1]])
    head = dataclasses.replace(STARS, branches=(Branch(0.75), Branch(0.25)))
    assert np.array(head.masses(sure))[0] == pytest.approx([0.75, 0, 0, 0, 0.25], abs=1e-6)
    assert float(head.score(sure)[0]) == pytest.approx(0)
    assert head.about()["branches"] == [{"weight": 0.75, "temperature": 1.0}, {"weight": 0.25, "temperature": 1.0}]


@HEADS
def test_a_distribution_tells_the_values_or_the_nearest_of_21(head):
    outputs = logits(head, 5)
    values, masses = head.distribution(outputs)
    nearest = head.values if len(head.values) <= 21 else np.round(head.values * 20) / 20
    assert values == pytest.approx(np.unique(nearest))
    for row, told in zip(outputs, np.array(masses), strict=True):
        own = masses_of_values(head, row)
        assert told == pytest.approx(np.array([own[nearest == value].sum() for value in np.unique(nearest)]), abs=1e-6)


@HEADS
def test_a_greater_reach_holds_all_of_a_smaller(head):
    outputs, score = logits(head, 200), np.array(head.score(logits(head, 200)))
    before = score, score
    for reach in np.arange(-4, 6.5, 0.5):
        low, high = (np.array(bound) for bound in head.bounds(outputs, reach))
        assert (low <= before[0] + 1e-6).all()
        assert (high >= before[1] - 1e-6).all()
        before = low, high
    assert (before[0] >= 0).all()
    assert (before[1] <= 1).all()


def test_an_interval_leaves_out_what_is_not_worth_its_width():
    """At a price of 1 for the whole scale, 10% at the far end is not; 30% next to the score is."""
    outputs = logits_of([[0.1, 0, 0, 0.3, 0.6]])
    low, high = (float(bound[0]) for bound in STARS.bounds(outputs, 0.0))
    assert low == pytest.approx(0.75, abs=0.02)
    assert high == 1
    # Nothing is worth the price of 20, all that has mass is worth that of 1 / 20.
    assert float(STARS.bounds(outputs, -3.0)[0][0]) == pytest.approx(0.99, abs=0.01)
    assert float(STARS.bounds(outputs, 6.0)[0][0]) < 0.05


@HEADS
def test_an_interval_holds_a_truth_just_when_its_conformity_reaches_that_far(head):
    outputs = logits(head, 300)
    truths = np.random.default_rng(5).choice(head.values, 300).astype(np.float32)
    conformity = head.conformity(outputs, truths)
    for reach in (-1.0, 0.5, 1.0, 3.0):
        low, high = (np.array(bound) for bound in head.bounds(outputs, reach))
        sure = np.abs(conformity - reach) > 1e-3
        assert (((low <= truths) & (truths <= high)) == (conformity <= reach))[sure].all()


@HEADS
def test_with_an_infinite_reach_the_interval_is_the_whole_scale(head):
    low, high = head.bounds(logits(head), np.inf)
    assert (np.array(low) == 0).all()
    assert (np.array(high) == 1).all()


def test_a_truth_that_no_training_review_has_is_held_by_nearly_the_whole_scale_alone():
    head = DistributionHead.of(np.array([0.5, 0.75, 0.75]))
    assert 6.2 < head.conformity(np.zeros((1, 2), np.float32), np.array([0.1], np.float32))[0] < 7


def test_an_interval_can_hold_what_a_sure_model_misses():
    """Else a few such reviews would make a wide interval the whole scale."""
    head = DistributionHead.of(np.array([0.0, 1.0]))
    outputs, truths = logits_of([[0.99, 0.01], [0.9999, 0.0001]]), np.ones(2, np.float32)
    conformity = head.conformity(outputs, truths)
    assert np.isfinite(conformity).all()
    assert (np.array(head.bounds(outputs, conformity)[1]) >= 1).all()
    assert (np.array(head.bounds(outputs, conformity - 0.1)[1]) < 1).all()


def test_scores_that_are_all_the_same_are_no_error():
    head = DistributionHead.of(np.full(7, 0.3))
    outputs = np.zeros((2, head.outputs), np.float32)
    assert np.array(head.score(outputs)) == pytest.approx([0.3, 0.3])
    assert np.array(head.loss(head.targets(np.full(2, 0.3, np.float32)), outputs)).tolist() == [0, 0]


def test_the_loss_is_that_of_the_thresholds():
    outputs, truths = logits(STARS, 6), np.array([0.0, 0.0, 0.25, 0.5, 0.75, 1.0], np.float32)
    bins = [0, 0, 1, 2, 3, 4]
    assert np.array(STARS.targets(truths)).tolist() == np.eye(5)[bins].tolist()
    expected = []
    for row, place in zip(outputs.astype(np.float64), bins, strict=True):
        below = (np.exp(row) / np.exp(row).sum()).cumsum()[:-1]
        right = np.where(np.arange(4) >= place, below, 1 - below)
        expected.append(-2.5 * np.log(right + 1e-6).sum())  # Two bins and a half from star to star.
    assert np.array(STARS.loss(STARS.targets(truths), outputs)) == pytest.approx(np.array(expected), rel=1e-3)


def test_a_near_miss_costs_less_than_a_far_one():
    outputs = np.full((1, 5), -4, np.float32)
    outputs[0, 2] = 4
    near, far = (float(STARS.loss(STARS.targets(np.array([truth], np.float32)), outputs)[0]) for truth in (0.75, 1.0))
    assert far > 2 * near


@HEADS
def test_slopes_add_up_to_what_they_explain(head):
    outputs, constants = logits(head), logits(head, 1, seed=9)[0]
    slopes = np.array(head.slopes(outputs, constants))
    added = ((outputs - constants) * slopes).sum(axis=1)
    start = float(head.explained(constants[None])[0])
    assert start + added == pytest.approx(np.array(head.explained(outputs)), abs=1e-4)


def test_fitting_finds_the_branch_that_tells_the_truth():
    truths = np.random.default_rng(2).choice(STARS.values, 400).astype(np.float32)
    telling = np.where(STARS.values == truths[:, None], 3, 0).astype(np.float32)
    noise = np.random.default_rng(4).normal(size=telling.shape).astype(np.float32) * 9
    head = dataclasses.replace(STARS, branches=(Branch(0.5), Branch(0.5)))
    first = head.fitted(np.concatenate([telling, noise], axis=1), truths).branches
    second = head.fitted(np.concatenate([noise, telling], axis=1), truths).branches
    assert first[0].weight > 0.5 > first[1].weight
    assert second[1].weight > 0.5 > second[0].weight


def test_fitting_makes_a_meek_distribution_bolder():
    head = DistributionHead.of(np.repeat([0, 0.5, 1], [10, 80, 10]))
    truths = np.tile([0, 1], 100).astype(np.float32)
    # The right end has most mass, yet less than half.
    outputs = logits_of([[0.45, 0.35, 0.2] if truth == 0 else [0.2, 0.35, 0.45] for truth in truths])
    assert head.fitted(outputs, truths).branches[0].temperature < 1
