"""Judges a fitted model: scores all splits, calibrates its interval, and measures it beside the baselines."""

import dataclasses

from beam_pipelines.artifacts.exports import Interval
from beam_pipelines.artifacts.prepared import SPLITS, TEST, TRAIN, VALIDATION
from beam_pipelines.artifacts.scale import Scale
from beam_pipelines.errors import logger
from trainer.architectures.architecture import Architecture
from trainer.architectures.heads import Head
from trainer.architectures.interval_reach import IntervalReach
from trainer.judging import baselines, evaluation
from trainer.judging.conformal_interval import Calibration
from trainer.judging.evaluation import Predictions, ScoredSplit
from trainer.prepared_reviews import PreparedReviews, Selection


@dataclasses.dataclass(frozen=True, kw_only=True)
class Judgement:
    """What a model is worth.

    Attributes:
      head: The model's, as it reads best.
      share: How much of unseen reviews its interval shall cover.
      calibration: Of the interval, for any share.
      reach: Of the interval.
      scale: The range of the scores.
      splits: By name, with the model's outputs.
      figures: By split, the errors of the model beside those of the baselines, as `metrics.json` has them.
    """

    head: Head
    share: float
    calibration: Calibration
    reach: IntervalReach
    scale: Scale
    splits: dict[str, ScoredSplit]
    figures: dict[str, dict]

    @property
    def interval(self) -> Interval:
        """The entry `interval` of `metrics.json` and `reviews.json`."""
        calibration_rows = int(self.splits[VALIDATION].calibrates.sum())
        if not self.reach.is_finite:
            # JSON has no infinity.
            return Interval(share=self.share, calibration_rows=calibration_rows)
        return Interval(
            share=self.share,
            calibration_rows=calibration_rows,
            positions=list(self.reach.positions),
            reaches=list(self.reach.reaches),
        )

    def predictions(self, split: str) -> Predictions:
        """Reads the scores and the intervals of a split."""
        return evaluation.predictions(self.head, self.splits[split].outputs, self.reach, self.scale)


def judge(
    architecture: Architecture,
    head: Head,
    prepared: PreparedReviews,
    *,
    learned: Selection,
    out_of_fold: ScoredSplit | None = None,
    share: float,
    seed: int,
) -> Judgement:
    """Judges a model.

    Args:
      architecture: Fitted.
      head: That of its outputs.
      prepared: The reviews.
      learned: Those that it learned from, "train" in what is found.
      out_of_fold: The reviews that it learned from, with the outputs of models that did not see them; None where
        there are held-out ones instead. They stand as "validation" in what is found.
      share: How much of unseen reviews the interval shall cover.
      seed: Of the baselines.
    """
    scale = prepared.scale
    predict = evaluation.predictor(architecture.outputs_of_padded)
    selections = {TRAIN: learned, VALIDATION: Selection.whole(VALIDATION), TEST: Selection.whole(TEST)}
    splits = {} if out_of_fold is None else {VALIDATION: out_of_fold}
    for name in SPLITS:
        if name not in splits:
            splits[name] = evaluation.score_split(predict, prepared, selections[name])
    # The interval is calibrated with the head as it is exported.
    head = evaluation.fitted_head(head, splits[VALIDATION], scale)
    calibration = evaluation.calibration(head, splits[VALIDATION], scale)
    reach = calibration.reach(share)
    if not reach.is_finite:
        logger.warning("too few reviews calibrate an interval of %g: it is the whole scale", share)
    figures = baselines.beside_baselines(head, splits, reach, scale, share=share, seed=seed)
    return Judgement(
        head=head,
        share=share,
        calibration=calibration,
        reach=reach,
        scale=scale,
        splits=splits,
        figures=figures,
    )
