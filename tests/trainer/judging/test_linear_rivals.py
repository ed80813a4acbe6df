"""The rivals answer as the models that they are: medians of class probabilities, and clipped means."""

import numpy as np
import pytest
import scipy.sparse
from sklearn.linear_model import LogisticRegression

from trainer.judging import linear_rivals
from trainer.judging.linear_rivals import LogisticRival, RidgeRival


def reviews(truths: np.ndarray, noise: float = 1.0) -> scipy.sparse.csr_matrix:
    """Features that tell the scores, but for noise."""
    random = np.random.default_rng(0)
    told = truths[:, None] * np.array([1.0, -1.0, 0.5]) + random.normal(0, noise, (len(truths), 3))
    return scipy.sparse.csr_matrix(told.astype(np.float32))


@pytest.fixture
def stars() -> np.ndarray:
    return np.random.default_rng(1).choice([1.0, 2.0, 3.0, 4.0, 5.0], 400)


def test_the_answer_is_the_median_of_the_class_probabilities(stars):
    features, folds = reviews(stars), np.arange(400) % 5
    rival = LogisticRival(features, stars, folds)
    answers = rival.answer(features)
    plain = LogisticRegression(C=rival.strength, max_iter=2000, tol=1e-6).fit(features, stars)
    masses = plain.predict_proba(features)
    expected = [plain.classes_[np.flatnonzero(row.cumsum() >= 0.5)[0]] for row in masses]
    assert (answers.score == expected).mean() > 0.98  # To the tolerance of the optimizer.
    assert answers.mean == pytest.approx(masses @ plain.classes_, abs=0.05)


def test_the_strength_is_that_which_errs_least_on_the_reviews_held_out(stars, monkeypatch):
    """Of two strengths, one of which all but forbids to learn."""
    features, folds = reviews(stars), np.arange(400) % 5
    for strengths in ((1e-6, 30.0), (30.0, 1e-6)):
        monkeypatch.setattr(linear_rivals, "STRENGTHS", strengths)
        assert LogisticRival(features, stars, folds).strength == 30.0


def test_of_many_scores_ten_groups_of_equal_count_are_classes():
    truths = np.random.default_rng(2).normal(50, 10, 1000)
    rival = LogisticRival(reviews(truths, noise=3.0), truths, np.arange(1000) % 5)
    answered = np.unique(rival.answer(reviews(truths, noise=3.0)).score)
    groups = np.array_split(np.sort(truths), 10)
    assert answered == pytest.approx([np.median(group) for group in groups], abs=0.1)
    assert np.abs(rival.answer(reviews(truths, noise=3.0)).score - truths).mean() < 4


@pytest.mark.parametrize("truths", [np.full(8, 3.0), np.array([3.0] * 7 + [4.0])])
def test_one_score_and_few_reviews_need_no_choice(truths):
    rival = LogisticRival(reviews(truths, noise=0.01), truths, np.zeros(8, int))
    assert rival.answer(reviews(truths, noise=0.01)).score.tolist() == pytest.approx(truths.tolist())
    assert rival.strength == linear_rivals.STRENGTHS[-1]


def test_ridge_answers_no_score_that_it_has_not_seen():
    truths = np.array([2.0, 4.0] * 20)
    answers = RidgeRival(reviews(truths), truths, seed=0).answer(reviews(truths * 100 - 300))
    assert set(answers.score) == {2.0, 4.0}
    assert answers.mean is answers.score


def test_words_and_pairs_of_two_reviews_are_features_where_reviews_are_many():
    texts = ["good film", "good film", "bad !", *[f"word{number}" for number in range(97)]]
    fitted, features = linear_rivals.fit_vectorizer(texts, r"\w+|!")
    assert sorted(fitted.vocabulary_) == ["film", "good", "good film"]
    assert (features.dtype, features.shape) == (np.float32, (100, 3))
    fitted, _ = linear_rivals.fit_vectorizer(texts[:3], r"\w+|!")
    assert sorted(fitted.vocabulary_) == ["!", "bad", "bad !", "film", "good", "good film"]
