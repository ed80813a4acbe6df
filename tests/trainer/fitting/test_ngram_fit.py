"""The n-grams are a logistic regression over weighted presences, as scikit-learn would compute it of text."""

import numpy as np
import pytest
import tensorflow as tf
from sklearn.linear_model import LogisticRegression

from trainer.architectures.distribution_head import DistributionHead
from trainer.architectures.ngrams import bigram_keys
from trainer.fitting import ngram_fit
from trainer.fitting.ngram_features import NgramFeatures, NgramReviews, distinct

VOCABULARY = 30


def reviews(rows: int = 150, seed: int = 0) -> tuple[list[np.ndarray], np.ndarray]:
    """Ids, and scores of 0, 0.5 and 1; a 2 is good and a 3 is bad, but a 4 before turns them."""
    random = np.random.default_rng(seed)
    texts, scores = [], []
    for _ in range(rows):
        ids = random.integers(5, VOCABULARY, random.integers(3, 12))
        told = random.choice([0, 0.5, 1])
        turned = told != 0.5 and random.random() < 0.5
        sign = {0.5: [], 0: [4, 2] if turned else [3], 1: [4, 3] if turned else [2]}[told]
        texts.append(np.concatenate([ids, sign, random.integers(5, VOCABULARY, 2)]).astype(np.int64))
        scores.append(told)
    return texts, np.array(scores)


def fit(texts, scores, strength: float = 10.0):
    head = DistributionHead.of(scores)
    ngrams = NgramReviews([distinct(ids) for ids in texts], np.array(head.targets(scores)))
    features = NgramFeatures.of(ngrams.ngrams)
    return ngram_fit.fit(ngrams, features, vocabulary_size=VOCABULARY, strength=strength)


def outputs(branch, texts) -> np.ndarray:
    return branch.outputs(tf.ragged.constant([ids.tolist() for ids in texts], tf.int64)).numpy()


def test_distinct_ngrams_of_a_review():
    found = distinct(np.array([7, 3, 7, 3, 1, 5]))
    assert found.tolist() == [3, 5, 7, bigram_keys(3, 7), bigram_keys(7, 3)]
    assert distinct(np.array([1])).tolist() == []


def test_logits_are_those_of_the_regression():
    texts, scores = reviews()
    branch = fit(texts, scores)
    grams = [distinct(ids).tolist() for ids in texts]
    counts: dict[int, int] = {}
    for ngrams in grams:
        for ngram in ngrams:
            counts[ngram] = counts.get(ngram, 0) + 1
    chosen = sorted(ngram for ngram, count in counts.items() if count >= 2)
    features = np.zeros((len(texts), len(chosen)))
    for row, ngrams in enumerate(grams):
        for column, ngram in enumerate(chosen):
            if ngram in ngrams:
                features[row, column] = (np.log((1 + len(texts)) / (1 + counts[ngram])) + 1) ** 1.5
    features /= np.linalg.norm(features, axis=1, keepdims=True)
    expected = LogisticRegression(C=10.0, max_iter=1000).fit(features, (2 * scores).astype(int))
    assert outputs(branch, texts) == pytest.approx(expected.decision_function(features), abs=0.05)


def test_bigrams_tell_what_words_do_not():
    texts, scores = reviews(600)
    unseen, truths = reviews(seed=1)
    answers = outputs(fit(texts, scores, 100.0), unseen).argmax(axis=1) / 2
    assert np.abs(answers - truths).mean() < 0.15


def test_two_equal_fits_are_equal():
    texts, scores = reviews()
    first, second = fit(texts, scores), fit(texts, scores)
    assert np.array_equal(first.rows.numpy(), second.rows.numpy())


@pytest.mark.parametrize("values", [[0.3], [0.0, 1.0]])
def test_one_score_or_two_are_no_error(values):
    texts, _ = reviews()
    scores = np.resize(values, len(texts))
    branch = fit(texts, scores)
    assert outputs(branch, texts).shape == (len(texts), len(values))
    assert np.isfinite(outputs(branch, texts)).all()


def test_a_bin_that_no_review_is_in_is_unlikely():
    """As where a fold holds all reviews of one score."""
    texts, scores = reviews()
    head = DistributionHead.of(scores)
    targets = np.array(head.targets(np.where(scores == 0.5, 0, scores)))
    ngrams = NgramReviews([distinct(ids) for ids in texts], targets)
    features = NgramFeatures.of(ngrams.ngrams)
    branch = ngram_fit.fit(ngrams, features, vocabulary_size=VOCABULARY, strength=10.0)
    found = outputs(branch, texts)
    assert (found[:, 1] < found[:, [0, 2]].min(axis=1) - 5).all()


def test_reviews_that_share_no_words_are_no_error():
    texts = [np.array([ngram]) for ngram in range(2, VOCABULARY)] * 5
    scores = np.resize([0.0, 1.0], len(texts))
    assert np.isfinite(outputs(fit(texts[:20], scores[:20]), texts)).all()
    empty = [np.array([1])] * 120
    assert np.isfinite(outputs(fit(empty, np.resize([0.0, 1.0], 120)), empty)).all()
