"""What the model must beat, computed in the same run on the same splits."""

import numpy as np
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import Ridge

from beam_pipelines.artifacts.scale import Scale
from trainer.judging import evaluation
from trainer.judging.evaluation import Split

RANDOM_GUESS, MEDIAN, RIDGE = "random_guess", "median", "tfidf_ridge"


def measure(splits: dict[str, Split], scale: Scale, *, seed: int, share: float) -> dict[str, dict[str, dict]]:
    """Measures each baseline on validation and test as the model is measured, with an interval of one width.

    `random_guess` is the notebook's: each review gets the score of a training review drawn at
    random. `median` is the training median. `tfidf_ridge` is a ridge regression on TF-IDF of the
    token ids and of pairs of them; it learns from, and is measured on, the `sample` of a split.

    Args:
      splits: By name; the interval is calibrated on the calibrating half of "validation".
      scale: The range of the scores.
      seed: Of the draws.
      share: How much the interval shall cover.

    Returns:
      `evaluation.measure` and `rows`, by split and baseline.
    """
    train = splits["train"]
    draws, median = np.random.default_rng(seed), np.median(train.truths)
    known = {
        RANDOM_GUESS: lambda split: draws.choice(train.truths, len(split.truths)),
        MEDIAN: lambda split: np.full(len(split.truths), median),
        RIDGE: _ridge(train, seed),
    }
    found: dict = {name: {} for name in splits}
    for baseline, answer in known.items():
        parts = {name: np.arange(len(split.truths)) for name, split in splits.items()}
        if baseline == RIDGE:
            parts = {name: split.sample for name, split in splits.items()}
        scores = {name: answer(splits[name]) for name in ("validation", "test") if len(parts[name])}
        calibration = np.empty(0)
        if "validation" in scores:
            validation, rows = splits["validation"], parts["validation"]
            gaps = np.abs(scores["validation"] - validation.truths[rows])
            calibration = gaps[validation.calibrates[rows]]
        for name, values in scores.items():
            with_interval = evaluation.fixed_width(values, calibration, scale, share)
            truths = splits[name].truths[parts[name]]
            found[name][baseline] = {"rows": len(truths), **evaluation.measure(with_interval, truths, scale)}
    return found


def _ridge(train: Split, seed: int):
    rows = len(train.sample)
    if not rows:
        return lambda split: np.full(len(split.sample), np.median(train.truths))
    vectorizer = TfidfVectorizer(
        token_pattern=r"\S+", lowercase=False, ngram_range=(1, 2), min_df=2 if rows >= 100 else 1, sublinear_tf=True
    )
    truths = train.truths[train.sample]
    regression = Ridge(random_state=seed).fit(vectorizer.fit_transform(_texts(train)), truths)
    return lambda split: regression.predict(vectorizer.transform(_texts(split))).clip(truths.min(), truths.max())


def _texts(split: Split) -> list[str]:
    return [" ".join(map(str, ids)) for ids in split.tokens]
