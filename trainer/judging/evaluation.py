"""Scores the splits with a fitted model, and measures scores and intervals against the truth."""

import dataclasses
import zlib

import keras
import numpy as np
import tensorflow as tf

from beam_pipelines.artifacts.scale import BINS, Scale
from trainer import data
from trainer.architectures import heads
from trainer.judging import interval

BATCH_SIZE = 64
# Of a split, the token ids of about so many reviews are kept, for the baseline that needs them.
SAMPLE_ROWS = 20_000
# From 1 outwards: of equally good ones, the first is taken.
TEMPERATURES = sorted(np.geomspace(0.5, 2, 9), key=lambda one: abs(np.log(one)))
SPLITS = ("train", "validation", "test")


@dataclasses.dataclass(frozen=True)
class Split:
    """A split's reviews as the model sees them.

    Attributes:
      names: string [reviews], the rows' ids.
      hashes: int64 [reviews], of the tokens: equal texts have equal ones.
      lengths: int64 [reviews], tokens.
      truths: float64 [reviews], in the archive's unit.
      outputs: float32 [reviews, outputs], what the model says.
      sample: int64 [rows], the places of some reviews, drawn by their hashes.
      tokens: The token ids of the sample, int32 [time] each.
    """

    names: np.ndarray
    hashes: np.ndarray
    lengths: np.ndarray
    truths: np.ndarray
    outputs: np.ndarray
    sample: np.ndarray
    tokens: list[np.ndarray]

    @property
    def calibrates(self) -> np.ndarray:
        """Which half of the reviews, bool [reviews], calibrates the interval.

        Early stopping looks at the other half; equal texts stay together.
        """
        return self.hashes % 2 == 1


@dataclasses.dataclass(frozen=True)
class Scores:
    """Scores with their intervals, float64 [reviews] each, in the archive's unit."""

    score: np.ndarray
    low: np.ndarray
    high: np.ndarray


def predictor(model: keras.Model):
    """The model as a function: ids int64 [batch, time] -> float32 [batch, outputs]."""
    signature = [tf.TensorSpec([None, None], tf.int64)]
    return tf.function(lambda ids: model(ids, training=False), input_signature=signature)


def run_split(predict, prepared: data.PreparedReviews, split: str) -> Split:
    """Runs a `predictor` over all reviews of a split."""
    names, hashes, lengths, truths, outputs, sample, tokens = [], [], [], [], [], [], []
    sample_below = SAMPLE_ROWS / max(prepared.rows(split), 1) * 2**32
    if prepared.files(split):
        for batch in data.batches(prepared.files(split), BATCH_SIZE).as_numpy_iterator():
            names.append(batch["id"])
            truths.append(batch["score"])
            outputs.append(predict(batch["ids"]).numpy())
            for ids in batch["ids"]:
                review = ids[ids != 0].astype(np.int32)
                lengths.append(len(review))
                hashes.append(zlib.crc32(review.tobytes()))
                if hashes[-1] < sample_below:
                    sample.append(len(hashes) - 1)
                    tokens.append(review)
    return Split(
        np.concatenate([*names, np.empty(0, object)]),
        np.array(hashes, np.int64),
        np.array(lengths, np.int64),
        np.concatenate([*truths, np.empty(0)]).astype(np.float64),
        np.concatenate(outputs).astype(np.float32) if outputs else predict(np.ones((1, 1), np.int64)).numpy()[:0],
        np.array(sample, np.int64),
        tokens,
    )


def tempered(head, validation: Split, scale: Scale):
    """A distribution's head at the temperature with which the score errs least.

    The validation rows that do not calibrate the interval tell.
    """
    part = ~validation.calibrates
    if not isinstance(head, heads.DistributionHead) or not part.any():
        return head
    outputs, truths = validation.outputs[part], scale.to_unit(validation.truths[part]).astype(np.float32)

    def error(one) -> float:
        return float(np.mean(np.abs(np.array(one.score(outputs)) - truths)))

    return min((dataclasses.replace(head, temperature=float(one)) for one in TEMPERATURES), key=error)


def calibrate(head, calibration: Split, scale: Scale, share: float) -> float:
    """The threshold of the interval: see `trainer.judging.interval`."""
    part = calibration.calibrates
    truths = scale.to_unit(calibration.truths[part]).astype(np.float32)
    return interval.threshold(np.array(head.conformity(calibration.outputs[part], truths)), share)


def answers(head, outputs: np.ndarray, threshold: float, scale: Scale) -> Scores:
    """The scores that the head reads from a model's outputs."""
    found = (head.score(outputs), *head.bounds(outputs, threshold))
    return Scores(*(np.clip(scale.from_unit(np.array(one, np.float64)), scale.low, scale.high) for one in found))


def fixed_width(score: np.ndarray, calibration_gaps: np.ndarray, scale: Scale, share: float) -> Scores:
    """Gives scores an interval of one width, clipped to the scale.

    Args:
      score: float64 [reviews].
      calibration_gaps: How far the scores of the calibration rows lie from their truths, [rows].
      scale: The range.
      share: How much the interval shall cover.
    """
    threshold = interval.threshold(calibration_gaps, share)
    return Scores(score, np.maximum(score - threshold, scale.low), np.minimum(score + threshold, scale.high))


def measure(found: Scores, truths: np.ndarray, scale: Scale) -> dict:
    """How good scores and intervals are, in the archive's unit, in all and by the bin of the truth.

    Returns:
      `mae`, `mae_share` (of the scale), `rmse`, `correlation` (Pearson's; None where a side is
      constant), `coverage` and `width` of the interval, `mae_mean_over_bins`, and for each of the
      ten bins, None where it is empty: `mae`, `bias`, `coverage` and `width`.
    """
    gaps = found.score - truths
    covered = (found.low <= truths) & (truths <= found.high)
    width = found.high - found.low
    bins = scale.bins(truths)

    def by_bin(values: np.ndarray) -> list[float | None]:
        return [float(values[bins == place].mean()) if (bins == place).any() else None for place in range(BINS)]

    mae_by_bin = by_bin(np.abs(gaps))
    varied = np.ptp(found.score) > 0 and np.ptp(truths) > 0
    return {
        "mae": float(np.abs(gaps).mean()),
        "mae_share": float(np.abs(gaps).mean() / scale.span),
        "rmse": float(np.sqrt((gaps**2).mean())),
        "correlation": float(np.corrcoef(found.score, truths)[0, 1]) if varied else None,
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
