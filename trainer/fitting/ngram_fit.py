"""Fits the n-grams to reviews: a multinomial logistic regression over the score bins, by scikit-learn."""

import warnings

import numpy as np
import scipy.sparse
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression

from trainer.architectures.ngrams import Ngrams
from trainer.fitting.ngram_features import NgramFeatures, NgramReviews

# The inverse strengths of regularisation that are tried.
STRENGTHS = (100.0, 30.0, 300.0)
_ITERATIONS = 200
# The logit of a bin that no review is in.
_NEVER = -20.0


def fit(
    reviews: NgramReviews,
    features: NgramFeatures,
    *,
    vocabulary_size: int,
    strength: float,
    balanced: bool = False,
    factors: np.ndarray | None = None,
) -> Ngrams:
    """Fits n-grams to reviews.

    Args:
      reviews: To learn from.
      features: The n-grams.
      vocabulary_size: How many ids there are.
      strength: The inverse strength of the regularisation.
      balanced: Whether the score bins count equally.
      factors: What the n-grams stand for, of `ngram_factors`: features beside them, which are linear in them, so that
        they need no rows of their own.
    """
    matrix, is_rated = features.matrix(reviews.ngrams), features.is_rated
    learned = [matrix[:, np.flatnonzero(is_rated)]]
    if factors is not None:
        learned.append(scipy.sparse.csr_matrix(matrix @ factors))
    found, bias = _regress(scipy.sparse.hstack(learned, "csr"), reviews.targets, strength, balanced)
    of_ngrams, of_factors = np.split(found, [np.count_nonzero(is_rated)])
    coefficients = np.zeros((len(is_rated), len(bias))) if factors is None else factors @ of_factors
    coefficients[is_rated] += of_ngrams
    weights, is_word = features.weights[:, np.newaxis], features.ngrams < vocabulary_size
    rows = np.concatenate([coefficients * weights, (weights * is_rated[:, np.newaxis]) ** 2], axis=1)
    words = np.zeros((vocabulary_size, rows.shape[1]))
    words[features.ngrams[is_word]] = rows[is_word]
    return Ngrams(features.ngrams[~is_word], np.concatenate([words, rows[~is_word]]).astype(np.float32), bias)


def _regress(
    features: scipy.sparse.csr_matrix, targets: np.ndarray, strength: float, balanced: bool
) -> tuple[np.ndarray, np.ndarray]:
    """Fits the regression: what each feature adds to each bin's logit, [features, outputs], and the bias, [outputs]."""
    outputs = targets.shape[1]
    coefficients, bias = np.zeros((features.shape[1], outputs)), np.full(outputs, _NEVER)
    # A review whose teacher names several bins stands once for each.
    reviews, bins = np.nonzero(targets)
    found = np.unique(bins)
    if len(found) == 1 or not features.shape[1]:
        bias[found] = np.log(targets.sum(axis=0)[found])
        return coefficients, bias
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        model = LogisticRegression(C=strength, max_iter=_ITERATIONS)
        weights = targets[reviews, bins]
        if balanced:
            of_bins = targets.sum(axis=0)
            weights = weights * len(targets) / (len(found) * of_bins[bins])
        model.fit(features[reviews], bins, sample_weight=weights)
    if len(found) == 2:
        # scikit-learn has one row then, for the second of the two.
        coefficients[:, found[1]] = model.coef_[0]
        bias[found] = 0.0, model.intercept_[0]
    else:
        coefficients[:, found], bias[found] = model.coef_.T, model.intercept_
    return coefficients, bias
