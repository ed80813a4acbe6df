"""Compares two models on the same reviews: what would change for who reads the scores, and whether for the worse."""

import dataclasses
import math

import numpy as np
import scipy.stats

from beam_pipelines.artifacts.exports import Export
from beam_pipelines.scoring.engines.engine_metrics import EngineMetrics
from beam_pipelines.scoring.engines.scorer import Scorer
from serving.checking import scales
from serving.checking.gate_settings import GateSettings
from serving.checking.sample_reviews import SampleReviews

MOVERS = 10
# More standard errors than chance explains in one of 40 comparisons.
STANDARD_ERRORS = 2
# Of reviews that a model has learned from, its error is below this share of that of others.
LEARNED_ERROR_RATIO = 0.7


@dataclasses.dataclass(frozen=True)
class Mover:
    """A review whose score moved far: its name, its text, None where it is not to be quoted, and its scores."""

    name: str
    text: str | None
    old: float
    new: float


@dataclasses.dataclass(frozen=True)
class Errors:
    """The mean absolute errors of two models on the same rated reviews, in the archive's unit.

    Attributes:
      old: Of the old model.
      new: Of the new one.
      standard_error: Of the difference of the two, from the paired differences; NaN of a single review.
    """

    old: float
    new: float
    standard_error: float

    @property
    def is_worse(self) -> bool:
        """Whether the new one errs more, by more than chance explains."""
        return self.new - self.old > STANDARD_ERRORS * self.standard_error


@dataclasses.dataclass(frozen=True)
class Comparison:
    """What a new model does to the scores of an old one.

    Attributes:
      rows: The reviews.
      old_mean: The mean score of the old model, in the archive's unit.
      new_mean: Likewise.
      mean_shift: By how much the mean differs, as a share of the range; positive where the new one is higher.
      rank_correlation: Spearman's, in [-1, 1].
      moved_share: How many new scores lie beyond the old interval, in [0, 1].
      movers: The reviews that moved furthest, the furthest first; none that did not move.
      errors: On reviews with true scores; None without any.
    """

    rows: int
    old_mean: float
    new_mean: float
    mean_shift: float
    rank_correlation: float
    moved_share: float
    movers: list[Mover]
    errors: Errors | None


def compare(old: Export, new: Export, sample: SampleReviews, *, quoting: bool = True) -> Comparison:
    """Scores a sample with both models.

    Args:
      old: The one that would be replaced.
      new: The other.
      sample: What both score.
      quoting: Whether the reviews that moved furthest are told with their texts.

    Raises:
      UserError: They score on different scales.
    """
    scales.refuse_another(old, new)
    was = Scorer(old).score(sample.texts, EngineMetrics())
    becomes = Scorer(new).score(sample.texts, EngineMetrics())
    before, after = was["score"].astype(np.float64), becomes["score"].astype(np.float64)
    beyond = (after < was["score_low"]) | (after > was["score_high"])
    return Comparison(
        rows=len(before),
        old_mean=float(before.mean()),
        new_mean=float(after.mean()),
        mean_shift=float((after - before).mean() / new.info.scale.span),
        rank_correlation=rank_correlation(before, after),
        moved_share=float(beyond.mean()),
        movers=_movers(sample, before, after, quoting),
        errors=None if sample.scores is None else paired_errors(before, after, sample.scores),
    )


def rank_correlation(before: np.ndarray, after: np.ndarray) -> float:
    """Spearman's rank correlation of scores, float64 [reviews] each; 1 of equal ones, 0 where one side is constant.

    >>> rank_correlation(np.array([1.0, 2, 3]), np.array([2.0, 4, 3]))
    0.5
    """
    if np.array_equal(before, after):
        return 1.0
    if not (np.ptp(before) and np.ptp(after)):
        return 0.0
    return float(scipy.stats.spearmanr(before, after).statistic)


def paired_errors(before: np.ndarray, after: np.ndarray, true: np.ndarray) -> Errors:
    """Compares errors review by review.

    Args:
      before: Scores of the old model, float64 [reviews].
      after: Those of the new one.
      true: The true scores.
    """
    old, new = np.abs(before - true), np.abs(after - true)
    spread = np.std(new - old, ddof=1) if len(true) > 1 else math.nan
    return Errors(float(old.mean()), float(new.mean()), float(spread / math.sqrt(len(true))))


def is_remembered(errors: Errors, of_test: float | None) -> bool:
    """Whether the new model errs so much less than on its test reviews that it has learned from the sample."""
    return of_test is not None and errors.new < LEARNED_ERROR_RATIO * of_test


def faults(comparison: Comparison, limits: GateSettings) -> list[str]:
    """Lists what moved too far, a clause each."""
    found = []
    if abs(shift := comparison.mean_shift) > limits.max_mean_shift:
        found.append(f"the mean moved by {shift:+.1%} of the range (--max_mean_shift {limits.max_mean_shift:g})")
    if (correlation := comparison.rank_correlation) < limits.min_rank_correlation:
        found.append(
            f"the rank correlation is {correlation:.3f} (--min_rank_correlation {limits.min_rank_correlation:g})"
        )
    if (share := comparison.moved_share) > limits.max_moved_share:
        found.append(
            f"{share:.1%} of the scores lie beyond the old interval (--max_moved_share {limits.max_moved_share:g})"
        )
    return found


def _movers(sample: SampleReviews, before: np.ndarray, after: np.ndarray, quoting: bool) -> list[Mover]:
    moves = np.abs(after - before)
    furthest = [row for row in np.argsort(-moves, kind="stable")[:MOVERS].tolist() if moves[row]]
    return [
        Mover(sample.names[row], sample.texts[row].as_py() if quoting else None, float(before[row]), float(after[row]))
        for row in furthest
    ]
