"""Scores the splits with a fitted model, and says how good the scores are beside simple guesses."""

import dataclasses

import keras
import numpy as np

from beam_pipelines.scale import Scale
from trainer import data

BATCH_SIZE = 64


@dataclasses.dataclass(frozen=True)
class Scored:
    """A split's reviews with their true and predicted scores, in the archive's unit.

    Attributes:
      ids: string [reviews].
      truths: float64 [reviews].
      scores: float64 [reviews], clipped to the scale.
    """

    ids: np.ndarray
    truths: np.ndarray
    scores: np.ndarray


def score_split(model: keras.Model, prepared: data.PreparedReviews, split: str) -> Scored:
    """Scores all reviews of a split."""
    scale = prepared.scale
    ids, truths, scores = [], [], []
    if prepared.files(split):
        for batch in data.batches(prepared.files(split), BATCH_SIZE).as_numpy_iterator():
            ids.append(batch["id"])
            truths.append(batch["score"])
            shares = np.clip(model.predict_on_batch(batch["ids"])[:, 0], 0, 1)
            scores.append(scale.from_unit(shares.astype(np.float64)))
    return Scored(
        np.concatenate([*ids, np.empty(0, object)]),
        np.concatenate([*truths, np.empty(0)]).astype(np.float64),
        np.concatenate([*scores, np.empty(0)]),
    )


def metrics(scored: dict[str, Scored], scale: Scale, seed: int) -> dict:
    """The errors of every split, each beside those of two guesses that know no text.

    `random_guess` is the notebook's benchmark: every review gets the score of a training review
    drawn at random (with the seed). `median` gives every review the training median.
    """
    known = scored["train"].truths
    draws = np.random.default_rng(seed)
    report = {}
    for split, result in scored.items():
        rows = len(result.truths)
        report[split] = {"rows": rows}
        if rows:
            report[split] |= {
                **errors(result.scores, result.truths, scale),
                "random_guess": errors(draws.choice(known, rows), result.truths, scale),
                "median": errors(np.full(rows, np.median(known)), result.truths, scale),
            }
    return report


def errors(scores: np.ndarray, truths: np.ndarray, scale: Scale) -> dict[str, float]:
    """Mean absolute error, in the archive's unit and as a share of the scale, and the root mean square."""
    gaps = scores - truths
    return {
        "mae": float(np.abs(gaps).mean()),
        "mae_share": float(np.abs(gaps).mean() / scale.span),
        "rmse": float(np.sqrt((gaps**2).mean())),
    }
