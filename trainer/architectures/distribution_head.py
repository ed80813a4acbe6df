"""Reads a score and an interval from distributions over the score bins.

A model may have several branches, each with a distribution of its own; what is read is their weighted mean.
"""

import dataclasses
import itertools
from typing import ClassVar, Self

import numpy as np
from keras import ops

from beam_pipelines.artifacts.scale import BINS, Scale
from trainer.architectures.heads import Head

UNIT = Scale(0.0, 1.0)
# A bin of more values is one of groups of them, of equal count: small steps from each to the next.
VALUES_OF_BIN, GROUPS_OF_BIN = 10, 20
# Of more values, those nearest to so many even ones from 0 to 1 are told as one.
TOLD_VALUES = 21
# A quantile is the mean of those of the levels this far to both sides. So where a score changes from one value to
# the next, it does so along a steep ramp, and rounding moves it little.
HALF_RAMP = 0.02
# How sharply a bound is chosen, in shares of the mass: rounding moves a bound by its share of this, and a sharp choice
# jumps from one value to another.
SOFTNESS = 0.02
# A bound lies so far outside what was chosen, in shares of the scale, since a soft choice lies inside.
MARGIN = 0.01
# What it costs a bound to lie on the wrong side of the median, beside the mass that it leaves out there, as a factor.
WRONG_SIDE = 1.0
# The reaches between which that of a truth is looked for, in so many halvings.
LEAST_REACH, GREATEST_REACH, HALVINGS = -4.0, 7.0, 20
# From this reach on the bounds move outwards by as much of the scale, and at the greatest the interval is all of it:
# where a model is sure and wrong, no mass tells how far it is worth to reach.
OUTWARDS_FROM = 6.0
# From 1 and 0.5 outwards: of equally good ones, the first is taken.
TEMPERATURES = sorted(np.geomspace(0.5, 2, 9), key=lambda temperature: abs(np.log(temperature)))
FEW_TEMPERATURES = sorted(np.geomspace(0.5, 2, 5), key=lambda temperature: abs(np.log(temperature)))
WEIGHTS = (0.5, 0.25, 0.75, 0.0, 1.0)
# Of more reviews, so many choose them.
CHOOSING_ROWS = 5_000
_EPSILON = 1e-6
# The nodes and weights of Gauss-Legendre quadrature on [0, 1].
_NODES, _NODE_WEIGHTS = (array / 2 for array in np.polynomial.legendre.leggauss(32))
_NODES += 0.5


@dataclasses.dataclass(frozen=True)
class Branch:
    """How a branch of a model takes part.

    Attributes:
      weight: In [0, 1]; those of all branches add up to 1.
      temperature: What its logits are divided by before they are read (Guo et al., 2017); below 1, its
        distribution is a bolder one.
    """

    weight: float = 1.0
    temperature: float = 1.0


@dataclasses.dataclass(frozen=True)
class DistributionHead(Head):
    """The logits of the score bins that hold a training score, answered with the median.

    Within a bin, scores are spread as the training scores in it are: over its values where they are
    few, such as stars, or over as many groups of them. So the distribution is one over `values`. It is that
    which the absolute error asks for, but for `HALF_RAMP`.

    Attributes:
      points: float64 [bins], the mean training score of each bin.
      values: float64 [values], ascending, the training scores or the means of groups of them.
      spread: float32 [bins, values], which share of a bin's mass a value has.
      edges: float64 [bins - 1], the upper edges of all bins but the last.
      shares: float64 [bins], the share of each bin in the training scores.
      branches: Those of the model, as its outputs stand behind each other; a model that is fitted has one.
    """

    REACHES: ClassVar[int] = 5

    points: np.ndarray
    values: np.ndarray
    spread: np.ndarray
    edges: np.ndarray
    shares: np.ndarray
    branches: tuple[Branch, ...] = (Branch(),)

    @property
    def outputs(self) -> int:
        return len(self.points) * len(self.branches)

    @classmethod
    def of(cls, scores: np.ndarray) -> Self:
        """The head for the given training scores, in [0, 1]."""
        bins = UNIT.bins(scores)
        filled, counts = np.unique(bins, return_counts=True)
        points = np.bincount(bins, scores)[filled] / counts
        values: list[float] = []
        spread = np.zeros((len(filled), len(filled) * max(VALUES_OF_BIN, GROUPS_OF_BIN)), np.float32)
        for row, score_bin in enumerate(filled):
            for value, share in _groups(np.sort(scores[bins == score_bin])):
                spread[row, len(values)] = share
                values.append(value)
        edges, shares = UNIT.edges()[filled[:-1]], counts / counts.sum()
        limits = float(scores.min()), float(scores.max())
        return cls(points.clip(*limits), np.clip(values, *limits), spread[:, : len(values)], edges, shares)

    def targets(self, scores):
        """The bin that holds each score, float32 [batch, bins], 1 there."""
        above = ops.cast(scores[:, None] > self.edges.astype(np.float32), "float32")
        ends = ops.zeros_like(scores[:, None])
        return ops.concatenate([ends + 1, above], axis=1) - ops.concatenate([above, ends], axis=1)

    def loss(self, targets, outputs):
        """The binary cross-entropies of "the score is in this bin or below", summed over the edges.

        Frank and Hall (2001) split an ordinal scale in this way. Each edge counts as much as the
        points beside it lie apart, so a miss costs the more the further it is, as it does in the
        absolute error; one between neighbours of ten even bins counts 1.
        """
        below = ops.cumsum(ops.softmax(outputs), axis=1)[:, :-1]
        is_below = ops.cast(ops.cumsum(targets, axis=1)[:, :-1], outputs.dtype)
        surprises = is_below * ops.log(below + _EPSILON) + (1 - is_below) * ops.log(1 - below + _EPSILON)
        return -ops.sum(BINS * np.diff(self.points).astype(np.float32) * surprises, axis=1)

    def bias(self) -> np.ndarray:
        # The logits of the training scores' own distribution.
        return np.log(self.shares + 1e-3).astype(np.float32)

    def score(self, outputs):
        """The median, float32 [batch], averaged over a narrow range of levels.

        A quantile is the lowest value plus each step to the next value whose level of the distribution function it
        lies above. In the mean over a range of levels, a step counts by how much of the range lies above.
        """
        levels = np.cumsum(self.spread, axis=1, dtype=np.float64)[:, :-1].astype(np.float32)
        above = ops.clip((0.5 - ops.matmul(self.masses(outputs), levels)) / (2 * HALF_RAMP) + 0.5, 0.0, 1.0)
        return np.float32(self.values[0]) + ops.sum(above * np.diff(self.values).astype(np.float32), axis=1)

    def bounds(self, outputs, reach):
        """The interval that is worth its width.

        A bound reaches on as long as what it gains in mass is worth more than the width that it costs, at a price
        of exp(-reach) for the whole scale. Were the distribution true, no intervals would cover as much with less
        width on average than those of one price, as the level sets of a density do (Lei, Robins and Wasserman, 2013).
        The choice is a soft one.
        """
        values, score = self.values.astype(np.float32), self.score(outputs)
        masses = ops.matmul(self.masses(outputs), self.spread)
        up_to = ops.cumsum(masses, axis=1)
        costs = ops.reshape(ops.exp(-ops.convert_to_tensor(reach, "float32")), [-1, 1]) * values
        before = up_to - masses
        low = self._softly_chosen(costs - before - WRONG_SIDE * ops.maximum(before - 0.5, 0.0))
        high = self._softly_chosen(up_to - costs - WRONG_SIDE * ops.maximum(0.5 - up_to, 0.0))
        # At no price at all, the interval is the whole scale, whatever was learned from.
        reach = ops.convert_to_tensor(reach, "float32")
        is_priced = ops.cast(ops.isfinite(reach), "float32")
        margin = MARGIN + ops.clip(reach - OUTWARDS_FROM, 0.0, 1.0)
        low = is_priced * (ops.minimum(low, score) - margin)
        high = 1 - is_priced * (1 - ops.maximum(high, score) - margin)
        return ops.clip(low, 0.0, 1.0), ops.clip(high, 0.0, 1.0)

    def _softly_chosen(self, worth):
        return ops.sum(ops.softmax(worth / SOFTNESS) * self.values.astype(np.float32), axis=1)

    def conformity(self, outputs, truths) -> np.ndarray:
        least, greatest = (np.full(len(truths), end, np.float32) for end in (LEAST_REACH, GREATEST_REACH))
        for _ in range(HALVINGS):
            middle = (least + greatest) / 2
            is_held = self._holds(outputs, middle, truths)
            least, greatest = np.where(is_held, least, middle), np.where(is_held, middle, greatest)
        return greatest

    def _holds(self, outputs, reach: np.ndarray, truths: np.ndarray) -> np.ndarray:
        low, high = (np.array(bound) for bound in self.bounds(outputs, reach))
        return (low <= truths) & (truths <= high)

    def position(self, outputs):
        # The mean, which moves with the score, but never fast.
        return self.explained(outputs)

    def masses(self, outputs):
        """The mass of each bin, float32 [batch, bins]: the weighted mean over the branches."""
        return sum(
            branch.weight * ops.softmax(logits / branch.temperature)
            for branch, logits in zip(self.branches, self._by_branch(outputs), strict=True)
        )

    def distribution(self, outputs) -> tuple:
        values, spread = self.values, self.spread
        if len(values) > TOLD_VALUES:
            steps = TOLD_VALUES - 1
            values, place = np.unique(np.round(self.values * steps) / steps, return_inverse=True)
            spread = spread @ np.eye(len(values))[place]
        return values.astype(np.float32), ops.matmul(self.masses(outputs), spread.astype(np.float32))

    def _by_branch(self, outputs) -> list:
        return ops.split(outputs, len(self.branches), axis=1) if len(self.branches) > 1 else [outputs]

    def fitted(self, outputs, truths) -> Self:
        """The head with the weights and temperatures with which the scores err least.

        Args:
          outputs: float32 [batch, outputs], of reviews that the model did not learn from.
          truths: float32 [batch], their scores in [0, 1].
        """
        every = -(-len(truths) // CHOOSING_ROWS)
        outputs, truths = outputs[::every], truths[::every]
        heads = [dataclasses.replace(self, branches=branches) for branches in _choices(len(self.branches))]
        return min(heads, key=lambda head: float(np.mean(np.abs(np.array(head.score(outputs)) - truths))))

    def about(self) -> dict:
        branches = [dataclasses.asdict(branch) for branch in self.branches]
        return {"kind": "distribution", "points": self.points.tolist(), "branches": branches}

    def explained(self, outputs):
        """The mean of the distribution, float32 [batch]."""
        return ops.matmul(self.masses(outputs), self.points.astype(np.float32)[:, None])[:, 0]

    def slopes(self, outputs, constants):
        """The mean's slope, averaged on the way from the constants to the outputs, float32 [batch, outputs].

        These are integrated gradients (Sundararajan, Taly and Yan, 2017), of a curve that has no other exact split.
        """
        branches = zip(self.branches, self._by_branch(constants[None]), self._by_branch(outputs), strict=True)
        return ops.concatenate([self._slopes_of(*branch) for branch in branches], axis=1)

    def _slopes_of(self, branch: Branch, start, end):
        points, total = self.points.astype(np.float32), 0.0
        for node, weight in zip(_NODES, _NODE_WEIGHTS, strict=True):
            masses = ops.softmax((start + node * (end - start)) / branch.temperature)
            mean = ops.sum(masses * points, axis=1, keepdims=True)
            total += branch.weight * weight / branch.temperature * masses * (points - mean)
        return total


def _choices(branches: int) -> list[tuple[Branch, ...]]:
    """The weights and temperatures that are tried, for one branch or two."""
    if branches == 1:
        return [(Branch(temperature=float(temperature)),) for temperature in TEMPERATURES]
    return [
        (Branch(1 - weight, float(first)), Branch(weight, float(second)))
        for first, second in itertools.product(FEW_TEMPERATURES, repeat=2)
        for weight in WEIGHTS
    ]


def _groups(scores: np.ndarray) -> list[tuple[float, float]]:
    """The values of a bin's sorted scores, or where they are many the means of groups, with their shares."""
    values, counts = np.unique(scores, return_counts=True)
    if len(values) <= VALUES_OF_BIN:
        return list(zip(values, counts / len(scores), strict=True))
    return [
        (group.mean(), len(group) / len(scores)) for group in np.array_split(scores, min(len(scores), GROUPS_OF_BIN))
    ]
