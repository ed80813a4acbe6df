"""Which n-grams stand together, and that a word of no rated review is as good as those beside it."""

import numpy as np
import pytest
import scipy.sparse
import tensorflow as tf

from trainer.architectures.distribution_head import DistributionHead
from trainer.architectures.ngrams import Ngrams
from trainer.fitting import ngram_factors, ngram_fit
from trainer.fitting.ngram_features import NgramFeatures, NgramReviews, distinct

GOOD, BAD, LIKE_GOOD, LIKE_BAD, BESIDE_NONE = range(2, 7)
VOCABULARY = 40


def text(random: np.random.Generator, *told: int) -> np.ndarray:
    """Some words, in any order, with others that tell nothing."""
    return random.permutation([*told, *random.integers(10, VOCABULARY, 4)]).astype(np.int64)


def fitted(*, with_unrated: bool) -> Ngrams:
    """Learned from good and bad reviews, and from unrated ones in which other words stand beside those that told."""
    random = np.random.default_rng(0)
    scores = np.resize([0.0, 1.0], 120)
    rated = [distinct(text(random, GOOD if score else BAD)) for score in scores]
    unrated = [distinct(text(random, *pair)) for pair in ((GOOD, LIKE_GOOD), (BAD, LIKE_BAD)) for _ in range(150)]
    unrated += [distinct(text(random, BESIDE_NONE)) for _ in range(150)]
    features = NgramFeatures.of(rated, unrated)
    factors = ngram_factors.factorise(features.matrix([*rated, *unrated])) if with_unrated else None
    head = DistributionHead.of(scores)
    reviews = NgramReviews(rated, np.array(head.targets(scores)))
    return ngram_fit.fit(reviews, features, vocabulary_size=VOCABULARY, strength=30.0, factors=factors)


def preference(ngrams: Ngrams, word: int) -> float:
    """How much a review of one word is rather a good one than a bad one, beside one of no word."""
    bad, good = (ngrams.outputs(tf.ragged.constant([[word]], tf.int64)) - ngrams.bias).numpy()[0]
    return float(good - bad)


def test_a_word_of_no_rated_review_gets_points_from_those_beside_it(monkeypatch):
    monkeypatch.setattr(ngram_factors, "FACTORS", 20)
    found = fitted(with_unrated=True)
    assert preference(found, LIKE_GOOD) > 1
    assert preference(found, LIKE_BAD) < -1
    assert abs(preference(found, BESIDE_NONE)) < 0.3 * preference(found, LIKE_GOOD)
    assert preference(found, GOOD) > preference(found, LIKE_GOOD)
    assert preference(found, BAD) < preference(found, LIKE_BAD)


def test_without_factors_it_has_none():
    found = fitted(with_unrated=False)
    assert [preference(found, word) for word in (LIKE_GOOD, LIKE_BAD, BESIDE_NONE)] == [0, 0, 0]


def of_rank(rank: int) -> np.ndarray:
    random = np.random.default_rng(0)
    return (random.normal(size=(60, rank)) @ random.normal(size=(rank, 25))).astype(np.float32)


def test_factors_are_the_right_singular_vectors(monkeypatch):
    # Each of the four stands out from what follows it.
    stretched = of_rank(25) * np.geomspace(100, 1, 25)
    matrix = (stretched / np.linalg.norm(stretched, axis=1, keepdims=True)).astype(np.float32)
    monkeypatch.setattr(ngram_factors, "FACTORS", 4)
    found = ngram_factors.factorise(scipy.sparse.csr_matrix(matrix))
    expected = np.linalg.svd(matrix.astype(np.float64), full_matrices=False)[2][:4].T
    assert (found.shape, found.dtype) == ((25, 4), np.float32)
    lengths = np.linalg.norm(found, axis=0)
    assert lengths == pytest.approx([lengths[0]] * 4, rel=1e-3)
    # But for their signs and for their length, with which a review's norm is the same in the mean.
    assert np.abs((found / lengths * expected).sum(axis=0)) == pytest.approx(np.ones(4), abs=0.01)
    assert np.linalg.norm(matrix @ found, axis=1).mean() == pytest.approx(ngram_factors.NORM, rel=1e-3)


def test_equal_features_have_equal_factors():
    matrix = scipy.sparse.csr_matrix(of_rank(25))
    assert np.array_equal(ngram_factors.factorise(matrix), ngram_factors.factorise(matrix))


@pytest.mark.parametrize(("rows", "columns"), [(1, 5), (5, 1), (5, 0)])
def test_of_one_review_or_one_ngram_there_are_no_factors(rows, columns):
    found = ngram_factors.factorise(scipy.sparse.csr_matrix(np.ones((rows, columns), np.float32)))
    assert found.shape == (columns, 0)
