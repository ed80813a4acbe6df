"""Bins that need nothing of an archive, and the population stability index of two of them."""

import math

import numpy as np
import pytest

from beam_pipelines.artifacts import distributions


def test_every_length_has_the_bin_that_holds_it():
    lengths = np.arange(40_000)
    places = distributions.length_bins(lengths)
    edges = distributions.length_edges()
    assert edges[-1] is None
    assert len(edges) == len(distributions.LENGTHS) + 1
    ends = np.array([*edges[1:-1], np.inf])
    assert ((distributions.LENGTHS[places] <= lengths) & (lengths < ends[places])).all()


def test_bins_are_roughly_logarithmic():
    ratios = distributions.LENGTHS[5:] / distributions.LENGTHS[4:-1]
    assert set(ratios.round(4)) == {1.5, 1.3333}


@pytest.mark.parametrize("whole", [1, 3, 7, 20, 60, 700, 1001])
def test_every_share_has_its_bin_whatever_float32_makes_of_it(whole):
    known = np.arange(whole + 1)
    shares = (known.astype(np.float32) / np.float32(whole)).astype(np.float32)
    expected = np.minimum(known * 20 // whole, 19)
    assert distributions.share_bins(shares).tolist() == expected.tolist()
    assert distributions.count_shares(shares).tolist() == np.bincount(expected, minlength=20).tolist()
    assert distributions.known_tokens(np.full(whole + 1, whole), shares) == known.sum()


def test_counts_of_blocks_add_up_to_those_of_the_whole():
    lengths = np.random.default_rng(0).integers(0, 3000, 1000)
    values, rows = np.unique(lengths, return_counts=True)
    whole = distributions.count_lengths(lengths)
    assert whole.sum() == 1000
    parts = [distributions.count_lengths(part) for part in np.array_split(lengths, 7)]
    assert np.sum(parts, axis=0).tolist() == whole.tolist()
    assert distributions.count_lengths(values, rows).tolist() == whole.tolist()


@pytest.mark.parametrize("seed", range(3))
def test_the_median_of_counted_lengths_is_near_the_true_one(seed):
    lengths = np.random.default_rng(seed).lognormal(5, 0.7, 2001).astype(int)
    found = distributions.median_length(distributions.count_lengths(lengths))
    assert found == pytest.approx(np.median(lengths), rel=0.05)


def test_the_median_of_nothing_and_of_equal_lengths():
    assert distributions.median_length(distributions.count_lengths(np.array([], int))) is None
    assert distributions.median_length(distributions.count_lengths(np.array([2, 2, 2]))) == 2


def test_the_index_is_the_sum_over_bins():
    """With half a row more in each bin: shares 1/4 and 3/4 against 3/4 and 1/4."""
    assert distributions.stability_index([1, 4], [4, 1]) == pytest.approx(2 * 0.5 * math.log(3))
    assert distributions.stability_index([3, 7, 0], [3, 7, 0]) == 0
    # 10.5 of 11 and 0.5 of 11 on either side.
    assert distributions.stability_index([10, 0, 0], [0, 0, 10]) == pytest.approx(2 * 10 / 11 * math.log(21))


def test_the_index_of_equal_shares_does_not_depend_on_the_numbers_of_rows():
    assert distributions.stability_index([10**6, 3 * 10**6], [10**4, 3 * 10**4]) == pytest.approx(0, abs=1e-6)


def test_chance_is_a_quantile_of_the_chi_square():
    """99.9% of a chi-square with 2 degrees of freedom is below -2 ln 0.001."""
    expected = (1 / 100 + 1 / 50) * -2 * math.log(0.001)
    assert distributions.index_by_chance([50, 50, 0, 0], [0, 20, 30, 0]) == pytest.approx(expected)


@pytest.mark.parametrize(("rows", "others"), [(50, 50), (50, 5000), (5000, 500), (5000, 5000)])
def test_two_samples_of_one_distribution_hardly_ever_exceed_chance(rows, others):
    random = np.random.default_rng(1)
    beyond = 0
    for _ in range(200):
        one, other = (distributions.count_lengths(random.lognormal(4, 1, n).astype(int)) for n in (rows, others))
        beyond += distributions.stability_index(one, other) > distributions.index_by_chance(one, other)
    assert beyond <= 2
