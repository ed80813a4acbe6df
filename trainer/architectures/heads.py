"""Reads a score and an interval from the outputs of a model's last layer.

Two heads: `PointHead`, the notebook's, whose output is the score itself, and `DistributionHead`,
whose outputs are the logits of a distribution over the score bins. All scores here are shares of
the scale, in [0, 1]; all functions take and return arrays or tensors, in a graph too.
"""

import abc
import dataclasses
import functools

import keras
import numpy as np
from keras import ops

from beam_pipelines.artifacts.scale import BINS, Scale

UNIT = Scale(0.0, 1.0)
# Bounds give way by this share of the scale, so that rounding to float32 puts no score outside.
ROUNDING = 1e-5
# A side of a distribution is never taken for narrower or wider, as shares of the scale. Where the model
# sees two modes, to reach the further one costs more width than it covers truths.
LEAST_SPREAD, GREATEST_SPREAD = 0.03, 0.1
VALUES_OF_BIN = 10
# So much mass is spread evenly over the scale before quantiles are read: where the model sees two modes
# and nothing between, a quantile would else jump from one to the other with the last bit of a float.
EVEN_SHARE = 0.03
# From 1 outwards: of equally good ones, the first is taken.
TEMPERATURES = sorted(np.geomspace(0.5, 2, 9), key=lambda temperature: abs(np.log(temperature)))
_QUARTILES = (0.25, 0.5, 0.75)
_EPSILON = 1e-6
# The nodes and weights of Gauss-Legendre quadrature on [0, 1].
_NODES, _WEIGHTS = (array / 2 for array in np.polynomial.legendre.leggauss(32))
_NODES += 0.5


class Head(abc.ABC):
    """Reads scores from a model's outputs, float32 [batch, outputs]; its interval reaches so many spreads to each side.

    What a subclass defines takes and returns arrays or tensors.
    """

    @property
    @abc.abstractmethod
    def outputs(self) -> int:
        """How many outputs the model has."""

    @abc.abstractmethod
    def loss(self, truths, outputs):
        """The loss of each review, float32 [batch], for `model.compile`; truths are float32 [batch, 1]."""

    @abc.abstractmethod
    def score(self, outputs):
        """The score, float32 [batch]."""

    @abc.abstractmethod
    def spreads(self, outputs):
        """How far scores scatter below and above, float32 [batch] each: the units of `conformity` and `bounds`."""

    @abc.abstractmethod
    def explained(self, outputs):
        """What an explanation splits into the parts of phrases, float32 [batch]: the score or what is near it."""

    @abc.abstractmethod
    def slopes(self, outputs, constants):
        """How much of `explained` a unit of each output adds, float32 [batch, outputs].

        `explained(outputs)` is `explained(constants)` and, for each output, its slope times its distance from the
        constant.

        Args:
          outputs: float32 [batch, outputs].
          constants: float32 [outputs], the model's outputs without any token.
        """

    @abc.abstractmethod
    def about(self) -> dict:
        """The entry `head` of `reviews.json` and `metrics.json`."""

    def bias(self) -> np.ndarray:
        """The outputs that a model starts from, float32 [outputs]."""
        return np.zeros(self.outputs, np.float32)

    def with_best_temperature(self, outputs, truths) -> "Head":
        """The head with which the scores err least; itself where it has no temperature.

        Args:
          outputs: float32 [batch, outputs], of reviews that the model did not learn from.
          truths: float32 [batch], their scores in [0, 1].
        """
        return self

    def bounds(self, outputs, threshold: float):
        """The scores whose `conformity` is at most the threshold: their least and greatest, float32 [batch] each."""
        score, (below, above) = self.score(outputs), self.spreads(outputs)
        low, high = score - threshold * below - ROUNDING, score + threshold * above + ROUNDING
        return ops.clip(low, 0.0, 1.0), ops.clip(high, 0.0, 1.0)

    def conformity(self, outputs, truths):
        """How many spreads the truth lies from the score, float32 [batch].

        Normalised by the model's estimate of its own error (Papadopoulos et al., 2008), on each side apart (Sesia
        and Candes, 2020).
        """
        score, (below, above) = self.score(outputs), self.spreads(outputs)
        return ops.maximum((score - truths) / below, (truths - score) / above)


class PointHead(Head):
    """One output, the score; fitted to the mean absolute error."""

    @property
    def outputs(self) -> int:
        return 1

    def loss(self, truths, outputs):
        return keras.losses.mean_absolute_error(truths, outputs)

    def score(self, outputs):
        return ops.clip(outputs[:, 0], 0.0, 1.0)

    def spreads(self, outputs):
        # The same for all reviews, a whole scale to each side: the interval has one width.
        return ops.ones_like(outputs[:, 0]), ops.ones_like(outputs[:, 0])

    def about(self) -> dict:
        return {"kind": "point"}

    def explained(self, outputs):
        # Before it is clipped, the score is linear in the outputs.
        return outputs[:, 0]

    def slopes(self, outputs, constants):
        return ops.ones_like(outputs)


@dataclasses.dataclass(frozen=True)
class DistributionHead(Head):
    """The logits of the score bins that hold a training score, answered with the median.

    Within a bin, scores are spread as the training scores in it are: over its values where they are
    few, such as stars, or over as many groups of them. So the distribution is one over `values`; its
    quantiles are those of the mid-distribution function (Ma, Genton and Parzen, 2011), interpolated
    from point to point: right for scores of few values, such as stars, and smooth for many.

    Attributes:
      points: float64 [bins], the mean training score of each bin.
      values: float64 [values], ascending, the training scores or the means of groups of them.
      spread: float32 [bins, values], which share of a bin's mass a value has.
      edges: float64 [bins - 1], the upper edges of all bins but the last.
      least: The lowest training score; no quantile lies below.
      greatest: The highest.
      shares: float64 [bins], the share of each bin in the training scores.
      temperature: What the logits are divided by before they are read (Guo et al., 2017); below 1, the
        score is a bolder one.
    """

    points: np.ndarray
    values: np.ndarray
    spread: np.ndarray
    edges: np.ndarray
    least: float
    greatest: float
    shares: np.ndarray
    temperature: float = 1.0

    @property
    def outputs(self) -> int:
        return len(self.points)

    @classmethod
    def of(cls, scores: np.ndarray) -> "DistributionHead":
        """The head for the given training scores, in [0, 1]."""
        bins = UNIT.bins(scores)
        filled, counts = np.unique(bins, return_counts=True)
        points = np.bincount(bins, scores)[filled] / counts
        values: list[float] = []
        spread = np.zeros((len(filled), len(filled) * VALUES_OF_BIN), np.float32)
        for row, score_bin in enumerate(filled):
            for value, share in _groups(np.sort(scores[bins == score_bin])):
                spread[row, len(values)] = share
                values.append(value)
        edges, shares = UNIT.edges()[filled[:-1]], counts / counts.sum()
        limits = float(scores.min()), float(scores.max())
        return cls(points.clip(*limits), np.clip(values, *limits), spread[:, : len(values)], edges, *limits, shares)

    def loss(self, truths, outputs):
        """The binary cross-entropies of "the score is in this bin or below", summed over the edges.

        Frank and Hall (2001) split an ordinal scale in this way. Each edge counts as much as the
        points beside it lie apart, so a miss costs the more the further it is, as it does in the
        absolute error; one between neighbours of ten even bins counts 1.
        """
        below = ops.cumsum(ops.softmax(outputs), axis=1)[:, :-1]
        is_below = ops.cast(truths <= self.edges.astype(np.float32), outputs.dtype)
        right = is_below * below + (1 - is_below) * (1 - below)
        apart = BINS * np.diff(self.points).astype(np.float32)
        return -ops.sum(apart * ops.log(right + _EPSILON), axis=1)

    def bias(self) -> np.ndarray:
        # The logits of the training scores' own distribution.
        return np.log(self.shares + 1e-3).astype(np.float32)

    def score(self, outputs):
        """The median, float32 [batch]."""
        return self.quantiles(outputs, _QUARTILES)[:, 1]

    def spreads(self, outputs):
        """How far the quartiles lie from the median, within limits: below and above, float32 [batch] each."""
        # All of them at once, as for the median, so that an export computes them once.
        quartiles = self.quantiles(outputs, _QUARTILES)
        sides = ops.clip(quartiles[:, 1:] - quartiles[:, :-1], LEAST_SPREAD, GREATEST_SPREAD)
        return sides[:, 0], sides[:, 1]

    def quantiles(self, outputs, shares: tuple[float, ...]):
        """The scores below which the given shares of the distribution lie, float32 [batch, shares].

        A corner of the distribution function is linear in the masses of the bins, which add up to 1, and
        so is what a share exceeds it by: one product gives all that is divided.
        """
        levels, values = self._corners
        rises = np.maximum(np.diff(levels), 1e-12)
        above = [share - levels[:, :-1] for share in shares]
        products = ops.matmul(self._masses(outputs), np.concatenate([*above, rises], axis=1).astype(np.float32))
        products = ops.reshape(products, [-1, len(shares) + 1, len(values) - 1])
        parts = ops.clip(products[:, :-1] / products[:, -1:], 0.0, 1.0)
        return np.float32(self.least) + ops.sum(parts * np.diff(values).astype(np.float32), axis=-1)

    def _masses(self, outputs):
        return ops.softmax(outputs / self.temperature)

    @functools.cached_property
    def _corners(self) -> tuple[np.ndarray, np.ndarray]:
        """The corners of the distribution function of each bin alone: levels float64 [bins, values + 2], values."""
        middles = np.cumsum(self.spread, axis=1, dtype=np.float64) - self.spread / 2
        nothing = np.zeros((len(middles), 1))
        levels = np.concatenate([nothing, middles, nothing + 1], axis=1)
        values = np.array([self.least, *self.values, self.greatest])
        even = (values - self.least) / max(self.greatest - self.least, 1e-12)
        return (1 - EVEN_SHARE) * levels + EVEN_SHARE * even, values

    def with_best_temperature(self, outputs, truths) -> "DistributionHead":
        def error(head: DistributionHead) -> float:
            return float(np.mean(np.abs(np.array(head.score(outputs)) - truths)))

        heads = [dataclasses.replace(self, temperature=float(temperature)) for temperature in TEMPERATURES]
        return min(heads, key=error)

    def about(self) -> dict:
        return {"kind": "distribution", "points": self.points.tolist(), "temperature": self.temperature}

    def explained(self, outputs):
        """The mean of the distribution, float32 [batch]."""
        return ops.matmul(self._masses(outputs), self.points.astype(np.float32)[:, None])[:, 0]

    def slopes(self, outputs, constants):
        """The mean's slope, averaged on the way from the constants to the outputs, float32 [batch, outputs].

        These are integrated gradients (Sundararajan, Taly and Yan, 2017), of a curve that has no other exact split.
        """
        total = 0.0
        for node, weight in zip(_NODES, _WEIGHTS, strict=True):
            masses = self._masses(constants + node * (outputs - constants))
            mean = ops.sum(masses * self.points.astype(np.float32), axis=1, keepdims=True)
            total += weight / self.temperature * masses * (self.points.astype(np.float32) - mean)
        return total


def _groups(scores: np.ndarray) -> list[tuple[float, float]]:
    """The values of a bin's sorted scores, or where they are many the means of groups, with their shares."""
    values, counts = np.unique(scores, return_counts=True)
    if len(values) <= VALUES_OF_BIN:
        return list(zip(values, counts / len(scores), strict=True))
    return [(group.mean(), len(group) / len(scores)) for group in np.array_split(scores, VALUES_OF_BIN)]
