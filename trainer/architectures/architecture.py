"""The base class of all architectures: how a model is built, and what training, export and report read from it."""

import dataclasses
from typing import ClassVar, Self

import keras
import numpy as np
import tensorflow as tf

from beam_pipelines.text.vocabulary import FIRST_ID, PADDING_ID
from trainer.architectures import layers, left_out
from trainer.architectures.distribution_head import DistributionHead
from trainer.architectures.heads import Head

# Layers over the pretrained vectors are named with it in front, and `optimizer.BranchAdam` learns them slower.
FROZEN = "frozen"
# The paths of the weights of `embed`.
FROZEN_VECTORS, LEARNED_VECTORS = "vectors/frozen", "vectors/learned"


@dataclasses.dataclass(frozen=True)
class WordVectors:
    """The vectors that a model starts from.

    Attributes:
      table: float32 [vocab, dim].
      learned_from: The first id whose vector is learned; None freezes all.
    """

    table: np.ndarray
    learned_from: int | None

    @classmethod
    def of(cls, table: np.ndarray, first_trained_id: int, *, learn_missing: bool) -> "WordVectors":
        """Decides which vectors are learned.

        Args:
          table: float32 [vocab, dim].
          first_trained_id: The first id without a pretrained vector.
          learn_missing: Whether to learn the vectors from there on. Where no token has a pretrained one, all are.
        """
        return cls(table, first_trained_id if learn_missing or first_trained_id == FIRST_ID else None)


class Architecture:
    """A built model, and what is read from it.

    A subclass defines `build`. All else has a default that holds for any Keras model of padded ids; a subclass
    overrides what it can do better. One with a folded form defines `POOLED`, `fold` and `read_out` together: a
    bulk job pools what `fold` returns in a way of its own, and `read_out` makes the model's outputs of it.

    Attributes:
      model: ids int64 [batch, time], padded with 0 -> what the head reads, float32 [batch, outputs].
      POOLED: What `read_out` takes, by name; empty without a folded form.
      BY_TOKEN: The paths of weights with a row for each id, or for the last ids. A warm start carries the rows of
        the tokens that both vocabularies have.
      BY_OUTPUT: The paths of weights whose last axis is the head's outputs, for a head of score bins. A warm start
        carries the nearest bins.
    """

    POOLED: ClassVar[tuple[str, ...]] = ()
    BY_TOKEN: ClassVar[frozenset[str]] = frozenset({LEARNED_VECTORS})
    BY_OUTPUT: ClassVar[frozenset[str]] = frozenset()

    def __init__(self, model: keras.Model):
        self.model = model

    @property
    def pooled(self) -> tuple[str, ...]:
        """What `read_out` takes, by name: `POOLED`, and what stands beside the model."""
        return self.POOLED

    @classmethod
    def head_for(cls, scores: np.ndarray) -> Head:
        """Makes the head that the architecture is built for, given the training scores in [0, 1]."""
        return DistributionHead.of(scores)

    @classmethod
    def build(cls, vectors: WordVectors, head: Head, *, use_cudnn: bool = True) -> Self:
        """Builds an untrained model.

        Args:
          vectors: Its first layer's; see `embed`.
          head: What reads its outputs.
          use_cudnn: False makes a graph that runs without a GPU, wherever it is traced.
        """
        raise NotImplementedError

    def fold(self) -> dict[str, tf.Tensor] | None:
        """Multiplies the vectors into what follows them, for a bulk job; None without a folded form.

        The names of the arrays tell the job which compiled loops to use.
        """
        return None

    def read_out(self, *pooled: tf.Tensor) -> tf.Tensor:
        """Returns the model's outputs, float32 [batch, outputs], given what is pooled of its folded form.

        Args:
          *pooled: float32 [batch, columns] each, as `POOLED` names them.
        """
        raise NotImplementedError

    def outputs(self, ids: tf.RaggedTensor) -> tf.Tensor:
        """Returns the model's outputs, float32 [batch, outputs], for serving.

        Args:
          ids: int64 [batch, time], at least one in each review.
        """
        return self.outputs_of_padded(pad(ids))

    def outputs_of_padded(self, ids: tf.Tensor) -> tf.Tensor:
        """Returns what `outputs` does, for ids int64 [batch, time] that are padded with 0."""
        return self.model(ids, training=False)

    def contributions(self, ids: tf.RaggedTensor) -> tuple[tf.Tensor, tf.Tensor] | None:
        """Splits the model's outputs into exact parts of the tokens; None where that cannot be done.

        Args:
          ids: int64 [batch, time], at least one in each review.

        Returns:
          float32 [batch, time, outputs], which over time add up, with the constants, to the model's
          outputs; the constants, float32 [outputs].
        """
        return None

    def outputs_and_without(
        self, ids: tf.RaggedTensor, starts: tf.Tensor, sizes: tf.Tensor
    ) -> tuple[tf.Tensor, tf.Tensor]:
        """Returns the model's outputs, and those without each phrase in turn.

        A review of which nothing is left is what an empty one is: one unknown token.

        Args:
          ids: int64 [batch, time], at least one in each review.
          starts: int32 [batch, phrases], ascending: the first token of each phrase. The phrases cover the review.
          sizes: int32 [batch, phrases], the tokens of each.

        Returns:
          float32 [batch, outputs] and [batch, phrases, outputs]; those without an empty phrase mean nothing.
        """
        return self.outputs(ids), left_out.outputs_without(self.outputs_of_padded, ids, starts, sizes)

    @property
    def tables(self) -> tf.Module | None:
        """The variables that an export holds beside the weights, computed from them when first asked for."""
        return None

    @property
    def replaced_weights(self) -> frozenset[str]:
        """The paths of the weights that an export does not need, since `tables` stands in for them."""
        return frozenset()

    def learned_vectors(self) -> np.ndarray | None:
        """Returns the vectors that the model learned, float32 [vocab, dim]; None where it keeps the given ones."""
        return None


def embed(vectors: WordVectors) -> tuple[keras.KerasTensor, keras.KerasTensor]:
    """Makes the layers that all models begin with: ids, and their vectors with a mask."""
    ids = keras.Input([None], dtype="int64", name="ids")
    return ids, layers.TokenVectors(vectors.table, vectors.learned_from, name="vectors")(ids)


def pad(ids: tf.RaggedTensor) -> tf.Tensor:
    """Pads ids to int64 [batch, time]; with one column at least, since an empty batch has no longest review."""
    padded = ids.to_tensor(PADDING_ID)
    return tf.pad(padded, [[0, 0], [0, tf.maximum(1 - tf.shape(padded)[1], 0)]])


def pad_rows(values: tf.RaggedTensor) -> tf.Tensor:
    """Pads float32 [batch, time, dim] with zeros; likewise with one column at least."""
    padded = values.to_tensor()
    return tf.pad(padded, [[0, 0], [0, tf.maximum(1 - tf.shape(padded)[1], 0)], [0, 0]])
