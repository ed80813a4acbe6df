"""Says of a fitted model whether it was worth the while: whether it is better than what needs no model."""

import numpy as np

from beam_pipelines.artifacts.exports import Verdict
from beam_pipelines.artifacts.prepared import TEST, TRAIN, VALIDATION
from trainer.judging.baselines import LOGISTIC, MEDIAN, OF_SAMPLE, RIDGE
from trainer.judging.judgement import Judgement

# A gain within so many standard errors is one that chance brings in one case of twenty.
_CHANCE = 1.645
_RIVALS = {
    MEDIAN: "the median of the training scores",
    RIDGE: "TF-IDF + ridge regression",
    LOGISTIC: "TF-IDF + logistic regression",
}
_LINEAR_ADVICE = "More reviews, more epochs or vectors of more of the words may help."
_ADVICE = {
    MEDIAN: "Do the texts tell the scores, and are there enough reviews?",
    RIDGE: _LINEAR_ADVICE,
    LOGISTIC: _LINEAR_ADVICE,
}


def verdict(judgement: Judgement) -> Verdict | None:
    """Compares a model with its simple rivals, on the test reviews or else on those of validation.

    Of the median it must be better beyond chance: half of the models that learned nothing are a little better.

    Returns:
      None where there are no such reviews.
    """
    split = next((name for name in (TEST, VALIDATION) if judgement.figures[name]["rows"]), None)
    if split is None:
        return None
    figures = judgement.figures[split]
    beaten_by = {name: figures[name]["mae"] for name in _RIVALS if name in figures}
    if _is_better_than_median(judgement, split):
        del beaten_by[MEDIAN]
    for name in OF_SAMPLE:
        if figures["mae"] < beaten_by.get(name, -np.inf):
            del beaten_by[name]
    sentence = _sentence(figures, beaten_by, split) if beaten_by else ""
    return Verdict(split=split, mae=figures["mae"], no_better_than=beaten_by, sentence=sentence)


def _is_better_than_median(judgement: Judgement, split: str) -> bool:
    truths, median = judgement.splits[split].truths, np.median(judgement.splits[TRAIN].truths)
    gains = np.abs(median - truths) - np.abs(judgement.predictions(split).score - truths)
    return bool(gains.mean() > _CHANCE * gains.std() / np.sqrt(len(gains)))


def _sentence(figures: dict, beaten_by: dict[str, float], split: str) -> str:
    rivals = ", nor than ".join(_RIVALS[name] for name in beaten_by)
    *first, last = (f"{error:.3g}" for error in beaten_by.values())
    errors = f"{', '.join(first)} and {last}" if first else last
    chance = ", a gap that chance explains" if figures["mae"] < min(beaten_by.values()) else ""
    return (
        f"The model is no better than {rivals}: on {figures['rows']:,} {split} reviews its mean absolute error is "
        f"{figures['mae']:.3g}, there {errors}{chance}. {_ADVICE[next(iter(beaten_by))]}"
    )
