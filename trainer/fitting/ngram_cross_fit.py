"""Fits n-grams as a model is fitted: the regularisation is told by held-out reviews, and so is what they are worth."""

import dataclasses
import time

import numpy as np

from beam_pipelines.errors import logger
from trainer.architectures.distribution_head import DistributionHead
from trainer.architectures.ngrams import Ngrams
from trainer.fitting import fit_loop, ngram_factors, ngram_features, ngram_fit, time_left
from trainer.fitting.model_spec import ModelSpec
from trainer.fitting.ngram_features import NgramFeatures
from trainer.judging import evaluation
from trainer.prepared_reviews import Selection


@dataclasses.dataclass(frozen=True)
class NgramCrossFit:
    """N-grams fitted to all reviews that are learned from.

    Attributes:
      ngrams: The fitted branch.
      strength: The inverse strength of its regularisation, with which held-out reviews are scored best.
      outputs: float32 [reviews, outputs], for the reviews of all folds, those of n-grams that did not see them; None
        without folds.
    """

    ngrams: Ngrams
    strength: float
    outputs: np.ndarray | None


def fit(spec: ModelSpec, folds: int, *, balanced: bool = False) -> NgramCrossFit:
    """Fits n-grams to all reviews that are learned from, and where there are folds, to all but each of these.

    Args:
      spec: Of a model with a distribution head of one branch.
      folds: How many; 0 where `spec` holds reviews out.
      balanced: Whether the score bins count equally.
    """
    # Each strength for the first fold, then the other folds and all reviews.
    fits = _Fits(spec, balanced, count=len(ngram_fit.STRENGTHS) + folds)
    if not folds:
        strength = fits.best_strength(spec)
        return NgramCrossFit(fits.fitted(spec, strength), strength, None)
    specs = [spec.of_fold(folds, fold) for fold in range(folds)]
    strength = fits.best_strength(specs[0])
    outputs = [fits.outputs(of_fold, strength) for of_fold in specs]
    return NgramCrossFit(fits.fitted(spec, strength), strength, np.concatenate(outputs))


class _Fits:
    """Fits n-grams, none twice.

    Args:
      spec: Of all that is learned from.
      balanced: Whether the score bins count equally.
      count: How many fits there are at most, for the progress.
    """

    def __init__(self, spec: ModelSpec, balanced: bool, count: int):
        assert isinstance(spec.head, DistributionHead), "n-grams need bins"
        self._head, self._vocabulary_size = spec.head, len(spec.prepared.vectors())
        self._balanced, self._count = balanced, count
        self._fitted: dict[tuple[Selection, float], Ngrams] = {}
        self._features: NgramFeatures | None = None
        self._factors: np.ndarray | None = None
        if unrated := ngram_features.read_unrated(spec.prepared):
            # They teach by the texts of all reviews that the model learns from, and by no scores: so for all folds.
            rated = ngram_features.read(spec.prepared, spec.rated, spec.head).ngrams
            self._features = NgramFeatures.of(rated, unrated)
            logger.info("factorising %s n-grams of rated and unrated reviews", f"{len(self._features.ngrams):,}")
            self._factors = ngram_factors.factorise(self._features.matrix([*rated, *unrated]))
        self._started = time.monotonic()

    def best_strength(self, spec: ModelSpec) -> float:
        """Finds the strength with which the held-out reviews that may choose it are scored best."""
        if not spec.held_out or not spec.prepared.rows(spec.held_out):
            return ngram_fit.STRENGTHS[0]
        split = evaluation.score_split(None, spec.prepared, spec.held_out)
        truths, choosing = spec.prepared.scale.to_unit(split.truths), fit_loop.choosing(split, spec)

        def error(strength: float) -> float:
            gaps = np.abs(np.array(self._head.score(self.outputs(spec, strength))) - truths)[choosing]
            return float(gaps.mean()) if len(gaps) else 0.0

        return min(ngram_fit.STRENGTHS, key=error)

    def outputs(self, spec: ModelSpec, strength: float) -> np.ndarray:
        """What n-grams that did not learn from the held-out reviews say of them."""
        assert spec.held_out, "asked for where there are such reviews"
        predict = evaluation.predictor(self.fitted(spec, strength).outputs_of_padded)
        return evaluation.score_split(predict, spec.prepared, spec.held_out).outputs

    def fitted(self, spec: ModelSpec, strength: float) -> Ngrams:
        if (spec.learned, strength) not in self._fitted:
            reviews = ngram_features.read(spec.prepared, spec.learned, spec.head)
            self._log_progress(len(reviews.ngrams))
            self._fitted[spec.learned, strength] = ngram_fit.fit(
                reviews,
                self._features.of_rated(reviews.ngrams) if self._features else NgramFeatures.of(reviews.ngrams),
                vocabulary_size=self._vocabulary_size,
                strength=strength,
                balanced=self._balanced,
                factors=self._factors,
            )
        return self._fitted[spec.learned, strength]

    def _log_progress(self, reviews: int) -> None:
        done = len(self._fitted)
        seconds = (time.monotonic() - self._started) / done * (self._count - done) if done else None
        left = "" if seconds is None else f"; {time_left.at_most(seconds)}"
        logger.info("fitting n-grams to %s reviews, %d of %d times%s", f"{reviews:,}", done + 1, self._count, left)
