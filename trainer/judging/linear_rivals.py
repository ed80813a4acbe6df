"""What a data scientist's first script would answer: linear models on TF-IDF, of words and of pairs of them."""

import contextlib
import dataclasses
import warnings

import numpy as np
import scipy.sparse
from sklearn.exceptions import ConvergenceWarning
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression, Ridge

# Of more words and pairs, the most frequent ones are taken: what a class has of each fits memory.
MOST_FEATURES = 200_000
# So many distinct scores are a class each; of more, groups of equal count are.
MOST_CLASSES, GROUPS = 20, 10
# The inverse strengths of regularisation that are tried, on a fifth of the rows.
STRENGTHS = (3.0, 10.0, 30.0)
INNER_FOLDS = 5
_FEWEST_ROWS = 100
# Of the optimizer: on 2,500 reviews it took some 60 to scikit-learn's own tolerance; a wider one cost 2% of the error.
_ITERATIONS = 200


@dataclasses.dataclass(frozen=True)
class Answers:
    """What a rival answers, float64 [reviews] each, in the archive's unit.

    Attributes:
      score: The score.
      mean: What the reviews are ranked by: of a distribution its mean, else the score.
    """

    score: np.ndarray
    mean: np.ndarray


def _vectorizer(token_pattern: str, *, lowercase: bool, in_reviews: int) -> TfidfVectorizer:
    """TF-IDF of words and of pairs of them that stand in at least so many reviews."""
    return TfidfVectorizer(
        token_pattern=token_pattern,
        lowercase=lowercase,
        ngram_range=(1, 2),
        min_df=in_reviews,
        max_features=MOST_FEATURES,
        sublinear_tf=True,
        dtype=np.float32,
    )


def fit_vectorizer(
    texts: list[str], token_pattern: str = r"\S+", *, lowercase: bool = False
) -> tuple[TfidfVectorizer, scipy.sparse.csr_matrix]:
    """Fits TF-IDF to texts, and gives their features, float32 [texts, features]."""
    # A word of one review alone says nothing of others, but of few reviews hardly any other word would be left.
    if len(texts) >= _FEWEST_ROWS:
        with contextlib.suppress(ValueError):  # No two reviews share a word.
            fitted = _vectorizer(token_pattern, lowercase=lowercase, in_reviews=2)
            return fitted, fitted.fit_transform(texts)
    fitted = _vectorizer(token_pattern, lowercase=lowercase, in_reviews=1)
    return fitted, fitted.fit_transform(texts)


class RidgeRival:
    """Ridge regression, clipped to the scores that it learned from.

    Args:
      features: float32 [reviews, features].
      truths: float64 [reviews].
      seed: Of the optimizer.
    """

    def __init__(self, features: scipy.sparse.csr_matrix, truths: np.ndarray, seed: int):
        self._low, self._high = truths.min(), truths.max()
        self._regression = Ridge(random_state=seed).fit(features, truths)

    def answer(self, features: scipy.sparse.csr_matrix) -> Answers:
        scores = self._regression.predict(features).clip(self._low, self._high).astype(np.float64)
        return Answers(scores, scores)


class LogisticRival:
    """Multinomial logistic regression over the scores, answered with the median of its class probabilities.

    Classes are the distinct scores, or ten groups of equal count, each answered with its median. The strength of the
    regularisation is that which errs least on a fifth of the reviews.

    Args:
      features: float32 [reviews, features].
      truths: float64 [reviews].
      inner_folds: int64 [reviews], in [0, `INNER_FOLDS`): which reviews choose the strength is decided by these.
      strength: The strength, where it has been chosen before.
    """

    def __init__(
        self,
        features: scipy.sparse.csr_matrix,
        truths: np.ndarray,
        inner_folds: np.ndarray,
        strength: float | None = None,
    ):
        self._values, classes = _classes(truths)
        self.strength = strength or _best_strength(features, truths, classes, self._values, inner_folds)
        self._model = _fit(features, classes, self.strength)

    def answer(self, features: scipy.sparse.csr_matrix) -> Answers:
        return _answer(self._model, features, self._values)


def _classes(truths: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The score that each class stands for, float64 [classes] ascending, and the class of each review."""
    values, classes = np.unique(truths, return_inverse=True)
    if len(values) <= MOST_CLASSES:
        return values, classes
    edges = np.unique(np.quantile(truths, np.arange(1, GROUPS) / GROUPS))
    groups = np.unique(np.searchsorted(edges, truths, side="left"), return_inverse=True)[1]
    return np.array([np.median(truths[groups == group]) for group in range(groups.max() + 1)]), groups


def _fit(features: scipy.sparse.csr_matrix, classes: np.ndarray, strength: float) -> LogisticRegression | None:
    """Fits the model; None where there is one class, which needs none."""
    if len(np.unique(classes)) < 2:
        return None
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        return LogisticRegression(C=strength, max_iter=_ITERATIONS).fit(features, classes)


def _answer(model: LogisticRegression | None, features: scipy.sparse.csr_matrix, values: np.ndarray) -> Answers:
    if model is None:
        constant = np.full(features.shape[0], values[0])
        return Answers(constant, constant)
    masses, known = model.predict_proba(features).astype(np.float64), values[model.classes_]
    medians = np.argmax(masses.cumsum(axis=1) >= 0.5, axis=1)
    return Answers(known[medians], masses @ known)


def _best_strength(
    features: scipy.sparse.csr_matrix,
    truths: np.ndarray,
    classes: np.ndarray,
    values: np.ndarray,
    inner_folds: np.ndarray,
) -> float:
    held_out = inner_folds == 0
    if len(truths) < _FEWEST_ROWS or not held_out.any() or len(np.unique(classes[~held_out])) < 2:
        return STRENGTHS[-1]

    def error(strength: float) -> float:
        model = _fit(features[~held_out], classes[~held_out], strength)
        return float(np.abs(_answer(model, features[held_out], values).score - truths[held_out]).mean())

    return min(STRENGTHS, key=error)
