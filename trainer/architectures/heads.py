"""Reads a score and an interval from the outputs of a model's last layer.

Two heads: `PointHead`, the notebook's, whose output is the score itself, and that of `distribution_head`,
whose outputs are the logits of distributions over the score bins. All scores here are shares of
the scale, in [0, 1]; all functions take and return arrays or tensors, in a graph too.
"""

import abc
from typing import ClassVar

import keras
import numpy as np
from keras import ops

# Bounds give way by this share of the scale, so that rounding to float32 puts no score outside.
ROUNDING = 1e-5


class Head(abc.ABC):
    """Reads scores from a model's outputs, float32 [batch, outputs].

    What a subclass defines takes and returns arrays or tensors, but for `conformity` and `fitted`.

    Attributes:
      REACHES: For so many groups of reviews, by their predicted score, the reach of the interval is found apart.
    """

    REACHES: ClassVar[int] = 1

    @property
    @abc.abstractmethod
    def outputs(self) -> int:
        """How many outputs the model has."""

    @abc.abstractmethod
    def targets(self, scores):
        """What outputs are to be for scores in [0, 1], float32 [batch] -> [batch, outputs]; targets may be averaged."""

    @abc.abstractmethod
    def loss(self, targets, outputs):
        """The loss of each review, float32 [batch], for `model.compile`."""

    @abc.abstractmethod
    def score(self, outputs):
        """The score, float32 [batch]."""

    @abc.abstractmethod
    def bounds(self, outputs, reach):
        """The interval, its least and its greatest score, float32 [batch] each; a greater reach holds all of a smaller.

        Args:
          outputs: float32 [batch, outputs].
          reach: float32 [batch] or a number; infinity is the whole scale.
        """

    @abc.abstractmethod
    def conformity(self, outputs, truths) -> np.ndarray:
        """The least reach of an interval that holds the truth, float [batch].

        Args:
          outputs: float32 [batch, outputs], an array.
          truths: float32 [batch], in [0, 1].
        """

    @abc.abstractmethod
    def position(self, outputs):
        """The predicted score along which the reach of intervals varies, float32 [batch]."""

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

    def distribution(self, outputs) -> tuple | None:
        """How likely some scores are: these, float32 [values], ascending, and their masses, float32 [batch, values].

        None of a head that knows of no more than a score and an interval.
        """
        return None

    @abc.abstractmethod
    def about(self) -> dict:
        """The entry `head` of `reviews.json` and `metrics.json`."""

    def bias(self) -> np.ndarray:
        """The outputs that a model starts from, float32 [outputs]."""
        return np.zeros(self.outputs, np.float32)

    def fitted(self, outputs, truths) -> "Head":
        """The head with which the scores err least; itself where it has nothing to choose.

        Args:
          outputs: float32 [batch, outputs], of reviews that the model did not learn from.
          truths: float32 [batch], their scores in [0, 1].
        """
        return self


class PointHead(Head):
    """One output, the score; fitted to the mean absolute error."""

    @property
    def outputs(self) -> int:
        return 1

    def targets(self, scores):
        return scores[:, None]

    def loss(self, targets, outputs):
        return keras.losses.mean_absolute_error(targets, outputs)

    def score(self, outputs):
        return ops.clip(outputs[:, 0], 0.0, 1.0)

    def bounds(self, outputs, reach):
        # As far to both sides: the interval has one width.
        score = self.score(outputs)
        low, high = score - reach - ROUNDING, score + reach + ROUNDING
        return ops.clip(low, 0.0, 1.0), ops.clip(high, 0.0, 1.0)

    def conformity(self, outputs, truths) -> np.ndarray:
        return np.abs(np.array(self.score(outputs)) - truths)

    def position(self, outputs):
        return self.score(outputs)

    def about(self) -> dict:
        return {"kind": "point"}

    def explained(self, outputs):
        # Before it is clipped, the score is linear in the outputs.
        return outputs[:, 0]

    def slopes(self, outputs, constants):
        return ops.ones_like(outputs)
