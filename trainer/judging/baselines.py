"""The baselines that the model must beat, computed in the same run on the same splits, and the model beside them."""

import contextlib
from collections.abc import Callable

import numpy as np
import scipy.sparse
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import Ridge

from beam_pipelines.artifacts.prepared import TEST, TRAIN, VALIDATION
from beam_pipelines.artifacts.scale import Scale
from trainer.architectures.heads import Head
from trainer.judging import evaluation
from trainer.judging.evaluation import ScoredSplit

RANDOM_GUESS, MEDIAN, RIDGE = "random_guess", "median", "tfidf_ridge"
# The model's own scores, with an interval of one width.
FIXED_WIDTH = "fixed_width"


def beside_baselines(
    head: Head, splits: dict[str, ScoredSplit], threshold: float, scale: Scale, *, share: float, seed: int
) -> dict[str, dict]:
    """Measures the model on every split, beside the baselines on validation and test.

    Args:
      head: The model's.
      splits: By name.
      threshold: Of the model's interval.
      scale: The range of the scores.
      share: How much the intervals shall cover.
      seed: Of the random guesses.

    Returns:
      By split, as `metrics.json` has it: `rows`, the figures of `evaluation.measure`, and the same of each
      baseline; `fixed_width` has the model's own scores with an interval of one width that is calibrated to cover
      as much.
    """
    of_baselines = measure(splits, scale, seed=seed, share=share)
    validation = splits[VALIDATION]
    gaps = np.abs(evaluation.predictions(head, validation.outputs, threshold, scale).score - validation.truths)
    figures: dict[str, dict] = {}
    for name, split in splits.items():
        rows = len(split.truths)
        figures[name] = {"rows": rows}
        if not rows:
            continue
        scores = evaluation.predictions(head, split.outputs, threshold, scale)
        figures[name] |= {**evaluation.measure(scores, split.truths, scale), **of_baselines[name]}
        if name != TRAIN:
            constant = evaluation.fixed_width(scores.score, gaps[validation.in_calibration_half], scale, share)
            figures[name][FIXED_WIDTH] = {"rows": rows, **evaluation.measure(constant, split.truths, scale)}
    return figures


def measure(splits: dict[str, ScoredSplit], scale: Scale, *, seed: int, share: float) -> dict[str, dict[str, dict]]:
    """Measures each baseline on validation and test as the model is measured, with an interval of one width.

    `random_guess` is the notebook's: each review gets the score of a training review drawn at
    random. `median` is the training median. `tfidf_ridge` is a ridge regression on TF-IDF of the
    token ids and of pairs of them; it learns from, and is measured on, the `sample` of a split.

    Args:
      splits: By name; the interval is calibrated on the calibration half of "validation".
      scale: The range of the scores.
      seed: Of the draws.
      share: How much the interval shall cover.

    Returns:
      `rows` and the figures of `evaluation.measure`, by split and baseline.
    """
    train = splits[TRAIN]
    # The ridge regression sees a sample alone: TF-IDF of pairs of all tokens of a large archive fits no memory.
    draws, median = np.random.default_rng(seed), np.median(train.truths)
    predictors: dict[str, Callable[[ScoredSplit], np.ndarray]] = {
        RANDOM_GUESS: lambda split: draws.choice(train.truths, len(split.truths)),
        MEDIAN: lambda split: np.full(len(split.truths), median),
        RIDGE: _ridge(train, seed),
    }
    figures: dict = {name: {} for name in splits}
    for baseline, predict in predictors.items():
        rows = {name: np.arange(len(split.truths)) for name, split in splits.items()}
        if baseline == RIDGE:
            rows = {name: split.sample for name, split in splits.items()}
        scores = {name: predict(splits[name]) for name in (VALIDATION, TEST) if len(rows[name])}
        calibration_gaps = np.empty(0)
        if VALIDATION in scores:
            validation, judged = splits[VALIDATION], rows[VALIDATION]
            gaps = np.abs(scores[VALIDATION] - validation.truths[judged])
            calibration_gaps = gaps[validation.in_calibration_half[judged]]
        for name, values in scores.items():
            with_interval = evaluation.fixed_width(values, calibration_gaps, scale, share)
            truths = splits[name].truths[rows[name]]
            figures[name][baseline] = {"rows": len(truths), **evaluation.measure(with_interval, truths, scale)}
    return figures


def _ridge(train: ScoredSplit, seed: int) -> Callable[[ScoredSplit], np.ndarray]:
    rows = len(train.sample)
    if not rows:
        return lambda split: np.full(len(split.sample), np.median(train.truths))
    vectorizer, features = _tf_idf(_texts(train))
    truths = train.truths[train.sample]
    regression = Ridge(random_state=seed).fit(features, truths)
    return lambda split: regression.predict(vectorizer.transform(_texts(split))).clip(truths.min(), truths.max())


def _tf_idf(texts: list[str]) -> tuple[TfidfVectorizer, scipy.sparse.csr_matrix]:
    # A token of one review alone says nothing of others, but of few reviews hardly any other token would be left.
    if len(texts) >= 100:
        with contextlib.suppress(ValueError):  # No two reviews share a token.
            return _tf_idf_of_tokens(texts, in_reviews=2)
    return _tf_idf_of_tokens(texts, in_reviews=1)


def _tf_idf_of_tokens(texts: list[str], *, in_reviews: int) -> tuple[TfidfVectorizer, scipy.sparse.csr_matrix]:
    vectorizer = TfidfVectorizer(
        token_pattern=r"\S+", lowercase=False, ngram_range=(1, 2), min_df=in_reviews, sublinear_tf=True
    )
    return vectorizer, vectorizer.fit_transform(texts)


def _texts(split: ScoredSplit) -> list[str]:
    return [" ".join(map(str, ids)) for ids in split.tokens]
