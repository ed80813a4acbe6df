"""Judges a fitted model: scores all splits, calibrates its interval, and measures it beside the baselines."""

import dataclasses
import math
from collections.abc import Callable

import tensorflow as tf

from beam_pipelines.artifacts.exports import Interval
from beam_pipelines.artifacts.prepared import SPLITS, VALIDATION
from beam_pipelines.artifacts.scale import Scale
from beam_pipelines.errors import logger
from trainer.architectures.heads import Head
from trainer.data import PreparedReviews
from trainer.judging import baselines, evaluation
from trainer.judging.evaluation import Predictions, ScoredSplit


@dataclasses.dataclass(frozen=True, kw_only=True)
class Judgement:
    """What a model is worth.

    Attributes:
      head: The model's, at its best temperature.
      share: How much of unseen reviews its interval shall cover.
      threshold: Of the interval; infinity where too few validation reviews calibrate it.
      scale: The range of the scores.
      splits: By name, with the model's outputs.
      figures: By split, the errors of the model beside those of the baselines, as `metrics.json` has them.
    """

    head: Head
    share: float
    threshold: float
    scale: Scale
    splits: dict[str, ScoredSplit]
    figures: dict[str, dict]

    @property
    def interval(self) -> Interval:
        """The entry `interval` of `metrics.json` and `reviews.json`."""
        return Interval(
            share=self.share,
            calibration_rows=int(self.splits[VALIDATION].in_calibration_half.sum()),
            # JSON has no infinity.
            threshold=self.threshold if math.isfinite(self.threshold) else None,
        )

    def predictions(self, split: str) -> Predictions:
        """Reads the scores and the intervals of a split."""
        return evaluation.predictions(self.head, self.splits[split].outputs, self.threshold, self.scale)


def judge(
    outputs: Callable[[tf.Tensor], tf.Tensor], head: Head, prepared: PreparedReviews, *, share: float, seed: int
) -> Judgement:
    """Judges a model.

    Args:
      outputs: Of the fitted model, as `Architecture.outputs_of_padded` computes them.
      head: Its own.
      prepared: The reviews.
      share: How much of unseen reviews the interval shall cover.
      seed: Of the baselines.
    """
    scale, predict = prepared.scale, evaluation.predictor(outputs)
    splits = {name: evaluation.score_split(predict, prepared, name) for name in SPLITS}
    # The interval is calibrated with the head as it is exported.
    head = evaluation.with_best_temperature(head, splits[VALIDATION], scale)
    threshold = evaluation.calibrate(head, splits[VALIDATION], scale, share)
    if math.isinf(threshold):
        logger.warning("too few validation reviews to calibrate the interval: it is the whole scale")
    figures = baselines.beside_baselines(head, splits, threshold, scale, share=share, seed=seed)
    return Judgement(head=head, share=share, threshold=threshold, scale=scale, splits=splits, figures=figures)
