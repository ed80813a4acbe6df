"""Scores the splits with a fitted model, and measures scores and intervals against the truth."""

import dataclasses
import zlib
from collections.abc import Callable

import numpy as np
import tensorflow as tf
from sklearn.metrics import roc_auc_score

from beam_pipelines.artifacts.prepared import ID, IDS, SCORE
from beam_pipelines.artifacts.scale import BINS, Scale
from trainer import data
from trainer.architectures.heads import Head
from trainer.architectures.interval_reach import IntervalReach
from trainer.judging import conformal_interval
from trainer.judging.conformal_interval import Calibration
from trainer.prepared_reviews import PreparedReviews, Selection

BATCH_SIZE = 64
# Of a split, the token ids of about so many reviews are kept, for the baseline that needs them.
SAMPLE_ROWS = 20_000
# ids int64 [batch, time] -> float32 [batch, outputs].
Predictor = Callable[[np.ndarray], tf.Tensor]


@dataclasses.dataclass(frozen=True)
class ScoredSplit:
    """A split's reviews as the model reads them, with its outputs.

    Attributes:
      names: string [reviews], the rows' ids.
      hashes: int64 [reviews], of the tokens: equal texts have equal ones.
      lengths: int64 [reviews], tokens.
      truths: float64 [reviews], in the archive's unit.
      outputs: float32 [reviews, outputs], of the model.
      sample: int64 [rows], the indices of some reviews, drawn by their hashes.
      tokens: The token ids of the sample, int32 [time] each.
      folds: int64 [reviews], the fold of each, whose outputs are those of a model that learned from the other folds;
        None where one model, which learned from none of them or from all, gave all outputs.
    """

    names: np.ndarray
    hashes: np.ndarray
    lengths: np.ndarray
    truths: np.ndarray
    outputs: np.ndarray
    sample: np.ndarray
    tokens: list[np.ndarray]
    folds: np.ndarray | None = None

    @property
    def calibrates(self) -> np.ndarray:
        """Which reviews calibrate the interval, bool [reviews]: a half, or where they are in folds nearly all.

        Equal texts have equal hashes: no review does whose twin had a say in the epoch, or was learned from in another
        fold.
        """
        if self.folds is None:
            return self.hashes % 2 == 1
        in_folds = np.unique(np.stack([self.hashes, self.folds]), axis=1)[0]
        hashes, counts = np.unique(in_folds, return_counts=True)
        return ~np.isin(self.hashes, hashes[counts > 1])

    @property
    def chooses(self) -> np.ndarray:
        """Which reviews choose the epoch and how the head reads, bool [reviews]: the other half, or nearly all."""
        return ~self.calibrates if self.folds is None else self.calibrates


@dataclasses.dataclass(frozen=True)
class Predictions:
    """Scores with their intervals, float64 [reviews] each, in the archive's unit.

    Attributes:
      mean: The mean of the distribution that a score is the median of, which ranks reviews; else the score.
    """

    score: np.ndarray
    low: np.ndarray
    high: np.ndarray
    mean: np.ndarray


def predictor(outputs: Callable[[tf.Tensor], tf.Tensor]) -> Predictor:
    """Makes a function of what takes padded ids, int64 [batch, time]; one graph for all padded lengths."""
    # Without the signature, TensorFlow would trace the model anew for each padded length.
    signature = [tf.TensorSpec([None, None], tf.int64)]
    return tf.function(outputs, input_signature=signature)


def score_split(predict: Predictor | None, prepared: PreparedReviews, selection: Selection) -> ScoredSplit:
    """Runs a `predictor` over the selected reviews; without one they are read alone."""
    predict = predict or (lambda ids: tf.zeros([len(ids), 0]))
    names, hashes, lengths, truths, outputs, sample, tokens = [], [], [], [], [], [], []
    # By the hash of its tokens a review is drawn or not, whatever the order: every run has the same sample.
    sample_below = SAMPLE_ROWS / max(prepared.rows(Selection.whole(*selection.splits)), 1) * 2**32
    if prepared.files(selection):
        for batch in data.batches(prepared, selection, BATCH_SIZE).as_numpy_iterator():
            names.append(batch[ID])
            truths.append(batch[SCORE])
            outputs.append(predict(batch[IDS]).numpy())
            for ids in batch[IDS]:
                review = ids[ids != 0].astype(np.int32)
                lengths.append(len(review))
                hashes.append(zlib.crc32(review.tobytes()))
                if hashes[-1] < sample_below:
                    sample.append(len(hashes) - 1)
                    tokens.append(review)
    return ScoredSplit(
        names=np.concatenate([*names, np.empty(0, object)]),
        hashes=np.array(hashes, np.int64),
        lengths=np.array(lengths, np.int64),
        truths=np.concatenate([*truths, np.empty(0)]).astype(np.float64),
        # Of a split without reviews there are no outputs either, but as many columns.
        outputs=np.concatenate(outputs or [predict(tf.ones((1, 1), tf.int64)).numpy()[:0]]).astype(np.float32),
        sample=np.array(sample, np.int64),
        tokens=tokens,
    )


def joined(folds: list[ScoredSplit]) -> ScoredSplit:
    """Joins the reviews of all folds, each scored by a model that learned from the others."""
    starts = np.cumsum([0, *(len(fold.truths) for fold in folds)])[:-1]

    def of_all(name: str) -> np.ndarray:
        return np.concatenate([getattr(fold, name) for fold in folds])

    return ScoredSplit(
        **{name: of_all(name) for name in ("names", "hashes", "lengths", "truths", "outputs")},
        sample=np.concatenate([start + fold.sample for start, fold in zip(starts, folds, strict=True)]),
        tokens=[tokens for fold in folds for tokens in fold.tokens],
        folds=np.repeat(np.arange(len(folds)), [len(fold.truths) for fold in folds]),
    )


def fitted_head(head: Head, validation: ScoredSplit, scale: Scale) -> Head:
    """Returns the head with which the score errs least on the validation reviews that choose it."""
    rows = validation.chooses
    if not rows.any():
        return head
    return head.fitted(validation.outputs[rows], scale.to_unit(validation.truths[rows]).astype(np.float32))


def calibration(head: Head, validation: ScoredSplit, scale: Scale) -> Calibration:
    """Asks the validation reviews how far the interval must reach to hold their truths."""
    truths = scale.to_unit(validation.truths).astype(np.float32)
    return Calibration(
        np.array(head.position(validation.outputs)),
        head.conformity(validation.outputs, truths),
        shapes=validation.chooses,
        calibrates=validation.calibrates,
        groups=head.REACHES,
    )


def predictions(head: Head, outputs: np.ndarray, reach: IntervalReach, scale: Scale) -> Predictions:
    """Reads scores and intervals from a model's outputs, float32 [reviews, outputs]."""

    def in_unit_of_archive(shares) -> np.ndarray:
        return np.clip(scale.from_unit(np.array(shares, np.float64)), scale.low, scale.high)

    low, high = head.bounds(outputs, reach.at(head.position(outputs)))
    return Predictions(*map(in_unit_of_archive, (head.score(outputs), low, high, head.explained(outputs))))


def fixed_width(
    score: np.ndarray, mean: np.ndarray, calibration_gaps: np.ndarray, scale: Scale, share: float
) -> Predictions:
    """Gives scores an interval of one width, clipped to the scale.

    Args:
      score: float64 [reviews].
      mean: float64 [reviews], see `Predictions`.
      calibration_gaps: How far the scores of the calibration rows lie from their truths, [rows].
      scale: The range.
      share: How much the interval shall cover.
    """
    threshold = conformal_interval.threshold(calibration_gaps, share)
    low, high = np.maximum(score - threshold, scale.low), np.minimum(score + threshold, scale.high)
    return Predictions(score, low, high, mean)


def measure(predicted: Predictions, truths: np.ndarray, scale: Scale) -> dict:
    """Measures scores and intervals, in the archive's unit, in all and by the bin of the truth.

    Returns:
      `mae`, `mae_share` (of the scale), `rmse`, `correlation` (Pearson's; None where a side is
      constant), `auc` (the area under the ROC curve with which the mean tells the reviews above the
      middle of the scale; None where all or none are), `coverage` and `width` of the interval,
      `mae_mean_over_bins`, and for each of the ten bins, None where it is empty: `mae`, `bias`,
      `coverage` and `width`.
    """
    gaps = predicted.score - truths
    covered = (predicted.low <= truths) & (truths <= predicted.high)
    width = predicted.high - predicted.low
    bins = scale.bins(truths)

    def by_bin(values: np.ndarray) -> list[float | None]:
        return [float(values[bins == index].mean()) if (bins == index).any() else None for index in range(BINS)]

    mae_by_bin = by_bin(np.abs(gaps))
    varied = np.ptp(predicted.score) > 0 and np.ptp(truths) > 0
    return {
        "mae": float(np.abs(gaps).mean()),
        "mae_share": float(np.abs(gaps).mean() / scale.span),
        "rmse": float(np.sqrt((gaps**2).mean())),
        "correlation": float(np.corrcoef(predicted.score, truths)[0, 1]) if varied else None,
        "auc": _auc(predicted.mean, truths, scale),
        "coverage": float(covered.mean()),
        "width": float(width.mean()),
        "mae_mean_over_bins": float(np.mean([mae for mae in mae_by_bin if mae is not None])),
        "by_bin": {
            "rows": np.bincount(bins, minlength=BINS).tolist(),
            "mae": mae_by_bin,
            "bias": by_bin(gaps),
            "coverage": by_bin(covered.astype(float)),
            "width": by_bin(width),
        },
    }


def _auc(mean: np.ndarray, truths: np.ndarray, scale: Scale) -> float | None:
    is_above = truths > scale.from_unit(0.5)
    return float(roc_auc_score(is_above, mean)) if 0 < is_above.sum() < len(truths) else None
