"""The baselines that the model must beat, computed in the same run on the same splits, and the model beside them."""

import dataclasses
from collections.abc import Callable

import numpy as np
from sklearn.feature_extraction.text import TfidfVectorizer

from beam_pipelines.artifacts.prepared import TEST, TRAIN, VALIDATION
from beam_pipelines.artifacts.scale import Scale
from trainer.architectures.heads import Head
from trainer.architectures.interval_reach import IntervalReach
from trainer.judging import evaluation, linear_rivals
from trainer.judging.evaluation import ScoredSplit
from trainer.judging.linear_rivals import Answers, LogisticRival, RidgeRival

RANDOM_GUESS, MEDIAN, RIDGE, LOGISTIC = "random_guess", "median", "tfidf_ridge", "tfidf_logistic"
# They learn from, and answer, the sample of a split.
OF_SAMPLE = (RIDGE, LOGISTIC)
# The model's own scores, with an interval of one width.
FIXED_WIDTH = "fixed_width"


def beside_baselines(
    head: Head, splits: dict[str, ScoredSplit], reach: IntervalReach, scale: Scale, *, share: float, seed: int
) -> dict[str, dict]:
    """Measures the model on every split, beside the baselines on validation and test.

    Args:
      head: The model's.
      splits: By name.
      reach: Of the model's interval.
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
    gaps = np.abs(evaluation.predictions(head, validation.outputs, reach, scale).score - validation.truths)
    figures: dict[str, dict] = {}
    for name, split in splits.items():
        rows = len(split.truths)
        figures[name] = {"rows": rows}
        if not rows:
            continue
        scores = evaluation.predictions(head, split.outputs, reach, scale)
        figures[name] |= {**evaluation.measure(scores, split.truths, scale), **of_baselines[name]}
        if name != TRAIN:
            half = gaps[validation.calibrates]
            constant = evaluation.fixed_width(scores.score, scores.mean, half, scale, share)
            figures[name][FIXED_WIDTH] = {"rows": rows, **evaluation.measure(constant, split.truths, scale)}
    return figures


def measure(splits: dict[str, ScoredSplit], scale: Scale, *, seed: int, share: float) -> dict[str, dict[str, dict]]:
    """Measures each baseline on validation and test as the model is measured, with an interval of one width.

    `random_guess` is the notebook's: each review gets the score of a training review drawn at
    random. `median` is the training median. `tfidf_ridge` and `tfidf_logistic` are those of
    `linear_rivals`, on the token ids; they learn from, and are measured on, the `sample` of a split, that of
    reviews in folds fold by fold.

    Args:
      splits: By name; the interval is calibrated on the reviews of "validation" that calibrate.
      scale: The range of the scores.
      seed: Of the draws.
      share: How much the interval shall cover.

    Returns:
      `rows` and the figures of `evaluation.measure`, by split and baseline.
    """
    train = splits[TRAIN]
    draws, median = np.random.default_rng(seed), np.median(train.truths)
    linear = _LinearRivals(train, seed)
    predictors: dict[str, Callable[[ScoredSplit], Answers]] = {
        RANDOM_GUESS: lambda split: _scores(draws.choice(train.truths, len(split.truths))),
        MEDIAN: lambda split: _scores(np.full(len(split.truths), median)),
        RIDGE: lambda split: linear.answer(RIDGE, split),
        LOGISTIC: lambda split: linear.answer(LOGISTIC, split),
    }
    figures: dict = {name: {} for name in splits}
    for baseline, predict in predictors.items():
        rows = {
            name: split.sample if baseline in OF_SAMPLE else np.arange(len(split.truths))
            for name, split in splits.items()
        }
        answers = {name: predict(splits[name]) for name in (VALIDATION, TEST) if len(rows[name])}
        calibration_gaps = np.empty(0)
        if VALIDATION in answers:
            validation, judged = splits[VALIDATION], rows[VALIDATION]
            gaps = np.abs(answers[VALIDATION].score - validation.truths[judged])
            calibration_gaps = gaps[validation.calibrates[judged]]
        for name, answer in answers.items():
            with_interval = evaluation.fixed_width(answer.score, answer.mean, calibration_gaps, scale, share)
            truths = splits[name].truths[rows[name]]
            figures[name][baseline] = {"rows": len(truths), **evaluation.measure(with_interval, truths, scale)}
    return figures


def _scores(scores: np.ndarray) -> Answers:
    return Answers(scores, scores)


class _LinearRivals:
    """The linear models, fitted to the sample of the training split; without one they answer its median."""

    def __init__(self, train: ScoredSplit, seed: int):
        self._median, self._seed = np.median(train.truths), seed
        self._fitted = _fit_linear(train, np.arange(len(train.sample)), seed) if len(train.sample) else None
        self._out_of_fold: dict[str, Answers] = {}

    def answer(self, name: str, split: ScoredSplit) -> Answers:
        if not self._fitted:
            return _scores(np.full(len(split.sample), self._median))
        if split.folds is None:
            return self._fitted.answer(name, _texts(split))
        if not self._out_of_fold:
            self._out_of_fold = self._answers_out_of_fold(split, split.folds[split.sample], self._fitted.strength)
        return self._out_of_fold[name]

    def _answers_out_of_fold(self, split: ScoredSplit, folds: np.ndarray, strength: float) -> dict[str, Answers]:
        """What models that learned from the other folds answer for each."""
        texts = np.array(_texts(split), object)
        answers = {name: np.zeros((2, len(texts))) for name in OF_SAMPLE}
        for fold in np.unique(folds):
            others, inside = np.flatnonzero(folds != fold), np.flatnonzero(folds == fold)
            if not len(others):
                return dict.fromkeys(OF_SAMPLE, _scores(np.full(len(texts), self._median)))
            fitted = _fit_linear(split, others, self._seed, strength=strength)
            for name, answer in answers.items():
                found = fitted.answer(name, list(texts[inside]))
                answer[:, inside] = found.score, found.mean
        return {name: Answers(*answer) for name, answer in answers.items()}


@dataclasses.dataclass(frozen=True)
class _FittedLinear:
    vectorizer: TfidfVectorizer
    models: dict[str, RidgeRival | LogisticRival]
    strength: float

    def answer(self, name: str, texts: list[str]) -> Answers:
        return self.models[name].answer(self.vectorizer.transform(texts))


def _fit_linear(split: ScoredSplit, rows: np.ndarray, seed: int, strength: float | None = None) -> _FittedLinear:
    """Fits both models to some reviews of a split's sample."""
    texts, sample = _texts(split), split.sample[rows]
    vectorizer, features = linear_rivals.fit_vectorizer([texts[row] for row in rows])
    truths = split.truths[sample]
    # Equal texts have equal hashes, and so choose together or not.
    inner_folds = split.hashes[sample] // 2 % linear_rivals.INNER_FOLDS
    logistic = LogisticRival(features, truths, inner_folds, strength)
    models: dict[str, RidgeRival | LogisticRival] = {RIDGE: RidgeRival(features, truths, seed), LOGISTIC: logistic}
    return _FittedLinear(vectorizer, models, logistic.strength)


def _texts(split: ScoredSplit) -> list[str]:
    return [" ".join(map(str, ids)) for ids in split.tokens]
