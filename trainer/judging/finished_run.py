"""A finished run, as its report tells of it."""

import dataclasses
import functools

from beam_pipelines.artifacts.prepared import TEST, TRAIN, VALIDATION
from beam_pipelines.artifacts.scale import Scale
from trainer.architectures.architecture import Architecture
from trainer.judging.evaluation import Predictions, ScoredSplit
from trainer.judging.judgement import Judgement
from trainer.prepared_reviews import PreparedReviews, Selection
from trainer.review_scorer import ReviewScorer


@dataclasses.dataclass(frozen=True, kw_only=True)
class FinishedRun:
    """A run that has fitted, judged and exported its model.

    Attributes:
      prepared: The reviews.
      learned: Those that the model learned from.
      architecture: The fitted model, in float32.
      judgement: What it is worth.
      scorer: The exported module.
      metrics: What `metrics.json` will hold.
      seed: Of the run.
      balanced: Whether the score bins counted equally in the fit.
    """

    prepared: PreparedReviews
    learned: Selection
    architecture: Architecture
    judgement: Judgement
    scorer: ReviewScorer
    metrics: dict
    seed: int
    balanced: bool

    @property
    def scale(self) -> Scale:
        return self.prepared.scale

    @property
    def judged_split(self) -> str:
        """The split that judges the model: the test, or what there is in its place."""
        return next(name for name in (TEST, VALIDATION, TRAIN) if self.metrics[name]["rows"])

    @property
    def split(self) -> ScoredSplit:
        """The reviews of the split that judges the model."""
        return self.judgement.splits[self.judged_split]

    @functools.cached_property
    def predictions(self) -> Predictions:
        """Their scores."""
        return self.judgement.predictions(self.judged_split)
